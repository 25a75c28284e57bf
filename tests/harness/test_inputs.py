"""Inputs: what is drawn, and what is drawn anew."""

from __future__ import annotations

import torch

from harness.inputs import Mask, draw


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
