"""What a record comes to in the light of what was expected, axis by axis, and the exit code of a run of them.

The one place that says so: a run by its exit code and the reports by their colours say the same.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from harness.results.expectations import Expectation
from harness.results.record import AXES, STATUSES, Record

__all__ = [
    "AS_EXPECTED",
    "INCOMPLETE",
    "MISUSED",
    "NEW_FAILURE",
    "OUTDATED",
    "SPARED",
    "Expectations",
    "exit_code",
    "meaning",
    "remedy",
    "ruling",
    "sentence",
    "summary",
]

AS_EXPECTED, NEW_FAILURE, MISUSED, INCOMPLETE, OUTDATED = 0, 1, 2, 3, 10
"""Exit codes of a run. 10, since pytest has a meaning of its own for each up to 6."""

SPARED = -1
"""In the place of a code: it could not be run here, and nobody required that it should."""

_MEANINGS = {
    NEW_FAILURE: "failed as nothing in expected/ says",
    INCOMPLETE: "could not be run here",
    OUTDATED: "are not, or no longer, as expected/ says",
    SPARED: "are unavailable here, which is no pass",
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


def ruling(record: Record, *, required: bool = True) -> int:
    """What one judged record would end a run with: one of the codes, or ``SPARED``.

    Args:
        record: the record.
        required: whether what is unavailable was to be run in any case.
    """
    if record.verdict == "passed" or record.expected == "met":
        return AS_EXPECTED
    if record.expected is not None:
        return OUTDATED
    if record.verdict == "unavailable" and not required:
        return SPARED
    return INCOMPLETE if record.verdict in _SILENT else NEW_FAILURE


def exit_code(rulings: Mapping[int, int]) -> int:
    """The code of a run of so many cells of each ruling; one without any has not been run."""
    return next((max(code, AS_EXPECTED) for code in _MEANINGS if rulings.get(code)), INCOMPLETE)


def meaning(code: int) -> str | None:
    """What an exit code of a run that is not as it should be says; None where it is no such code."""
    return f"cells {_MEANINGS[code]}" if code in (NEW_FAILURE, INCOMPLETE, OUTDATED) else None


def summary(rulings: Mapping[int, int], remedy: str) -> str:
    """How many cells there are of each ruling, in words, and what to do where ``expected/`` is not up to date."""
    words = [f"{rulings[code]} {_MEANINGS[code]}" for code in _MEANINGS if rulings.get(code)]
    line = f"{', '.join(words) or 'no cell was run'}."
    return f"{line} Run: {remedy}" if rulings.get(OUTDATED) else line


def sentence(record: Record) -> str:
    """A judged record in a sentence: its verdict, its reason, and what was expected."""
    known = f"known as {record.known}" if record.expected == "met" else record.known
    return ": ".join(
        filter(None, (record.verdict, "; ".join(filter(None, (record.reason or record.signature, known)))))
    )


def remedy(folder: Path | None) -> str:
    """The command that makes ``expected/`` say what a run found.

    Args:
        folder: of the run's records; None where there are none to take it from.
    """
    if folder is None:
        return "the same with --results=reports/runs, and then: invoke expect --from RUN"
    # A run under reports/ is found by its id alone.
    known = folder.parent.name == "runs" and "reports" in folder.absolute().parts
    return f"invoke expect --from {folder.name if known else os.path.relpath(folder)}"


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
