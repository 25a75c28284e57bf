"""The ledger as a report: every entry of transformers' table of configs, what it is, and why. It shows; it judges nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from reporting.markdown import code
from reporting.matrix import TIERS

__all__ = ["view"]

STATES = ("architecture", "component", "alias", "impossible")


def view(catalogue: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the template shows, as plain data; the rows are those of the catalogue, as ``reporting.update`` takes them."""
    rows = sorted(catalogue, key=lambda row: (str(row.get("of") or ""), str(row["model_type"])))
    states = Counter(str(row["state"]) for row in rows)
    architectures = [row for row in rows if row["state"] == "architecture"]
    families = sorted({str(row["family"]) for row in architectures})
    tiers = [*TIERS, *sorted({str(row["tier"]) for row in architectures} - set(TIERS))]
    return {
        "entries": len(rows),
        "states": [(state, states[state]) for state in (*STATES, *sorted(states.keys() - STATES))],
        "tiers": tiers,
        "families": [
            (family, [sum(row["family"] == family and row["tier"] == tier for row in architectures) for tier in tiers])
            for family in families
        ],
        "architectures": {
            family: [_architecture(row) for row in architectures if row["family"] == family] for family in families
        },
        "others": {
            state: [_other(row) for row in rows if row["state"] == state]
            for state in (*STATES[1:], *sorted(states.keys() - STATES))
            if states[state]
        },
    }


def _architecture(row: Mapping[str, Any]) -> list[object]:
    heads = [head["class_name"] if isinstance(head, Mapping) else head for head in row.get("heads") or ()]
    needs = ", ".join(row.get("requires") or ())
    primary = heads[0] if heads else "none"
    return [code(row["model_type"]), row["tier"], len(heads), code(primary), needs, row.get("reason") or ""]


def _other(row: Mapping[str, Any]) -> list[object]:
    return [code(row["model_type"]), code(row["of"]) if row.get("of") else "", row.get("reason") or ""]
