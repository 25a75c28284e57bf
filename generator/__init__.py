"""From an installed transformers to skill files; imports neither torch nor transformers until it must."""

from compat import torchvision

torchvision.register()
