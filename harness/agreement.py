"""Whether outputs agree with a reference: the rule for each kind of output, and the figures that a record keeps of them.

A floating output must lie within the bound; a choice (whole numbers, truth values) must be the same. Which of two scores
that are closer than the bound a model chose by is ``harness.ties``'s question.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.comparison import Difference, compare

if TYPE_CHECKING:
    import torch

__all__ = ["Agreement", "agreement"]

KEPT = 8
"""Outputs that a record keeps figures of, the worst first; most heads have fewer, and some have all their layers'."""


@dataclass(frozen=True)
class Agreement:
    """How far each output is from its reference, and which of them decides."""

    differences: Mapping[str, Difference]
    """Of every output."""
    judged: tuple[str, ...]
    """Outputs that are held to the bound, the worst first."""
    bound: float
    """Largest ``rel_max`` that agrees; 0 asks for equal numbers."""

    @property
    def worst(self) -> str:
        """The output that decides.

        Raises:
            IndexError: none is judged.
        """
        return self.judged[0]

    @property
    def holds(self) -> bool:
        """Whether all judged outputs agree; where none is, nothing is shown."""
        return bool(self.judged) and self.differences[self.worst].far <= self.bound

    @property
    def excess(self) -> float:
        """How far the worst output is, in bounds: over 1 it disagrees."""
        far = self.differences[self.worst].far
        return far / self.bound if self.bound else math.inf if far else 0.0

    @property
    def amount(self) -> str:
        """By how much the worst output differs, in words."""
        found = self.differences[self.worst]
        if found.chosen:
            return f"in {1 - found.agreement:.0%} of its elements, which are no floating numbers"
        return f"by {found.rel_max:.1e} of its scale" + (f", over {self.bound:.0e}" if self.bound else "")

    def metrics(self) -> dict[str, float | int | str]:
        """The figures of the worst output, the bound, and in ``by_output`` those of each, where there are several
        and they differ.

        ``argmax_agreement`` is the least of all logits, ``equal_share`` the least of all choices. ``by_output`` is a JSON
        object of rel_max, rel_l2, max_abs, cosine and agreement by output, the KEPT worst ones, in three digits, the cosine in six.
        """
        if not self.judged:
            return {}
        found: dict[str, float | int | str] = dict(self.differences[self.worst].metrics())
        found |= {"tolerance": self.bound, "worst_output": self.worst}
        logits = [item.agreement for name, item in self.differences.items() if _scores(name) and not item.chosen]
        choices = [item.agreement for item in self.differences.values() if item.chosen]
        found |= {"argmax_agreement": min(logits)} if logits else {}
        found |= {"equal_share": min(choices)} if choices else {}
        several = len(self.differences) > 1 and any(item.max_abs for item in self.differences.values())
        return found | ({"by_output": self._by_output()} if several else {})

    def _by_output(self) -> str:
        ranked = sorted(self.differences, key=lambda name: self.differences[name].far, reverse=True)
        rows = {name: _figures(self.differences[name]) for name in ranked[:KEPT]}
        return json.dumps(rows, separators=(",", ":"))


def agreement(
    actual: Mapping[str, torch.Tensor], reference: Mapping[str, torch.Tensor], bound: float, *, choices: bool = True
) -> Agreement:
    """How far ``actual`` is from ``reference``, of the same names and shapes (``harness.comparison.mismatch``).

    Args:
        actual: tensors on any device.
        reference: tensors on any device.
        bound: largest ``rel_max`` that agrees.
        choices: whether choices are judged too. In 16 bits they turn on the last bit of a score, and are only measured.
    """
    differences = compare(actual, reference)
    judged = [name for name, item in differences.items() if choices or not item.chosen]
    return Agreement(differences, tuple(sorted(judged, key=lambda name: differences[name].far, reverse=True)), bound)


def _scores(name: str) -> bool:
    """Whether an output is called logits, as transformers calls scores among which the largest is taken."""
    return "logits" in name


def _figures(found: Difference) -> list[float | str]:
    parts = ((found.rel_max, 3), (found.rel_l2, 3), (found.max_abs, 3), (found.cosine, 6), (found.agreement, 3))
    return [float(f"{value:.{digits}g}") if math.isfinite(value) else str(value) for value, digits in parts]
