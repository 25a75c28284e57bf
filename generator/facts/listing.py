"""A difference of releases, shown to people and to scripts."""

from __future__ import annotations

import json
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from generator.catalog.heads import BASE
from generator.facts.difference import Arguments, Difference, TypeChange
from generator.facts.record import TypeFacts

__all__ = ["SHARED", "Shared", "difference_json", "difference_rows", "difference_text", "outline"]

SHARED = 5
"""In how many types a change must be for it to be shown once with their names, and not again with each."""

WIDTH = 120
"""Characters of a line."""

GAP = "\xa0"
"""Stands for a space where no line may end, until lines are made."""

LONG = 60
"""Characters of a default that are shown."""


@dataclass(frozen=True)
class _Atom:
    """One change of one type."""

    area: str
    """``config``, ``inputs``, ``heads``, ``tasks`` or ``type``."""
    text: str
    """What changed."""
    scope: str = ""
    """The heads in which it did, for inputs and tasks."""

    @property
    def kind(self) -> tuple[str, str]:
        """What makes it the same change in another type; of what is gone the default does not matter."""
        return self.area, self.text.partition(" = ")[0] if self.text.startswith("- ") else self.text


def difference_json(difference: Difference) -> str:
    """The difference for scripts, every field of it."""
    return json.dumps(asdict(difference), indent=2)


def difference_text(difference: Difference) -> str:
    """The difference for people: counts, what is new and gone, what changed in many types, and what did in each."""
    if not difference:
        which = "the type" if difference.kept == 1 else f"{difference.kept} types"
        return f"{_title(difference)}\n\nNothing that is compared has changed in {which}."
    shared, left = outline(difference)
    parts = [
        _counts(difference),
        *_present("New", difference.new),
        *_renamed(difference),
        *_present("Gone", difference.removed),
        _section("Every config", [("", _listed(_arguments(difference.every)))]),
        _section("Pipelines", [("", _listed(_pipelines(difference)))]),
        _section(
            f"The same change in {SHARED} types or more (--json names all of them)", [_shared(one) for one in shared]
        ),
        _changed(difference, left),
    ]
    return "\n\n".join([_title(difference), *(part for part in parts if part)])


def difference_rows(difference: Difference) -> dict[str, Any]:
    """The difference as plain rows, for a report to put into its tables."""
    shared, left = outline(difference)
    both = {"new": difference.new, "gone": difference.removed}
    return {
        "before": difference.before,
        "after": difference.after,
        "kept": difference.kept,
        **{
            key: {state: [name for name, item in types.items() if item.state == state] for state in difference.states}
            for key, types in both.items()
        },
        "renamed": [(one.before, one.after, one.reason) for one in difference.renamed],
        "every": _arguments(difference.every),
        "pipelines": _pipelines(difference),
        "shared": [(one.area, one.text, len(one.types), _few(one.types)) for one in shared],
        "changed": [(name, area, text.replace(GAP, " ")) for name, lines in left.items() for area, text in lines],
    }


@dataclass(frozen=True)
class Shared:
    """A change that many types have in common."""

    area: str
    """Where it is: ``config``, ``inputs``, ``heads``, ``tasks`` or ``type``."""
    text: str
    """What changed."""
    types: tuple[str, ...]
    """In which ones, in the order of their names."""


def outline(difference: Difference) -> tuple[list[Shared], dict[str, list[tuple[str, str]]]]:
    """The changes that are the same in many types, the most common first; and what is left of each type's, by area."""
    atoms = {name: list(_atoms(change)) for name, change in difference.changed.items()}
    where: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for name, found in atoms.items():
        for kind in dict.fromkeys(atom.kind for atom in found):
            where[kind].append(name)
    common = {kind: names for kind, names in where.items() if len(names) >= SHARED}
    order = sorted(common.items(), key=lambda item: (item[0][0], -len(item[1]), item[0][1]))
    shared = [Shared(area, text, tuple(names)) for (area, text), names in order]
    left = {name: _lines(atom for atom in found if atom.kind not in common) for name, found in atoms.items()}
    return shared, {name: lines for name, lines in left.items() if lines}


def _lines(atoms: Iterable[_Atom]) -> list[tuple[str, str]]:
    """One line for all changes of an area and the same heads."""
    found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for atom in atoms:
        found[atom.area, atom.scope].append(atom.text)
    return [(area, f"{scope}: {_listed(texts)}" if scope else _listed(texts)) for (area, scope), texts in found.items()]


def _title(difference: Difference) -> str:
    return f"transformers {difference.before} -> {difference.after}"


def _counts(difference: Difference) -> str:
    from tabulate import tabulate

    if not difference.states:
        return ""
    rows = []
    for state, (before, after) in difference.states.items():
        new = sum(item.state == state for item in difference.new.values())
        gone = sum(item.state == state for item in difference.removed.values())
        rows.append((state, before, after, new, gone))
    total = [sum(column) for column in zip(*(row[1:] for row in rows), strict=True)]
    return tabulate([*rows, ("in all", *total)], ("entries", difference.before, difference.after, "new", "gone"))


