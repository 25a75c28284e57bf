"""The verdict on one run: whether everything that was asked of it passed. Other runs have no say in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.results.record import STATUSES
from reporting.evidence import Damage, Evidence
from reporting.markdown import plain
from reporting.runs import read

__all__ = ["Verdict", "verdict"]


@dataclass(frozen=True)
class Verdict:
    """What one run showed."""

    passed: bool
    """Whether every requested cell passed, and every line of the run could be read."""
    counts: Mapping[str, int]
    """Cells by status, the worst first; those that were requested and have no record are ``not_run``."""
    failures: tuple[str, ...]
    """A sentence for each cell that did not pass, the worst first: its id, status and reason."""
    damage: tuple[Damage, ...]
    """What in the run cannot be taken as it lies."""
    text: str
    """One line for the terminal."""


def verdict(run: Path, requested: Collection[str] | None = None) -> Verdict:
    """Judge the run in the directory ``run`` by its own records alone.

    ``invoke sweep`` ends with exit code 0 only if ``passed``: every cell of the requested selection has a record in
    this run whose last attempt passed. A cell that is unavailable, unsupported or a known failure is no pass; nor is
    a run in which nothing was asked, nor one with a line that cannot be read.

    Args:
        run: ``reports/runs/<run-id>``.
        requested: ids of the cells that were asked for; without them, those that the run has records of, which
            leaves unseen what a killed worker never reported.
    """
    found = read(run)
    last: dict[str, Evidence] = {}
    for item in found.evidence:
        cell = item.record.cell
        if item.record.run == run.name and (cell not in last or last[cell].key < item.key):
            last[cell] = item
    statuses = dict.fromkeys(requested or (), "not_run") | {cell: item.record.status for cell, item in last.items()}
    asked = sorted(statuses if requested is None else set(requested))
    ordered = sorted(asked, key=lambda cell: (STATUSES.index(statuses[cell]), cell))
    counts = Counter(statuses[cell] for cell in ordered)
    failures = [_sentence(cell, statuses[cell], last.get(cell)) for cell in ordered if statuses[cell] != "passed"]
    lost = {cell for cell, item in last.items() if item.unreadable}
    unreadable = [item for item in found.damage if item.taints or item.cell in lost]
    words = ", ".join(f"{count} {status}" for status, count in counts.items()) or "no cell ran"
    if unreadable:
        more = f" and {len(unreadable) - 1} more" if len(unreadable) > 1 else ""
        words += f"; cannot be read: {unreadable[0].where}{more}"
    passed = bool(asked) and not failures and not unreadable
    return Verdict(passed, dict(counts), tuple(failures), found.damage, plain(f"{run.name}: {words}", 400))


def _sentence(cell: str, status: str, item: Evidence | None) -> str:
    reason = "no record" if item is None else item.record.reason or item.record.signature
    return plain(f"{cell}: {status}: {reason}" if reason else f"{cell}: {status}", 500)
