"""The compatibility report: architectures by hardware, the failures by cause, and each architecture's heads by checks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from reporting.markdown import code, ended
from reporting.matrix import TIERS, Line
from reporting.standing import Standing

__all__ = ["view"]

CHECKS = (
    "build",
    "forward",
    "vacuity",
    "determinism",
    "masking",
    "batch_invariance",
    "round_trip",
    "generation",
    "parity",
)
"""Order of the columns; checks that are not here follow by name."""


@dataclass(frozen=True)
class Cause:
    """Cells that are not green for the same reason."""

    hardware: str
    status: str
    reason: str
    known: str
    """What was expected of them."""
    cells: tuple[Standing, ...]

    @property
    def rank(self) -> tuple[int, bool]:
        """Sorts causes, the worst status first, stale before not_run."""
        return min(cell.rank[0] for cell in self.cells), self.status != "stale"

    @property
    def architectures(self) -> list[str]:
        """Model types concerned, by name."""
        return sorted({cell.record.model_type for cell in self.cells})

    @property
    def command(self) -> str:
        """What runs the first of them again."""
        where, _, route = self.hardware.partition("@")
        base, _, device = where.partition(":")
        which = (f" --device {device}" if device else "") + (f" --route {route}" if route else "")
        return f"nox -s test_{base} -- --model {self.architectures[0]}{which}"

    @property
    def row(self) -> list[object]:
        """Its line in the table of causes."""
        names = self.architectures
        some = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        status = self.status if self.found == self.status else f"{self.status} ({self.found})"
        known = ended(self.known) if self.known else ""
        return [status, code(self.hardware), len(self.cells), self.reason, known, some, code(self.command)]

    @property
    def found(self) -> str:
        """The status as it was found, whatever was expected; of what is stale, that."""
        return self.status if self.cells[0].stale else self.cells[0].record.status

    @property
    def remark(self) -> str:
        """The reason and the first of the cells, with their figures, for the architecture's own section."""
        shown = [f"{cell.record.cell.partition('/')[2]}{_figures(cell)}" for cell in self.cells[:4]]
        more = f" and {len(self.cells) - 4} more" if len(self.cells) > 4 else ""
        known = f" ({self.known})" if self.known else ""
        return f"{self.reason or 'no reason recorded'}{known}: {', '.join(shown)}{more}"


@dataclass(frozen=True)
class Row:
    """A head on a hardware in a dtype, with what each check said."""

    head: str
    primary: bool
    hardware: str
    dtype: str
    checks: tuple[Standing | None, ...]
    """One for each column of the table; None where there is no such cell."""

    @property
    def row(self) -> list[object]:
        """Its line: each check, then parameters, the greatest max_abs of any check, and the seconds of all."""
        cells = [cell for cell in self.checks if cell]
        counted = [cell.record.metrics["parameters"] for cell in cells if "parameters" in cell.record.metrics]
        largest = [cell.record.metrics["max_abs"] for cell in cells if "max_abs" in cell.record.metrics]
        name = f"{self.head} (primary)" if self.primary else self.head
        seconds = sum(cell.record.seconds for cell in cells)
        routes = sorted({str(cell.record.metrics["route"]) for cell in cells if "route" in cell.record.metrics})
        return [
            name,
            f"{self.hardware} {self.dtype}" + (f" by {', '.join(routes)}" if routes else ""),
            *map(_said, self.checks),
            f"{counted[0]:,}" if counted and isinstance(counted[0], int) else "",
            _number(max(largest, key=_size)) if largest else "",
            f"{seconds:.2f}",
        ]


@dataclass(frozen=True)
class Detail:
    """All that is known of one architecture."""

    line: Line
    checks: tuple[str, ...]
    """Columns of the table."""
    rows: tuple[Row, ...]
    """By hardware, the primary head first."""
    remarks: tuple[tuple[str, str, str], ...]
    """Status, hardware and reason of what is not green, the worst first."""
    devices: tuple[str, ...]
    """What the cells ran on, as read back."""


