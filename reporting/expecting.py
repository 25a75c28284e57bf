"""From the results of a run to what should be expected: which rows stay, which change, which go, and which are new.

It decides; the files are ``reporting.rows``'s to write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from harness.results.expectations import Expectation
from harness.results.record import AXES, environment_of
from harness.results.signatures import same
from reporting.evidence import Evidence

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

__all__ = ["Change", "Triage", "changes"]

UNSETTLED = "the skill was written unsettled"
"""How a record begins of a head that its skill could not be written for: of what was not run, that alone can be expected."""

HOLDS = timedelta(days=180)
"""How long a new row holds, from the day of the run."""


@dataclass(frozen=True)
class Triage:
    """What people know of a failure; None leaves what a row says already."""

    blame: str | None = None
    text: str | None = None
    issue: str | None = None


NOTHING = Triage()


@dataclass(frozen=True)
class Change:
    """What becomes of one row."""

    before: Expectation | None
    """The row as it stands; None for a new one."""
    after: Expectation | None
    """The row as it should be; None for one that goes."""
    why: str = ""
    """For people."""


@dataclass(frozen=True)
class _End:
    """How a cell ended on one axis."""

    cell: str
    status: str
    signature: str
    evidence: Evidence = field(compare=False)

    @property
    def model(self) -> str:
        return self.cell.partition("/")[0]

    @property
    def red(self) -> bool:
        return self.status != "passed"

    @property
    def day(self) -> date:
        return date.fromisoformat(self.evidence.record.started[:10])

    @property
    def versions(self) -> Mapping[str, str]:
        where = self.evidence.environment
        return {} if where is None else where.versions


def changes(
    evidence: Iterable[Evidence],
    rows: Sequence[Expectation],
    axes: Sequence[str] = AXES,
    triage: Triage = NOTHING,
    *,
    prune: bool = False,
) -> list[Change]:
    """What must change for the rows to say just what these results show, and nothing where they do.

    A row is renewed where it is expired, corrected where its one cell fails otherwise, and goes where that passes. A
    pattern that no longer holds for a cell of the run goes too, and rows for those that it still holds for take its place.
    What is new gets a row a cell, or one for all heads or checks of an architecture that share it.

    Args:
        evidence: one piece a cell, of one hardware with its devices and routes.
        rows: those in the file of that hardware.
        axes: those to look at.
        triage: what to say of what is new or changed.
        prune: whether rows go that speak of an architecture in the results, but of no cell.
    """
    items = list(evidence)
    made: list[Change] = []
    for axis in axes:
        ends = [end for item in items if (end := _end(item, axis)) is not None]
        of_model: dict[str, list[_End]] = {}
        for end in ends:
            of_model.setdefault(end.model, []).append(end)
        of_axis = [row for row in rows if row.axis == axis]
        settled: set[str] = set()
        for row in of_axis:
            # Most rows name their architecture, and a run may have tens of thousands of cells.
            there = of_model.get(row.cell.partition("/")[0], ends)
            covered = [end for end in there if row.covers(end.cell) and row.admits(end.versions)]
            met = [end for end in covered if end.red and row.explains(end.status, end.signature)]
            # Another row may say what this one does not.
            broken = [end for end in covered if end not in met and not _met_by(end, of_axis)]
            if prune and not covered and _of_the_run(row, items):
                made.append(Change(row, None, "no cell of the run is spoken of"))
            elif not broken:
                settled |= {end.cell for end in met}
                made += _renewed(row, met)
            elif len(covered) == 1 and broken[0].red and "*" not in row.cell:
                settled.add(broken[0].cell)
                made.append(Change(row, _row(broken[0].cell, axis, broken[0], triage, row), "fails otherwise"))
            else:
                passed = sum(not end.red for end in broken)
                why = f"{passed} of its cells pass" if passed else f"{len(broken)} of its cells fail otherwise"
                made.append(Change(row, None, why))
                kept = [one for group in _groups(met) for one in _patterns(group, of_model[group[0].model])]
                made += [Change(None, _row(cell, axis, end, triage, row), "of a pattern") for cell, end in kept]
                settled |= {end.cell for end in met}
        new = [end for end in ends if end.red and end.cell not in settled]
        made += [
            Change(None, _row(cell, axis, end, triage, None), "new")
            for group in _groups(new)
            for cell, end in _patterns(group, of_model[group[0].model])
        ]
    return made


def _end(item: Evidence, axis: str) -> _End | None:
    """How a cell ended on an axis, if that says anything."""
    record = item.record
    status, signature = getattr(record, axis), record.signature or ""
    silent = status in (None, "unavailable") or (status == "not_run" and not signature.startswith(UNSETTLED))
    return None if silent or (status != "passed" and not signature) else _End(record.cell, status, signature, item)


def _met_by(end: _End, rows: Iterable[Expectation]) -> bool:
    return end.red and any(row.covers(end.cell) and row.explains(end.status, end.signature) for row in rows)


def _of_the_run(row: Expectation, items: Iterable[Evidence]) -> bool:
    """Whether the run has results of the row's architecture and hardware, in versions of its window."""
    model, _, where, _, _ = row.cell.split("/")
    return any(
        fnmatchcase(item.record.model_type, model)
        and fnmatchcase(item.record.hardware, where)
        and row.admits({} if item.environment is None else item.environment.versions)
        for item in items
    )


