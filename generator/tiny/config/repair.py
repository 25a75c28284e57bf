"""A bounded search for arguments that a head accepts, where those of the rules are refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from generator.tiny.config import composite
from generator.tiny.config.fields import Manner
from generator.tiny.config.suspects import changes, further
from generator.tiny.config.tree import Change, fields_of, merge, shrink

__all__ = ["MANNERS", "Tried", "mended"]

T = TypeVar("T")

TRIES = 24
"""Arguments that are tried for one head at most: 0.1 s each."""
MANNERS = (Manner(heads=2), Manner(divisor=16), Manner(divisor=8), Manner(whole_images=True), Manner(divisor=1))
"""Manners of making a config small that are tried as a whole, those that give small models first."""


@dataclass(frozen=True)
class Tried(Generic[T]):
    """What became of a head with certain arguments."""

    result: T | None
    """What was asked for, None where it was refused."""
    error: Exception | None
    """Why it was refused."""
    progress: tuple[int, int]
    """How far it came: the stage, and the modules that were made or called in it."""


def mended(
    config_class: Any,
    arguments: Mapping[str, Any],
    first: Tried[T],
    attempt: Callable[[Mapping[str, Any]], Tried[T]],
    *,
    manners: Sequence[Manner] = (),
    modalities: Sequence[str] = (),
) -> tuple[T, dict[str, Any]] | None:
    """What the head gives with changed arguments, and the changes, nested like the arguments; None if none were found.

    Each round follows the error of the attempt that came furthest; the order is fixed, so the outcome is too.

    Args:
        config_class: class of the head's config.
        arguments: its arguments by the rules.
        first: what became of them.
        attempt: tries changes of the arguments.
        manners: ways of making the whole config small to try where changes of a field or two do not serve.
        modalities: what the architecture takes in, for a class that joins others.
    """
    default, _ = composite.default(config_class, modalities)
    best, done = first, dict[str, Any]()
    seen: set[str] = set()
    while len(seen) < TRIES and best.error is not None:
        fields = list(fields_of(default, merge(arguments, done)))
        for change in changes(best.error, fields):
            candidate = merge(done, _nested(change))
            if len(seen) >= TRIES:
                break
            if repr(candidate) in seen:
                continue
            seen.add(repr(candidate))
            tried = attempt(candidate)
            if tried.result is not None:
                return tried.result, candidate
            later = tried.progress == best.progress and further(tried.error, best.error)
            if tried.progress > best.progress or later or _answered(best, tried):
                best, done = tried, candidate
                break
        else:
            break
    for manner in manners:
        usual = {field.path: field.small for field in fields_of(default, arguments)}
        whole = fields_of(default, shrink(config_class, manner, modalities))
        candidate = _nested({field.path: field.small for field in whole if usual.get(field.path) != field.small})
        tried = attempt(candidate)
        if tried.result is not None:
            return tried.result, candidate
    return None


def _answered(before: Tried[Any], after: Tried[Any]) -> bool:
    """Whether a field that the model had asked for is there now, and it asks for another in the same place."""
    asked = [getattr(tried.error, "name", None) for tried in (before, after)]
    lacking = isinstance(before.error, AttributeError) and isinstance(after.error, AttributeError)
    return lacking and asked[0] != asked[1] and before.progress == after.progress


def _nested(change: Change) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for path, value in change.items():
        inner = arguments
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
        inner[path[-1]] = list(value) if isinstance(value, tuple) else value
    return arguments
