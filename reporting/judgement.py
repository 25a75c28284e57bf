"""The verdict on one run: whether everything that was asked of it is as expected. Other runs have no say in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.results.record import STATUSES
from harness.results.verdicts import AS_EXPECTED, INCOMPLETE, Expectations, exit_code, remedy, ruling, sentence, summary
from reporting.evidence import Damage, Evidence, judged
from reporting.markdown import plain
from reporting.runs import read

__all__ = ["Verdict", "verdict"]


@dataclass(frozen=True)
class Verdict:
    """What one run showed."""

    code: int
    """The exit code that it comes to, as ``harness.results.verdicts`` has them."""
    counts: Mapping[str, int]
    """Cells by status, the worst first; those that were requested and have no record are ``not_run``."""
    failures: tuple[str, ...]
    """A sentence for each cell that did not pass, known failures among them, the worst first: its id, status and reason."""
    damage: tuple[Damage, ...]
    """What in the run cannot be taken as it lies."""
    text: str
    """One line for the terminal."""

    @property
    def passed(self) -> bool:
        """Whether every requested cell passed, or failed as is known, and every line of the run could be read."""
        return self.code == AS_EXPECTED


def verdict(run: Path, requested: Collection[str] | None = None, expectations: Expectations | None = None) -> Verdict:
    """Judge the run in the directory ``run`` by its own records alone, and by what is expected.

    ``invoke sweep`` ends with exit code 0 only if ``passed``: every cell of the requested selection has a record in
    this run whose last attempt passed, or failed as ``expectations`` say. A cell that is unavailable or unsupported is
    neither; nor is a run in which nothing was asked, nor one with a line that cannot be read.

    Args:
        run: ``reports/runs/<run-id>``.
        requested: ids of the cells that were asked for; without them, those that the run has records of, which
            leaves unseen what a killed worker never reported.
        expectations: what is known to fail; without any, nothing is.
    """
    found, expected = read(run), expectations or Expectations()
    last: dict[str, Evidence] = {}
    for item in found.evidence:
        cell = item.record.cell
        if item.record.run == run.name and (cell not in last or last[cell].key < item.key):
            last[cell] = item
    records = {cell: judged(item, expected).record for cell, item in last.items()}
    asked = set(records) if requested is None else set(requested)
    statuses = {cell: records[cell].verdict if cell in records else "not_run" for cell in asked}
    ordered = sorted(asked, key=lambda cell: (STATUSES.index(statuses[cell]), cell))
    counts = Counter(statuses[cell] for cell in ordered)
    said = {cell: sentence(records[cell]) if cell in records else "not_run: no record" for cell in ordered}
    failures = [plain(f"{cell}: {said[cell]}", 500) for cell in ordered if statuses[cell] != "passed"]
    rulings = Counter(ruling(records[cell]) if cell in records else INCOMPLETE for cell in ordered)
    lost = {cell for cell, item in last.items() if item.unreadable}
    unreadable = [item for item in found.damage if item.taints or item.cell in lost]
    words = ", ".join(f"{count} {status}" for status, count in counts.items()) or "no cell ran"
    if unreadable:
        more = f" and {len(unreadable) - 1} more" if len(unreadable) > 1 else ""
        words += f"; cannot be read: {unreadable[0].where}{more}"
        rulings[INCOMPLETE] += 1
    code = exit_code(rulings)
    words += f"; exit code {code}: {summary(rulings, remedy(run))}" if code else ""
    return Verdict(code, dict(counts), tuple(failures), found.damage, plain(f"{run.name}: {words}", 500))
