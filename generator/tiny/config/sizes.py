"""Changes of sizes: those that a message states or that do not meet in it, and those that shrinking broke."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice, permutations
from typing import Any

from generator.tiny import roles
from generator.tiny.config.layers import COUNTS
from generator.tiny.config.tree import Change, Field

__all__ = ["LARGEST", "NUMBER", "WORD", "measured", "proportioned", "restored", "said"]

WORD = re.compile(r"[A-Za-z_]\w*")
NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])|(?<=\d[x*])\d+")
LARGEST = 768
"""Default up to which a number is put back whole where shrinking it may have broken something."""
_LARGEST_SIDE = 128
"""The same for images, whose cost grows with the square of it or faster."""
_DEEPEST = 24
"""The same for layers."""
_SIDE = re.compile(r".*(image|img|input|crop|resolution|patch).*")
_TELLING = 12
"""Number from which it tells something that two defaults are equal or one a multiple of the other."""
_ALONE = ("vocabulary", "positions")
"""Roles of fields that few others go by."""


def said(message: str, ranked: Sequence[Field]) -> Iterator[Change]:
    """What a message that names fields says of them: numbers, or that one goes by another."""
    words = WORD.findall(message)
    told = [field for field in ranked if field.path[-1] in words and type(field.small) in (int, list, tuple)]
    numbers = [int(item) for item in NUMBER.findall(message)]
    for field in told[:6]:
        if type(field.small) is int:
            others = [other for other in told if other is not field]
            values = [other.small for other in others if type(other.small) is int]
            values += [other.small[-1] for other in others if isinstance(other.small, (list, tuple)) and other.small]
            known = dict.fromkeys(value for value in [*numbers, *values] if type(value) is int)
            yield from ({field.path: value} for value in known if value != field.small and not _absurd(field, value))
    changed = [field for field in told if field.default != field.small]
    if len(changed) > 1 and all(_bearable(field) for field in changed):
        yield {field.path: field.default for field in changed}


def measured(message: str, ranked: Sequence[Field]) -> Iterator[Change]:
    """Sizes that do not meet: fields that are of one size are given the other."""
    numbers = list(dict.fromkeys(int(item) for item in NUMBER.findall(message) if int(item) > 1))
    product = re.search(r"\((\d+)x(\d+) and (\d+)x(\d+)\)", message)
    if product:
        numbers = [int(product[2]), int(product[3])]
    channels = re.search(r"to have (\d+) channels, but got (\d+)", message)
    if channels:
        numbers = [int(channels[1]), int(channels[2])]
    for have, want in islice(permutations(numbers[:5], 2), 12):
        matching = [field for field in ranked if _holds(field.small, have) and not _deepens(field)]
        for field in matching[:8]:
            if type(field.small) is int:
                if want > 0:
                    yield {field.path: want}
                continue
            yield {field.path: [want if item == have else item for item in field.small]}
            places = [place for place, item in enumerate(field.small) if item == have]
            for place in places if len(places) > 1 else ():
                yield {field.path: [*field.small[:place], want, *field.small[place + 1 :]]}


def proportioned(near: Sequence[Field], fields: Sequence[Field]) -> Iterator[Change]:
    """Fields that were equal, or one a multiple of the other, before shrinking and are no longer."""
    sized = [field for field in fields if type(field.default) is int and field.default >= _TELLING]
    for field in near:
        if type(field.default) is not int or field.default < _TELLING:
            continue
        wanted = []
        for other in sized:
            if type(other.small) is not int or other.small == other.default or field.default % other.default:
                continue
            value = field.default // other.default * other.small
            if value != field.small and value not in wanted:
                wanted.append(value)
        for value in wanted[:4]:
            yield {field.path: value}


def restored(ranked: Sequence[Field]) -> Iterator[Change]:
    """Fields that shrinking changed, one at a time, back as they were or nearer to it; those that hardly any other goes
    by come last."""
    for field in sorted(ranked, key=lambda field: roles.named(field.path[-1]) in _ALONE):
        if field.default == field.small or field.default is None or roles.TOKEN_ID.fullmatch(field.path[-1]):
            continue
        if _bearable(field):
            yield {field.path: field.default}
        elif type(field.default) is int and type(field.small) is int:
            for value in (2 * field.small, 4 * field.small):
                yield {field.path: value}


def _deepens(field: Field) -> bool:
    """Whether it is a number of layers, which no size of a tensor is."""
    return roles.named(field.path[-1]) == "layers" or roles.STAGE_DEPTHS.fullmatch(field.path[-1]) is not None


def _holds(value: Any, number: int) -> bool:
    return value == number if type(value) is int else isinstance(value, list) and number in value


def _bearable(field: Field) -> bool:
    name = field.path[-1]
    most = _DEEPEST if name in COUNTS else _LARGEST_SIDE if _SIDE.fullmatch(name) else LARGEST
    return all(item <= most for item in _integers(field.default))


def _absurd(field: Field, value: int) -> bool:
    return value < 1 or (roles.named(field.path[-1]) == "layers" and value > _DEEPEST)


def _integers(value: Any) -> Iterator[int]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _integers(item)
    elif type(value) is int:
        yield value
