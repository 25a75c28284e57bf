"""Would anything be noticed: do the outputs follow the weights and every input that should matter?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import steps
from harness.checks.protocol import Check, Outcome, always, passed
from harness.comparison import difference, real
from harness.inputs import draw

if TYPE_CHECKING:
    import torch

    from harness.session import Session

NOTICEABLE = 1e-5
"""Least change, relative to the output's scale, that other weights or inputs must make: some ten times what float32
rounding makes in a tiny model."""


def run(session: Session) -> Outcome:
    """Vacuous on the first output or input that proves nothing."""
    outputs = session.outputs
    session.at("compare")
    floating = {name: tensor for name, tensor in outputs.items() if tensor.is_floating_point()}
    if not floating:
        return Outcome("vacuous", "no output is a floating number, so no error can show in one")
    for name, tensor in floating.items():
        if _constant(tensor):
            return Outcome("vacuous", f"{name} is constant")
    metrics: dict[str, float | int | str] = {}
    if problem := _deaf_to_weights(session, floating, metrics):
        return Outcome("vacuous", problem, metrics)
    for name, item in session.head.inputs.items():
        if not item.matters:
            continue
        changed = session.run(draw(session.head.inputs, session.subject.seed, changed=name))
        moved = {output: change(changed.get(output), tensor) for output, tensor in outputs.items()}
        metrics[f"change_by_{name}"] = max(moved.values())
        for part, made_of, members in _parts(session):
            if name in made_of and not max(moved[output] for output in members) > NOTICEABLE:
                return Outcome("vacuous", f"no output{f' of {part}' if part else ''} follows {name}", metrics)
    return passed(metrics)


def _parts(session: Session) -> list[tuple[str, frozenset[str], tuple[str, ...]]]:
    """What must follow the inputs by itself, so that a decoder that ignores its codes does not hide behind the encoder."""
    head, outputs = session.head, tuple(session.outputs)
    return list(steps.parts(head.steps, outputs)) if head.steps else [("", frozenset(head.inputs), outputs)]


def _deaf_to_weights(
    session: Session, floating: dict[str, torch.Tensor], metrics: dict[str, float | int | str]
) -> str | None:
    """Why the outputs do not prove anything of the weights; an output may be declared fixed, but not all of them."""
    other = session.run(session.inputs, session.prepare(session.subject.build(session.subject.seed + 1)))
    moved = {name: change(other.get(name), tensor) for name, tensor in floating.items()}
    metrics["change_by_weights"] = min(moved.values())
    if max(moved.values()) <= NOTICEABLE:
        return "no output follows the weights"
    for name, amount in moved.items():
        if amount <= NOTICEABLE and name not in session.head.fixed:
            return f"{name} does not follow the weights, and is not declared fixed"
    return None


def _constant(tensor: torch.Tensor) -> bool:
    import torch

    if tensor.numel() < 2:
        return False
    numbers = real(tensor)
    finite = numbers[torch.isfinite(numbers)]
    if finite.numel() == 0:
        return True
    low, high = float(finite.min()), float(finite.max())
    return high - low <= NOTICEABLE * max(abs(low), abs(high))


def change(other: torch.Tensor | None, tensor: torch.Tensor) -> float:
    """Largest change relative to scale; an output that went, came or took another shape has changed wholly."""
    if other is None or other.shape != tensor.shape:
        return 1.0
    return difference(other, tensor).rel_max


CHECK = Check("vacuity", "Do the outputs follow the weights and the inputs?", "runs", always, run)
