"""The tracked list: names that release engineers follow, each with its tier and the answer to what it is. The list is data of
this project (tracked_models.json), true of every release; what the installed one has is the catalogue's to say."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from generator.spec import TIERS

__all__ = ["KINDS", "TrackedName", "tier_of", "tracked"]

KINDS = ("model_type", "checkpoint_family", "removed", "never_in_transformers", "placeholder")
"""What a tracked name can be: a spelling of a type, checkpoints of another type, or nothing that can be built."""


@dataclass(frozen=True)
class TrackedName:
    """One name of the list."""

    name: str
    """As it is tracked; one type may be tracked under several."""
    tier: str
    """One of generator.spec.TIERS, never the last."""
    label: str
    """Family that the list gives it, ``unknown`` included; the library's word counts where they differ."""
    kind: str
    """One of KINDS."""
    model_type: str | None
    """The type that it is, or that its checkpoints are; None for the kinds that are none."""
    note: str | None = None
    """The answer in a sentence without its full stop; None where the name is a spelling of the type."""
    removed_in: str | None = None
    """First release without it."""


@functools.cache
def tracked() -> Mapping[str, TrackedName]:
    """Every tracked name, by name, the most urgent first."""
    raw = json.loads(Path(__file__).with_name("tracked_models.json").read_text(encoding="utf-8"))
    return {row["name"]: TrackedName(**row) for row in raw}


def tier_of(model_type: str) -> tuple[str, str]:
    """The most urgent tier of the names by which a type is tracked, and where that was read."""
    found = [row for row in tracked().values() if row.model_type == model_type]
    if not found:
        return TIERS[-1], "not tracked"
    urgent = min(found, key=lambda row: TIERS.index(row.tier))
    return urgent.tier, f"tracked as {urgent.name}"
