"""The catalogue of the installed transformers, put together from what the other modules read and judge. Nothing is cached
here; ``load`` does that."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from generator.catalog import checkpoints, families, library, requirements
from generator.catalog.heads import heads, missing, pipelines
from generator.catalog.ledger import LedgerError, Standing, ledger
from generator.catalog.library import Entry, Library
from generator.catalog.row import Catalog, HeadRow, Row
from generator.catalog.tiers import tier_of
from generator.spec import TIERS

__all__ = ["assemble", "build"]


def build(digest: str) -> Catalog:
    """The catalogue of the installed transformers; ``digest`` is only noted in it.

    Raises:
        ImportError: transformers or torch cannot be imported.
        LedgerError: as ``assemble``.
    """
    return assemble(library.read(), digest)


def assemble(facts: Library, digest: str) -> Catalog:
    """The catalogue of what was read.

    Raises:
        LedgerError: an entry of ``CONFIG_MAPPING`` has no state, or two architectures would share a file.
    """
    standings = ledger(facts)
    found = {name: heads(entry, facts) for name, entry in facts.entries.items()}
    named = checkpoints.choose(facts, standings)
    rows = {name: _row(entry, standings[name], found, named[name], facts) for name, entry in facts.entries.items()}
    _refuse_clashes(rows.values())
    return Catalog(
        transformers=facts.release,
        digest=digest,
        rows=rows,
        pipeline_tasks=dict(facts.pipelines),
        mappings={name: dict(table) for name, table in facts.mappings.items()},
        owners=_owners(rows.values(), facts),
    )


def _row(
    entry: Entry,
    standing: Standing,
    found: Mapping[str, tuple[HeadRow, ...]],
    checkpoint: tuple[str | None, str],
    facts: Library,
) -> Row:
    name = entry.model_type
    nature = families.nature(entry, found[name], facts)
    rows = tuple(replace(head, pipelines=pipelines(head.mappings, facts, nature.modalities)) for head in found[name])
    requires, requires_source = requirements.needs(name, found, facts)
    tier, tier_source = tier_of(name) if entry.package is None else (TIERS[-1], f"plugin {entry.package}")
    class_name = entry.config_class.removesuffix("Config")
    title = facts.titles.get(name)
    reason = standing.reason
    registered = "CONFIG_MAPPING" if entry.package is None else f"plugin {entry.package}"
    absent = missing(entry, facts)
    if absent:
        reason += f"; its mappings list {', '.join(absent)}, which transformers {facts.release} does not export"
    return Row(
        model_type=name,
        state=standing.state,
        of=standing.of,
        reason=reason,
        config_class=entry.config_class,
        title=title or class_name,
        family=nature.family,
        tier=tier,
        modalities=nature.modalities,
        checkpoint=checkpoint[0],
        requires=requires,
        heads=rows,
        sources={
            "model_type": registered,
            "config_class": registered,
            "state": standing.reason,
            "title": "MODEL_NAMES_MAPPING" if title else f"{entry.config_class} without Config",
            "family": nature.family_source,
            "modalities": nature.modalities_source,
            "tier": tier_source,
            "checkpoint": checkpoint[1],
            "requires": requires_source,
            "heads": _heads_source(rows),
            "pipelines": "SUPPORTED_TASKS, by the mappings of its auto classes",
        },
        module="hf_" + re.sub(r"\W", "_", name).lower(),
        class_name=class_name,
        folder=entry.folder,
        missing=absent,
        package=entry.package,
    )


def _heads_source(rows: tuple[HeadRow, ...]) -> str:
    if not rows:
        return "no mapping lists any"
    return "mappings of modeling_auto" if rows[0].mappings else "exports of its folder; no mapping lists any"


def _owners(rows: Iterable[Row], facts: Library) -> dict[str, str]:
    """For each class that several types list, the one that it belongs to: of the folder that defines it, an architecture
    before a component, the folder's namesake before others."""
    listing: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        for head in row.heads:
            listing[head.class_name].append(row)
    owners = {}
    for class_name, users in sorted(listing.items()):
        if len(users) > 1:
            home = facts.modules[class_name].removeprefix("models.").rpartition(".")[0]
            best = min(
                users,
                key=lambda row: (
                    row.folder != home,
                    row.state != "architecture",
                    row.model_type.replace("-", "_") != home,
                ),
            )
            owners[class_name] = best.model_type
    return owners


def _refuse_clashes(rows: Iterable[Row]) -> None:
    taken: dict[str, str] = {}
    for row in rows:
        if row.state != "architecture":
            continue
        for name in (row.module, row.class_name):
            if name in taken:
                raise LedgerError(f"catalog: {taken[name]} and {row.model_type} would both be called {name}.")
            taken[name] = row.model_type
