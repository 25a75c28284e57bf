"""Bounds that measured figures propose for the table of tolerances: data and words; it measures nothing and writes nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from harness.tolerances import Tolerance, ToleranceError, tolerance

if TYPE_CHECKING:
    from harness.tolerances import Key
    from reporting.evidence import Evidence

__all__ = ["MARGIN", "Figure", "Proposal", "figures", "proposals", "step"]

MARGIN = 4
"""How many times the largest figure a bound is at least: other weights, inputs and processors have not been measured."""


FEWEST = 20
"""Heads that must have been measured before a bound may become tighter."""


@dataclass(frozen=True)
class Figure:
    """How far one head was off with one seed."""

    key: Key
    """Hardware, dtype, check."""
    head: str
    """``bert/BertForMaskedLM``."""
    seed: int
    rel_max: float
    to_float64: float | None = None
    """How far it was from float64, where that was measured."""

    def __str__(self) -> str:
        return f"{self.rel_max:.1e} ({self.head}, seed {self.seed})"


@dataclass(frozen=True)
class Proposal:
    """What the figures of one row say of its bound."""

    key: Key
    row: Tolerance | None
    """Today's row; None where there is none."""
    measured: tuple[Figure, ...]
    """Figures that count."""
    recorded: tuple[Figure, ...]
    """Those of the committed results, which count too: a bound must hold what is known."""
    over: tuple[Figure, ...]
    """Measured figures over today's bound: failures, which make no bound."""
    absent: Mapping[str, int]
    """Cells without a figure, by status."""
    reason: str | None
    """Why the bound may be looser than today's."""

    @property
    def largest(self) -> Figure:
        """The largest figure that counts."""
        return max((*self.measured, *self.recorded), key=lambda item: item.rel_max)

    @property
    def asked(self) -> float:
        """The bound that the figures ask for."""
        return step(MARGIN * self.largest.rel_max)

    @property
    def loosens(self) -> bool:
        """Whether that is looser than today's, or the first."""
        return self.row is None or self.asked > self.row.rel_max

    @property
    def stays(self) -> str | None:
        """Why today's bound stays; None where it does not."""
        if not self.measured:
            return "nothing was measured that counts"
        if not self.largest.rel_max:
            return "no number is off, which bounds nothing"
        if self.row is not None and self.asked == self.row.rel_max:
            return "it is what the figures ask for"
        if self.loosens:
            return None if self.reason else f"the figures ask for {self.asked:g}, and a looser bound needs a --reason"
        heads = len({item.head for item in (*self.measured, *self.recorded)})
        return None if heads >= FEWEST else f"{heads} heads are too few to make it tighter; {FEWEST} are needed"

    @property
    def bound(self) -> float | None:
        """The bound to write; None where today's stays."""
        return None if self.stays else self.asked

    @property
    def confirmed(self) -> bool:
        """Whether today's bound stays, is this hardware's own, and was measured by heads enough to say so."""
        own = self.row is not None and self.row.key == self.key
        return self.bound is None and own and len({item.head for item in self.measured}) >= FEWEST

    @property
    def source(self) -> str:
        """Where the bound comes from, for the row."""
        heads, seeds = len({item.head for item in self.measured}), len({item.seed for item in self.measured})
        counted = f"{MARGIN} times the largest of {heads} heads with {seeds} seeds"
        counted += f" and of {len(self.recorded)} recorded cells" if self.recorded else ""
        return f"{counted}, up to the next of 1, 2, 5" + (f"; {self.reason}" if self.loosens and self.reason else "")

    def text(self) -> str:
        """The row as people read it."""
        lines = [" ".join(self.key)]
        if self.measured:
            largest, seeds = max(self.measured, key=lambda item: item.rel_max), {item.seed for item in self.measured}
            middle = median(item.rel_max for item in self.measured)
            heads = len({item.head for item in self.measured})
            lines.append(f"  measured  {heads} heads, {len(seeds)} seeds: largest {largest}, median {middle:.1e}")
            exact = [item.to_float64 for item in self.measured if item.to_float64 is not None]
            lines += [f"  float64   largest {max(exact):.1e}, median {median(exact):.1e}"] if exact else []
        if self.recorded:
            top = max(self.recorded, key=lambda item: item.rel_max)
            lines.append(f"  recorded  {len(self.recorded)} cells: largest {top}")
        for item in self.over[:5]:
            lines.append(f"  left out  {item}: over today's bound, so a failure until there is a reason")
        lines += [f"  left out  {len(self.over) - 5} more that are over it"] if len(self.over) > 5 else []
        lines += [f"  no figure {count} {status}" for status, count in sorted(self.absent.items())]
        return "\n".join([*lines, f"  bound     {self._verdict()}"])

    def _verdict(self) -> str:
        today = f"{self.row.rel_max:g} (row {self.row.hardware!r})" if self.row else "none"
        if self.stays:
            return f"{today} stays: {self.stays}"
        return f"{today} -> {self.bound:g}: {'loosens' if self.loosens else 'tightens'} ({self.source})"


def step(value: float) -> float:
    """The least of 1, 2, 5, 10, 20, … and of their tenths that is not less; 0 for 0."""
    if value <= 0:
        return 0.0
    power = math.floor(math.log10(value))
    # Written as people write them: 2 * 10**-5 is not the float that 2e-05 is.
    steps = [float(f"{digit}e{power + more}") for more in (0, 1) for digit in (1, 2, 5)]
    return next(item for item in steps if item >= value * (1 - 1e-9))


def figures(evidence: Iterable[Evidence]) -> list[Figure]:
    """Those of what passed or failed by its numbers."""
    found = []
    for item in evidence:
        record = item.record
        amount = record.metrics.get("rel_max")
        if isinstance(amount, float) and math.isfinite(amount) and record.matches in ("passed", "failed"):
            key = (record.hardware, record.dtype, record.check)
            # The reference itself is judged by float64 in the first place.
            exact = record.metrics.get("rel_max_to_float64", amount if key == ("cpu", "fp32", "parity") else None)
            head = f"{record.model_type}/{record.head}"
            found.append(Figure(key, head, record.seed, amount, exact if isinstance(exact, float) else None))
    return found


def proposals(
    measured: Sequence[Evidence], recorded: Iterable[Evidence] = (), reason: str | None = None
) -> list[Proposal]:
    """One for each row that something was measured of.

    Without a reason, what is over today's bound does not count, nor does a cell that failed. With one, all that was
    measured does.

    Args:
        measured: evidence of the runs of a calibration.
        recorded: committed evidence, of which what passed counts.
        reason: why bounds may become looser.
    """
    known: dict[Key, list[Figure]] = {}
    for item in figures(item for item in recorded if item.record.status == "passed"):
        known.setdefault(item.key, []).append(item)
    found = figures(measured)
    absent: dict[Key, dict[str, int]] = {}
    for one in measured:
        record = one.record
        counts = absent.setdefault((record.hardware, record.dtype, record.check), {})
        if not figures([one]):
            counts[record.status] = counts.get(record.status, 0) + 1
    return [
        _proposal(key, [item for item in found if item.key == key], known.get(key, []), counts, reason)
        for key, counts in sorted(absent.items())
    ]


def _proposal(
    key: Key, found: Sequence[Figure], recorded: Sequence[Figure], absent: Mapping[str, int], reason: str | None
) -> Proposal:
    try:
        row = tolerance(*key)
    except ToleranceError:
        row = None
    over = [] if row is None or reason else [item for item in found if item.rel_max > row.rel_max]
    counted = tuple(item for item in found if item not in over)
    return Proposal(key, row, counted, tuple(recorded), tuple(over), absent, reason)
