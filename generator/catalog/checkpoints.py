"""Which checkpoint a type's documentation names, where the documentation can be believed. Nothing is fetched."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

from generator.catalog.ledger import Standing
from generator.catalog.library import Library
from generator.catalog.spelling import squash

__all__ = ["choose"]

CHECKPOINT = re.compile(r"[\w.\-]+/[\w.\-]+")
STYLE = re.compile(r"\b([\w.\-]+/[\w.\-]+) style configuration")


def choose(facts: Library, standings: Mapping[str, Standing]) -> dict[str, tuple[str | None, str]]:
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
            source = (
                f"example in the docstring of {entry.config_class}; its {entry.checkpoint} is also that of {rivals[0]}"
            )
            chosen[name] = example[1], source
        else:
            shared = f"; also named by {', '.join(rivals)}" if rivals else ""
            chosen[name] = entry.checkpoint, entry.checkpoint_source + shared
    return chosen


def _is_checkpoint(text: str | None) -> bool:
    return text is not None and CHECKPOINT.fullmatch(text) is not None
