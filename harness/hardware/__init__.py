"""The hardwares by name: those built in, and third parties' through the entry points of ``skillmatrix.hardware``."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import re
from collections.abc import Callable
from difflib import get_close_matches

from harness.hardware.protocol import Generator, Hardware, Runner, UnsupportedError, generator

__all__ = [
    "Generator",
    "Hardware",
    "Runner",
    "UnknownHardwareError",
    "UnsupportedError",
    "generator",
    "hardware",
    "names",
    "register",
]

BUILTIN = {
    "cpu": "harness.hardware.cpu:Cpu",
    "cuda": "harness.hardware.cuda:Cuda",
    "rocm": "harness.hardware.rocm:Rocm",
    "xpu": "harness.hardware.xpu:Xpu",
    "mps": "harness.hardware.mps:Mps",
    "openvino": "harness.hardware.openvino:OpenVino",
    "onnxruntime": "harness.hardware.onnxruntime:OnnxRuntime",
    "optimum": "harness.hardware.optimum:Optimum",
    "compile": "harness.hardware.torch_compile:TorchCompile",
    "executorch": "harness.hardware.executorch:ExecuTorch",
}
GROUP = "skillmatrix.hardware"

_VARIANT = re.compile(r"(?P<name>\w+)(?::(?P<device>\w[\w.]*))?(?:@(?P<route>\w+))?")
"""One of a hardware's devices, and one of its ways by itself: ``openvino:GPU``, ``cuda:1``, ``openvino@trace``, ``cpu@sdpa``."""

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
        name: one of ``names()``, with a device and a route (``openvino:GPU@trace``, ``cuda:1@sdpa``) where its class takes
            arguments of these names.

    Raises:
        UnknownHardwareError: with the nearest names, or with what the class says of the device or the route.
    """
    if name not in _registered:
        parts = _VARIANT.fullmatch(name)
        made = _class(parts["name"]) if parts else None
        if parts is None or made is None:
            near = get_close_matches(name, names(), n=3) or list(names())
            raise UnknownHardwareError(f"no hardware is called {name!r}. Known here: {', '.join(near)}")
        arguments = {key: parts[key] for key in ("device", "route") if parts[key]}
        for key in arguments:
            if key not in inspect.signature(made).parameters:
                raise UnknownHardwareError(f"no hardware is called {name!r}: {parts['name']} has no {key} to choose")
        try:
            _registered[name] = made(**arguments)
        except ValueError as error:
            raise UnknownHardwareError(f"no hardware is called {name!r}: {error}") from error
    return _registered[name]


def _class(name: str) -> Callable[..., Hardware] | None:
    """The class of a hardware, a third party's too; None if there is none of this name."""
    points = {point.name: point for point in importlib.metadata.entry_points(group=GROUP)}
    if name in BUILTIN:
        module, _, attribute = BUILTIN[name].partition(":")
        found: Callable[..., Hardware] = getattr(importlib.import_module(module), attribute)
        return found
    return points[name].load() if name in points else None


def register(item: Hardware) -> None:
    """Make a hardware known in this process, in place of any of the same name."""
    _registered[item.name] = item
