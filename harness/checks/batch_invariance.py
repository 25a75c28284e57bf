"""Does a row give alone what it gives in its batch?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness.checks.protocol import Check, Outcome, passed
from harness.comparison import Difference, difference
from harness.tolerances import tolerance

if TYPE_CHECKING:
    import torch

    from harness.session import Session
    from harness.skill import Head


def applicable(head: Head) -> str | None:
    """There must be rows to take apart."""
    return None if head.batch > 1 else "its rows cannot be taken apart"


def run(session: Session) -> Outcome:
    """Each row's outputs are compared to its part of the batch's.

    An input is divided as it says: image patches of all rows may be listed one after the other. An output is divided
    along each dimension that is ``batch`` times smaller for a row alone, so that a row alone has the diagonal element of a
    similarity matrix. Several items a row may also be listed item by item. A list that is ``batch`` times longer for the
    batch holds the rows' items one after the other.
    """
    batch, together = session.head.batch, session.outputs
    bound = tolerance(session.hardware.name, session.dtype, "batch_invariance").rel_max
    found: dict[str, dict[str, Difference]] = {}
    missing = set(together)
    for index in range(batch):
        declared = session.head.inputs
        alone = session.run({name: declared[name].row(item, index, batch) for name, item in session.inputs.items()})
        places = {name: _place(name, alone, together, index, batch) for name in alone}
        if not together.keys() >= set(places.values()):
            return Outcome("failed", f"row {index} alone gives other outputs than the batch")
        missing -= set(places.values())
        for name, tensor in alone.items():
            whole = together[places[name]]
            parts = _parts(whole, tensor.shape, index, batch)
            if not parts:
                shapes = f"{tuple(tensor.shape)} alone and {tuple(whole.shape)} in a batch of {batch}"
                return Outcome("failed", f"{name} has shape {shapes}, of which it is no row")
            if next(iter(parts.values())) is whole and _place(name, alone, together, 1, batch) == name:
                continue
            so_far = found.setdefault(name, {})
            for order, part in parts.items():
                here = difference(tensor, part)
                if order not in so_far or here.rel_max > so_far[order].rel_max:
                    so_far[order] = here
    if missing:
        return Outcome("failed", f"no row alone gives {min(missing)}, which the batch gives")
    if not found:
        return Outcome("vacuous", "no output has rows that could be compared")
    # An output has one order for all rows: the one in which its worst row fits best.
    fitting = {name: min(orders.values(), key=lambda item: item.rel_max) for name, orders in found.items()}
    name, worst = max(fitting.items(), key=lambda item: item[1].rel_max)
    metrics = {**worst.metrics(), "tolerance": bound, "worst_output": name}
    if worst.rel_max > bound:
        reason = f"a row alone differs from itself in the batch in {name} by {worst.rel_max:.1e} of its scale"
        return Outcome("failed", reason, metrics)
    return passed(metrics)


def _place(name: str, alone: Iterable[str], together: Iterable[str], index: int, batch: int) -> str:
    """The name in the batch of what row ``index`` alone gives as ``name``: another where it is in a list of all rows."""
    parts = name.split(".")
    found: list[str] = []
    for depth, part in enumerate(parts):
        skipped = 0
        if part.isdecimal():
            here = _length(".".join(parts[:depth]), alone)
            skipped = index * here if _length(".".join(found), together) == batch * here else 0
        found.append(str(int(part) + skipped) if skipped else part)
    return ".".join(found)


def _length(prefix: str, names: Iterable[str]) -> int:
    """Items of the list of that name."""
    depth = len(prefix.split(".")) if prefix else 0
    return len({name.split(".")[depth] for name in names if not prefix or name.startswith(f"{prefix}.")})


def _parts(whole: torch.Tensor, shape: torch.Size, index: int, batch: int) -> dict[str, torch.Tensor]:
    """What of the batch's output may be row ``index``, by the order of the rows: each row whole, or all rows' first items,
    then all their second ones (frames of videos); the whole if it has no rows, nothing if it cannot have any."""
    if whole.ndim != len(shape):
        return {}
    part = taken = whole
    for dimension, size in enumerate(shape):
        if whole.shape[dimension] == size:
            continue
        if whole.shape[dimension] != batch * size:
            return {}
        part = part.narrow(dimension, index * size, size)
        taken = taken[index::batch] if dimension == 0 else taken.narrow(dimension, index * size, size)
    several = bool(shape) and shape[0] > 1 and whole.shape[0] == batch * shape[0]
    return {"row by row": part, "item by item": taken} if several else {"row by row": part}


CHECK = Check("batch_invariance", "Does a row give alone what it gives in its batch?", "matches", applicable, run)
