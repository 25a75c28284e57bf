"""The hardwares by name: those built in, and third parties' through the entry points of ``skillmatrix.hardware``."""

from __future__ import annotations

import importlib
import importlib.metadata
import re
from difflib import get_close_matches

from harness.hardware.protocol import Hardware, Runner, UnsupportedError

__all__ = ["Hardware", "Runner", "UnknownHardwareError", "UnsupportedError", "hardware", "names", "register"]

BUILTIN = {
    "cpu": "harness.hardware.cpu:Cpu",
    "cuda": "harness.hardware.cuda:Cuda",
    "openvino": "harness.hardware.openvino:OpenVino",
    "onnxruntime": "harness.hardware.onnxruntime:OnnxRuntime",
}
GROUP = "skillmatrix.hardware"

_VARIANT = re.compile(r"(?P<name>openvino|onnxruntime)(?::(?P<device>\w[\w.]*))?(?:@(?P<route>\w+))?")
"""A device other than the CPU, and one route by itself: ``openvino:GPU``, ``openvino@trace``."""

_registered: dict[str, Hardware] = {}


class UnknownHardwareError(ValueError):
    """No hardware has this name."""


def names() -> tuple[str, ...]:
    """Every known hardware, built-in ones first, whether or not it is here."""
    found = [*BUILTIN, *(point.name for point in importlib.metadata.entry_points(group=GROUP)), *_registered]
    return tuple(dict.fromkeys(found))


def hardware(name: str) -> Hardware:
    """The hardware of a name; one object a process.

    Args:
        name: one of ``names()``; a built-in one that compiles may have a device and a route (``openvino:GPU@trace``).

    Raises:
        UnknownHardwareError: with the nearest names.
    """
    if name not in _registered:
        points = {point.name: point for point in importlib.metadata.entry_points(group=GROUP)}
        if name in BUILTIN:
            module, _, attribute = BUILTIN[name].partition(":")
            _registered[name] = getattr(importlib.import_module(module), attribute)()
        elif name in points:
            _registered[name] = points[name].load()()
        elif parts := _VARIANT.fullmatch(name):
            module, _, attribute = BUILTIN[parts["name"]].partition(":")
            arguments = {key: parts[key] for key in ("device", "route") if parts[key]}
            try:
                _registered[name] = getattr(importlib.import_module(module), attribute)(**arguments)
            except ValueError as error:
                raise UnknownHardwareError(f"no hardware is called {name!r}: {error}") from error
        else:
            near = get_close_matches(name, names(), n=3) or list(names())
            raise UnknownHardwareError(f"no hardware is called {name!r}. Known here: {', '.join(near)}")
    return _registered[name]


def register(item: Hardware) -> None:
    """Make a hardware known in this process, in place of any of the same name."""
    _registered[item.name] = item
