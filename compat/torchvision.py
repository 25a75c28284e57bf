"""torchvision beside a torch of another build: all of it that is Python works, its compiled operators do not.

The wheels of torchvision on PyPI are linked with torch's CUDA libraries. Beside a CPU build of torch their extension cannot
be loaded, which torchvision itself allows for (its operators then raise ``Couldn't load custom C++ ops`` when they are
called), were it not that it registers the shapes of two operators that only the extension declares, and so cannot even be
imported (``operator torchvision::nms does not exist``). Here those two are declared, and not implemented: nothing stands in
for them. Where the extension loads, nothing is done.
"""

from __future__ import annotations

import importlib.machinery
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["register"]

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
"""The operators whose shapes ``torchvision/_meta_registrations.py`` registers, as its extension declares them
(torchvision/csrc/ops/nms.cpp)."""

_declared: list[Any] = []
"""Keeps the declarations alive: torch forgets them with the object that made them."""


def register() -> None:
    """Have torchvision looked at when it is first imported, if ever; a second call does nothing."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder:
    """Finds torchvision where it is, and gives it a loader that declares first."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != "torchvision":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = _Loader(name, spec.origin)
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        _declare(Path(self.path).parent)
        super().exec_module(module)


def _declare(folder: Path) -> None:
    """Declare the operators unless the extension in the package's folder loads."""
    import torch

    try:
        for extension in folder.glob("_C*.so"):
            torch.ops.load_library(extension)
            return
    except OSError:
        pass  # torchvision itself takes this for having no operators
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in SCHEMAS:
        library.define(schema)
    _declared.append(library)
