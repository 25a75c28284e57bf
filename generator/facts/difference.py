"""What changed between two releases, out of the facts of both. It compares; it reads and shows nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TypeVar

from generator.catalog.spelling import printable, squash
from generator.facts.record import Facts, HeadFacts, TypeFacts
from generator.selection import SelectionError

__all__ = ["Arguments", "Difference", "Renaming", "TypeChange", "compare", "only"]


_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Arguments:
    """How the arguments of a config, or the inputs of a head, have changed."""

    added: Mapping[str, str | None] = field(default_factory=dict)
    """Argument -> its default; None for one that must be given."""
    removed: Mapping[str, str | None] = field(default_factory=dict)
    """Argument -> the default that it had."""
    changed: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    """Argument -> its default before and after."""

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def without(self, other: Arguments) -> Arguments:
        """What is not the same in another change."""
        return Arguments(
            added=_beyond(self.added, other.added),
            removed=_beyond(self.removed, other.removed),
            changed=_beyond(self.changed, other.changed),
        )


@dataclass(frozen=True)
class TypeChange:
    """What changed in a type that both releases have."""

    model_type: str
    """Its name in the newer release."""
    was: str | None = None
    """Its name in the older one, where that was another."""
    facts: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    """``state``, ``of``, ``family``, ``config_class`` -> before and after, for those that changed."""
    heads_added: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """New model class -> the mappings that list it."""
    heads_removed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Model class that is gone -> the mappings that listed it."""
    tasks_added: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Model class of both releases -> mappings and pipelines that are new to it."""
    tasks_removed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Model class of both releases -> mappings and pipelines that it is gone from."""
    config: Arguments = field(default_factory=Arguments)
    """Arguments of the config, without what changed in every config."""
    inputs: Mapping[str, Arguments] = field(default_factory=dict)
    """Model class of both releases -> parameters of its ``forward``, where they changed."""
    heads: int = 0
    """How many model classes both releases have."""

    def __bool__(self) -> bool:
        parts = (self.facts, self.heads_added, self.heads_removed, self.tasks_added, self.tasks_removed)
        return bool(self.was or any(parts) or self.config or self.inputs)


@dataclass(frozen=True)
class Renaming:
    """A type that goes by another name."""

    before: str
    """Its name in the older release."""
    after: str
    """Its name in the newer one."""
    reason: str
    """Why the two are held for one."""


@dataclass(frozen=True)
class Difference:
    """All that changed between two releases."""

    before: str
    """The one compared with."""
    after: str
    """The one that is compared."""
    states: Mapping[str, tuple[int, int]]
    """State -> entries in each release."""
    new: Mapping[str, TypeFacts]
    """Types that only ``after`` has."""
    removed: Mapping[str, TypeFacts]
    """Types that only ``before`` has."""
    renamed: tuple[Renaming, ...]
    """Types of ``before`` that ``after`` has by another name."""
    every: Arguments
    """Arguments that all configs take."""
    pipelines_added: tuple[str, ...]
    """Tasks of the pipeline registry that are new."""
    pipelines_removed: tuple[str, ...]
    """Tasks that are gone from it."""
    changed: Mapping[str, TypeChange]
    """Type of both, by its name in ``after`` -> what changed; those in which nothing did are left out."""
    kept: int
    """Types that both releases have, renamed ones included."""

    def __bool__(self) -> bool:
        parts = (self.new, self.removed, self.renamed, self.pipelines_added, self.pipelines_removed, self.changed)
        return any(parts) or bool(self.every)


def compare(before: Facts, after: Facts) -> Difference:
    """What changed from one release to another; in the order of names, whatever the order of the facts."""
    renamed = tuple(_renamings(before, after))
    names = {name: name for name in after.types if name in before.types} | {one.after: one.before for one in renamed}
    every = _arguments(before.every, after.every)
    changes = {name: _change(was, name, before, after, every) for name, was in sorted(names.items())}
    states = sorted({item.state for facts in (before, after) for item in facts.types.values()})
    return Difference(
        before=before.release,
        after=after.release,
        states={state: (_count(state, before), _count(state, after)) for state in states},
        new={name: item for name, item in sorted(after.types.items()) if name not in names},
        removed={name: item for name, item in sorted(before.types.items()) if name not in names.values()},
        renamed=renamed,
        every=every,
        pipelines_added=tuple(sorted(after.pipelines.keys() - before.pipelines.keys())),
        pipelines_removed=tuple(sorted(before.pipelines.keys() - after.pipelines.keys())),
        changed={name: change for name, change in changes.items() if change},
        kept=len(names),
    )


