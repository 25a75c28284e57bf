"""Does one forward give the declared outputs, with the declared shapes and dtypes, and numbers in them?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checks.protocol import Check, Outcome, always, passed
from harness.weights import DTYPES

if TYPE_CHECKING:
    import torch

    from harness.session import Session

FREE = -1
"""In a declared shape: any size, where it follows the weights."""


def run(session: Session) -> Outcome:
    """NaN is vacuous; an infinity fails, but for -inf in an output of which a note says so."""
    outputs = session.outputs
    session.at("compare")
    metrics: dict[str, float | int | str] = {"outputs": len(outputs)}
    memory = session.runner.peak_memory()
    if memory is not None:
        metrics["peak_memory_bytes"] = memory
    declared = session.given(session.head.outputs)
    if missing := [name for name in declared if name not in outputs]:
        return Outcome("failed", f"does not give {', '.join(missing)}", metrics)
    if extra := [name for name in outputs if name not in declared]:
        return Outcome("failed", f"gives {', '.join(extra)}, which the skill does not declare", metrics)
    if not declared:
        return Outcome("vacuous", "the skill declares no outputs", metrics)
    for name, (shape, dtype) in declared.items():
        tensor = outputs[name]
        found = tuple(tensor.shape)
        if len(found) != len(shape) or any(want not in (FREE, size) for want, size in zip(shape, found, strict=True)):
            return Outcome("failed", f"gives {name} with shape {found} instead of {tuple(shape)}", metrics)
        given = str(tensor.dtype).removeprefix("torch.")
        # In 16 bits a model may still give float32 where its code asks for it.
        if given not in {dtype, DTYPES.get(session.dtype, dtype) if dtype == "float32" else dtype}:
            return Outcome("failed", f"gives {name} as {given} instead of {dtype}", metrics)
    for name in declared:
        if problem := not_finite(session, name, outputs[name]):
            return Outcome(*problem, metrics)
    return passed(metrics)


def not_finite(session: Session, name: str, tensor: torch.Tensor) -> tuple[str, str] | None:
    """Status and reason where an output holds what is no number, and its head does not say that it may; None where not."""
    import torch

    if not tensor.is_floating_point() and not tensor.is_complex():
        return None
    if count := int(torch.isnan(tensor).sum()):
        return "vacuous", f"{name} holds {count} NaN of {tensor.numel()}"
    if tensor.is_complex():
        return None
    if count := int(torch.isposinf(tensor).sum()):
        return "failed", f"{name} holds {count} infinities of {tensor.numel()}"
    if (count := int(torch.isneginf(tensor).sum())) and name not in session.head.infinite:
        return "failed", f"{name} holds {count} negative infinities of {tensor.numel()}, and is not declared to"
    return None


CHECK = Check("forward", "Does it give the declared outputs, all numbers?", "runs", always, run, compiled=True)
