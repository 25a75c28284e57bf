"""Inputs: what is drawn, and what is drawn anew."""

from __future__ import annotations

import torch

from harness.inputs import Floats, Literal, Mask, draw


def test_a_mask_is_whole_and_hides_its_end_when_redrawn() -> None:
    inputs = {"attention_mask": Mask(shape=(2, 8), hidden=3)}
    assert bool(draw(inputs, 0)["attention_mask"].all())
    assert draw(inputs, 0, changed="attention_mask")["attention_mask"].tolist() == [[1] * 5 + [0] * 3] * 2


def test_a_padded_mask_is_redrawn_otherwise_with_as_much_in_all_rows_together() -> None:
    inputs = {"input_features_mask": Mask(shape=(2, 8), hidden=2, padded=True, dtype="bool")}
    drawn, other = draw(inputs, 0), draw(inputs, 0, changed="input_features_mask")
    assert drawn["input_features_mask"].sum(-1).tolist() == [6, 6]
    assert other["input_features_mask"].sum(-1).tolist() == [8, 4]
    assert other["input_features_mask"].dtype is torch.bool


def test_a_row_is_taken_along_the_axis_along_which_the_rows_lie() -> None:
    strip = Floats(shape=(1, 3, 8, 16), axis=3)
    whole = draw({"pixel_values": strip}, 0)["pixel_values"]
    assert torch.equal(strip.row(whole, 1, 2), whole[..., 8:])
    assert strip.row(whole, 0, 3) is whole  # of three rows it can be none


def test_places_in_a_list_of_all_rows_begin_anew_for_a_row_alone() -> None:
    pooling = Literal(values=((0, 1), (2, 3), (4, 5), (6, 7)), step=4)
    assert pooling.row(draw({"pooling": pooling}, 0)["pooling"], 1, 2).tolist() == [[0, 1], [2, 3]]
