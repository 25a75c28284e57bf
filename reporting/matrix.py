"""Architectures by hardware: the cells of each square summed up in one line, the worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.results.record import STATUSES
from reporting.inventory import Architecture, Skills
from reporting.markdown import plain
from reporting.standing import Standing

__all__ = ["TIERS", "Line", "Square", "asked", "lines"]

TIERS = ("critical", "high", "medium", "long-tail")
"""Tiers from the most to the least urgent, which is the order of the reports."""

_LAST = (STATUSES.index("not_run"), 0)


@dataclass(frozen=True)
class Square:
    """One architecture on one hardware."""

    cells: tuple[Standing, ...]
    """Every cell there is evidence of, by id."""
    missing: tuple[str, ...]
    """Heads, or where it is known which cells there should be, cells without any."""
    unit: str = "cells"
    """What is missing: ``cells``, or ``heads`` where it is not known which cells there should be."""
    absent: str = ""
    """Why there are no cells at all: ``no skill`` or ``never ran``."""

    @property
    def ran(self) -> bool:
        """Whether there is a verdict of today on any cell."""
        return any(cell.stale is None and cell.record.status not in {"unavailable", "not_run"} for cell in self.cells)

    @property
    def passed(self) -> bool:
        """Whether every head has evidence of today, and all of it is green."""
        return bool(self.cells) and not self.missing and all(cell.passed for cell in self.cells)

    @property
    def known(self) -> bool:
        """Whether all of today's evidence is green or a known failure, and some of it is the latter."""
        statuses = {cell.status for cell in self.cells}
        return not self.missing and "known_failure" in statuses and statuses <= {"passed", "known_failure"}

    @property
    def worst(self) -> list[Standing]:
        """The cells that are not green and share the worst status, those with the commonest reason first."""
        bad = [cell for cell in self.cells if not cell.passed]
        if not bad:
            return []
        rank = min(cell.rank for cell in bad)
        worst = [cell for cell in bad if cell.rank[0] == rank[0] and (cell.stale is None) == (rank[1] == 0)]
        count = Counter(cell.reason for cell in worst)
        return sorted(worst, key=lambda cell: (cell.rank, -count[cell.reason], cell.record.cell))

    @property
    def rank(self) -> tuple[int, int]:
        """Sorts squares, the worst first; one without cells is last but for those that passed."""
        ranks = [cell.rank for cell in self.cells]
        return min([*ranks, _LAST]) if self.missing or not ranks else min(ranks)

    @property
    def why(self) -> str:
        """Why it is not passed, in a few words without counts; empty where it is."""
        worst = self.worst
        if not worst:
            return self.absent or ("not all of it ran" if self.missing else "")
        first = worst[0]
        if first.stale:
            return f"stale: {first.stale}"
        return f"{first.status}: {first.reason}" if first.reason else first.status

    @property
    def text(self) -> str:
        """The square in a few words: ``passed 40/40``, ``failed 2/40: reason``, ``stale (passed 2026-11-20)``."""
        if not self.cells:
            return self.absent
        worst, missing = self.worst, len(self.missing)
        green = sum(cell.passed for cell in self.cells)
        stale = sum(cell.stale is not None for cell in self.cells)
        total = len(self.cells) + (missing if self.unit == "cells" else 0)
        if not worst and missing:
            share = f"{missing}/{total}" if self.unit == "cells" else _counted(missing, "head")
            return f"not_run {share}; {green} passed"
        if not worst:
            again = sum(cell.record.attempt > 1 for cell in self.cells)
            return f"passed {green}/{total}" + (f", {again} not at the first attempt" if again else "")
        rest = [f"{missing if self.unit == 'cells' else _counted(missing, 'head')} not_run"] if missing else []
        if worst[0].stale:
            share = "" if stale == total else f" {stale}/{total}"
            words = f"stale{share} ({worst[0].record.status} {max(cell.day for cell in worst)})"
        else:
            reason = f": {plain(worst[0].reason, 90)}" if worst[0].reason else ""
            words = f"{worst[0].status} {len(worst)}/{total}{reason}"
            rest = ([f"{stale} stale"] if stale else []) + rest
        return "; ".join([words, *rest])

    @property
    def gaps(self) -> str:
        """What is missing, by head: the checks where they are few, else how many."""
        heads: dict[str, list[str]] = {}
        for name in self.missing:
            head, _, rest = name.partition("/")
            heads.setdefault(head, []).append(rest.rpartition("/")[2])
        if self.unit == "heads":
            return ", ".join(heads)
        return ", ".join(
            f"{head} ({', '.join(checks) if len(checks) < 3 else f'{len(checks)} checks'})"
            for head, checks in heads.items()
        )


