"""Incidents: cells that fell together where they ran, so that the machine is asked about and not the models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reporting.pairs import Pair

__all__ = ["Incident", "incidents"]

CELLS = 20
"""How many must fall together."""

ARCHITECTURES = 5
"""How many they must be of: models that have nothing in common but where they ran."""

SHARE = 0.5
"""Of the cells that passed there before, how many must have fallen."""

BESIDE = 0.05
"""Of those that passed elsewhere, how many may have: more, and it is no matter of the place."""


@dataclass(frozen=True)
class Incident:
    """Cells that fell together."""

    where: str
    """``worker gw1``, by the name of its file, or ``hardware cuda``."""
    of: int
    """Cells that had passed and ran there, or were to."""
    pairs: tuple[Pair, ...]


def incidents(fallen: Sequence[Pair], passed: Mapping[tuple[str, str], int]) -> list[Incident]:
    """Workers, and after them hardware, whose cells fell together while elsewhere hardly any did.

    Args:
        fallen: pairs that passed on the earlier side, and failed or have no result on the later one.
        passed: as in ``Pairs``.
    """
    found: list[Incident] = []
    left = list(fallen)
    for scope in ("worker", "hardware"):
        by: dict[str, list[Pair]] = defaultdict(list)
        for pair in left:
            by[_place(scope, pair)].append(pair)
        for name, pairs in sorted(by.items()):
            of = passed.get((scope, name), 0)
            elsewhere = sum(count for (kind, other), count in passed.items() if kind == scope and other != name)
            together = len(pairs) >= max(CELLS, SHARE * of)
            various = len({pair.shown.model_type for pair in pairs}) >= ARCHITECTURES
            if together and various and len(left) - len(pairs) <= BESIDE * elsewhere:
                found.append(Incident(f"{scope} {name or 'unknown'}", of, tuple(pairs)))
        gone = {pair.cell for incident in found for pair in incident.pairs}
        left = [pair for pair in left if pair.cell not in gone]
    return found


def _place(scope: str, pair: Pair) -> str:
    if scope == "hardware":
        return pair.shown.hardware
    return pair.after.writer if pair.after is not None else ""
