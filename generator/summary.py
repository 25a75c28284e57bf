"""What became of a batch of skills, line by line, and how that is shown; decides nothing but whether it is well."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

STATES: dict[str, bool] = {
    "failed": False,
    "edited": False,
    "drifted": False,
    "missing": False,
    "unknown": False,
    "obsolete": False,
    "pruned": True,
    "would prune": True,
    "written": True,
    "would write": True,
    "valid": True,
    "unchanged": True,
}
"""Everything that can become of a skill, in the order in which it is shown, and whether that is well."""

_QUIET = ("valid", "unchanged")


@dataclass(frozen=True)
class Line:
    """What became of one skill."""

    model_type: str
    """Canonical key, or the file's name where there is no key."""
    file: str
    """Name of the file in the folder of skills."""
    state: str
    """One of STATES."""
    reason: str = ""
    """Why, for people; empty where the state says it all."""
    diff: str = ""
    """Unified diff from what is on disk to what is generated, for ``drifted`` and ``edited``."""


@dataclass(frozen=True)
class Summary:
    """What became of a batch."""

    lines: tuple[Line, ...]
    """One for each skill, in the order of the batch."""
    notes: tuple[str, ...] = field(default=())
    """Sentences about what lies beside the batch."""

    @property
    def ok(self) -> bool:
        """Whether every line is well."""
        return all(STATES[line.state] for line in self.lines)

    @property
    def counts(self) -> dict[str, int]:
        """Lines by state, in the order of STATES."""
        counted = Counter(line.state for line in self.lines)
        return {state: counted[state] for state in STATES if counted[state]}

    def text(self) -> str:
        """For people: the diffs, a table of all that is not quietly well, and the counts."""
        from tabulate import tabulate

        order = list(STATES)
        shown = sorted(
            (line for line in self.lines if line.state not in _QUIET), key=lambda line: order.index(line.state)
        )
        parts = [line.diff for line in self.lines if line.diff]
        if shown:
            rows = [(line.model_type, line.file, line.state, line.reason) for line in shown]
            parts.append(tabulate(rows, ("model", "file", "state", "why"), "simple", disable_numparse=True))
        counts = ", ".join(f"{count} {state}" for state, count in self.counts.items())
        parts.append(f"{len(self.lines)} {'skill' if len(self.lines) == 1 else 'skills'}: {counts or 'nothing to do'}.")
        return "\n\n".join(parts + list(self.notes))

    def json(self) -> str:
        """For scripts: ``ok``, ``counts``, ``skills`` (the lines) and ``notes``."""
        document = {
            "ok": self.ok,
            "counts": self.counts,
            "skills": [asdict(line) for line in self.lines],
            "notes": list(self.notes),
        }
        return json.dumps(document, indent=2)


def joined(summaries: Iterable[Summary]) -> Summary:
    """Several summaries as one."""
    held = list(summaries)
    return Summary(
        tuple(line for summary in held for line in summary.lines),
        tuple(note for summary in held for note in summary.notes),
    )
