"""optimum-intel: which of its classes loads a head, what it is handed, and what each fault of its is called.

It needs another transformers than the project's own tests have. What is asked of it itself runs where it is installed, in the
environment of its session, as ``docs/hardware.md`` says.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from harness import weights
from harness.call import Call
from harness.cells import Cell, Selection, cells
from harness.checks import CHECKS
from harness.engines.local import Engine
from harness.hardware import UnknownHardwareError, UnsupportedError, hardware
from harness.hardware.cpu import Cpu
from harness.hardware.optimum import Optimum, OptimumRunner
from harness.hardware.optimum_classes import Door, entered
from harness.hardware.optimum_recipes import published
from harness.hardware.routes import Asked, InapplicableError
from harness.results.record import Record
from harness.skill import Skill
from tests.harness.architectures.hf_bert import Bert
from tests.harness.architectures.hf_clip import CLIP
from tests.harness.architectures.hf_dac import Dac
from tests.harness.architectures.hf_gpt2 import GPT2
from tests.harness.architectures.hf_t5 import T5
from tests.harness.architectures.hf_whisper import Whisper

Ask = Callable[..., Record]
Install = Callable[[Any], str]

HERE = importlib.util.find_spec("optimum") is not None
with_optimum = pytest.mark.skipif(not HERE, reason="optimum-intel takes no transformers as new as this one")
without_optimum = pytest.mark.skipif(HERE, reason="optimum-intel is installed")


# --- which class ----------------------------------------------------------------------------------------------------


class Base:
    """Stands for a class that others derive from."""


class Derived(Base):
    """Stands for one of those."""


def door(name: str, loads: str, task: str, opens: type = Base) -> Door:
    return Door(name, opens, getattr(transformers, loads), task)


DOORS = (
    door("OVModelForCausalLM", "AutoModelForCausalLM", "text-generation"),
    door("OVModelForFeatureExtraction", "AutoModel", "feature-extraction"),
    door("OVModelForImageTextToText", "AutoModelForImageTextToText", "image-to-text"),
    door("OVModelForMaskedLM", "AutoModelForMaskedLM", "fill-mask"),
    door("OVModelForPix2Struct", "Pix2StructForConditionalGeneration", "image-to-text", Derived),
    door("OVModelForVision2Seq", "AutoModelForImageTextToText", "image-to-text", Derived),
    door("OVModelForVisualCausalLM", "AutoModelForImageTextToText", "image-text-to-text"),
    door("OVModelForZeroShot", "AutoModelForZeroShotImageClassification", "zero-shot-image-classification"),
    door("OVSamModel", "SamModel", "feature-extraction"),
)
USUAL = {"image-text-to-text": "OVModelForVisualCausalLM", "feature-extraction": "OVModelForFeatureExtraction"}


@pytest.mark.parametrize(
    ("head", "tasks", "name"),
    [
        ("BertForMaskedLM", ["fill-mask", "feature-extraction"], "OVModelForMaskedLM"),
        ("BertModel", ["fill-mask", "feature-extraction"], "OVModelForFeatureExtraction"),
        ("GPT2LMHeadModel", ["text-generation-with-past"], "OVModelForCausalLM"),
        ("CLIPModel", ["feature-extraction", "zero-shot-image-classification"], "OVModelForZeroShot"),
        ("SamModel", ["feature-extraction"], "OVSamModel"),
        ("LlavaForConditionalGeneration", ["image-text-to-text"], "OVModelForVisualCausalLM"),
        ("LlavaForConditionalGeneration", ["image-to-text"], "OVModelForImageTextToText"),
        ("Pix2StructForConditionalGeneration", ["image-to-text-with-past"], "OVModelForPix2Struct"),
    ],
)
def test_the_class_is_found_by_what_it_loads_and_what_the_type_is_exported_for(
    head: str, tasks: list[str], name: str
) -> None:
    model_class = getattr(transformers, head)
    with torch.device("meta"):
        model = model_class._from_config(model_class.config_class())
    for order in (DOORS, DOORS[::-1]):
        assert entered(model, order, tasks, USUAL).name == name


def test_a_head_that_no_class_loads_is_told_with_what_its_type_is_exported_for() -> None:
    model = weights.build(T5, T5.heads[0])
    with pytest.raises(
        InapplicableError, match=r"no class .* loads T5ForConditionalGeneration; t5 is exported for a, b"
    ):
        entered(model, DOORS, ["b-with-past", "a", "b"], USUAL)


# --- what it is handed ----------------------------------------------------------------------------------------------


def test_a_config_is_as_published_checkpoints_have_it(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    plain = {"model_type": "bert", "pad_token_id": 0}
    file.write_text(json.dumps(plain))
    published(tmp_path, transformers.BertConfig(), {})
    assert json.loads(file.read_text()) == plain
    text = {"eos_token_id": 2, "pad_token_id": 3}
    file.write_text(json.dumps({"eos_token_id": 7, "text_config": text}))
    prompts = torch.tensor([[1, 9, 9, 5], [1, 9, 9, 9]])
    published(tmp_path, transformers.LlavaConfig(image_token_index=9), {"input_ids": prompts})
    above = {"bos_token_id": None, "eos_token_id": 7, "pad_token_id": 3, "image_seq_length": 3}
    assert json.loads(file.read_text()) == {"text_config": text, **above}


# --- what it gives --------------------------------------------------------------------------------------------------


class Loaded:
    """The members of optimum's objects that the runner reads, around a graph that OpenVINO really compiled."""

    def __init__(self, *, compiled: bool = True) -> None:
        import openvino
        from openvino import opset13 as ops

        pixels = ops.parameter([2, 3], openvino.Type.f32, name="pixels")
        doubled = ops.multiply(pixels, ops.constant(2.0, openvino.Type.f32))
        doubled.output(0).set_names({"logits"})
        self.ov_models = {"model": openvino.Model([doubled], [pixels], "double")}
        self.request = openvino.compile_model(self.ov_models["model"], "CPU") if compiled else None

    def __call__(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        assert self.request is not None
        return {"logits": torch.from_numpy(self.request([pixels.numpy()])[0])}

    def can_generate(self) -> bool:
        return True

    def generate(self, pixels: torch.Tensor, **arguments: Any) -> torch.Tensor:
        assert arguments
        return pixels.argmax(-1)


PIXELS = {"pixels": torch.arange(6.0).reshape(2, 3)}


def runner(*outputs: str, compiled: bool = True) -> OptimumRunner:
    return OptimumRunner(Loaded(compiled=compiled), Asked(None, Call(), PIXELS, outputs))


def test_outputs_that_were_not_exported_are_not_promised_and_are_told() -> None:
    made = runner("logits", "hidden_state")
    assert made.gives == {"logits"}
    assert made.facts == {"route": "Loaded", "not_exported": "hidden_state"}
    assert torch.equal(made.run(PIXELS)["logits"], 2 * PIXELS["pixels"])
    with pytest.raises(InapplicableError, match="Loaded has no output of the head's pooled"):
        runner("pooled")


@pytest.mark.parametrize("names", [[], ["pixels", "mask"], ["values"]])
def test_inputs_of_other_names_are_refused(names: list[str]) -> None:
    with pytest.raises(UnsupportedError, match="it was made for pixels, not"):
        runner("logits").run(dict.fromkeys(names, PIXELS["pixels"]))


def test_where_it_executes_is_read_from_what_was_compiled() -> None:
    assert runner("logits").executed_on() == "openvino:CPU"
    assert runner("logits", compiled=False).executed_on() == ""


def test_an_input_that_its_graph_does_not_have_is_told_as_ignored() -> None:
    made = OptimumRunner(Loaded(), Asked(None, Call(), {**PIXELS, "token_type_ids": torch.zeros(2)}, ["logits"]))
    assert made.facts == {"route": "Loaded", "ignored": "token_type_ids"}


def test_only_its_own_generate_generates() -> None:
    made = runner("logits")
    assert made.generate(PIXELS, {"max_new_tokens": 2}).tolist() == [2, 2]
    with pytest.raises(UnsupportedError, match=r"Loaded has no generate_speech\(\)"):
        made.generate(PIXELS, {}, "generate_speech")


class Partial(Cpu):
    """A device that promises some outputs, and gives what is made of all."""

    name = "partial"
    module = False

    def __init__(self, gives: set[str], change: Callable[[Any], Any]) -> None:
        self.gives, self.change = gives, change

    def prepare(self, *args: Any, **kwargs: Any) -> Any:
        made: Any = super().prepare(*args, **kwargs)
        run = made.run
        made.gives, made.run = self.gives, lambda inputs, seed=0: self.change(run(inputs, seed))
        return made


def logits_alone(outputs: Any) -> Any:
    return {"logits": outputs["logits"]}


@pytest.mark.parametrize(
    ("gives", "change", "status"),
    [
        ({"logits"}, logits_alone, "passed"),
        ({"logits"}, lambda outputs: outputs, "failed"),
        ({"logits", "encoder_last_hidden_state"}, logits_alone, "failed"),
        ({"logits"}, lambda _outputs: {}, "failed"),
        (set(), lambda _outputs: {}, "vacuous"),
    ],
    ids=["as promised", "more", "less", "none", "nothing promised"],
)
def test_what_is_promised_must_be_given_and_nothing_else(
    ask: Ask, install: Install, gives: set[str], change: Callable[[Any], Any], status: str
) -> None:
    where = install(Partial(gives, change))
    for check in ("forward", "parity"):
        assert ask(T5, check, where).status == status


def test_the_distance_to_float64_is_that_of_what_is_promised(install: Install) -> None:
    where = install(Partial({"logits"}, logits_alone))
    record = Engine(threads=1, exact=True).execute(Cell(T5, T5.heads[0], where, "fp32", CHECKS["parity"]))
    assert (record.status, record.reason) == ("passed", None)
    assert 0 < record.metrics["rel_max_to_float64"] == record.metrics["reference_to_float64"] < 1e-4


def test_where_nothing_is_given_token_by_token_masks_cannot_be_asked_about(ask: Ask, install: Install) -> None:
    class Pooled(Cpu):
        name = "pooled"
        module = False

        def prepare(self, *args: Any, **kwargs: Any) -> Any:
            made: Any = super().prepare(*args, **kwargs)
            made.gives = {"logits_per_image"}
            return made

    record = ask(CLIP, "masking", install(Pooled()))
    assert (record.status, record.reason) == ("unsupported", "of what it gives token by token pooled gives nothing")


# --- what is asked --------------------------------------------------------------------------------------------------


def test_it_is_asked_what_other_compiled_hardware_is_and_to_generate() -> None:
    asked = {cell.check.name for cell in cells(GPT2, Selection(hardware=("optimum",), head="primary"))}
    other = {cell.check.name for cell in cells(GPT2, Selection(hardware=("openvino",), head="primary"))}
    assert asked - other == {"generation"}


def test_devices_have_names_and_ways_have_none() -> None:
    assert (hardware("optimum").name, hardware("optimum").device) == ("optimum", "openvino:CPU")
    assert hardware("optimum:NPU").device == "openvino:NPU"
    with pytest.raises(UnknownHardwareError, match="optimum has no route to choose"):
        hardware("optimum@trace")
    assert "finds no NPU" in str(hardware("optimum:NPU").probe())


@without_optimum
def test_without_it_cells_are_unavailable(ask: Ask) -> None:
    record = ask(Bert, "parity", "optimum")
    assert record.status == "unavailable"
    assert "optimum-intel cannot be imported" in str(record.reason)
    assert Optimum().describe() == {}


def test_hardware_that_saves_models_is_given_what_lies_beside_them(ask: Ask, install: Install) -> None:
    given: dict[str, Any] = {}

    class Saving(Cpu):
        name = "saving"
        saves = True

        def prepare(self, *args: Any, beside: Mapping[str, Any] | None = None, **kwargs: Any) -> Any:
            given.update(beside or {})
            return super().prepare(*args, **kwargs)

    ask(CLIP, "forward", install(Saving()))
    assert set(given) == set(CLIP.processor or {})


# --- where it is installed ------------------------------------------------------------------------------------------


@with_optimum
@pytest.mark.parametrize(
    ("skill", "route"),
    [
        (Bert, "OVModelForMaskedLM"),
        (CLIP, "OVModelForZeroShotImageClassification"),
        (GPT2, "OVModelForCausalLM"),
        (T5, "OVModelForSeq2SeqLM"),
        (Whisper, "_OVModelForWhisper"),
    ],
    ids=lambda item: getattr(item, "model_type", ""),
)
def test_a_head_runs_there_and_matches(ask: Ask, skill: type[Skill], route: str) -> None:
    for check in ("forward", "parity"):
        record = ask(skill, check, "optimum")
        assert (record.status, record.executed_on) == ("passed", "openvino:CPU"), record
        assert record.metrics["route"] == route


@with_optimum
@pytest.mark.parametrize("skill", [GPT2, T5], ids=lambda skill: skill.model_type)
def test_it_generates_the_tokens_of_the_cpu(ask: Ask, skill: type[Skill]) -> None:
    record = ask(skill, "generation", "optimum")
    assert record.status == "passed", record


@with_optimum
def test_what_it_does_not_export_is_unsupported_in_its_words(ask: Ask) -> None:
    record = ask(Dac, "parity", "optimum")
    assert (record.status, record.stage) == ("unsupported", "prepare")
    head = GPT2.heads[0].class_name
    assert "gpt2" in str(ask(GPT2, "parity", "optimum", class_name=head.replace("LMHead", "DoubleHeads")).reason)


@with_optimum
@pytest.mark.parametrize(
    ("question", "change", "status"),
    [
        ("parity", lambda tensor: tensor, "passed"),
        ("parity", lambda tensor: tensor + 1e-2 * tensor.abs().max(), "failed"),
        ("parity", lambda tensor: tensor.masked_fill(tensor == tensor.max(), float("nan")), "failed"),
        ("forward", lambda tensor: tensor.masked_fill(tensor == tensor.max(), float("nan")), "vacuous"),
        ("parity", lambda tensor: tensor[..., :0], "failed"),
        ("forward", torch.Tensor.half, "failed"),
    ],
    ids=["right", "off", "nan", "nan-forward", "empty", "dtype"],
)
def test_a_fault_of_it_is_caught(ask: Ask, install: Install, question: str, change: Any, status: str) -> None:
    class Faulty(Optimum):
        def prepare(self, *args: Any, **kwargs: Any) -> Any:
            made: Any = super().prepare(*args, **kwargs)
            run = made.run

            def wrong(inputs: Mapping[str, torch.Tensor], seed: int = 0) -> dict[str, torch.Tensor]:
                return {name: change(tensor) for name, tensor in run(inputs, seed).items()}

            made.run = wrong
            return made

    record = ask(Bert, question, install(Faulty()))
    assert record.status == status, record


@with_optimum
def test_other_tokens_and_another_device_are_caught(ask: Ask, install: Install) -> None:
    class Elsewhere(Optimum):
        def prepare(self, *args: Any, **kwargs: Any) -> Any:
            made = super().prepare(*args, **kwargs)
            self.device = "openvino:GPU"
            return made

    class Babbling(Optimum):
        def prepare(self, *args: Any, **kwargs: Any) -> Any:
            made: Any = super().prepare(*args, **kwargs)
            generate = made.generate
            made.generate = lambda *given: generate(*given).sequences.flip(0)
            return made

    assert str(ask(Bert, "parity", install(Elsewhere())).reason).startswith("fell back to openvino:CPU")
    assert ask(GPT2, "generation", install(Babbling())).status == "failed"
