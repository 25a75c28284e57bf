"""From a skill to result records: inputs, checks, hardware, the pytest plugin."""

from compat import torchvision

torchvision.register()