def _present(title: str, types: Mapping[str, TypeFacts]) -> Iterator[str]:
    """What is new, or gone: architectures with what they are, the others by what they belong to."""
    from tabulate import tabulate

    whole = {name: item for name, item in types.items() if item.state == "architecture"}
    if whole:
        rows = [(name, item.family, next(iter(item.heads), "-"), len(item.heads)) for name, item in whole.items()]
        table = tabulate(rows, ("", "family", "primary head", "heads"), tablefmt="plain")
        yield f"{title} architectures: {len(whole)}\n{textwrap.indent(table, '  ')}"
    parts: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for name, item in types.items():
        if item.state != "architecture":
            parts[item.state, item.of or ""].append(name)
    for state in sorted({state for state, _ in parts}):
        lines = [(f"of {of}" if of else "", ", ".join(names)) for (kind, of), names in parts.items() if kind == state]
        count = sum(len(names) for (kind, _), names in parts.items() if kind == state)
        yield _section(f"{title}, {state}: {count}", sorted(lines))


def _renamed(difference: Difference) -> Iterator[str]:
    rows = [(f"{one.before} -> {one.after}", one.reason) for one in difference.renamed]
    if rows:
        yield _section(f"Renamed: {len(rows)}", rows)


def _pipelines(difference: Difference) -> list[str]:
    return [
        *(f"+ {name}" for name in difference.pipelines_added),
        *(f"- {name}" for name in difference.pipelines_removed),
    ]


def _shared(one: Shared) -> tuple[str, str]:
    return f"{one.area:6}  {_cut(one.text)}", f"{len(one.types)}: {_few(one.types)}"


def _changed(difference: Difference, left: Mapping[str, Sequence[tuple[str, str]]]) -> str:
    if not left:
        return ""
    both, all_of = difference.kept, len(difference.changed)
    title = (
        f"Changed: {len(left)} types (of {both} that both have; {all_of} with those above)" if both > 1 else "Changed"
    )
    return f"{title}\n\n" + "\n".join(_section(name, lines) for name, lines in left.items())


def _atoms(change: TypeChange) -> Iterator[_Atom]:
    if change.was is not None:
        yield _Atom("type", f"was {change.was}")
    for fact, (before, after) in change.facts.items():
        yield _Atom("type", f"{fact}: {before or 'none'} -> {after or 'none'}")
    for name, mappings in change.heads_added.items():
        yield _Atom("heads", f"+ {name}{_for(mappings)}")
    for name, mappings in change.heads_removed.items():
        yield _Atom("heads", f"- {name}{_for(mappings)}")
    for sign, tasks in (("+", change.tasks_added), ("-", change.tasks_removed)):
        by_head = {name: [f"{sign} {_task(task)}" for task in found] for name, found in tasks.items()}
        yield from _over_heads("tasks", by_head, change.heads)
    yield from (_Atom("config", text) for text in _arguments(change.config))
    inputs = {name: _arguments(found) for name, found in change.inputs.items()}
    yield from _over_heads("inputs", inputs, change.heads)


def _over_heads(area: str, texts: Mapping[str, Sequence[str]], heads: int) -> Iterator[_Atom]:
    """One change for all heads that it is the same in."""
    where: defaultdict[str, list[str]] = defaultdict(list)
    for name, found in texts.items():
        for text in found:
            where[text].append(name)
    for text, names in where.items():
        scope = "every head" if len(names) == heads > 1 else ", ".join(names)
        yield _Atom(area, text, scope)


def _arguments(found: Arguments) -> list[str]:
    return [
        *(f"+ {name}{_default(default)}" for name, default in found.added.items()),
        *(f"- {name}{_default(default)}" for name, default in found.removed.items()),
        *(f"{name}: {_value(before)} -> {_value(after)}" for name, (before, after) in found.changed.items()),
    ]


def _default(default: str | None) -> str:
    return "" if default is None else f" = {_value(default)}"


def _value(default: str | None) -> str:
    return "no default" if default is None else _cut(default)


def _cut(text: str) -> str:
    return text if len(text) <= LONG else f"{text[: LONG - 3]}..."


def _task(name: str) -> str:
    """A mapping or a pipeline: FOR_CAUSAL_LM of MODEL_FOR_CAUSAL_LM_MAPPING."""
    return "base" if name == BASE else name.removeprefix("MODEL_").removesuffix("_MAPPING")


def _for(mappings: Sequence[str]) -> str:
    return f" ({', '.join(_task(name) for name in mappings)})" if mappings else ""


def _few(names: Sequence[str], limit: int = 6) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def _listed(texts: Iterable[str]) -> str:
    # A change is not broken between its sign and its name.
    return "; ".join(text.replace(" ", GAP) for text in texts)


def _section(title: str, rows: Sequence[tuple[str, str]]) -> str:
    """A title over indented lines: what, then the rest, wrapped and hung beside it."""
    rows = [row for row in rows if row[1]]
    if not rows:
        return ""
    room = max(len(first) for first, _ in rows)
    lines = [title]
    for first, rest in rows:
        start = f"  {first:{room}}  " if room else "  "
        lines += textwrap.wrap(
            rest,
            max(WIDTH, len(start) + 40),
            initial_indent=start,
            subsequent_indent=" " * len(start),
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join(lines).replace(GAP, " ")