def view(lines: Sequence[Line], hardware: Sequence[str]) -> dict[str, Any]:
    """What the template shows, as plain data."""
    shown = [
        line
        for line in lines
        if line.generated
        or any(square.cells for square in line.squares.values())
        or line.architecture.tier in TIERS[:3]
    ]
    # With all that passed, the tables of six hundred architectures would hide the ones to look at.
    details = [
        _detail(line)
        for line in shown
        if any(not cell.passed or cell.record.attempt > 1 for square in line.squares.values() for cell in square.cells)
        or any(square.cells and square.missing for square in line.squares.values())
    ]
    return {
        "hardware": hardware,
        "lines": shown,
        "hidden": len(lines) - len(shown),
        "causes": _causes(cell for line in lines for square in line.squares.values() for cell in square.cells),
        "routes": _routes(cell for line in lines for square in line.squares.values() for cell in square.cells),
        "details": sorted(details, key=lambda detail: detail.line.order),
    }


def _said(cell: Standing | None) -> str:
    """A check's cell: the status with rel_l2 where it was measured, or which old evidence there is."""
    if cell is None:
        return ""
    record = cell.record
    if cell.stale:
        return f"stale ({record.status} {cell.day})"
    words = record.verdict if record.verdict != "known_failure" else f"known_failure: {record.status}"
    if "rel_l2" in record.metrics:
        words += f" ({_number(record.metrics['rel_l2'])})"
    return words if record.attempt == 1 or cell.evidence.unreadable else f"{words}, attempt {record.attempt}"


def _figures(cell: Standing) -> str:
    """The figures of a cell: `` (max_abs 1.2, rel_l2 0.3)``; empty if it has none of today. Those of each of its outputs
    are for queries."""
    if cell.stale or cell.status == "unavailable":
        return ""
    shown = {name: value for name, value in sorted(cell.record.metrics.items()) if name != "by_output"}
    words = ", ".join(f"{name} {_number(value)}" for name, value in shown.items())
    return f" ({words})" if words else ""


def _size(value: object) -> float:
    """Sorts figures that may be spelled ``nan`` or ``inf``: those are the largest."""
    return float(value) if isinstance(value, int | float) else float("inf")


def _number(value: object) -> str:
    return f"{value:.2g}" if isinstance(value, float) else str(value)


def _causes(cells: Iterable[Standing]) -> list[Cause]:
    groups: dict[tuple[str, str, str, str], list[Standing]] = {}
    for cell in cells:
        if not cell.passed:
            record = cell.record
            cause = cell.stale or record.signature or record.reason or ""
            groups.setdefault((cell.status, record.hardware, cause, cell.known), []).append(cell)
    causes = []
    for (status, where, _, known), found in groups.items():
        found.sort(key=lambda cell: cell.record.cell)
        causes.append(Cause(where, status, found[0].stale or found[0].reason, known, tuple(found)))
    return sorted(causes, key=lambda cause: (*cause.rank, -len(cause.cells), cause.hardware, cause.reason, cause.known))


def _routes(cells: Iterable[Standing]) -> list[list[object]]:
    """Of each hardware that compiles, by the route that served: how many heads it took, and how many of them match."""
    took: dict[tuple[str, str], dict[str, bool]] = {}
    for cell in cells:
        record = cell.record
        if "route" in record.metrics and record.check == "parity" and cell.stale is None:
            heads = took.setdefault((record.hardware, str(record.metrics["route"])), {})
            heads[f"{record.model_type}/{record.head}/{record.dtype}"] = cell.passed
    return [[code(where), route, len(heads), sum(heads.values())] for (where, route), heads in sorted(took.items())]


def _detail(line: Line) -> Detail:
    cells = [cell for square in line.squares.values() for cell in square.cells]
    found = {cell.record.check for cell in cells}
    checks = [name for name in CHECKS if name in found] + sorted(found.difference(CHECKS))
    rows: dict[tuple[str, str, str], dict[str, Standing]] = {}
    for cell in cells:
        record = cell.record
        rows.setdefault((record.head, record.hardware, record.dtype), {})[record.check] = cell
    made = [
        Row(head, any(cell.record.primary for cell in of.values()), where, dtype, tuple(map(of.get, checks)))
        for (head, where, dtype), of in rows.items()
        # A table full of "unavailable" says no more than the remark below it.
        if any(cell.status != "unavailable" for cell in of.values())
    ]
    hardware = list(line.squares)
    made.sort(key=lambda row: (hardware.index(row.hardware), not row.primary, row.head, row.dtype))
    remarks = [(cause.status, cause.hardware, cause.remark) for cause in _causes(cells)]
    for name, square in line.squares.items():
        if square.cells and square.missing:
            remarks.append(("not_run", name, f"no result of {square.gaps}"))
    devices = sorted({cell.record.executed_on for cell in cells if cell.record.executed_on})
    return Detail(line, tuple(checks), tuple(made), tuple(remarks), tuple(devices))
