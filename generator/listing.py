"""What the catalogue says, shown to people and to scripts: a row, its counts, and what has no skill yet."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from generator.spec import FAMILIES, TIERS

if TYPE_CHECKING:
    from generator.catalog import Catalog, Row


def row_text(row: Row) -> str:
    """A row for people: its facts with their sources, then its heads."""
    from tabulate import tabulate

    names = ("state", "of", "reason", "title", "family", "tier", "modalities", "checkpoint", "requires", "config_class")
    shown = [(name, _shown(getattr(row, name)), row.sources.get(name, "")) for name in names]
    facts = tabulate([("model_type", row.model_type, ""), *shown, ("skill", f"{row.module}.py", "")], tablefmt="plain")
    heads = [
        (head.class_name, "primary" if head.primary else "", _shown(head.pipelines), _shown(head.mappings))
        for head in row.heads
    ]
    return facts + "\n\n" + tabulate(heads, ("head", "", "pipelines", "mappings"), "simple")


def row_json(row: Row) -> str:
    """A row for scripts, every field of it."""
    return json.dumps(asdict(row), indent=2, sort_keys=True)


def counts(catalog: Catalog) -> dict[str, dict[str, int]]:
    """How many entries there are by state, and how many architectures by tier and by family."""
    architectures = catalog.architectures()
    return {
        "state": _count((row.state for row in catalog.rows.values()), _states()),
        "tier": _count((row.tier for row in architectures), TIERS),
        "family": _count((row.family for row in architectures), FAMILIES),
    }


def counts_text(catalog: Catalog) -> str:
    """The counts for people."""
    from tabulate import tabulate

    tables = [
        tabulate([*by.items(), ("in all", sum(by.values()))], (name, "architectures" if name != "state" else "entries"))
        for name, by in counts(catalog).items()
    ]
    return "\n\n".join([f"transformers {catalog.transformers}", *tables])


def counts_json(catalog: Catalog) -> str:
    """The counts for scripts."""
    return json.dumps({"transformers": catalog.transformers, **counts(catalog)}, indent=2)


def missing(catalog: Catalog, generated: Collection[str]) -> list[Row]:
    """Architectures that have no skill, the most urgent tier first."""
    return [row for row in catalog.architectures() if row.model_type not in generated]


def missing_text(catalog: Catalog, generated: Collection[str], limit: int = 20) -> str:
    """What is missing, for people: counts by tier, then the names, no more than ``limit`` of a tier."""
    from tabulate import tabulate

    rows = missing(catalog, generated)
    table, names = [], []
    for tier in TIERS:
        absent = [row.model_type for row in rows if row.tier == tier]
        known = len(catalog.architectures(tier))
        table.append((tier, known, known - len(absent), len(absent)))
        if absent:
            more = f", and {len(absent) - limit} more (--json names all)" if len(absent) > limit else ""
            names.append(f"{tier}: {', '.join(absent[:limit])}{more}")
    parts = [tabulate(table, ("tier", "architectures", "with a skill", "missing")), "\n".join(names)]
    unanswered = tracked(catalog)
    if unanswered:
        parts.append(tabulate(unanswered, ("tracked name", "tier", "why it has no skill of its own")))
    return "\n\n".join(part for part in parts if part)


def missing_json(catalog: Catalog, generated: Collection[str]) -> str:
    """What is missing, for scripts: ``missing`` by tier, and ``tracked`` names without an architecture."""
    rows = missing(catalog, generated)
    return json.dumps(
        {
            "missing": {tier: [row.model_type for row in rows if row.tier == tier] for tier in TIERS},
            "tracked": [{"name": name, "tier": tier, "reason": reason} for name, tier, reason in tracked(catalog)],
        },
        indent=2,
    )


def tracked(catalog: Catalog) -> list[tuple[str, str, str]]:
    """Tracked names that stand for no architecture of the installed transformers: name, tier, why."""
    from generator.catalog import answer
    from generator.catalog import tracked as names

    answers = [answer(name, catalog) for name in names()]
    return [
        (item.name.name, item.name.tier, item.sentence)
        for item in answers
        if item.model_type is None or catalog.rows[item.model_type].state != "architecture"
    ]


def _states() -> Sequence[str]:
    from generator.catalog.row import STATES

    return STATES


def _count(values: Iterable[str], order: Sequence[str]) -> dict[str, int]:
    counted = Counter(values)
    return {value: counted[value] for value in order}


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(value) or "-"
    return "-" if value is None else str(value)