def _renewed(row: Expectation, met: Sequence[_End]) -> list[Change]:
    late = [end.day for end in met if end.day > row.expires]
    if not late:
        return []
    facts = vars(row) | {"expires": max(late) + HOLDS}
    return [Change(row, Expectation(**facts), f"expired {row.expires}")]


def _groups(ends: Iterable[_End]) -> list[list[_End]]:
    """Cells of one architecture that end alike on one hardware in one dtype."""
    groups: dict[tuple[str, ...], list[_End]] = {}
    for end in ends:
        model, _, where, dtype, _ = end.cell.split("/")
        groups.setdefault((model, where, dtype, end.status, end.signature), []).append(end)
    return list(groups.values())


def _patterns(group: Sequence[_End], ends: Iterable[_End]) -> list[tuple[str, _End]]:
    """Ids and patterns that cover just the cells of a group and no other of its architecture, as few as wildcards for the
    head and the check make possible, each with a cell of it."""
    others = [end for end in ends if not _alike(end, group[0])]
    left = {end.cell: end for end in group}
    model, _, where, dtype, _ = group[0].cell.split("/")
    heads = dict.fromkeys(end.cell.split("/")[1] for end in group)
    checks = dict.fromkeys(end.cell.split("/")[4] for end in group)
    both = [("*", "*")] if len(heads) > 1 and len(checks) > 1 else []
    made = []
    for head, check in (*both, *(("*", check) for check in checks), *((head, "*") for head in heads)):
        pattern = f"{model}/{head}/{where}/{dtype}/{check}"
        covered = [cell for cell in left if _covers(pattern, cell)]
        if len(covered) > 1 and not any(_covers(pattern, end.cell) for end in others):
            made.append((pattern, left[covered[0]]))
            left = {cell: end for cell, end in left.items() if cell not in covered}
    return sorted([*made, *left.items()], key=lambda one: one[0])


def _alike(end: _End, other: _End) -> bool:
    return end.status == other.status and same(other.signature, end.signature)


def _covers(pattern: str, cell: str) -> bool:
    return all(map(fnmatchcase, cell.split("/"), pattern.split("/")))


def _row(cell: str, axis: str, end: _End, triage: Triage, like: Expectation | None) -> Expectation:
    """A row for a cell or a pattern that ends so; what people know of it is what they say now, or what a row said."""
    return Expectation(
        cell=cell,
        axis=axis,
        status=end.status,
        blame=triage.blame or (like.blame if like else "untriaged"),
        text=triage.text or (like.text if like else "nobody has looked into it yet"),
        signature=end.signature,
        expires=max(end.day + HOLDS, like.expires if like else date.min),
        issue=triage.issue or (like.issue if like else None),
        window=_window(end),
    )


def _window(end: _End) -> dict[str, SpecifierSet]:
    """From the versions that it was seen with on: whoever mends it makes an unexpected pass."""
    from packaging.specifiers import SpecifierSet

    backend = environment_of(end.cell.split("/")[2])
    names = ["transformers", backend if backend in end.versions else "torch"]
    return {name: SpecifierSet(f">={end.versions[name].partition('+')[0]}") for name in names if name in end.versions}
