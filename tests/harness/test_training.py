"""Gradients and training steps: what a sound model gives, and each fault that the two checks must catch."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import BertForMaskedLM

from harness.cells import Selection, cells
from harness.checks import CHECKS
from harness.hardware.cpu import Cpu
from harness.hardware.torch_device import TorchRunner
from harness.inputs import draw
from harness.objective import TARGETS, Objective
from harness.session import Subject
from tests.harness.architectures.hf_bert import Bert
from tests.harness.architectures.hf_clip import CLIP
from tests.harness.architectures.hf_gpt2 import GPT2
from tests.harness.architectures.hf_llava import Llava
from tests.harness.architectures.hf_t5 import T5
from tests.harness.architectures.hf_vit import ViT
from tests.harness.conftest import Ask

Swap = Callable[[str, type], None]
Install = Callable[[Any], str]

TRAINING = ("backward", "train_step")


@pytest.mark.parametrize(
    ("skill", "task"),
    [(Bert, "MASKED_LM"), (GPT2, "CAUSAL_LM"), (T5, "SEQ_TO_SEQ_CAUSAL_LM"), (ViT, "IMAGE_CLASSIFICATION")],
    ids=lambda value: getattr(value, "model_type", ""),
)
@pytest.mark.parametrize("check", TRAINING)
def test_a_sound_model_is_trained_by_its_own_loss(ask: Ask, skill: Any, task: str, check: str) -> None:
    record = ask(skill, check, mappings=(f"MODEL_FOR_{task}_MAPPING",))
    assert (record.status, record.reason, record.executed_on) == ("passed", None, "cpu")
    assert record.metrics["objective"] == "labels"


@pytest.mark.parametrize("check", TRAINING)
def test_a_head_that_takes_no_labels_is_trained_by_a_projection(ask: Ask, check: str) -> None:
    record = ask(CLIP, check)
    assert (record.status, record.reason, record.metrics["objective"]) == ("passed", None, "projection")


@pytest.mark.parametrize("check", TRAINING)
def test_sixteen_bits_are_trained_too(ask: Ask, check: str) -> None:
    record = ask(Bert, check, dtype="bf16")
    assert (record.status, record.reason) == ("passed", None)


def test_parameters_that_the_inputs_do_not_reach_need_no_gradient(ask: Ask) -> None:
    record = ask(Llava, "backward")  # it reads the last but one layer of what sees, and no more
    assert record.status == "passed", record.reason
    assert 0 < record.metrics["silent_parameters"] < record.metrics["parameters_trained"]


def test_both_are_put_only_where_they_are_named() -> None:
    assert not {cell.check.name for cell in cells(Bert, Selection())} & set(TRAINING)
    assert {cell.check.name for cell in cells(Bert, Selection(checks=TRAINING))} == set(TRAINING)
    assert not list(cells(Bert, Selection(hardware=("openvino",), checks=TRAINING)))
    assert "generate" in str(CHECKS["backward"].applicable(replace(Bert.heads[0], method="generate")))


def test_labels_fit_their_task() -> None:
    logits = torch.zeros(2, 9, 7)
    drawn = {
        name: form.draw(logits if "logits" in form.output else logits[..., 0], {}, torch.Generator())
        for name, form in TARGETS.items()
    }
    assert drawn["MODEL_FOR_MASKED_LM_MAPPING"]["labels"].shape == (2, 9)
    assert int(drawn["MODEL_FOR_CTC_MAPPING"]["labels"].min()) > 0
    assert set(drawn["MODEL_FOR_QUESTION_ANSWERING_MAPPING"]) == {"start_positions", "end_positions"}
    rows = TARGETS["MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING"].draw(torch.zeros(2, 1), {}, torch.Generator())["labels"]
    assert rows.is_floating_point()  # one class is a regression


def test_a_projection_passes_over_infinities_and_weighs_outputs_alike() -> None:
    subject = Subject(CLIP, CLIP.heads[0])
    outputs = {"a": torch.tensor([1.0, float("-inf")]), "b": torch.full((4,), 1e6), "ids": torch.tensor([3])}
    weights = Objective.of(subject.model, replace(subject.head, mappings=()), {}, outputs).weights
    assert set(weights) == {"a", "b"}
    assert (float(weights["a"][1]), float(weights["b"].abs().max()) < 1e-5) == (0.0, True)


# --- backward -------------------------------------------------------------------------------------------------------


def bent(backward: Callable[[torch.Tensor], torch.Tensor]) -> type:
    """BERT whose logits are as they should be, and whose gradients are changed on their way in."""

    class Bent(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, tensor: torch.Tensor) -> torch.Tensor:
            del ctx
            return tensor.clone()

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            del ctx
            return backward(gradient)

    class Dense(torch.nn.Linear):
        def forward(self, states: torch.Tensor) -> torch.Tensor:
            return Bent.apply(super().forward(states))

    class Faulty(BertForMaskedLM):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.cls.predictions.transform.dense.__class__ = Dense

    return Faulty


def test_backward_catches_a_parameter_that_is_detached(ask: Ask, swap: Swap) -> None:
    class Detached(torch.nn.Linear):
        def forward(self, states: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.linear(states, self.weight.detach(), self.bias)

    class Faulty(BertForMaskedLM):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.cls.predictions.transform.dense.__class__ = Detached

    swap("BertForMaskedLM", Faulty)
    record = ask(Bert, "backward")
    assert (record.status, record.matches, record.stage) == ("failed", "failed", "compare")
    assert record.reason == "cls.predictions.transform.dense.weight moves the objective, and has no gradient"


def test_backward_catches_a_gradient_that_is_no_number(ask: Ask, swap: Swap) -> None:
    swap("BertForMaskedLM", bent(lambda gradient: gradient * float("nan")))
    record = ask(Bert, "backward")
    assert (record.status, "no finite numbers" in str(record.reason)) == ("failed", True)


def test_backward_catches_a_formula_that_is_wrong_in_every_dtype(ask: Ask, swap: Swap) -> None:
    swap("BertForMaskedLM", bent(lambda gradient: gradient * 1.001))
    record = ask(Bert, "backward")
    assert (record.status, "slope is not what the gradients say" in str(record.reason)) == ("failed", True)


def test_backward_catches_gradients_that_stop_on_their_way(ask: Ask, swap: Swap) -> None:
    swap("BertForMaskedLM", bent(torch.zeros_like))
    record = ask(Bert, "backward")
    assert (record.status, "moves the objective, and has no gradient" in str(record.reason)) == ("failed", True)


def test_backward_catches_a_model_that_keeps_no_graph(ask: Ask, swap: Swap) -> None:
    class Faulty(BertForMaskedLM):
        def forward(self, input_ids: Any = None, attention_mask: Any = None, **kwargs: Any) -> Any:
            with torch.no_grad():
                return super().forward(input_ids=input_ids, attention_mask=attention_mask, **kwargs)

    swap("BertForMaskedLM", Faulty)
    for check in TRAINING:
        record = ask(Bert, check)
        assert (record.status, "by autograd" in str(record.reason)) == ("failed", True)


def test_a_method_that_its_author_keeps_from_being_recorded_proves_nothing(ask: Ask, swap: Swap) -> None:
    class Unrecorded(BertForMaskedLM):
        @torch.inference_mode()
        def forward(self, input_ids: Any = None, attention_mask: Any = None, **kwargs: Any) -> Any:
            return super().forward(input_ids=input_ids, attention_mask=attention_mask, **kwargs)

    swap("BertForMaskedLM", Unrecorded)
    for check in TRAINING:
        record = ask(Bert, check)
        assert (record.status, "keeps no gradients" in str(record.reason)) == ("vacuous", True)


def test_a_model_that_detaches_results_on_its_way_is_not_held_to_its_slope(ask: Ask, swap: Swap) -> None:
    class Through(BertForMaskedLM):
        def forward(self, *args: Any, **kwargs: Any) -> Any:
            output = super().forward(*args, **kwargs)
            output.logits = output.logits + (output.logits.sin() - output.logits).detach()
            return output

    swap("BertForMaskedLM", Through)
    record = ask(Bert, "backward")
    assert (record.status, record.metrics["detached_on_the_way"]) == ("passed", 1)
    assert "slope_difference" not in record.metrics


def test_backward_asked_again_holds_the_gradients_to_what_their_own_inputs_reach(ask: Ask, swap: Swap) -> None:
    first = draw(Bert.heads[0].inputs, 0)["input_ids"]

    class Kinked(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, tensor: torch.Tensor) -> torch.Tensor:
            del ctx
            return tensor.clone()

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            del ctx
            return gradient * 1.01 if gradient.dtype is torch.float32 else gradient

    class Dense(torch.nn.Linear):
        def forward(self, states: torch.Tensor) -> torch.Tensor:
            given = super().forward(states)
            return Kinked.apply(given) + self.spare if self.first else given

    class Fickle(BertForMaskedLM):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            dense = self.cls.predictions.transform.dense
            dense.__class__, dense.spare = Dense, torch.nn.Parameter(torch.zeros(dense.out_features))

        def forward(self, input_ids: torch.Tensor, **kwargs: Any) -> Any:
            self.cls.predictions.transform.dense.first = torch.equal(input_ids, first)
            return super().forward(input_ids, **kwargs)

    swap("BertForMaskedLM", Fickle)
    record = ask(Bert, "backward")
    assert "asked_again_after" in record.metrics
    assert (record.status, record.reason) == ("passed", None)


class Hooked(Cpu):
    """A device of its own name, one of whose gradients is changed."""

    name = "hooked"

    def __init__(self, change: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self.change = change

    def prepare(self, model: Any, *args: Any, **kwargs: Any) -> TorchRunner:
        runner = super().prepare(copy.deepcopy(model), *args, **kwargs)
        next(runner.model.parameters()).register_hook(self.change)
        return runner


@pytest.mark.parametrize("change", [lambda gradient: gradient * 1.01, torch.zeros_like], ids=["a hundredth", "nothing"])
def test_backward_catches_a_device_with_other_gradients(
    ask: Ask, install: Install, change: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    record = ask(Bert, "backward", install(Hooked(change)))
    assert (record.status, record.metrics["worst_parameter"]) == ("failed", "bert.embeddings.word_embeddings.weight")
    assert "against the CPU in float32" in str(record.reason)


# --- train_step -----------------------------------------------------------------------------------------------------


def test_train_step_catches_an_optimiser_that_does_not_step(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.optim.AdamW, "step", lambda _optimiser: None)
    record = ask(Bert, "train_step")
    assert (record.status, record.runs, "does not fall" in str(record.reason)) == ("failed", "failed", True)


def test_train_step_catches_a_frozen_model(ask: Ask, swap: Swap) -> None:
    class Frozen(BertForMaskedLM):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.requires_grad_(False)

    swap("BertForMaskedLM", Frozen)
    for check in TRAINING:
        assert ask(Bert, check).status == "failed"


def test_train_step_catches_a_loss_that_is_no_number(ask: Ask, swap: Swap) -> None:
    swap("BertForMaskedLM", bent(lambda gradient: gradient / 0))
    record = ask(Bert, "train_step")
    assert (record.status, record.reason) == ("failed", "the loss is no finite number after 1 steps")


def test_train_step_catches_a_model_that_learns_otherwise_the_second_time(ask: Ask, swap: Swap) -> None:
    calls = itertools.count()
    swap("BertForMaskedLM", bent(lambda gradient: gradient * (1 + 0.1 * next(calls))))
    record = ask(Bert, "train_step")
    assert (record.status, str(record.reason).startswith("nondeterministic")) == ("failed", True)