def only(difference: Difference, before: Facts, after: Facts, name: str) -> Difference:
    """What a difference says of one type, by any spelling of its name, its config class or one of its model classes.

    Raises:
        SelectionError: neither release has it.
    """
    wanted, spelled = squash(name), dict[str, str]()
    for facts in (before, after):
        for key, item in facts.types.items():
            # Types come last, so that a class of several types does not hide one of that very name.
            spelled = {squash(word): key for word in (*item.heads, item.config_class)} | spelled
    spelled |= {squash(key): key for facts in (before, after) for key in facts.types}
    if wanted not in spelled:
        near = get_close_matches(wanted, spelled, n=3)
        hint = f"; the nearest are {', '.join(dict.fromkeys(spelled[word] for word in near))}" if near else ""
        raise SelectionError(f"neither {before.release} nor {after.release} has {printable(name)}{hint}.")
    found = spelled[wanted]
    names = {found, *(one.after for one in difference.renamed if one.before == found)}
    return replace(
        difference,
        states={},
        new={key: item for key, item in difference.new.items() if key in names},
        removed={key: item for key, item in difference.removed.items() if key in names},
        renamed=tuple(one for one in difference.renamed if one.after in names),
        every=Arguments(),
        pipelines_added=(),
        pipelines_removed=(),
        changed={key: change for key, change in difference.changed.items() if key in names},
        kept=sum(key in before.types and key in after.types for key in names),
    )


def _count(state: str, facts: Facts) -> int:
    return sum(item.state == state for item in facts.types.values())


def _renamings(before: Facts, after: Facts) -> Iterable[Renaming]:
    """Types that are gone, each with the new one that it is, if there is one: that of the nearest kin."""
    gone = [name for name in sorted(before.types) if name not in after.types]
    free = [name for name in sorted(after.types) if name not in before.types]
    for name in gone:
        kin = [(found, new) for new in free if (found := _kinship(name, before.types[name], new, after.types[new]))]
        if kin:
            (_, reason), new = min(kin)
            free.remove(new)
            yield Renaming(name, new, reason)


def _kinship(name: str, old: TypeFacts, other: str, new: TypeFacts) -> tuple[int, str] | None:
    """Why two types may be one under two names, the nearest first; None where nothing says so."""
    if squash(name) == squash(other):
        return 0, "the same but for case and punctuation"
    if old.config_class == new.config_class:
        return 1, f"the same config class, {old.config_class}"
    if old.heads and old.heads.keys() == new.heads.keys():
        return 2, "the same model classes"
    return None


def _change(was: str, name: str, before: Facts, after: Facts, every: Arguments) -> TypeChange:
    old, new = before.types[was], after.types[name]
    both = [item for item in new.heads if item in old.heads]
    facts = ("state", "of", "family", "config_class")
    inputs = {item: _arguments(old.heads[item].inputs, new.heads[item].inputs) for item in both}
    return TypeChange(
        model_type=name,
        was=None if was == name else was,
        facts={
            fact: (getattr(old, fact), getattr(new, fact)) for fact in facts if getattr(old, fact) != getattr(new, fact)
        },
        heads_added={item: new.heads[item].mappings for item in sorted(new.heads.keys() - old.heads.keys())},
        heads_removed={item: old.heads[item].mappings for item in sorted(old.heads.keys() - new.heads.keys())},
        tasks_added=_gained(old.heads, new.heads, both),
        tasks_removed=_gained(new.heads, old.heads, both),
        config=_arguments(before.arguments(was), after.arguments(name)).without(every),
        inputs={item: found for item, found in sorted(inputs.items()) if found},
        heads=len(both),
    )


def _gained(
    old: Mapping[str, HeadFacts], new: Mapping[str, HeadFacts], both: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """Mappings and pipelines that each head has in ``new`` and not in ``old``."""
    found = {
        item: (
            *(name for name in new[item].mappings if name not in old[item].mappings),
            *(name for name in new[item].pipelines if name not in old[item].pipelines),
        )
        for item in sorted(both)
    }
    return {item: names for item, names in found.items() if names}


def _arguments(before: Mapping[str, str | None], after: Mapping[str, str | None]) -> Arguments:
    both = [name for name in after if name in before]
    return Arguments(
        added={name: default for name, default in after.items() if name not in before},
        removed={name: default for name, default in before.items() if name not in after},
        changed={name: (before[name], after[name]) for name in both if not _same(before[name], after[name])},
    )


def _same(before: str | None, after: str | None) -> bool:
    """Whether two defaults are one value: 0 and 0.0 are, 0 and False are not."""
    if before == after or before is None or after is None:
        return before == after
    try:
        one, other = ast.literal_eval(before), ast.literal_eval(after)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False
    numbers = all(isinstance(item, int | float) and not isinstance(item, bool) for item in (one, other))
    return numbers and one == other


def _beyond(mine: Mapping[str, _Value], theirs: Mapping[str, _Value]) -> dict[str, _Value]:
    """What one mapping has that another has not, or has otherwise."""
    return {name: value for name, value in mine.items() if name not in theirs or theirs[name] != value}
