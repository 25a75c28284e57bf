"""How far two sets of named tensors are from each other; it knows no thresholds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
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
    argmax_agreement: float
    """Share of rows of the last axis with the largest element at the same place; for integers, share equal."""

    def metrics(self) -> dict[str, float | int | str]:
        """The figures by name."""
        return {field.name: float(getattr(self, field.name)) for field in fields(self)}


def difference(actual: torch.Tensor, reference: torch.Tensor) -> Difference:
    """How far ``actual`` is from ``reference``, tensors of one shape on any device.

    Infinities must stand at the same places; they and NaN are otherwise infinitely far. The largest number of a dtype
    is one of them: models write it where they mean that, and in another dtype it is another number.
    """
    import torch

    integral = not reference.is_floating_point() and not reference.is_complex()
    left, right = real(actual), real(reference)
    if left.numel() == 0:
        return Difference(0.0, 0.0, 0.0, 1.0, 1.0)
    finite = torch.isfinite(right)
    if bool((~finite).any()):
        if not torch.equal(left[~finite].nan_to_num(0.5), right[~finite].nan_to_num(0.5)):
            return Difference(math.inf, math.inf, math.inf, 0.0, 0.0)
        agreement = _agreement(left, right, integral)
        left, right = left[finite], right[finite]
        if left.numel() == 0:
            return Difference(0.0, 0.0, 0.0, 1.0, agreement)
    else:
        agreement = _agreement(left, right, integral)
    if not bool(torch.isfinite(left).all()):
        return Difference(math.inf, math.inf, math.inf, 0.0, agreement)
    delta = (left - right).flatten()
    largest, scale = float(delta.abs().max()), float(right.abs().max())
    norm, other = float(right.norm()), float(left.norm())
    return Difference(
        rel_max=_ratio(largest, scale),
        rel_l2=_ratio(float(delta.norm()), norm),
        max_abs=largest,
        cosine=float(left.flatten() @ right.flatten()) / (norm * other) if norm and other else float(norm == other),
        argmax_agreement=agreement,
    )


def compare(actual: Mapping[str, torch.Tensor], reference: Mapping[str, torch.Tensor]) -> dict[str, Difference]:
    """The difference of every tensor of the reference; both must have passed ``mismatch``."""
    return {name: difference(actual[name], value) for name, value in reference.items()}


def mismatch(actual: Mapping[str, torch.Tensor], reference: Mapping[str, torch.Tensor]) -> str | None:
    """What makes the two incomparable, in a few words: names or shapes; None if nothing does."""
    if missing := sorted(set(reference) - set(actual)):
        return f"does not give {', '.join(missing)}"
    if extra := sorted(set(actual) - set(reference)):
        return f"also gives {', '.join(extra)}"
    for name, value in reference.items():
        if actual[name].shape != value.shape:
            return f"gives {name} with shape {tuple(actual[name].shape)} instead of {tuple(value.shape)}"
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


def _agreement(left: torch.Tensor, right: torch.Tensor, integral: bool) -> float:
    if integral or left.ndim == 0 or left.shape[-1] < 2:
        return float((left == right).double().mean()) if integral else 1.0
    return float((left.nan_to_num().argmax(-1) == right.nan_to_num().argmax(-1)).double().mean())


def _ratio(value: float, scale: float) -> float:
    if value == 0.0:
        return 0.0
    return value / scale if scale else math.inf
