"""The raw runs under ``reports/runs``: their evidence, and every line of them that cannot be taken as it lies."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from reporting import decoding
from reporting.evidence import Damage, Environment, Evidence, worse

__all__ = ["Run", "read", "runs"]


@dataclass(frozen=True)
class Run:
    """What one directory of raw results holds."""

    path: Path
    evidence: tuple[Evidence, ...]
    """Each cell and attempt once."""
    damage: tuple[Damage, ...]


def runs(directory: Path) -> list[Path]:
    """The directories of the runs below ``directory``, by name."""
    return sorted(path for path in directory.iterdir() if path.is_dir()) if directory.is_dir() else []


def read(path: Path) -> Run:
    """The run in ``path``.

    Nothing that is wrong in it raises: it is named in the run's ``damage``, and the rest is read.
    """
    reading = _Reading(path)
    for file in sorted(path.glob("environment-*.json")):
        reading.environment(file)
    for file in sorted(path.glob("*.jsonl")):
        reading.results(file)
    return reading.run()


@dataclass
class _Reading:
    """A run while it is read."""

    path: Path
    environments: dict[str, Environment] = field(default_factory=dict)
    evidence: dict[tuple[str, str, int], Evidence] = field(default_factory=dict)
    first: dict[tuple[str, str, int], str] = field(default_factory=dict)
    """Where each cell and attempt was met first."""
    orphans: dict[str, list[str]] = field(default_factory=dict)
    """Where records lie whose environment is unknown, by its id."""
    damage: list[Damage] = field(default_factory=list)

    def environment(self, file: Path) -> None:
        """Take in a fingerprint."""
        try:
            found = decoding.environment(json.loads(file.read_text(encoding="utf-8")), self.path.name)
            if file.name != f"environment-{found.id}.json":
                raise ValueError(f"it says that it is environment {found.id}")
        except (OSError, ValueError, RecursionError) as error:
            self._note(self._where(file), f"cannot be read as an environment: {error}", taints=True)
        else:
            self.environments[found.id] = found

    def results(self, file: Path) -> None:
        """Take in the lines of one writer."""
        try:
            lines = file.read_bytes().split(b"\n")
        except OSError as error:
            self._note(self._where(file), f"cannot be read: {error.strerror}", taints=True)
            return
        for number, line in enumerate(lines, start=1):
            if line.strip():
                self._line(f"{self._where(file)}:{number}", line, last=number == len(lines))

    def run(self) -> Run:
        """What was read."""
        for name, places in sorted(self.orphans.items()):
            what = f"its environment {name or 'without a name'} is missing, so {len(places)} results count as stale"
            self._note(places[0], what, taints=True)
        return Run(self.path, tuple(self.evidence.values()), tuple(self.damage))

    def _line(self, where: str, line: bytes, *, last: bool) -> None:
        try:
            record = decoding.record(line)
        except (ValueError, RecursionError) as error:
            torn = last and not isinstance(error, decoding.UnfitError)
            what = "torn last line: its run was killed, or still writes" if torn else str(error)
            salvaged = decoding.salvage(line, self.path.name)
            self._note(where, what, salvaged.cell if salvaged else None, taints=salvaged is None)
            if salvaged:
                self._add(where, Evidence(salvaged, None, unreadable=f"{where}: {what}"))
            return
        if record.run != self.path.name:
            self._note(where, f"belongs to run {record.run}, and is counted there", record.cell)
        if record.environment not in self.environments:
            self.orphans.setdefault(record.environment, []).append(where)
        self._add(where, Evidence(record, self.environments.get(record.environment)))

    def _add(self, where: str, item: Evidence) -> None:
        key = (item.record.cell, item.record.run, item.record.attempt)
        other = self.evidence.get(key)
        if other is None:
            self.evidence[key], self.first[key] = item, where
            return
        if not (item.unreadable or other.unreadable):
            same = item.record == other.record
            what = (
                "repeats {}; counted once" if same else "the same attempt as {}, but another result; the worse counts"
            )
            self._note(where, what.format(self.first[key]), item.record.cell)
        self.evidence[key] = worse(item, other)

    def _note(self, where: str, what: str, cell: str | None = None, *, taints: bool = False) -> None:
        self.damage.append(Damage(where, what, cell, taints=taints))

    def _where(self, file: Path) -> str:
        return f"{self.path.parent.name}/{self.path.name}/{file.name}"