@dataclass(frozen=True)
class Line:
    """One architecture on every hardware."""

    architecture: Architecture
    generated: bool
    unvalidated: str
    """Why the skill does not count as validated; empty where it does."""
    squares: Mapping[str, Square]
    """By hardware, in the order of the reports."""

    @property
    def order(self) -> tuple[int, str, str]:
        """Sorts lines by tier and name."""
        tier = self.architecture.tier
        return TIERS.index(tier) if tier in TIERS else len(TIERS), tier, self.architecture.model_type

    @property
    def rank(self) -> tuple[list[tuple[int, int]], tuple[int, str, str]]:
        """Sorts lines, the worst status first, whatever hardware it is on."""
        return sorted(square.rank for square in self.squares.values()), self.order


def asked(
    standings: Iterable[Standing], catalogue: Iterable[Architecture], expected: Iterable[str] | None
) -> list[Standing]:
    """The cells that can still be run: without stale ones of a head or a check that the architecture has no more."""
    heads = {row.model_type: set(row.heads) for row in catalogue if row.heads}
    questions: dict[str, set[tuple[str, str]]] = {}
    for cell in expected or ():
        model_type, head, _, _, check = cell.split("/", 4)
        questions.setdefault(model_type, set()).add((head, check))

    def gone(cell: Standing) -> bool:
        record = cell.record
        if cell.stale is None:
            return False
        if record.model_type in questions:
            return (record.head, record.check) not in questions[record.model_type]
        return record.model_type in heads and record.head not in heads[record.model_type]

    return [cell for cell in standings if not gone(cell)]


def lines(
    catalogue: Sequence[Architecture],
    skills: Skills,
    standings: Iterable[Standing],
    hardware: Iterable[str],
    expected: Iterable[str] | None = None,
) -> list[Line]:
    """A line for every architecture of the catalogue and for all else that there is evidence of, the worst first.

    ``hardware`` are those to report on besides the ones that there is evidence of. ``expected`` are the ids of the
    cells that today's skills have; without them, a head is taken to be complete if there is evidence of any cell.
    """
    cells: dict[tuple[str, str], list[Standing]] = {}
    names = dict.fromkeys(hardware)
    rows = {row.model_type: row for row in catalogue}
    for standing in standings:
        record = standing.record
        cells.setdefault((record.model_type, record.hardware), []).append(standing)
        names.setdefault(record.hardware)
        if record.model_type not in rows:
            tier, family = record.tier or "unknown", record.family or "unknown"
            rows[record.model_type] = Architecture(
                record.model_type, "unknown", tier, family, "not in the catalogue", "", ()
            )
    wanted: dict[tuple[str, str], list[str]] = {}
    for cell in sorted(expected or ()):
        model_type, _, where, _, _ = cell.split("/", 4)
        wanted.setdefault((model_type, where), []).append(cell)

    made = []
    for row in rows.values():
        if row.state == "architecture" or any((row.model_type, name) in cells for name in names):
            generated = row.model_type in skills.digests
            squares = {
                name: _square(row, cells.get(key, ()), None if expected is None else wanted.get(key, ()), generated)
                for name in names
                for key in [(row.model_type, name)]
            }
            made.append(Line(row, generated, skills.validated.get(row.model_type, "no skill"), squares))
    return sorted(made, key=lambda line: line.rank)


def _square(row: Architecture, cells: Sequence[Standing], expected: Sequence[str] | None, generated: bool) -> Square:
    if not cells:
        return Square((), (), absent="never ran" if generated else "no skill")
    if expected is None:
        seen = {cell.record.head for cell in cells}
        return Square(tuple(cells), tuple(head for head in row.heads if head not in seen), "heads")
    known = {cell.record.cell for cell in cells}
    missing = (cell.partition("/")[2] for cell in expected if cell not in known)
    return Square(tuple(cells), tuple(missing))


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("s" if number != 1 else "")
