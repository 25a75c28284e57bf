"""Figures of a comparison, and what makes two outputs incomparable."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.comparison import compare, difference, identical, mismatch

NUMBERS = st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=8)


@given(NUMBERS)
def test_a_tensor_does_not_differ_from_itself(values: list[float]) -> None:
    found = difference(torch.tensor(values), torch.tensor(values))
    assert (found.rel_max, found.rel_l2, found.max_abs, found.agreement) == (0.0, 0.0, 0.0, 1.0)
    assert found.cosine == pytest.approx(1.0)


@given(NUMBERS, st.floats(0.01, 10))
def test_figures_relative_to_scale_do_not_depend_on_it(values: list[float], factor: float) -> None:
    reference = torch.tensor(values, dtype=torch.float64)
    if not bool(reference.any()) or float(reference.abs().max()) < 1e-100:
        return
    one = difference(reference * 1.01, reference)
    other = difference(reference * 1.01 * factor, reference * factor)
    assert other.rel_max == pytest.approx(one.rel_max, rel=1e-6) == pytest.approx(0.01, rel=1e-6)
    assert other.rel_l2 == pytest.approx(one.rel_l2, rel=1e-6)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_infinitely_far_from_one(bad: float) -> None:
    assert difference(torch.tensor([1.0, bad]), torch.tensor([1.0, 2.0])).rel_max == math.inf
    assert difference(torch.tensor([1.0, 2.0]), torch.tensor([1.0, bad])).rel_max == math.inf


def test_infinities_at_the_same_places_are_left_out() -> None:
    left, right = torch.tensor([1.0, -math.inf]), torch.tensor([1.0, -math.inf])
    assert difference(left, right).rel_max == 0.0
    assert difference(torch.tensor([math.inf]), torch.tensor([-math.inf])).rel_max == math.inf


def test_anything_is_infinitely_far_from_zeros() -> None:
    assert difference(torch.ones(2), torch.zeros(2)).rel_max == math.inf
    assert difference(torch.zeros(2), torch.ones(2)).rel_max == 1.0
    assert difference(torch.zeros(2), torch.ones(2)).cosine == 0.0


def test_whole_numbers_agree_by_share() -> None:
    assert difference(torch.tensor([1, 2, 3, 4]), torch.tensor([1, 2, 3, 5])).agreement == 0.75
    assert difference(torch.tensor([True, False]), torch.tensor([True, True])).agreement == 0.5


def test_whole_numbers_are_the_same_or_are_not() -> None:
    large = torch.tensor([2**53, 7])
    assert difference(large, large.clone()).far == 0.0
    assert difference(large + torch.tensor([1, 0]), large).far == math.inf  # which float64 does not tell apart
    assert difference(torch.tensor([1.0, 2.5]), torch.tensor([1.0, 2.0])).far == 0.25


def test_an_empty_tensor_differs_from_nothing() -> None:
    assert difference(torch.zeros(0, 3), torch.zeros(0, 3)).rel_max == 0.0


def test_names_and_shapes_must_be_the_same() -> None:
    reference = {"a": torch.zeros(2), "b": torch.zeros(2, 3)}
    assert mismatch(reference, reference) is None
    assert mismatch({"a": torch.zeros(2)}, reference) == "does not give b"
    assert mismatch({**reference, "c": torch.zeros(1)}, reference) == "also gives c"
    assert "b with shape (3, 2)" in str(mismatch({**reference, "b": torch.zeros(3, 2)}, reference))
    assert mismatch({**reference, "a": torch.zeros(2).long()}, reference) == "gives a as int64 instead of float32"
    assert mismatch({**reference, "a": torch.zeros(2).half()}, reference) is None
    assert set(compare(reference, reference)) == {"a", "b"}


def test_equal_bits_count_nan_as_itself_and_heed_the_dtype() -> None:
    nan = torch.tensor([math.nan, 1.0])
    assert identical(nan, nan.clone())
    assert not identical(nan, torch.tensor([1.0, math.nan]))
    assert not identical(torch.ones(1), torch.ones(1, dtype=torch.float64))
    assert not identical(torch.ones(1), torch.ones(2))


def test_the_largest_number_of_a_dtype_is_an_infinity_in_every_other() -> None:
    narrow, wide = torch.finfo(torch.float32).min, torch.finfo(torch.float64).min
    reference = torch.tensor([1.0, wide, 3.0], dtype=torch.float64)
    assert difference(torch.tensor([1.0, narrow, 3.0]), reference).rel_max == 0.0
    assert difference(torch.tensor([1.0, narrow, 4.5]), reference).rel_max == 0.5
    assert difference(torch.tensor([1.0, 2.0, 3.0]), reference).rel_max == math.inf
    assert difference(torch.tensor([1.0, -narrow, 3.0]), reference).rel_max == math.inf
