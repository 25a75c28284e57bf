"""What a record comes to in the light of what was expected, axis by axis, and the exit code of a run of them.

The one place that says so: a run by its exit code and the reports by their colours say the same.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from harness.results.expectations import Expectation
from harness.results.record import AXES, STATUSES, Record

__all__ = [
    "AS_EXPECTED",
    "INCOMPLETE",
    "MISUSED",
    "NEW_FAILURE",
    "OUTDATED",
    "Expectations",
    "exit_code",
    "remedy",
    "ruling",
    "summary",
]

AS_EXPECTED, NEW_FAILURE, MISUSED, INCOMPLETE, OUTDATED = 0, 1, 2, 3, 10
"""Exit codes of a run. 10, since pytest has a meaning of its own for each up to 6."""

_MEANINGS = {
    NEW_FAILURE: "failed as nothing in expected/ says",
    INCOMPLETE: "could not be run here",
    OUTDATED: "are not, or no longer, as expected/ says",
    AS_EXPECTED: "passed, or failed as expected",
}
"""What each code says of a cell, the one that decides first."""

_SILENT = ("unavailable", "not_run")
"""Statuses that say nothing of the model."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class Expectations:
    """All rows that may speak of a record."""

    def __init__(self, rows: Iterable[Expectation] = ()) -> None:
        self.rows = tuple(rows)
        self._named: dict[str, list[Expectation]] = defaultdict(list)
        self._wild: list[Expectation] = []
        for row in self.rows:
            model = row.cell.partition("/")[0]
            (self._wild if any(mark in model for mark in "*?[") else self._named[model]).append(row)

    def about(self, cell: str) -> list[Expectation]:
        """The rows that speak of a cell, on whatever axis."""
        rows = (*self._named.get(cell.partition("/")[0], ()), *self._wild)
        return [row for row in rows if row.covers(cell)]

    def judge(self, record: Record, versions: Mapping[str, str]) -> Record:
        """The record with its verdict: each axis for itself, then the worst of them.

        A row holds for what ran up to its last day, in an environment of its window; ``versions`` are those of the
        record's. What is unavailable is neither expected nor unexpected.
        """
        rows = [row for row in self.about(record.cell) if row.admits(versions)]
        found = [
            _axis(record, value, [row for row in rows if row.axis == axis])
            for axis in AXES
            if (value := getattr(record, axis)) is not None
        ]
        if record.status not in {getattr(record, axis) for axis in AXES}:
            found.append((record.status, None, None))
        # Of two that are as bad, the one that nothing was expected of.
        judged, expected, known = min(found, key=lambda one: (STATUSES.index(one[0]), one[1] is not None))
        return replace(record, judged=judged, expected=expected, known=known)


def ruling(record: Record) -> int:
    """What one judged record would end a run with."""
    if record.verdict in ("passed", "known_failure"):
        return AS_EXPECTED
    if record.expected is not None:
        return OUTDATED
    return INCOMPLETE if record.verdict in _SILENT else NEW_FAILURE


def exit_code(rulings: Collection[int]) -> int:
    """The code of a run of cells with these; one without any has not been run."""
    return next((code for code in _MEANINGS if code in rulings), INCOMPLETE)


def summary(rulings: Counter[int], run: str) -> str:
    """One line for the end of a run: its exit code, why, and what to do where ``expected/`` is not up to date.

    Args:
        rulings: how many cells there are of each.
        run: what ``invoke expect --from`` finds the run by.
    """
    words = [f"{rulings[code]} {_MEANINGS[code]}" for code in _MEANINGS if rulings[code]]
    line = f"exit code {exit_code(rulings)}: {', '.join(words) or 'no cell was run'}."
    return f"{line} Run: {remedy(run)}" if rulings[OUTDATED] else line


def remedy(run: str) -> str:
    """The command that makes ``expected/`` say what a run found."""
    return f"invoke expect --from {run}"


def _axis(record: Record, value: str, rows: list[Expectation]) -> tuple[str, str | None, str | None]:
    """The status of an axis as judged, what became of what was expected, and what that was."""
    met = [row for row in rows if row.explains(value, record.signature)]
    if not rows or (value in _SILENT and not met):
        return value, None, None
    first = (met or rows)[0]
    if value == "passed":
        return "unexpected_pass", "passed", f"{first.file} expects {first.status} on {first.axis}: {_said(first)}"
    if holding := [row for row in met if _day(record) <= row.expires.isoformat()]:
        return "known_failure", "met", _said(holding[0])
    if met:
        return value, "expired", f"{first.file} expected it until {first.expires}: {_said(first)}"
    what = f"{first.status} on {first.axis} with the signature {first.signature}"
    return value, "changed", f"{first.file} expects {what}"


def _day(record: Record) -> str:
    """The day on which it ran; one that is not known is later than any."""
    found = _DAY.match(record.started)
    return found[0] if found else "9999-12-31"


def _said(row: Expectation) -> str:
    return f"{row.blame}: {row.text}" + (f" {row.issue}" if row.issue else "")
