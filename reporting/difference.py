"""Two sets of results compared: what broke, what is fixed, what fails otherwise, and what there is no answer to.

How it is shown is the listing's to say.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from harness.results.signatures import same
from reporting import pairs
from reporting.decoding import environment
from reporting.history import Source
from reporting.incidents import Incident, incidents
from reporting.pairs import Pair, Result

__all__ = ["KINDS", "Difference", "Group", "compare", "environments"]

KINDS = ("broke", "changed", "known", "fixed", "failing", "new", "removed", "not_run")
"""What may have become of a cell: passed and does not any more; fails, but otherwise; does not pass any more, as
``expected/`` says; passes again; fails as before; was not there; is not there any more; was there, and has no result."""

SILENT = ("unavailable", "not_run")
"""Statuses that say nothing of the model."""


@dataclass(frozen=True)
class Group:
    """Cells of one kind with one cause."""

    status: str
    signature: str | None
    reason: str | None
    """The words of the first of them."""
    pairs: tuple[Pair, ...]

    @property
    def architectures(self) -> list[str]:
        """Those that it fell on."""
        return sorted({pair.shown.model_type for pair in self.pairs})

    @property
    def hardware(self) -> list[str]:
        """Where."""
        return sorted({pair.shown.hardware for pair in self.pairs})


@dataclass(frozen=True)
class Difference:
    """All that differs."""

    before: str
    after: str
    versions: Mapping[str, tuple[str, str]]
    """What differs of the environments, by the name of a distribution, or python, platform, devices, revision."""
    groups: Mapping[str, tuple[Group, ...]]
    """By kind, the largest first."""
    incidents: tuple[Incident, ...]
    renamed: Mapping[str, str]
    """Architectures of the earlier side by the name that the later one has for them."""
    same: int
    """Cells that passed on both sides."""
    flaky: tuple[str, ...]
    """Cells whose attempts on the later side did not all end alike."""
    damage: tuple[str, ...]
    """Lines that are no results, in sentences."""

    @property
    def counts(self) -> dict[str, int]:
        """Cells by kind, without those of incidents."""
        return {kind: sum(len(group.pairs) for group in groups) for kind, groups in self.groups.items()}

    @property
    def broken(self) -> bool:
        """Whether something is worse than it was, and is not known to be."""
        return bool(self.groups["broke"] or self.groups["changed"])

    @property
    def incomplete(self) -> bool:
        """Whether something that was asked before has no answer."""
        return bool(self.incidents or self.groups["not_run"] or self.damage)


def compare(
    before: Source,
    after: Source,
    *,
    renamed: Mapping[str, str] | None = None,
    stated: Callable[[], Collection[str]] | None = None,
) -> Difference:
    """The difference of two sets of results.

    Args:
        before: the earlier side.
        after: the later side.
        renamed: architectures that have another name on the later side, by the earlier one.
        stated: gives ``model_type/head`` of all heads that the later side's skills have, where that is known: what is not
            among them was removed, not left out. Called only if something is absent.
    """
    found = pairs.read(before, after, renamed or {})
    absent = any(pair.after is None for pair in found.differing)
    heads = stated() if stated is not None and absent else None
    kinds: dict[str, list[Pair]] = {kind: [] for kind in KINDS}
    for pair in found.differing:
        kind = _kind(pair.before, pair.after, there=heads is None or "/".join(pair.cell.split("/")[:2]) in heads)
        if kind is not None:
            kinds[kind].append(pair)
    together = incidents([*kinds["broke"], *kinds["not_run"]], found.passed)
    fallen = {pair.cell for incident in together for pair in incident.pairs}
    return Difference(
        before.name,
        after.name,
        _versions(before, after),
        {kind: _grouped(pair for pair in members if pair.cell not in fallen) for kind, members in kinds.items()},
        tuple(together),
        found.renamed,
        found.same,
        found.flaky,
        found.damage,
    )


def _kind(before: Result | None, after: Result | None, *, there: bool) -> str | None:
    """What became of a cell; None where nothing can be said. ``there``: whether the later side has its head."""
    if after is None or after.status in SILENT:
        if before is None or before.status in SILENT:
            return None
        return "not_run" if there or after is not None else "removed"
    if before is None or before.status in SILENT:
        return "new"
    if after.status == "passed":
        return "fixed" if before.status != "passed" else None
    if after.verdict == "known_failure":
        return "known" if before.status == "passed" else "failing"
    if before.status == "passed":
        return "broke"
    alike = before.status == after.status and same(before.signature or "", after.signature)
    return "failing" if alike else "changed"


def _grouped(members: Iterable[Pair]) -> tuple[Group, ...]:
    by: dict[tuple[str, str | None], list[Pair]] = defaultdict(list)
    for pair in members:
        by[pair.shown.verdict, pair.shown.signature].append(pair)
    groups = [Group(*key, found[0].shown.reason, tuple(found)) for key, found in by.items()]
    return tuple(sorted(groups, key=lambda group: (-len(group.pairs), group.status, group.signature or "")))


def _versions(before: Source, after: Source) -> dict[str, tuple[str, str]]:
    was, now = environments(before), environments(after)
    names = sorted(name for name in {*was, *now} if was.get(name) != now.get(name))
    return {name: (was.get(name, "none"), now.get(name, "none")) for name in names}


def environments(source: Source) -> dict[str, str]:
    """What a side's environments say: the versions of distributions, and python, platform, devices, revision. Where it has
    several, all that they say of a name."""
    said: dict[str, set[str]] = defaultdict(set)
    for file in source.environments:
        try:
            found = environment(json.loads(file.read_text(encoding="utf-8")), source.name)
        except (OSError, ValueError, RecursionError):
            continue  # the reports name it as damage
        own = {name: getattr(found, name) for name in ("python", "platform", "devices", "revision")}
        for name, value in {**found.versions, **own}.items():
            said[name].add(value)
    return {name: ", ".join(sorted(values)) for name, values in said.items()}
