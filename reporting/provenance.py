"""Where what is shown comes from: the runs with their environments, and the damage with what comes of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from reporting.evidence import Damage, Environment
from reporting.markdown import code
from reporting.standing import Standing

__all__ = ["Source", "consequences", "remembered", "sources"]


def remembered(standings: Iterable[Standing], damage: Iterable[Damage]) -> list[Damage]:
    """The damage that cells are held to though its run no longer lies here."""
    known = {item.where for item in damage}
    found = [(*cell.evidence.unreadable.partition(": "), cell.record.cell) for cell in standings]
    return [Damage(where, what, cell) for where, _, what, cell in found if where and where not in known]


def consequences(standings: Iterable[Standing], damage: Iterable[Damage]) -> list[tuple[Damage, str]]:
    """Each damage with what comes of it."""
    lost = {cell.evidence.unreadable.partition(": ")[0] for cell in standings} - {""}
    named = []
    for item in sorted(damage, key=lambda one: _natural(one.where)):
        if item.where in lost:
            named.append((item, "the cell counts as not_run"))
        elif item.taints:
            named.append((item, "the reports are not ok while it lies there"))
        else:
            named.append((item, "nothing; what counts is readable"))
    return named


def _natural(where: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d{1,18})", where)]


@dataclass(frozen=True)
class Source:
    """A run in one environment, with how many of the cells shown come from it."""

    run: str
    environment: Environment | None
    hardware: tuple[str, ...]
    day: str
    """First day of its results."""
    fresh: int
    stale: int

    @property
    def row(self) -> list[object]:
        """Its line in the reports."""
        row: list[object] = [code(self.run), self.day, ", ".join(self.hardware), self.fresh, self.stale]
        where = self.environment
        if where is None:
            return [*row, "unknown", "unknown", "unknown", "", "", ""]
        row += [where.python.split(" ")[0], where.versions.get("torch", ""), where.versions.get("transformers", "")]
        revision = where.revision[:12] + ("+" if where.revision[12:].endswith("+") else "")
        return [*row, where.devices or where.platform, code(revision), code(where.command)]


def sources(standings: Iterable[Standing]) -> list[Source]:
    groups: dict[tuple[str, str], list[Standing]] = {}
    for cell in standings:
        groups.setdefault((cell.record.run, cell.record.environment), []).append(cell)
    return [
        Source(
            run,
            next((cell.evidence.environment for cell in cells if cell.evidence.environment), None),
            tuple(sorted({cell.record.hardware for cell in cells})),
            min(cell.day for cell in cells),
            sum(cell.stale is None for cell in cells),
            sum(cell.stale is not None for cell in cells),
        )
        for (run, _), cells in sorted(groups.items(), reverse=True)
    ]
