"""The processor check: what it asks of whom, and the faults that it must catch where rule-made tensors show none."""

from __future__ import annotations

from importlib import import_module
from typing import Any, ClassVar

import pytest
import torch
from transformers import CLIPModel, CLIPProcessor, LlavaForConditionalGeneration, T5ForConditionalGeneration

from harness.checks import CHECKS
from harness.checks import processor_samples as samples
from harness.inputs import Floats
from harness.skill import Head, Skill
from tests.harness.conftest import Ask


def _skill(module: str) -> type[Skill]:
    members = vars(import_module(f"skills.{module}")).values()
    return next(item for item in members if isinstance(item, type) and issubclass(item, Skill) and item is not Skill)


CLIP, LLAVA, T5, BERT = (_skill(f"hf_{name}") for name in ("clip", "llava", "t5", "bert"))


def test_it_is_for_heads_whose_inputs_a_processor_makes() -> None:
    head = CLIP.heads[0]
    plain = Head("X", mappings=(), inputs=head.inputs, outputs=head.outputs, parameters=1)
    assert CHECKS["processor"].applicable(plain) is not None
    made = Head("X", mappings=(), inputs=head.inputs, outputs=head.outputs, parameters=1, made_by="processor")
    assert CHECKS["processor"].applicable(made) is None


@pytest.mark.parametrize(("skill", "part"), [(CLIP, "processor"), (LLAVA, "processor"), (BERT, "tokenizer")])
def test_a_head_passes_on_what_its_processor_makes_and_follows_each_kind(
    ask: Ask, skill: type[Skill], part: str
) -> None:
    record = ask(skill, "processor", made_by=part)
    assert (record.status, record.reason, record.executed_on) == ("passed", None, "cpu")
    kinds = {"text"} | ({"image"} if part == "processor" else set())
    assert {name for name in record.metrics if name.startswith("change_by_")} == {f"change_by_{kind}" for kind in kinds}
    assert "input_ids" in str(record.metrics["made"]).split()


def test_a_decoders_beginning_is_the_skills_own_and_said_to_be(ask: Ask) -> None:
    record = ask(T5, "processor", made_by="tokenizer")
    assert (record.status, record.metrics["own"]) == ("passed", "decoder_input_ids")


def test_processor_catches_a_head_that_does_not_look_at_its_image(ask: Ask, swap: Any) -> None:
    class Blind(LlavaForConditionalGeneration):  # type: ignore[misc]
        def forward(self, *args: Any, **kwargs: Any) -> Any:
            kwargs["pixel_values"] = torch.zeros_like(kwargs["pixel_values"])
            return super().forward(*args, **kwargs)

    swap("LlavaForConditionalGeneration", Blind)
    record = ask(LLAVA, "processor", made_by="processor")
    assert (record.status, "follows the image" in str(record.reason)) == ("vacuous", True)


def test_a_processor_that_writes_no_placeholders_is_caught(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    import transformers

    class Mute(transformers.LlavaProcessor):  # type: ignore[misc]
        def apply_chat_template(self, *args: Any, **kwargs: Any) -> Any:
            made = super().apply_chat_template(*args, **kwargs)
            made["input_ids"][made["input_ids"] == self.image_token_id] = 5
            return made

    Mute.__name__ = "LlavaProcessor"
    monkeypatch.setattr(transformers, "LlavaProcessor", Mute)
    assert ask(LLAVA, "processor", made_by="processor").status == "failed"
    assert ask(LLAVA, "forward").status == "passed"  # whose placeholders a rule has put there


def test_a_processor_that_makes_every_image_the_same_is_caught(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    import transformers

    class Grey(CLIPProcessor):  # type: ignore[misc]
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            made = super().__call__(*args, **kwargs)
            made["pixel_values"] = torch.zeros_like(made["pixel_values"])
            return made

    Grey.__name__ = "CLIPProcessor"
    monkeypatch.setattr(transformers, "CLIPProcessor", Grey)
    assert ask(CLIP, "processor", made_by="processor").status == "vacuous"


def test_numbers_that_are_none_are_caught(ask: Ask, swap: Any) -> None:
    class Broken(CLIPModel):  # type: ignore[misc]
        def forward(self, *args: Any, **kwargs: Any) -> Any:
            output = super().forward(*args, **kwargs)
            output.logits_per_image = output.logits_per_image * float("nan")
            return output

    swap("CLIPModel", Broken)
    record = ask(CLIP, "processor", made_by="processor")
    assert (record.status, "NaN" in str(record.reason)) == ("vacuous", True)


def test_a_head_that_refuses_what_its_processor_makes_fails_with_its_own_words(ask: Ask, swap: Any) -> None:
    class Strict(T5ForConditionalGeneration):  # type: ignore[misc]
        def forward(self, input_ids: Any = None, **kwargs: Any) -> Any:
            if input_ids.shape[0] == 1:
                raise ValueError("one row is not enough")
            return super().forward(input_ids=input_ids, **kwargs)

    swap("T5ForConditionalGeneration", Strict)
    record = ask(T5, "processor", made_by="tokenizer")
    assert (record.status, "one row is not enough" in str(record.reason)) == ("failed", True)


def test_a_part_of_an_absent_library_is_unavailable(ask: Ask) -> None:
    class Lacking(CLIP):  # type: ignore[misc, valid-type]
        processor: ClassVar = {**CLIP.processor, "processor": {"requires": "no-such-library"}}

    Lacking.__module__ = CLIP.__module__
    record = ask(Lacking, "processor", made_by="processor")
    assert (record.status, "no-such-library" in str(record.reason)) == ("unavailable", True)


def test_a_head_of_pairs_is_given_pairs() -> None:
    seen: list[Any] = []
    head = Head("X", mappings=(), inputs={"pixel_values": Floats(shape=(2, 2, 3, 8, 8))}, outputs={}, parameters=1)
    sample = samples.of(head, "image_processor", lambda images, **_: seen.append(images) or {}, {})
    sample.put({})
    assert len(seen[0]) == 2


def test_what_cannot_be_shown_is_not_asked_about() -> None:
    inputs = {name: Floats(shape=(2, 3)) for name in ("input_ids", "pixel_values", "pixel_values_videos")}
    head = Head("X", mappings=(), inputs=inputs, outputs={}, parameters=1)
    assert samples.of(head, "processor", None, {}).kinds == ("text", "image", "video")
    assert samples.of(head, "processor", None, {"unshown": "video"}).kinds == ("text", "image")
