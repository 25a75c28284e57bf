"""How a model is called with its inputs, and what it gave by name; on whatever device its parameters are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from harness import steps
from harness.outputs import named

if TYPE_CHECKING:
    import torch

    from harness.skill import Head

__all__ = ["FORWARD", "Call", "invoke"]


@dataclass(frozen=True)
class Call:
    """How a model is called."""

    method: str = "forward"
    """The method; ``forward`` means that the model itself is called."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Further keyword arguments."""
    steps: Sequence[Mapping[str, Any]] = ()
    """What is done in place of that one call; ``harness.steps`` says how it is written."""

    @classmethod
    def of(cls, head: Head) -> Self:
        """How a user calls the head."""
        return cls(head.method, head.arguments, head.steps)


FORWARD = Call()
"""A plain forward."""


def invoke(model: Any, call: Call, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The named outputs of a call: without a cache and with named fields, where the method has arguments for that."""
    if call.steps:
        return steps.follow(model, call.steps, inputs)
    method = getattr(model, call.method)
    called = model if call.method == "forward" else method
    return named(called(**{**steps.fixed(method), **call.arguments, **inputs}))
