"""The catalogue of the installed transformers, put together from what the other modules read and judge. Nothing is cached
here; ``load`` does that."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from generator.catalog import families, library, requirements
from generator.catalog.heads import heads
from generator.catalog.ledger import LedgerError, Standing, ledger
from generator.catalog.library import Entry, Library
from generator.catalog.row import Catalog, HeadRow, Row
from generator.catalog.spelling import squash
from generator.catalog.tiers import tier_of

__all__ = ["build"]

CHECKPOINT = re.compile(r"[\w.\-]+/[\w.\-]+")
STYLE = re.compile(r"\b([\w.\-]+/[\w.\-]+) style configuration")


def build(digest: str) -> Catalog:
    """The catalogue of the installed transformers; ``digest`` is only noted in it.

    Raises:
        ImportError: transformers or torch cannot be imported.
        LedgerError: an entry of ``CONFIG_MAPPING`` has no state, or two architectures would share a file.
    """
    facts = library.read()
    standings = ledger(facts)
    found = {name: heads(entry, facts) for name, entry in facts.entries.items()}
    heads_of = {name: rows for name, (rows, _) in found.items()}
    checkpoints = _checkpoints(facts, standings)
    rows = {
        name: _row(entry, standings[name], heads_of, found[name][1], checkpoints[name], facts)
        for name, entry in facts.entries.items()
    }
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
    heads_of: Mapping[str, tuple[HeadRow, ...]],
    missing: tuple[str, ...],
    checkpoint: tuple[str | None, str],
    facts: Library,
) -> Row:
    name = entry.model_type
    nature = families.nature(entry, heads_of[name], facts)
    rows, _ = heads(entry, facts, nature.modalities)
    requires, requires_source = requirements.needs(name, heads_of, facts)
    tier, tier_source = tier_of(name)
    class_name = entry.config_class.removesuffix("Config")
    title = facts.titles.get(name)
    reason = standing.reason
    if missing:
        reason += f"; its mappings list {', '.join(missing)}, which transformers {facts.release} does not export"
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
            "model_type": "CONFIG_MAPPING",
            "config_class": "CONFIG_MAPPING",
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
        class_name=class_name[:1].upper() + class_name[1:],
        folder=entry.folder,
        missing=missing,
    )


def _heads_source(rows: tuple[HeadRow, ...]) -> str:
    if not rows:
        return "no mapping lists any"
    return "mappings of modeling_auto" if rows[0].mappings else "exports of its folder; no mapping lists any"


def _checkpoints(facts: Library, standings: Mapping[str, Standing]) -> dict[str, tuple[str | None, str]]:
    """The reference checkpoint of each type, and where it was read.

    Where several architectures' documentation names one checkpoint, most did so by being copied: it stays with those whose
    name it bears, and the others take the one in their docstring's example if that names another.
    """
    claims: defaultdict[str, list[str]] = defaultdict(list)
    for name, entry in facts.entries.items():
        if standings[name].state == "architecture" and _is_checkpoint(entry.checkpoint):
            claims[str(entry.checkpoint).lower()].append(name)
    chosen: dict[str, tuple[str | None, str]] = {}
    for name, entry in facts.entries.items():
        if not _is_checkpoint(entry.checkpoint):
            chosen[name] = None, f"{entry.config_class} names none"
            continue
        rivals = [other for other in claims[str(entry.checkpoint).lower()] if other != name]
        example = STYLE.search(entry.documentation)
        bears = squash(name) in squash(str(entry.checkpoint))
        if rivals and not bears and example and example[1] != entry.checkpoint:
            source = f"example in the docstring of {entry.config_class}; its {entry.checkpoint} is also that of {rivals[0]}"
            chosen[name] = example[1], source
        else:
            shared = f"; also named by {', '.join(rivals)}" if rivals else ""
            chosen[name] = entry.checkpoint, entry.checkpoint_source + shared
    return chosen


def _is_checkpoint(text: str | None) -> bool:
    return text is not None and CHECKPOINT.fullmatch(text) is not None


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
            best = min(users, key=lambda row: (row.folder != home, row.state != "architecture", row.model_type.replace("-", "_") != home))
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
