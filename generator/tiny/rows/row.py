"""The record of an exception to the rules; the exceptions themselves are tables beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Row"]


@dataclass(frozen=True)
class Row:
    """A departure from the rules for one model type, or for one of its heads."""

    model_type: str
    """The type."""
    reason: str
    """Why the rules do not serve, for the reader of the skill."""
    heads: tuple[str, ...] = ()
    """Heads that it applies to; empty for all."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """Config arguments, merged over what the rules gave."""
    inputs: Mapping[str, tuple[str, Mapping[str, Any]] | None] = field(default_factory=dict)
    """Inputs by name: kind and arguments, or None to feed none."""
    indifferent: tuple[str, ...] = ()
    """Inputs that the outputs need not follow."""
    generation: Mapping[str, Any] | None = field(default_factory=dict)
    """Arguments of ``generate()``, merged over the rules'; None where the head does not generate."""
    method: str = "forward"
    """What a user of the head calls."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments of that call."""
    generation_config: Mapping[str, Any] = field(default_factory=dict)
    """Attributes of the model's generation config."""
    steps: tuple[Mapping[str, Any], ...] = ()
    """What a user does with the inputs where one call is not all; ``harness.steps`` says how they are written."""
    batch: int | None = None
    """Rows of the inputs that can be taken apart, where they are others than the rules give."""
