"""What a check is: a name, a question, whether it can be put to a head, and how it is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.session import Session
    from harness.skill import Head

__all__ = ["Check", "Outcome", "always", "passed"]


@dataclass(frozen=True)
class Outcome:
    """A check's answer for one session."""

    status: str
    """``passed``, ``failed`` or ``vacuous``, or ``unavailable`` where part of the question could not be asked here;
    everything else is for the engine to say."""
    reason: str | None = None
    """One sentence for people; None when passed."""
    metrics: Mapping[str, float | int | str] = field(default_factory=dict)
    """Figures by name, kept whether it passed or not."""
    samples: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Seconds of each measurement by name, kept beside the record."""


@dataclass(frozen=True)
class Check:
    """One question put to a head on a hardware."""

    name: str
    """Last part of the cell's id."""
    question: str
    """What it asks, for people."""
    axis: str
    """The axis that its answer is a verdict on: ``runs``, ``matches`` or ``speed``."""
    applicable: Callable[[Head], str | None]
    """None if it can be put to this head, else why not."""
    run: Callable[[Session], Outcome]
    """Answers it. Exceptions are the engine's to record."""
    compiled: bool = False
    """Whether it can be put to what a hardware compiled from the model for the shapes of its inputs; where it asks for the
    module itself, other weights or other shapes, the question is torch's to answer."""
    costly: bool = False
    """Whether it is put to what was compiled only where it is named: a graph of its own is made for it, or several."""
    extra: bool = False
    """Whether it is put to anything only where it is named."""

    @property
    def alone(self) -> bool:
        """Whether nothing else may run beside it: what it says is how long something takes."""
        return self.axis == "speed"

    def put(self, *, module: bool, named: bool, ready: bool = False) -> bool:
        """Whether hardware is asked it that runs the torch module, or what was compiled from it, if checks were named; what is
        ``ready`` for it has made its graphs already."""
        if self.extra and not named:
            return False
        return module or (self.compiled and (named or ready or not self.costly))


def passed(metrics: Mapping[str, float | int | str] | None = None) -> Outcome:
    """A pass, with its figures."""
    return Outcome("passed", metrics=metrics or {})


def always(head: Head) -> None:
    """Applicable to every head."""
    del head
