"""Which output decides, by which rule, and what a record keeps of the others."""

from __future__ import annotations

import json
import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.agreement import KEPT, agreement
from harness.results.record import Record, to_line

REFERENCE = {
    "logits": torch.tensor([[1.0, 2.0], [4.0, 3.0]]),
    "codes": torch.tensor([5, 6]),
    "kept": torch.tensor([True]),
}


def test_the_worst_output_decides_in_units_of_the_bound() -> None:
    near = {**REFERENCE, "logits": REFERENCE["logits"] * 1.01}
    assert agreement(near, REFERENCE, 0.02).holds
    found = agreement(near, REFERENCE, 0.002)
    assert (found.holds, found.worst, round(found.excess)) == (False, "logits", 5)
    assert found.amount == "by 1.0e-02 of its scale, over 2e-03"


def test_choices_must_be_equal_unless_they_are_only_measured() -> None:
    other = {**REFERENCE, "codes": torch.tensor([5, 7])}
    found = agreement(other, REFERENCE, 0.5)
    assert (found.holds, found.worst, found.excess) == (False, "codes", math.inf)
    assert found.amount == "in 50% of its elements, which are no floating numbers"
    measured = agreement(other, REFERENCE, 0.5, choices=False)
    assert measured.holds
    assert (measured.metrics()["equal_share"], measured.metrics()["worst_output"]) == (0.5, "logits")


def test_a_bound_of_zero_asks_for_equal_numbers() -> None:
    assert agreement(REFERENCE, REFERENCE, 0.0).holds
    assert not agreement({**REFERENCE, "logits": REFERENCE["logits"] * (1 + 1e-6)}, REFERENCE, 0.0).holds


def test_nothing_to_judge_is_no_agreement() -> None:
    assert not agreement({}, {}, 1.0).holds
    assert agreement({}, {}, 1.0).metrics() == {}


def test_the_largest_logit_is_told_of_logits_alone() -> None:
    reference = {"hidden": torch.tensor([[1.0, 2.0]]), "start_logits": torch.tensor([[1.0, 2.0]])}
    turned = {name: tensor.flip(-1) for name, tensor in reference.items()}
    assert agreement({**reference, "hidden": turned["hidden"]}, reference, 1).metrics()["argmax_agreement"] == 1.0
    assert (
        agreement({**reference, "start_logits": turned["start_logits"]}, reference, 1).metrics()["argmax_agreement"]
        == 0
    )
    assert (
        "argmax_agreement" not in agreement({"hidden": turned["hidden"]}, {"hidden": reference["hidden"]}, 1).metrics()
    )


@given(st.lists(st.floats(width=32), min_size=2, max_size=40))
def test_a_record_keeps_the_figures_of_each_output_and_stays_small(values: list[float]) -> None:
    reference = {f"layers.{index}.hidden_state": torch.tensor([1.0, 2.0]) for index in range(len(values))}
    actual = {name: torch.tensor([1.0, value]) for name, value in zip(reference, values, strict=True)}
    metrics = agreement(actual, reference, 1e-4).metrics()
    kept = json.loads(str(metrics.get("by_output", "{}")))
    assert len(kept) in {0, min(KEPT, len(values))}
    assert not kept or next(iter(kept)) == metrics["worst_output"]
    assert len(str(metrics.get("by_output", ""))) < 100 * KEPT
    blank = Record(*[""] * 7, primary=True, tier="", family="", status="failed", **dict.fromkeys(
        ("runs", "matches", "speed", "stage", "reason", "signature", "traceback", "executed_on")
    ), metrics=metrics)  # fmt: skip
    assert json.loads(to_line(blank))["metrics"].get("by_output") == metrics.get("by_output")
