"""The coverage report: how far each tier and family has come, and what is missing, why. Counts only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reporting.inventory import Architecture
from reporting.matrix import TIERS, Line
from reporting.standing import Standing

__all__ = ["view"]

STAGES = ("catalogued", "generated", "validated")
"""What an architecture goes through before it runs on any hardware."""


_SUMS: Mapping[frozenset[str], str] = {
    frozenset({"passed"}): "passed",
    frozenset({"passed", "unavailable"}): "partly",
    frozenset({"known_failure"}): "known failure",
    frozenset({"passed", "known_failure"}): "known failure",
    frozenset({"unavailable"}): "unavailable",
}
"""What the statuses of a head's cells come to, where it is not that it did not pass."""


@dataclass(frozen=True)
class Gap:
    """Architectures of a tier that miss the same stage for the same reason."""

    stage: str
    why: str
    names: tuple[str, ...]


def view(lines: Sequence[Line], catalogue: Sequence[Architecture], hardware: Sequence[str]) -> dict[str, Any]:
    """What the template shows, as plain data."""
    known = sorted(
        (line for line in lines if line.architecture.state == "architecture"),
        key=lambda line: line.architecture.model_type,
    )
    tiers = _ordered({line.architecture.tier for line in known}, TIERS)
    return {
        "columns": [
            *STAGES,
            *(f"{what} on {name}" for name in hardware for what in ("ran", "passed", "known failures")),
        ],
        "tiers": _table(known, tiers, lambda line: line.architecture.tier, hardware),
        "families": _table(
            known, sorted({line.architecture.family for line in known}), lambda line: line.architecture.family, hardware
        ),
        "heads": [
            (name, which, *_heads(known, name, primary=primary))
            for name in hardware
            for which, primary in (("primary", True), ("all", False))
        ],
        "gaps": {tier: _gaps([line for line in known if line.architecture.tier == tier], hardware) for tier in tiers},
        "outside": _outside(catalogue),
        "entries": len(catalogue),
    }


def _table(
    lines: Sequence[Line], groups: Sequence[str], group: Callable[[Line], str], hardware: Sequence[str]
) -> list[tuple[str, list[int]]]:
    rows = [(name, _counts([line for line in lines if group(line) == name], hardware)) for name in groups]
    return [*rows, ("all", _counts(lines, hardware))]


def _counts(lines: Sequence[Line], hardware: Sequence[str]) -> list[int]:
    counts = [len(lines), sum(line.generated for line in lines), sum(not line.unvalidated for line in lines)]
    for name in hardware:
        squares = [line.squares[name] for line in lines]
        counts += [sum(getattr(square, what) for square in squares) for what in ("ran", "passed", "known")]
    return counts


def _heads(lines: Sequence[Line], hardware: str, *, primary: bool) -> list[int]:
    """Heads with evidence on a hardware, or the primary ones of them: how many there are, passed every check, passed all
    that could be asked of them, failed as expected and passed the rest, could be asked nothing, and did not pass."""
    counts = dict.fromkeys(("passed", "partly", "known failure", "unavailable", "not passed"), 0)
    for line in lines:
        square = line.squares[hardware]
        lacking = {name.partition("/")[0] for name in square.missing}
        heads: dict[str, list[Standing]] = {}
        for cell in square.cells:
            if cell.record.primary or not primary:
                heads.setdefault(cell.record.head, []).append(cell)
        for head, cells in heads.items():
            statuses = {cell.status for cell in cells} | ({"not_run"} if head in lacking else set())
            counts[_SUMS.get(frozenset(statuses), "not passed")] += 1
    return [sum(counts.values()), *counts.values()]


def _gaps(lines: Sequence[Line], hardware: Sequence[str]) -> list[Gap]:
    gaps: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        name = line.architecture.model_type
        if not line.generated:
            gaps.setdefault(("generated", "no skill"), []).append(name)
            continue
        if line.unvalidated:
            gaps.setdefault(("validated", line.unvalidated), []).append(name)
        for where in hardware:
            square = line.squares[where]
            if not square.passed:
                gaps.setdefault((f"passed on {where}", square.why), []).append(name)
    stages = ["generated", "validated", *(f"passed on {where}" for where in hardware)]
    ordered = sorted(gaps.items(), key=lambda item: (stages.index(item[0][0]), -len(item[1]), item[0][1]))
    return [Gap(stage, why, tuple(names)) for (stage, why), names in ordered]


def _outside(catalogue: Iterable[Architecture]) -> list[tuple[str, str, tuple[str, ...]]]:
    """State, reason and names of the entries that are no architecture, impossible ones first."""
    groups: dict[tuple[str, str], list[str]] = {}
    for row in sorted(catalogue, key=lambda row: row.model_type):
        if row.state != "architecture":
            # Each component and alias has a reason of its own; one by one they are in the catalogue.
            reason = row.reason if row.state == "impossible" else ""
            groups.setdefault((row.state, reason), []).append(row.model_type)
    states = ("impossible", "alias", "component")
    order: Mapping[str, int] = {state: number for number, state in enumerate(states)}
    ordered = sorted(groups.items(), key=lambda item: (order.get(item[0][0], -1), -len(item[1]), item[0]))
    return [(state, reason, tuple(names)) for (state, reason), names in ordered]


def _ordered(found: set[str], order: Sequence[str]) -> list[str]:
    return [name for name in order if name in found] + sorted(found - set(order))
