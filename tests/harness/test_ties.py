"""Choices between scores that are closer than the tolerance: either is right. Any other choice is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from transformers import BertForMaskedLM

from harness.hardware.cpu import Cpu
from harness.hardware.torch_device import TorchRunner
from harness.session import Subject
from harness.ties import chooses
from tests.harness.architectures.hf_bert import Bert
from tests.harness.architectures.hf_dac import Dac
from tests.harness.conftest import Ask

Outputs = dict[str, torch.Tensor]


def picker(gap: float) -> type:
    """BERT that also gives its two best tokens of a row, the scores of these two being ``gap`` apart."""

    class Picking(BertForMaskedLM):
        shift: list[torch.Tensor] = []  # noqa: RUF012, of all models of the class: weights that move, move past it

        def forward(self, *args: Any, **kwargs: Any) -> Any:
            output = super().forward(*args, **kwargs)
            scores = output.logits[0, :4, 0]
            if not self.shift:
                self.shift.append(torch.tensor([0.0, 1.0, 2.0, 2.0 + gap]) - scores.detach().float())
            scores = scores + self.shift[0].to(scores.dtype)
            best = scores.topk(2).indices
            return {"logits": output.logits, "best": best, "rows": output.logits[0].index_select(0, best)}

    return Picking


class Choosing(Cpu):
    """A device that chooses otherwise than the CPU does."""

    name = "choosing"

    def __init__(self, change: Callable[[Outputs], Outputs]) -> None:
        self.change = change

    def prepare(self, *args: Any, **kwargs: Any) -> TorchRunner:
        runner, change = super().prepare(*args, **kwargs), self.change

        class Changed(TorchRunner):
            def run(self, inputs: Mapping[str, torch.Tensor], seed: int = 0) -> Outputs:
                return change(super().run(inputs, seed))

        return Changed(runner.model, runner.device, runner.dtype, runner.call)


def swapped(outputs: Outputs) -> Outputs:
    """The two best change places, and what was made of them with them."""
    return {**outputs, "best": outputs["best"].flip(0), "rows": outputs["rows"].flip(0)}


@pytest.mark.parametrize(
    ("gap", "change", "status"),
    [
        (1e-7, swapped, "passed"),
        (1e-1, swapped, "failed"),  # no scores that are closer than the tolerance
        (
            1e-7,
            lambda outputs: {**outputs, "best": outputs["best"].flip(0)},
            "failed",
        ),  # what was made of them did not move
        (1e-7, lambda outputs: {**outputs, "rows": outputs["rows"].flip(0)}, "failed"),
        (
            1e-7,
            lambda outputs: {**swapped(outputs), "best": outputs["best"] - 1},
            "failed",
        ),  # an index that nothing chose
        (1e-7, lambda outputs: {**swapped(outputs), "logits": outputs["logits"] * 1.01}, "failed"),
        (1e-1, lambda outputs: outputs, "passed"),
    ],
    ids=["tie", "no-tie", "index-alone", "rows-alone", "off-by-one", "off-beside-a-tie", "right"],
)
def test_two_scores_may_change_places_only_where_they_are_closer_than_the_tolerance(
    ask: Ask,
    swap: Callable[[str, type], None],
    install: Callable[[Any], str],
    *,
    gap: float,
    change: Callable[[Outputs], Outputs],
    status: str,
) -> None:
    swap("BertForMaskedLM", picker(gap))
    record = ask(Bert, "parity", install(Choosing(change)))
    assert (record.status, record.runs, record.matches) == (status, "passed", status), record
    assert record.metrics.get("ties") == (1 if change is swapped and status == "passed" else None)
    if record.metrics.get("ties"):
        assert float(record.metrics["rel_max_before_ties"]) > record.metrics["tolerance"] > record.metrics["rel_max"]


def test_a_head_that_chooses_nothing_has_no_ties(ask: Ask) -> None:
    codec = Subject(Dac, Dac.heads[0])
    assert chooses(codec, codec.inputs)

    class Plain(Subject):
        def narrowly(self, model: Any, inputs: Mapping[str, torch.Tensor]) -> Outputs:
            return {"sum": inputs["pixels"].exp().softmax(-1) + inputs["ids"].float()[..., None]}

    assert not chooses(Plain(Bert, Bert.heads[0]), {"pixels": torch.ones(2, 3), "ids": torch.ones(2).long()})


def test_codes_that_came_back_as_floating_numbers_are_wrong_on_both_axes(
    ask: Ask, install: Callable[[Any], str]
) -> None:
    where = install(Choosing(lambda outputs: {name: item.double() for name, item in outputs.items()}))
    parity, forward = ask(Dac, "parity", where), ask(Dac, "forward", where)
    assert (parity.status, parity.runs, parity.matches) == ("failed", "passed", "failed")
    assert "as float64 instead of int64" in str(parity.reason)
    assert (forward.status, forward.runs, forward.matches) == ("failed", "failed", None)


@pytest.mark.parametrize(
    "change", [lambda codes: codes + 1, lambda codes: codes.roll(1, -1)], ids=["off-by-one", "moved"]
)
def test_codes_that_no_neighbour_gives_are_wrong(
    ask: Ask, install: Callable[[Any], str], change: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    def wrong(outputs: Outputs) -> Outputs:
        return {name: item if item.is_floating_point() else change(item) for name, item in outputs.items()}

    record = ask(Dac, "parity", install(Choosing(wrong)))
    assert (record.status, record.runs, record.matches) == ("failed", "passed", "failed")
    assert "no floating numbers" in str(record.reason)
    assert float(record.metrics["equal_share"]) < 0.5
