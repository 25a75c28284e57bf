"""How a model is called with its inputs, and what it gave by name; on whatever device its parameters are."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.outputs import named

if TYPE_CHECKING:
    import torch

__all__ = ["FORWARD", "Call", "invoke"]


@dataclass(frozen=True)
class Call:
    """How a model is called."""

    method: str = "forward"
    """The method; ``forward`` means that the model itself is called."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Further keyword arguments."""


FORWARD = Call()
"""A plain forward."""


def invoke(model: Any, call: Call, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The named outputs of a call: without a cache and with named fields, where the method has arguments for that."""
    method = model if call.method == "forward" else getattr(model, call.method)
    accepted = inspect.signature(getattr(model, call.method)).parameters
    fixed = {name: value for name, value in (("return_dict", True), ("use_cache", False)) if name in accepted}
    return named(method(**{**fixed, **call.arguments, **inputs}))
