"""A difference of two sets of results in words: for a terminal, as Markdown, or as JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tabulate import tabulate

from reporting.difference import KINDS, Difference, Group
from reporting.markdown import code, plain, table, text

__all__ = ["FORMATS"]

TITLES = {
    "broke": "Broke",
    "changed": "Fails otherwise than before",
    "known": "Broke, as expected",
    "fixed": "Fixed",
    "failing": "Still failing",
    "new": "New",
    "removed": "Removed",
    "not_run": "Not run",
}
"""Headings, by kind."""

ROWS = 20
"""Causes that the terminal and the Markdown list of a kind; JSON has them all."""

COLUMNS = ("cells", "architectures", "hardware", "status", "cause", "such as")

_COUNTED = {"broke": "broke", "changed": "fail otherwise", "known": "broke as expected", "fixed": "fixed"}
_COUNTED |= {"failing": "still failing", "new": "new", "removed": "removed", "not_run": "not run"}


def _terminal(difference: Difference) -> str:
    parts = [f"{plain(difference.before)} -> {plain(difference.after)}: {_headline(difference)}"]
    parts += [f"{plain(name)}: {plain(was)} -> {plain(now)}" for name, (was, now) in difference.versions.items()]
    parts += [f"{title}: {plain(words, 400)}" for title, words in _remarks(difference)]
    for kind, groups in _listed(difference):
        rows = [[plain(str(value)) if isinstance(value, str) else value for value in row] for row in _rows(groups)]
        widths = [None, None, 24, None, 70, 60]
        parts.append(f"\n{TITLES[kind]}\n" + tabulate(rows, COLUMNS, tablefmt="simple", maxcolwidths=widths))
        parts += _more(groups)
    return "\n".join(parts)


def _markdown(difference: Difference) -> str:
    parts = [f"# {text(difference.before)} → {text(difference.after)}", text(_headline(difference), 400)]
    if difference.versions:
        told = [(code(name), code(was), code(now)) for name, (was, now) in difference.versions.items()]
        parts.append(table(("environment", "before", "after"), told))
    parts += [f"**{title}**: {text(words, 400)}" for title, words in _remarks(difference)]
    for kind, groups in _listed(difference):
        rows = [[*row[:-1], code(row[-1])] for row in _rows(groups)]
        parts += [f"## {TITLES[kind]}", table(COLUMNS, rows), *_more(groups)]
    return "\n\n".join(parts)


def _json(difference: Difference) -> str:
    groups = {
        kind: [
            {
                "status": group.status,
                "signature": group.signature,
                "reason": group.reason,
                "architectures": group.architectures,
                "hardware": group.hardware,
                "cells": [
                    {"cell": pair.cell, "before": _side(pair.before), "after": _side(pair.after)}
                    for pair in group.pairs
                ],
            }
            for group in difference.groups[kind]
        ]
        for kind in KINDS
    }
    incidents = [
        {"where": one.where, "of": one.of, "cells": [pair.cell for pair in one.pairs]} for one in difference.incidents
    ]
    told = {
        "before": difference.before,
        "after": difference.after,
        "broken": difference.broken,
        "incomplete": difference.incomplete,
        "counts": {"same": difference.same, **{kind: difference.counts[kind] for kind in KINDS}},
        "environment": {name: list(pair) for name, pair in difference.versions.items()},
        "renamed": dict(difference.renamed),
        "incidents": incidents,
        "flaky": list(difference.flaky),
        "damage": list(difference.damage),
        "groups": groups,
    }
    return json.dumps(told, indent=1)


FORMATS: Mapping[str, Callable[[Difference], str]] = {"text": _terminal, "markdown": _markdown, "json": _json}
"""By name."""


def _headline(difference: Difference) -> str:
    words = [f"{count} {_COUNTED[kind]}" for kind in KINDS if (count := difference.counts[kind])]
    fallen = sum(len(incident.pairs) for incident in difference.incidents)
    words += [f"{fallen} in {len(difference.incidents)} incidents"] if fallen else []
    return f"{', '.join(words) or 'nothing differs'}; {difference.same} passed on both sides"


def _remarks(difference: Difference) -> Iterator[tuple[str, str]]:
    """What is to be said before the causes, each with what it is about."""
    yield from (("Renamed", f"{old} -> {new}") for old, new in difference.renamed.items())
    yield from (("Damage", line) for line in difference.damage)
    for incident in difference.incidents:
        fell = f"{len(incident.pairs)} of the {incident.of} cells that passed before fell together, and hardly any elsewhere"
        remedy = "Ask about the machine first: these cells are not counted against their models"
        yield "Incident", f"{incident.where}: {fell}. {remedy}"
    if cells := difference.flaky:
        some = ", ".join(cells[:3]) + (" …" if len(cells) > 3 else "")
        yield "Flaky", f"{len(cells)} cells ended differently from one attempt to the next: {some}"


def _listed(difference: Difference) -> Iterator[tuple[str, tuple[Group, ...]]]:
    return ((kind, difference.groups[kind]) for kind in KINDS if difference.groups[kind])


def _rows(groups: tuple[Group, ...]) -> list[list[Any]]:
    return [
        [
            len(group.pairs),
            len(group.architectures),
            ", ".join(group.hardware),
            group.status,
            group.reason or "",
            group.pairs[0].cell,
        ]
        for group in groups[:ROWS]
    ]


def _more(groups: tuple[Group, ...]) -> list[str]:
    left = groups[ROWS:]
    return [f"and {len(left)} more causes, of {sum(len(group.pairs) for group in left)} cells"] if left else []


def _side(result: Any) -> dict[str, Any] | None:
    if result is None:
        return None
    facts = dataclasses.asdict(result)
    return {name: facts[name] for name in ("status", "judged", "signature", "reason", "stage")}
