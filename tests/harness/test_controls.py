"""What must not pass: a fault is put into a real model or a real device, and the named check must catch it.

The faults are subclasses of the library's models and of the harness's own device; nothing stands in for torch.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import BertForMaskedLM, GPT2LMHeadModel, RobertaForMaskedLM, T5ForConditionalGeneration

from harness.checks import CHECKS
from harness.hardware import UnsupportedError
from harness.hardware.cpu import Cpu
from harness.hardware.torch_device import TorchRunner
from tests.harness import test_benchmark, test_processor, test_training
from tests.harness.architectures.hf_bert import Bert
from tests.harness.architectures.hf_gpt2 import GPT2
from tests.harness.architectures.hf_t5 import T5
from tests.harness.conftest import Ask
from tests.harness.test_pipeline import Speaking

Swap = Callable[[str, type], None]
Install = Callable[[Any], str]


def bert(change: Callable[[torch.Tensor], torch.Tensor]) -> type:
    """BERT whose logits are changed on their way out."""

    class Faulty(BertForMaskedLM):
        def forward(self, *args: Any, **kwargs: Any) -> Any:
            output = super().forward(*args, **kwargs)
            output.logits = change(output.logits)
            return output

    return Faulty


class Faulty(Cpu):
    """A device of its own name whose outputs are changed on their way out."""

    name = "faulty"

    def __init__(self, change: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self.change = change

    def prepare(self, *args: Any, **kwargs: Any) -> TorchRunner:
        runner = super().prepare(*args, **kwargs)
        change = self.change

        class Changed(TorchRunner):
            def run(self, inputs: Mapping[str, torch.Tensor], seed: int = 0) -> dict[str, torch.Tensor]:
                return {name: change(tensor) for name, tensor in super().run(inputs, seed).items()}

        return Changed(runner.model, runner.device, runner.dtype, runner.call)


def drift(tensor: torch.Tensor) -> torch.Tensor:
    return tensor + 1e-2 * tensor.abs().max()


# --- build ----------------------------------------------------------------------------------------------------------


def test_build_catches_a_model_of_another_type(ask: Ask, swap: Swap) -> None:
    swap("BertForMaskedLM", RobertaForMaskedLM)
    record = ask(Bert, "build")
    assert (record.status, record.stage) == ("failed", "build")
    assert "RobertaForMaskedLM" in str(record.reason)


def test_build_catches_another_number_of_parameters(ask: Ask) -> None:
    record = ask(Bert, "build", parameters=Bert.heads[0].parameters + 1)
    assert (record.status, record.metrics["parameters"]) == ("failed", Bert.heads[0].parameters)


def test_build_catches_a_config_that_drops_what_it_was_given(ask: Ask, swap: Swap) -> None:
    from transformers import BertConfig

    class Forgetful(BertConfig):  # type: ignore[misc]
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.layer_norm_eps = 1.0

    swap("BertConfig", Forgetful)
    record = ask(Bert, "build", config={"layer_norm_eps": 1e-5})
    assert (record.status, "layer_norm_eps=1.0" in str(record.reason)) == ("failed", True)


def test_a_class_that_vanished_fails_where_it_is_resolved(ask: Ask) -> None:
    record = ask(Bert, "build", class_name="BertForNothing")
    assert (record.status, record.stage) == ("failed", "resolve")


# --- forward --------------------------------------------------------------------------------------------------------


def test_forward_catches_nan_as_vacuous(ask: Ask, install: Install) -> None:
    record = ask(Bert, "forward", install(Faulty(lambda tensor: tensor * float("nan"))))
    assert (record.status, "NaN" in str(record.reason)) == ("vacuous", True)


def test_forward_catches_an_overflow(ask: Ask, swap: Swap) -> None:
    swap("BertForMaskedLM", bert(lambda logits: logits / 0))
    assert ask(Bert, "forward").status == "failed"


def test_forward_lets_negative_infinities_pass_only_where_declared(ask: Ask, swap: Swap) -> None:
    def mask(logits: torch.Tensor) -> torch.Tensor:
        return logits.index_fill(-1, torch.tensor([3]), float("-inf"))

    swap("BertForMaskedLM", bert(mask))
    assert ask(Bert, "forward").status == "failed"
    assert ask(Bert, "forward", infinite=("logits",)).status == "passed"


@pytest.mark.parametrize(
    "outputs",
    [
        {},
        {"logits": ((2, 12, 98), "float32")},
        {"logits": ((2, 12), "float32")},
        {"logits": ((2, 12, 99), "int64")},
        {"logits": ((2, 12, 99), "float32"), "hidden_states.0": ((2, 12, 32), "float32")},
    ],
    ids=["undeclared", "size", "rank", "dtype", "missing"],
)
def test_forward_catches_outputs_that_are_not_the_declared_ones(ask: Ask, outputs: dict[str, Any]) -> None:
    record = ask(Bert, "forward", outputs=outputs)
    assert (record.status, record.stage) == ("failed", "compare")


# --- vacuity --------------------------------------------------------------------------------------------------------


def test_vacuity_catches_a_backend_that_returns_zeros(ask: Ask, install: Install) -> None:
    record = ask(Bert, "vacuity", install(Faulty(torch.zeros_like)))
    assert (record.status, record.reason) == ("vacuous", "logits is constant")


def test_vacuity_catches_a_model_that_ignores_its_mask(ask: Ask, swap: Swap) -> None:
    class Deaf(BertForMaskedLM):  # type: ignore[misc]
        def forward(self, input_ids: Any = None, attention_mask: Any = None, **kwargs: Any) -> Any:
            return super().forward(input_ids=input_ids, **kwargs)

    swap("BertForMaskedLM", Deaf)
    record = ask(Bert, "vacuity")
    assert (record.status, record.reason) == ("vacuous", "no output follows attention_mask")


def test_vacuity_catches_outputs_that_ignore_the_weights(ask: Ask, swap: Swap) -> None:
    class Weightless(BertForMaskedLM):  # type: ignore[misc]
        def forward(self, input_ids: Any = None, attention_mask: Any = None, **kwargs: Any) -> Any:
            output = super().forward(input_ids=input_ids, attention_mask=attention_mask, **kwargs)
            output.logits = torch.nn.functional.one_hot(input_ids, 99) * attention_mask[..., None].float()
            return output

    swap("BertForMaskedLM", Weightless)
    record = ask(Bert, "vacuity")
    assert (record.status, record.reason) == ("vacuous", "no output follows the weights")


def test_vacuity_catches_an_activation_that_collapsed(ask: Ask, swap: Swap) -> None:
    swap("BertForMaskedLM", bert(lambda logits: 1 + logits * 1e-8))
    assert ask(Bert, "vacuity").status == "vacuous"


# --- determinism ----------------------------------------------------------------------------------------------------


def test_determinism_catches_a_model_that_differs_from_itself(ask: Ask, swap: Swap) -> None:
    calls = itertools.count(1)
    swap("BertForMaskedLM", bert(lambda logits: logits * (1 + 1e-6 * next(calls))))
    record = ask(Bert, "determinism")
    assert (record.status, str(record.reason).startswith("nondeterministic")) == ("failed", True)


def test_a_reference_that_differs_from_itself_is_not_held_against_a_backend(
    ask: Ask, swap: Swap, install: Install
) -> None:
    calls = itertools.count(1)
    swap("BertForMaskedLM", bert(lambda logits: logits * (1 + 1e-2 * next(calls))))
    record = ask(Bert, "parity", install(Faulty(lambda tensor: tensor)))
    assert (record.status, str(record.reason).startswith("nondeterministic")) == ("vacuous", True)


# --- masking --------------------------------------------------------------------------------------------------------


def test_masking_catches_tokens_that_are_seen_through_the_mask(ask: Ask, swap: Swap) -> None:
    class Faulty(BertForMaskedLM):
        def forward(self, input_ids: Any, **kwargs: Any) -> Any:
            output = super().forward(input_ids, **kwargs)
            output.logits = output.logits + 1e-3 * input_ids.float().mean(1)[:, None, None]
            return output

    swap("BertForMaskedLM", Faulty)
    assert ask(Bert, "vacuity").status == "passed"
    record = ask(Bert, "masking")
    assert (record.status, "change logits" in str(record.reason)) == ("failed", True)


def test_masking_catches_an_encoder_that_is_seen_through_its_mask(ask: Ask, swap: Swap) -> None:
    class Faulty(T5ForConditionalGeneration):
        def forward(self, input_ids: Any = None, **kwargs: Any) -> Any:
            output = super().forward(input_ids, **kwargs)
            output.logits = output.logits + 1e-2 * input_ids.float().mean(1)[:, None, None]
            return output

    swap("T5ForConditionalGeneration", Faulty)
    assert ask(T5, "masking").status == "failed"


def test_masking_proves_nothing_of_tokens_that_see_no_others(ask: Ask, swap: Swap) -> None:
    class Faulty(BertForMaskedLM):
        def forward(self, input_ids: Any, **kwargs: Any) -> Any:
            output = super().forward(input_ids, **kwargs)
            output.logits = torch.nn.functional.one_hot(input_ids, output.logits.shape[-1]).float()
            return output

    swap("BertForMaskedLM", Faulty)
    assert ask(Bert, "masking").status == "vacuous"


def test_masking_is_not_asked_where_the_skill_says_that_the_mask_leaks(ask: Ask) -> None:
    head = Bert.heads[0]
    leaky = {**head.inputs, "attention_mask": replace(head.inputs["attention_mask"], leaks=True)}
    assert CHECKS["masking"].applicable(head) is None
    assert "as its notes say" in str(CHECKS["masking"].applicable(replace(head, inputs=leaky)))


# --- batch_invariance -----------------------------------------------------------------------------------------------


def test_batch_invariance_catches_rows_that_mix(ask: Ask, swap: Swap) -> None:
    swap("BertForMaskedLM", bert(lambda logits: logits + 1e-3 * logits.mean(0, keepdim=True)))
    assert ask(Bert, "batch_invariance").status == "failed"


def test_batch_invariance_catches_rows_that_lie_along_another_axis_than_is_said(ask: Ask) -> None:
    sideways = {name: replace(item, axis=1) for name, item in Bert.heads[0].inputs.items()}
    assert ask(Bert, "batch_invariance", inputs=sideways).status != "passed"


def test_batch_invariance_catches_outputs_without_rows(ask: Ask, swap: Swap) -> None:
    swap("BertForMaskedLM", bert(lambda logits: logits.mean()))
    assert ask(Bert, "batch_invariance").status == "vacuous"


def test_batch_invariance_catches_a_shape_that_is_no_row(ask: Ask, swap: Swap) -> None:
    swap("BertForMaskedLM", bert(lambda logits: logits[:, : 3 + logits.shape[0]]))
    assert ask(Bert, "batch_invariance").status == "failed"


@pytest.mark.parametrize(
    ("listed", "status"),
    [
        (list, "passed"),
        (lambda logits: [row for item in logits for row in (item, -item)], "passed"),
        (lambda logits: list(logits.flip(0)), "failed"),
        (lambda logits: [*logits, logits[0]], "failed"),
    ],
)
def test_batch_invariance_compares_the_items_of_a_list_of_rows(
    ask: Ask, swap: Swap, listed: Callable[[torch.Tensor], Any], status: str
) -> None:
    swap("BertForMaskedLM", bert(listed))
    assert ask(Bert, "batch_invariance").status == status


@pytest.mark.parametrize(
    ("ordered", "status"),
    [
        (lambda logits: torch.cat([logits, -logits]), "passed"),  # all rows' first items, then all their second ones
        (lambda logits: torch.stack([logits, -logits], 1).flatten(0, 1), "passed"),  # row by row
        (lambda logits: torch.cat([logits, -logits.flip(0)]), "failed"),
        (lambda logits: torch.cat([logits, -logits.mean(0, keepdim=True).expand_as(logits)]), "failed"),
    ],
)
def test_batch_invariance_takes_one_order_of_several_items_a_row_for_all_rows(
    ask: Ask, swap: Swap, ordered: Callable[[torch.Tensor], torch.Tensor], status: str
) -> None:
    swap("BertForMaskedLM", bert(ordered))
    assert ask(Bert, "batch_invariance").status == status


# --- round_trip -----------------------------------------------------------------------------------------------------


def test_round_trip_catches_a_weight_that_is_not_saved(ask: Ask, swap: Swap) -> None:
    class Leaky(BertForMaskedLM):  # type: ignore[misc]
        def save_pretrained(self, folder: Any, **kwargs: Any) -> None:
            state = self.state_dict()
            del state["bert.encoder.layer.1.output.dense.weight"]
            super().save_pretrained(folder, state_dict=state, **kwargs)

    swap("BertForMaskedLM", Leaky)
    record = ask(Bert, "round_trip")
    assert (record.status, "missing" in str(record.reason)) == ("failed", True)


def test_round_trip_catches_a_weight_that_the_library_does_not_miss(ask: Ask, swap: Swap) -> None:
    class Hiding(BertForMaskedLM):  # type: ignore[misc]
        def state_dict(self, *args: Any, **kwargs: Any) -> Any:
            state = super().state_dict(*args, **kwargs)
            del state["bert.encoder.layer.1.output.dense.weight"]
            return state

    swap("BertForMaskedLM", Hiding)
    record = ask(Bert, "round_trip")
    assert record.status == "failed"


def test_round_trip_catches_a_weight_that_is_saved_wrong(ask: Ask, swap: Swap) -> None:
    class Rounding(BertForMaskedLM):  # type: ignore[misc]
        def save_pretrained(self, folder: Any, **kwargs: Any) -> None:
            state = {name: tensor.half().float() for name, tensor in self.state_dict().items()}
            super().save_pretrained(folder, state_dict=state, **kwargs)

    swap("BertForMaskedLM", Rounding)
    record = ask(Bert, "round_trip")
    assert (record.status, "other values" in str(record.reason)) == ("failed", True)


@pytest.mark.parametrize(("lost", "status"), [(None, "passed"), ("bert.encoder.layer.1.output.dense.weight", "failed")])
def test_round_trip_of_a_class_that_is_loaded_by_a_networks_name_is_by_its_saved_file(
    ask: Ask, swap: Swap, lost: str | None, status: str
) -> None:
    class Named(BertForMaskedLM):  # type: ignore[misc]
        @classmethod
        def from_pretrained(cls, name: str, **kwargs: Any) -> Any:
            return cls._from_config({"network": name}, **kwargs)

        def save_pretrained(self, folder: Any, **kwargs: Any) -> None:
            state = {name: tensor for name, tensor in self.state_dict().items() if name != lost}
            super().save_pretrained(folder, state_dict=state, **kwargs)

    swap("BertForMaskedLM", Named)
    assert ask(Bert, "round_trip").status == status


def test_round_trip_catches_a_buffer_that_is_lost(ask: Ask, swap: Swap) -> None:
    counts = itertools.count(1)

    class Unsaved(BertForMaskedLM):  # type: ignore[misc]
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.register_buffer("drawn", torch.zeros(1), persistent=False)

        def forward(self, *args: Any, **kwargs: Any) -> Any:
            output = super().forward(*args, **kwargs)
            if not self.drawn:
                self.drawn += next(counts)
            output.logits = output.logits * self.drawn
            return output

    swap("BertForMaskedLM", Unsaved)
    record = ask(Bert, "round_trip")
    assert (record.status, "differs" in str(record.reason)) == ("failed", True), record


# --- generation -----------------------------------------------------------------------------------------------------


def test_generation_catches_a_cache_that_is_dropped(ask: Ask, swap: Swap) -> None:
    class Dropping(GPT2LMHeadModel):  # type: ignore[misc]
        def forward(self, input_ids: Any = None, past_key_values: Any = None, **kwargs: Any) -> Any:
            if past_key_values is not None and past_key_values.get_seq_length():
                past_key_values.reset()
            return super().forward(input_ids=input_ids, past_key_values=past_key_values, **kwargs)

    swap("GPT2LMHeadModel", Dropping)
    record = ask(GPT2, "generation")
    assert (record.status, "without a cache" in str(record.reason)) == ("failed", True), record


def test_generation_catches_tokens_that_ignore_the_inputs(ask: Ask, swap: Swap) -> None:
    class Deaf(T5ForConditionalGeneration):  # type: ignore[misc]
        def forward(self, *args: Any, **kwargs: Any) -> Any:
            kwargs["encoder_outputs"] = (torch.ones_like(kwargs["encoder_outputs"][0]),)
            return super().forward(*args, **kwargs)

    swap("T5ForConditionalGeneration", Deaf)
    record = ask(T5, "generation")
    assert (record.status, "follow" in str(record.reason)) == ("vacuous", True), record


def test_generation_hands_over_what_only_its_method_takes(ask: Ask, swap: Swap) -> None:
    class Hummed(GPT2LMHeadModel):  # type: ignore[misc]
        deaf = False

        def generate(self, tune: Any, **_: Any) -> Any:
            return torch.ones(2, 3, dtype=torch.int64) if self.deaf else (tune * 100).to(torch.int64)

    class Deaf(Hummed):
        deaf = True

    generation = {"cache": False, "inputs": (), "fed": {"tune": ("Floats", {"shape": (2, 3)})}}
    swap("GPT2LMHeadModel", Hummed)
    assert ask(GPT2, "generation", generation=generation).status == "passed"
    swap("GPT2LMHeadModel", Deaf)
    assert ask(GPT2, "generation", generation=generation).status == "vacuous"


def test_generation_hears_the_steps_of_a_method_that_gives_tokens_alone(ask: Ask, swap: Swap) -> None:
    class Bare(T5ForConditionalGeneration):  # type: ignore[misc]
        deaf = False

        def generate(self, *args: Any, **kwargs: Any) -> Any:
            return torch.zeros_like(super().generate(*args, **kwargs).sequences)

        def forward(self, *args: Any, **kwargs: Any) -> Any:
            if self.deaf:
                kwargs["encoder_outputs"] = (torch.ones_like(kwargs["encoder_outputs"][0]),)
            return super().forward(*args, **kwargs)

    class Deaf(Bare):
        deaf = True

    swap("T5ForConditionalGeneration", Bare)
    assert ask(T5, "generation").status == "passed"
    swap("T5ForConditionalGeneration", Deaf)
    record = ask(T5, "generation")
    assert (record.status, "follow" in str(record.reason)) == ("vacuous", True), record


# --- parity ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [torch.zeros_like, lambda tensor: tensor * float("nan"), drift, lambda tensor: tensor[..., :-1]],
    ids=["zeros", "nan", "drift", "shape"],
)
def test_parity_catches_a_backend_that_returns_other_numbers(
    ask: Ask, install: Install, change: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    record = ask(Bert, "parity", install(Faulty(change)))
    assert (record.status, record.runs, record.matches) == ("failed", "passed", "failed")


def test_parity_passes_the_same_backend_without_a_fault(ask: Ask, install: Install) -> None:
    assert ask(Bert, "parity", install(Faulty(lambda tensor: tensor))).status == "passed"


def test_parity_catches_a_reference_that_loses_precision(ask: Ask, swap: Swap) -> None:
    swap(
        "BertForMaskedLM",
        bert(lambda logits: logits.bfloat16().to(logits.dtype) if logits.dtype is torch.float32 else logits),
    )
    assert ask(Bert, "parity").status == "failed"


# --- where it ran ---------------------------------------------------------------------------------------------------


class Pretender(Cpu):
    """A device that says it is CUDA, and computes on the CPU."""

    name = "pretender"

    def prepare(self, *args: Any, **kwargs: Any) -> TorchRunner:
        runner = super().prepare(*args, **kwargs)
        self.device = "cuda"
        return runner


_OTHERS = ("build", "generation", "pipeline", "processor")
"""Checks that run nothing, or are asked of other skills below."""


@pytest.mark.parametrize("check", [name for name in CHECKS if name not in _OTHERS])
def test_a_silent_fall_back_to_the_cpu_fails_every_check_that_runs(ask: Ask, install: Install, check: str) -> None:
    record = ask(Bert, check, install(Pretender()))
    assert (record.status, record.stage, record.executed_on) == ("failed", "run", "cpu")
    assert str(record.reason).startswith("fell back to cpu")


def test_a_silent_fall_back_fails_what_is_asked_by_way_of_a_processor(ask: Ask, install: Install) -> None:
    record = ask(Speaking, "processor", install(Pretender()), made_by="tokenizer")
    assert str(record.reason).startswith("fell back to cpu")


def test_a_silent_fall_back_fails_generation(ask: Ask, install: Install) -> None:
    assert str(ask(GPT2, "generation", install(Pretender())).reason).startswith("fell back to cpu")


def test_a_silent_fall_back_fails_pipelines(ask: Ask, install: Install) -> None:
    # The pipeline itself moves the model to the device that it is told, which is not here.
    record = ask(Speaking, "pipeline", install(Pretender()), pipelines=("text-generation",))
    assert record.status == "failed"
    assert "cuda" in str(record.reason).lower()


# --- what is no verdict on the model ---------------------------------------------------------------------------------


class Refusing(Cpu):
    """A device that raises instead of running."""

    name = "refusing"

    def __init__(self, error: Exception) -> None:
        self.error = error

    def prepare(self, *args: Any, **kwargs: Any) -> TorchRunner:
        raise self.error


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UnsupportedError("no kernel for aten::unfold"), "unsupported"),
        (NotImplementedError("forward of this model"), "failed"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "out_of_memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"), "out_of_memory"),
        (RuntimeError("boom"), "failed"),
        (ImportError("needs the timm library"), "unavailable"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_an_error_becomes_the_status_that_it_means(ask: Ask, install: Install, error: Exception, status: str) -> None:
    record = ask(Bert, "parity", install(Refusing(error)))
    assert (record.status, record.stage, record.runs) == (status, "prepare", status)
    assert record.traceback


def test_a_missing_library_makes_a_cell_unavailable_and_is_named(ask: Ask) -> None:
    class Needy(Bert):
        requires = ("no-such-distribution",)

    record = ask(Needy, "forward")
    assert (record.status, "no-such-distribution" in str(record.reason)) == ("unavailable", True)


def test_cuda_without_a_device_is_unavailable_and_not_passed(ask: Ask) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    record = ask(Bert, "parity", "cuda")
    assert (record.status, record.matches, record.executed_on) == ("unavailable", None, None)
    assert "CUDA" in str(record.reason)


def test_pipeline_catches_a_check_that_asked_nothing(ask: Ask) -> None:
    assert ask(Speaking, "pipeline", pipelines=()).status == "vacuous"


def test_pipeline_catches_an_answer_that_ignores_its_question(ask: Ask, swap: Swap) -> None:
    class Deaf(GPT2LMHeadModel):
        def forward(self, input_ids: Any = None, **kwargs: Any) -> Any:
            return super().forward(torch.full_like(input_ids, 5), **kwargs)

    swap("GPT2LMHeadModel", Deaf)
    record = ask(Speaking, "pipeline", pipelines=("text-generation",))
    assert (record.status, record.stage) == ("failed", "compare")
    assert "the same whatever it is asked" in str(record.reason)


def test_every_check_has_a_control_here() -> None:
    beside = (test_benchmark, test_processor, test_training)
    tests = [*globals(), *(name for module in beside for name in vars(module))]
    held = {name.removeprefix("test_").partition("_catches")[0] for name in tests if "_catches" in name}
    assert held == {name.partition("-")[0] for name in CHECKS}  # those after a hyphen are sizes of one
