"""How far two sets of named tensors are from each other; it knows no thresholds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["Difference", "compare", "difference", "identical", "mismatch", "real"]


@dataclass(frozen=True)
class Difference:
    """Figures of one tensor against its reference, computed in float64 over the finite elements of the reference."""

    rel_max: float
    """Largest absolute difference over the largest absolute value of the reference: what tolerances judge."""
    rel_l2: float
    """L2 norm of the difference over that of the reference."""
    max_abs: float
    """Largest absolute difference."""
    cosine: float
    """Cosine of the angle between the two, flattened; 1.0 where both are zero."""
    agreement: float
    """Of floating numbers, share of rows of the last axis with the largest element at the same place; of others, share of
    elements that are equal."""
    chosen: bool = False
    """Whether the reference holds whole numbers or truth values: choices, which are the same or are not."""

    @property
    def far(self) -> float:
        """What a tolerance judges: ``rel_max``; of choices, 0 where all are the same, and else infinity."""
        if not self.chosen:
            return self.rel_max
        return 0.0 if self.agreement == 1.0 else math.inf

    def metrics(self) -> dict[str, float | int | str]:
        """The figures that any tensor has, by name."""
        return {name: float(getattr(self, name)) for name in ("rel_max", "rel_l2", "max_abs", "cosine")}


def difference(actual: torch.Tensor, reference: torch.Tensor) -> Difference:
    """How far ``actual`` is from ``reference``, tensors of one shape on any device.

    Infinities must stand at the same places; they and NaN are otherwise infinitely far. The largest number of a dtype
    is one of them: models write it where they mean that, and in another dtype it is another number.
    """
    import torch

    chosen = not _floating(reference)
    left, right = real(actual), real(reference)
    if left.numel() == 0:
        return Difference(0.0, 0.0, 0.0, 1.0, 1.0, chosen)
    agreement = _equal(actual, reference) if chosen else _argmax_agreement(left, right)
    finite = torch.isfinite(right)
    if bool((~finite).any()):
        if not torch.equal(left[~finite].nan_to_num(0.5), right[~finite].nan_to_num(0.5)):
            return Difference(math.inf, math.inf, math.inf, 0.0, 0.0)
        left, right = left[finite], right[finite]
        if left.numel() == 0:
            return Difference(0.0, 0.0, 0.0, 1.0, agreement)
    if not bool(torch.isfinite(left).all()):
        return Difference(math.inf, math.inf, math.inf, 0.0, agreement, chosen)
    delta = (left - right).flatten()
    largest, scale = float(delta.abs().max()), float(right.abs().max())
    norm, other = float(right.norm()), float(left.norm())
    return Difference(
        rel_max=_ratio(largest, scale),
        rel_l2=_ratio(float(delta.norm()), norm),
        max_abs=largest,
        cosine=float(left.flatten() @ right.flatten()) / (norm * other) if norm and other else float(norm == other),
        agreement=agreement,
        chosen=chosen,
    )


def compare(actual: Mapping[str, torch.Tensor], reference: Mapping[str, torch.Tensor]) -> dict[str, Difference]:
    """The difference of every tensor of the reference; both must have passed ``mismatch``."""
    return {name: difference(actual[name], value) for name, value in reference.items()}


def mismatch(actual: Mapping[str, torch.Tensor], reference: Mapping[str, torch.Tensor]) -> str | None:
    """What makes the two incomparable, in a few words: names, shapes, or floating numbers where the other has none; None
    if nothing does. How many bits a number has makes no difference here."""
    if missing := sorted(set(reference) - set(actual)):
        return f"does not give {', '.join(missing)}"
    if extra := sorted(set(actual) - set(reference)):
        return f"also gives {', '.join(extra)}"
    for name, value in reference.items():
        if actual[name].shape != value.shape:
            return f"gives {name} with shape {tuple(actual[name].shape)} instead of {tuple(value.shape)}"
        if _kind(actual[name]) != _kind(value):
            return f"gives {name} as {_dtype(actual[name])} instead of {_dtype(value)}"
    return None


def identical(actual: torch.Tensor, reference: torch.Tensor) -> bool:
    """Whether two tensors have the same shape, dtype and values, NaN being the same as NaN."""
    import torch

    if actual.shape != reference.shape or actual.dtype != reference.dtype:
        return False
    left, right = actual.detach().cpu(), reference.detach().cpu()
    return torch.equal(left, right) or bool(((left == right) | (left.isnan() & right.isnan())).all())


def real(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor in float64 on the CPU, a complex one as pairs, with infinities where it holds its dtype's largest."""
    import torch

    plain = tensor.detach().cpu()
    plain = torch.view_as_real(plain.resolve_conj()) if plain.is_complex() else plain
    wide = plain.double()
    if not plain.is_floating_point():
        return wide
    return torch.where(plain.abs() == torch.finfo(plain.dtype).max, wide.sign() * math.inf, wide)


def _argmax_agreement(left: torch.Tensor, right: torch.Tensor) -> float:
    if left.ndim == 0 or left.shape[-1] < 2:
        return 1.0
    return float((left.nan_to_num().argmax(-1) == right.nan_to_num().argmax(-1)).double().mean())


def _equal(actual: torch.Tensor, reference: torch.Tensor) -> float:
    # As they are: float64 does not tell all whole numbers apart.
    return float((actual.detach().cpu() == reference.detach().cpu()).double().mean())


def _floating(tensor: torch.Tensor) -> bool:
    return bool(tensor.is_floating_point() or tensor.is_complex())


def _kind(tensor: torch.Tensor) -> tuple[bool, bool]:
    """Whether a tensor holds complex numbers, or real ones with a fraction; else it holds whole ones or truth values."""
    return bool(tensor.is_complex()), bool(tensor.is_floating_point())


def _dtype(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _ratio(value: float, scale: float) -> float:
    if value == 0.0:
        return 0.0
    return value / scale if scale else math.inf
