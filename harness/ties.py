"""Ties: choices between scores so close that either is right. The reference is asked, not a list of models.

A top-k, an argmax or a threshold turns a difference in the last bits of a score into another index, code or box, and into
other numbers in all that is computed from it. Such a difference is no error where the reference chooses so too: it is run
again, a few times, with its weights moved at random by no more than a part of the tolerance, and what the hardware gave
must be, in every output at once, what one of these neighbours gave. Only a head that chooses is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.agreement import Agreement, agreement
from harness.comparison import mismatch

if TYPE_CHECKING:
    import torch

    from harness.session import Subject

__all__ = ["chooses", "neighbours", "tied"]

PART = 0.1
"""Part of the tolerance by which a weight is moved, of its own size."""

NEIGHBOURS = 16
"""How often the reference is run again; two scores that are tied change places in about half of them."""


def tied(
    subject: Subject,
    inputs: Mapping[str, torch.Tensor],
    actual: Mapping[str, torch.Tensor],
    bound: float,
    *,
    wide: bool,
) -> Agreement | None:
    """How ``actual`` agrees with a neighbour of the reference that chose as it did; None where it is no tie.

    Args:
        subject: the head.
        inputs: what it was called with, on the CPU.
        actual: named tensors of the reference's names and shapes.
        bound: the tolerance.
        wide: whether the reference is the one in float64.
    """
    if not bound or not chooses(subject, inputs):
        return None
    for near in neighbours(subject, inputs, bound * PART, wide=wide):
        if mismatch(actual, near) is None and (found := agreement(actual, near, bound)).holds:
            return found
    return None


def chooses(subject: Subject, inputs: Mapping[str, torch.Tensor]) -> bool:
    """Whether some operation of the model makes whole numbers or truth values of floating numbers."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    found: list[str] = []

    class Listen(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            tensors = [item for item in args if isinstance(item, torch.Tensor)]
            given = result if isinstance(result, (tuple, list)) else [result]
            whole = [item for item in given if isinstance(item, torch.Tensor) and not item.is_floating_point()]
            if whole and any(item.is_floating_point() for item in tensors):
                found.append(str(func))
            return result

    model = subject.model  # which is built, where it is not yet, unheard
    with Listen():
        subject.narrowly(model, inputs)
    return bool(found)


def neighbours(
    subject: Subject, inputs: Mapping[str, torch.Tensor], amount: float, *, wide: bool
) -> Iterator[dict[str, torch.Tensor]]:
    """What the reference gives with each weight moved at random by up to ``amount`` of its size, once and again."""
    import torch

    for number in range(NEIGHBOURS):
        model = subject.build(subject.seed)
        generator = torch.Generator().manual_seed(number)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.is_floating_point():
                    drawn = torch.rand(parameter.shape, generator=generator, dtype=torch.float32) * 2 - 1
                    parameter.mul_(1 + amount * drawn)
        yield subject.widely(model, inputs) if wide else subject.narrowly(model, inputs)
