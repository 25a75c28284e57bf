"""A value in code is written as a literal that gives it back, the same text every time."""

from __future__ import annotations

import enum
import math
import os
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rendering_readback import read_back, rendered, same

from generator.rendering import RenderError

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.binary(), st.text(st.characters(exclude_categories=()))
)
HASHABLE = st.recursive(SCALARS, lambda inner: st.tuples(inner) | st.frozensets(inner, max_size=3), max_leaves=4)
VALUES = st.recursive(
    HASHABLE | st.sets(HASHABLE, max_size=4),
    lambda inner: st.lists(inner, max_size=4)
    | st.lists(inner, max_size=3).map(tuple)
    | st.dictionaries(HASHABLE, inner, max_size=4),
    max_leaves=12,
)
PLACES = ("y = ${x}\n", "y = f(1, a=${x}, b=(2, ${x}))\n", "y = ${x} if ${x} else -1 + ${x}\n", "if not ${x}: pass\n")


@given(place=st.sampled_from(PLACES), value=VALUES)
def test_nested_values_are_read_back(place: str, value: Any) -> None:
    found = read_back(place, x=value)
    assert len(found) == place.count("${x}")
    assert all(same(item, value) for item in found)


@pytest.mark.parametrize(
    ("value", "source"),
    [
        (math.nan, "float('nan')"),
        (math.inf, "float('inf')"),
        (-math.inf, "float('-inf')"),
        (-0.0, "-0.0"),
        ((1,), "(1,)"),
        ((), "()"),
        (set(), "set()"),
        (frozenset(), "frozenset()"),
        ({3, 1, 2}, "{1, 2, 3}"),
        ({"b", "a"}, "{'a', 'b'}"),
        ({True, "a", 2, None}, "{None, True, 2, 'a'}"),
        (frozenset({frozenset({2, 1}), frozenset({3})}), "frozenset({frozenset({1, 2}), frozenset({3})})"),
        ({"b": 1, "a": [math.nan]}, "{'b': 1, 'a': [float('nan')]}"),
        (b"\0'", 'b"\\x00\'"'),
        ("\ud800\u2028\x0c", "'\\ud800\\u2028\\x0c'"),
    ],
)
def test_a_literal_is_written_as(value: object, source: str) -> None:
    assert rendered("y = ${x}\n", x=value) == f"y = {source}\n"


def test_an_integer_beyond_the_limit_of_decimal_digits_is_hexadecimal() -> None:
    assert rendered("y = ${x}\n", x=10**5000) == f"y = {hex(10**5000)}\n"


class _Number(enum.IntEnum):
    ONE = 1


class _List(list[int]):
    pass


@pytest.mark.parametrize(
    "value", [object(), 1j, _Number.ONE, _List(), OrderedDict(), range(3), len, ..., [1, {"a": (object(),)}], Path()]
)
def test_what_has_no_literal_is_refused(value: object) -> None:
    with pytest.raises(RenderError, match=r"code cannot hold: of type .* has no literal"):
        rendered("y = ${x}\n", x=value)


def test_values_without_end_are_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(RenderError, match="nested deeper than 40 levels"):
        rendered("y = ${x}\n", x=endless)


def test_values_as_deep_as_allowed_are_read_back() -> None:
    value: Any = 1
    for _ in range(40):
        value = frozenset({value})
    assert same(read_back("y = ${x}\n", x=value)[0], value)


def test_sets_are_written_alike_whatever_the_hash_seed(root: Path) -> None:
    code = (
        "from generator.rendering.escapes import literal\n"
        "print(literal([{'a', 'b', 'c', 'd'}, {b'a', 'a', 1, (1, 2)}, frozenset({frozenset('xy'), frozenset('z')})]))\n"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=root,
            capture_output=True,
            check=True,
        ).stdout
        for seed in "123"
    }
    assert len(texts) == 1
