"""The ledger as a report: every entry of transformers' table of configs, what it is, and why, and what is new of it since
an earlier release. It shows; it judges nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from reporting.markdown import Markdown, anchored, code, linked
from reporting.matrix import TIERS

__all__ = ["view"]

STATES = ("architecture", "component", "alias", "impossible")


def view(catalogue: Sequence[Mapping[str, Any]], since: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What the template shows, as plain data; both are as ``reporting.update`` takes them."""
    rows = sorted(catalogue, key=lambda row: (str(row.get("of") or ""), str(row["model_type"])))
    states = Counter(str(row["state"]) for row in rows)
    architectures = [row for row in rows if row["state"] == "architecture"]
    families = sorted({str(row["family"]) for row in architectures})
    tiers = [*TIERS, *sorted({str(row["tier"]) for row in architectures} - set(TIERS))]
    return {
        "entries": len(rows),
        "states": [
            (state, states[state], *_moved(state, since)) for state in (*STATES, *sorted(states.keys() - STATES))
        ],
        "since": None if since is None else _since(since, {str(row["model_type"]) for row in rows}),
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
    return [anchored(row["model_type"]), row["tier"], len(heads), code(primary), needs, row.get("reason") or ""]


def _other(row: Mapping[str, Any]) -> list[object]:
    return [anchored(row["model_type"]), linked(row["of"]) if row.get("of") else "", row.get("reason") or ""]


def _moved(state: str, since: Mapping[str, Any] | None) -> tuple[int, ...]:
    """How many entries of a state are new, and how many are gone, where there is something to compare with."""
    return () if since is None else tuple(len(since[key].get(state, ())) for key in ("new", "gone"))


def _since(since: Mapping[str, Any], known: set[str]) -> dict[str, Any]:
    def name(value: str) -> Markdown:
        return linked(value) if value in known else code(value)

    return {
        "before": since["before"],
        "kept": since["kept"],
        "changed": len({row[0] for row in since["changed"]}),
        "present": [
            (f"{word}, {state}", len(names), Markdown(", ".join(name(item) for item in names)))
            for word in ("new", "gone")
            for state, names in since[word].items()
            if names
        ],
        "renamed": [(code(before), name(after), reason) for before, after, reason in since["renamed"]],
        "general": [
            (where, item)
            for where, key in (("every config", "every"), ("pipelines", "pipelines"))
            for item in since[key]
        ],
        "shared": [(area, change, count, which) for area, change, count, which in since["shared"]],
        "types": [(name(item), area, change) for item, area, change in since["changed"]],
    }
