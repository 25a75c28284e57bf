"""The pipeline check: what it passes, what it cannot ask, and the answers that it must refuse."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any, ClassVar

import PIL.Image
import pytest
import torch
from transformers import BertForMaskedLM, FillMaskPipeline, GPT2LMHeadModel, TextGenerationPipeline

from harness import processors
from harness.checks import CHECKS, pipeline, pipeline_voice
from harness.checks import pipeline_forms as forms
from harness.checks import pipeline_samples as samples
from harness.checks import pipeline_tells as tells
from harness.checks.pipeline_cases import CASES
from harness.checks.pipeline_samples import Asked
from harness.hardware import hardware
from harness.inputs import Floats
from harness.session import Session, Subject
from harness.skill import Head
from tests.harness.architectures.hf_bert import Bert
from tests.harness.architectures.hf_gpt2 import GPT2
from tests.harness.conftest import Ask

LETTERS = " ".join(["▁", "Ġ", *"abcdefghijklmnopqrstuvwxyz", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ", *"0123456789.,?!"])


class Speaking(GPT2):
    """GPT2 with a tokenizer of its own class."""

    processor: ClassVar = {
        "tokenizer": {
            "class_name": "GPT2Tokenizer",
            "model": "BPE",
            "vocabulary": f"<pad> <bos> <eos> {LETTERS}",
            "arguments": {"pad_token": "<pad>", "bos_token": "<bos>", "eos_token": "<eos>", "unk_token": "<eos>"},
        }
    }


class Filling(Bert):
    """BERT with a tokenizer of any class."""

    processor: ClassVar = {
        "tokenizer": {
            "class_name": "PreTrainedTokenizerFast",
            "model": "BPE",
            "vocabulary": f"<pad> <unk> <mask> {LETTERS}",
            "arguments": {"pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<mask>"},
        }
    }


def test_a_tokenizer_has_its_words_at_their_ids() -> None:
    tokenizer = processors.build(Speaking)["tokenizer"]
    assert type(tokenizer).__name__ == "GPT2Tokenizer"
    assert tokenizer.convert_tokens_to_ids(["<pad>", "<bos>", "<eos>", "▁", "Ġ", "a"]) == [0, 1, 2, 3, 4, 5]
    assert tokenizer.decode(tokenizer("a cat")["input_ids"]) == "a cat"


def test_pipelines_that_load_a_sound_head_pass(ask: Ask) -> None:
    for skill, task in ((Speaking, "text-generation"), (Filling, "fill-mask")):
        record = ask(skill, "pipeline", pipelines=(task,))
        assert (record.status, record.reason) == ("passed", None)
        assert (record.metrics["pipelines"], record.executed_on) == (1, "cpu")


@pytest.mark.parametrize(
    ("skill", "task", "what"),
    [
        (GPT2, "text-generation", "declares no tokenizer"),
        (Speaking, "time-travel", "no such pipeline"),
    ],
)
def test_what_cannot_be_asked_is_unavailable_and_says_why(ask: Ask, skill: Any, task: str, what: str) -> None:
    record = ask(skill, "pipeline", pipelines=(task,))
    assert record.status == "unavailable"
    assert what in str(record.reason)


def test_a_pipeline_that_takes_images_is_not_for_a_head_that_takes_none() -> None:
    head = dataclasses.replace(GPT2.heads[0], pipelines=("any-to-any", "image-text-to-text"))
    assert CHECKS["pipeline"].applicable(head) == "no pipeline is for it"


def test_a_head_that_no_pipeline_loads_gives_no_cell() -> None:
    assert CHECKS["pipeline"].applicable(GPT2.heads[0]) == "no pipeline is for it"


def test_it_catches_an_answer_without_a_field(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TextGenerationPipeline, "postprocess", lambda *_args, **_kwargs: [{"text": "a"}])
    record = ask(Speaking, "pipeline", pipelines=("text-generation",))
    assert (record.status, record.stage) == ("failed", "compare")
    assert "generated_text" in str(record.reason)


def test_it_catches_scores_that_are_no_numbers(ask: Ask, swap: Any) -> None:
    class Broken(BertForMaskedLM):
        def forward(self, *args: Any, **kwargs: Any) -> Any:
            output = super().forward(*args, **kwargs)
            output.logits = torch.full_like(output.logits, float("nan"))
            return output

    swap("BertForMaskedLM", Broken)
    record = ask(Filling, "pipeline", pipelines=("fill-mask",))
    assert (record.status, record.stage) == ("failed", "compare")
    assert "score" in str(record.reason)


def test_it_catches_a_model_that_does_not_run_in_its_pipeline(ask: Ask, swap: Any) -> None:
    class Broken(GPT2LMHeadModel):
        def forward(self, *args: Any, **kwargs: Any) -> Any:
            raise ValueError("no text, please")

    swap("GPT2LMHeadModel", Broken)
    record = ask(Speaking, "pipeline", pipelines=("text-generation",))
    assert (record.status, record.reason) == ("failed", "ValueError: no text, please")


@pytest.mark.parametrize("task", sorted(CASES))
def test_no_task_takes_what_is_not_its_documented_form(task: str) -> None:
    for answer in (None, "text", {}, [], [{}], [{"score": 2.0}], {"score": 0.5}):
        assert CASES[task].wrong(answer) is not None


@pytest.mark.parametrize(
    ("task", "answer", "words"),
    [
        ("text-classification", [{"label": "a", "score": 0.2}, {"label": "b", "score": 0.8}], "rank"),
        ("text-classification", [{"label": "a", "score": 1.2}], "score"),
        ("text-generation", [{"generated_text": "a"}, {"generated_text": "b"}], "2 texts"),
        ("feature-extraction", [[[0.5, 0.5], [0.5, 0.5]]], "same number"),
        ("feature-extraction", [[[0.5, float("nan")]]], "numbers"),
        ("object-detection", [{"label": "a", "score": 0.5, "box": {"xmin": 1}}], "box"),
        ("zero-shot-classification", {"sequence": "a", "labels": ["cat"], "scores": [1.0]}, "cat"),
        ("visual-question-answering", [{"score": 0.1, "answer": "a"}, {"score": 0.9, "answer": "b"}], "rank"),
        ("visual-question-answering", [{"label": "a"}], "answer"),
        ("table-question-answering", {"answer": "cat", "coordinates": [(0,)], "cells": ["cat"]}, "coordinates"),
        ("table-question-answering", {"answer": "cat", "coordinates": [(0, 0)], "cells": [1]}, "cells"),
        ("image-to-image", [0.5], "0.5"),
        ("text-to-audio", {"audio": [float("nan")], "sampling_rate": 16000}, "sound"),
        ("text-to-audio", {"audio": [3.0, 97.0, 12.0], "sampling_rate": 16000}, "ids"),
        ("any-to-any", [{"input_text": "a", "generated_text": [{"role": "user", "content": "b"}]}], "assistant"),
        ("mask-generation", {"masks": [], "scores": []}, "no mask"),
        ("depth-estimation", {"predicted_depth": [float("nan")], "depth": PIL.Image.new("L", (2, 2))}, "finite"),
    ],
)
def test_each_form_refuses_what_is_almost_right(task: str, answer: Any, words: str) -> None:
    assert words in str(CASES[task].wrong(answer))


@pytest.mark.parametrize(
    ("task", "answer"),
    [
        ("question-answering", {"score": 0.5, "start": 9, "end": 2, "answer": ""}),
        ("question-answering", {"score": 0.5, "start": 9, "end": 99, "answer": ""}),
        ("document-question-answering", [{"score": 0.5, "start": 1, "end": 1, "answer": "mat"}]),
        ("document-question-answering", [{"score": 0.5, "start": 9, "end": 9, "answer": ""}]),
        ("table-question-answering", {"answer": "cat", "coordinates": [(9, 9)], "cells": ["cat"]}),
        ("table-question-answering", {"answer": "cat", "coordinates": [(1, 0)], "cells": ["cat"]}),
    ],
)
def test_an_answer_that_points_at_what_was_not_asked_is_wrong(task: str, answer: Any) -> None:
    misplaced = CASES[task].misplaced
    assert misplaced is not None
    assert "outside" in str(misplaced(answer, Asked({}, frozenset())))


def test_it_catches_an_empty_answer(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FillMaskPipeline, "postprocess", lambda *_args, **_kwargs: [])
    record = ask(Filling, "pipeline", pipelines=("fill-mask",))
    assert (record.status, record.reason) == ("failed", "fill-mask: gives [] instead of a list of dicts")


def test_it_catches_a_text_that_ignores_its_prompt(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TextGenerationPipeline, "postprocess", lambda *_args, **_kwargs: [{"generated_text": "a cat"}])
    record = ask(Speaking, "pipeline", pipelines=("text-generation",))
    assert (record.status, record.stage) == ("failed", "compare")
    assert "the same whatever it is asked" in str(record.reason)


def test_it_catches_a_text_that_does_no_more_than_repeat_its_prompt(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def repeat(_self: Any, outputs: Any, **_kwargs: Any) -> Any:
        return [{"generated_text": outputs["prompt_text"]}]

    monkeypatch.setattr(TextGenerationPipeline, "postprocess", repeat)
    record = ask(Speaking, "pipeline", pipelines=("text-generation",))
    assert "the same whatever it is asked" in str(record.reason)


def test_it_catches_a_model_that_ignores_its_text(ask: Ask, swap: Any) -> None:
    class Broken(BertForMaskedLM):
        def forward(self, input_ids: Any, **_kwargs: Any) -> Any:
            output = super().forward(torch.full_like(input_ids[:, :1], 5))
            output.logits = output.logits.expand(-1, input_ids.shape[1], -1)
            return output

    swap("BertForMaskedLM", Broken)
    record = ask(Filling, "pipeline", pipelines=("fill-mask",))
    assert "the same whatever it is asked" in str(record.reason)


@pytest.mark.parametrize("depends", [True, False])
def test_words_that_never_change_need_other_numbers_behind_them(ask: Ask, swap: Any, depends: bool) -> None:
    class Stuck(GPT2LMHeadModel):
        """Repeats one token, which another token than the first weights' takes over with other weights."""

        def forward(self, *args: Any, **kwargs: Any) -> Any:
            output = super().forward(*args, **kwargs)
            token = 10 + int(self.transformer.wte.weight.sum().abs() * 100) % 20
            output.logits = output.logits if depends else torch.zeros_like(output.logits)
            output.logits[..., token] += 1e4
            return output

    swap("GPT2LMHeadModel", Stuck)
    record = ask(Speaking, "pipeline", pipelines=("text-generation",))
    assert record.status == ("passed" if depends else "failed")


def test_what_tells_one_answer_from_another_is_not_what_was_asked() -> None:
    asked = Asked({}, frozenset())
    assert tells.words([{"generated_text": f"{asked.sentence} again"}], asked) == [" again"]
    chat = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    assert tells.words([{"input_text": "a", "generated_text": chat}], asked) == ["b"]
    answer = [{"label": "a", "score": 0.5, "mask": PIL.Image.new("L", (1, 1)), "depth": torch.ones(2)}]
    assert tells.numbers(answer, asked) == [0.5, b"\0", 1.0, 1.0]
    assert tells.coarse(["a"])
    assert tells.coarse([0.0, 1.0, b"\0"])
    assert not tells.coarse([0.5])
    assert not tells.coarse([])


def test_an_answer_repeats_no_letter_of_a_caption_that_is_the_same_each_time() -> None:
    tokenizer = processors.build(Speaking)["tokenizer"]
    caption = {*tokenizer.convert_tokens_to_ids(["a", "c", "t"])}
    for parts, withheld in (({"tokenizer": tokenizer}, False), ({"tokenizer": tokenizer, "processor": None}, True)):
        told = pipeline._without_special_words({"generate_kwargs": {"do_sample": False}}, parts)["generate_kwargs"]
        assert (caption <= {*told["suppress_tokens"]}) is withheld
        assert tokenizer.eos_token_id not in told["suppress_tokens"]


def test_what_is_asked_about_an_image_ends_within_sight_of_it() -> None:
    (seen,), (read,) = (samples.decided(Asked({}, frozenset(kinds))) for kinds in (["image"], []))
    question = seen["questions"]["sat"]["instructions"]
    assert len(f"{samples.CAPTION} {question}") < 14  # two layers look back seven tokens each, of a letter
    assert read["questions"]["sat"]["instructions"] == "did it sit"


def test_image_features_are_asked_of_one_image_and_of_an_answer_that_is_a_tensor() -> None:
    def head(shape: tuple[int, ...], output: str) -> Head:
        inputs = {"pixel_values": Floats(shape=shape)}
        return Head("Some", mappings=(), inputs=inputs, outputs={output: ((2, 4), "float32")}, parameters=1)

    case = CASES["image-feature-extraction"]
    assert case.serves(head((2, 3, 32, 32), "last_hidden_state"))
    assert not case.serves(head((2, 2, 3, 32, 32), "last_hidden_state"))  # a pair of images
    assert not case.serves(head((2, 4, 3, 32, 32), "last_hidden_state"))  # the frames of a clip
    assert case.serves(head((2, 1, 3, 32, 32), "last_hidden_state"))
    assert not case.serves(head((2, 3, 32, 32), "feature_maps.0"))


def test_a_pipeline_of_images_is_not_for_a_head_that_takes_what_it_never_gives() -> None:
    def head(*names: str) -> Head:
        inputs = {name: Floats(shape=(2, 3, 32, 32)) for name in names}
        outputs = {"last_hidden_state": ((2, 4), "float32")}
        return Head("Some", mappings=(), inputs=inputs, outputs=outputs, parameters=1)

    assert not CASES["image-feature-extraction"].serves(head("pixel_values", "task_inputs"))
    assert not CASES["zero-shot-image-classification"].serves(head("pixel_values_videos", "input_ids"))
    assert CASES["zero-shot-image-classification"].serves(head("pixel_values", "input_ids"))


def test_masks_are_asked_for_with_thresholds_that_leave_none_out() -> None:
    assert dict.fromkeys(CASES["mask-generation"].options, 0.0) == CASES["mask-generation"].options
    assert {"pred_iou_thresh", "stability_score_thresh"} <= CASES["mask-generation"].options.keys()


@pytest.mark.parametrize("decodes", [True, False])
def test_a_video_is_read_by_the_pipeline_where_no_library_of_video_processors_is_here(
    decodes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "_DECODERS", (("json", "loads" if decodes else "no_such_reader"), ("no_such", "x")))
    both = {name: {"class_name": "Some", "arguments": {}} for name in ("video_processor", "image_processor")}
    expected = ["video_processor", "image_processor"] if decodes else ["image_processor"]
    assert pipeline._parts(_declaring(both), "video-classification") == expected
    # A head whose checkpoints have a video processor alone is asked with that, and says what is missing.
    alone = {"video_processor": both["video_processor"]}
    assert pipeline._parts(_declaring(alone), "video-classification") == ["video_processor"]


def _declaring(parts: dict[str, Any]) -> Any:
    """A session of a skill that declares these parts."""

    class Declaring(GPT2):
        processor: ClassVar = parts

    return Session(Subject(Declaring, Declaring.heads[0]), hardware("cpu"), "fp32")


def test_what_speaks_is_told_how_fast_its_sound_is_only_where_the_pipeline_finds_it_nowhere() -> None:
    class Config:
        sampling_rate: int | None = None

        def to_dict(self) -> dict[str, object]:
            return {"vocoder_config": {"sampling_rate": 22_050}}

    class Model:
        config = Config()

    head = dataclasses.replace(GPT2.heads[0], mappings=())
    assert pipeline_voice.settings(head, Model()) == {"sampling_rate": 22_050}
    Model.config.sampling_rate = 24_000
    assert pipeline_voice.settings(head, Model()) == {}


def test_what_speaks_is_told_at_each_call_what_no_text_says() -> None:
    beside = {"speaker_embeddings": Floats(shape=(2, 4))}
    inputs = {
        **GPT2.heads[0].inputs,
        "input_values": Floats(shape=(2, 9)),
        "decoder_input_values": Floats(shape=(2, 8)),
    }
    head = dataclasses.replace(GPT2.heads[0], inputs={**inputs, **beside})
    model = SimpleNamespace(config=SimpleNamespace())
    told = pipeline_voice.options(head, model, seed=0)["forward_params"]
    assert {name: tuple(value.shape) for name, value in told.items()} == {"speaker_embeddings": (1, 4)}
    head = dataclasses.replace(head, inputs=inputs)
    assert pipeline_voice.options(head, model, seed=0) == {}
    model.config.decoder = SimpleNamespace(max_position_embeddings=64)
    assert pipeline_voice.options(head, model, seed=0) == {"generate_kwargs": {"max_new_tokens": 32}}


def test_what_a_processor_is_told_goes_where_its_pipeline_takes_it() -> None:
    class Old:
        def _sanitize_parameters(self, **kwargs: Any) -> None:
            """All that it does not know is the processor's."""

    class New:
        def _sanitize_parameters(self, processor_kwargs: Any = None, **kwargs: Any) -> None:
            """They are kept apart."""

    assert pipeline._told(Old(), {"boxes": [1]}) == {"boxes": [1]}
    assert pipeline._told(New(), {"boxes": [1]}) == {"processor_kwargs": {"boxes": [1]}}
    assert pipeline._told(New(), {}) == {}


def test_a_codec_is_built_of_its_config_for_the_processor_that_decodes_by_it() -> None:
    class Decoding(Speaking):
        """GPT2 with a codec."""

        processor: ClassVar = {"audio_tokenizer": {"class_name": "DacModel", "config": {"encoder_hidden_size": 8}}}

    codec = processors.build(Decoding)["audio_tokenizer"]
    assert (codec.config.encoder_hidden_size, codec.training) == (8, False)


def test_a_head_that_reads_a_prompt_beside_its_sound_is_not_for_the_pipeline_of_sound_alone() -> None:
    case = CASES["automatic-speech-recognition"]
    assert not case.serves(GPT2.heads[0])  # it takes input_ids
    assert case.serves(dataclasses.replace(GPT2.heads[0], inputs={"input_features": Floats(shape=(1, 2, 3))}))


def test_a_video_is_shown_as_its_frames_to_what_takes_them_for_images() -> None:
    frames, _ = samples.chat(Asked({"processor": SimpleNamespace(chat_template=None)}, frozenset(["image"]), frames=4))
    assert len(frames) == 4
    assert frames[0].tobytes() != frames[1].tobytes()


def test_a_blank_stands_before_every_text_where_it_is_declared_to() -> None:
    declared = Filling.processor["tokenizer"]
    special = {**declared, "vocabulary": f"{declared['vocabulary']} <image>", "special": "<image>"}
    for starts, first in (({"starts": "▁"}, "▁"), ({}, "<image>")):
        skill = type("Started", (Filling,), {"processor": {"tokenizer": {**special, **starts}}})
        tokenizer = processors.build(skill)["tokenizer"]
        assert tokenizer.tokenize("<image>a") == [
            first,
            *["<image>"] * (first == "▁"),
            *(["a"] if starts else ["▁", "a"]),
        ]


def test_codes_that_a_processor_would_decode_are_unavailable_where_it_lacks_a_library_and_else_wrong(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Lacking(Speaking):
        """With a processor that cannot be made here."""

        processor: ClassVar = {**Speaking.processor, "processor": {"requires": "owl"}}

    monkeypatch.setattr(pipeline, "_ask", lambda *_: forms.UNDECODED)
    told = {skill: ask(skill, "pipeline", pipelines=("text-generation",)) for skill in (Speaking, Lacking)}
    assert told[Speaking].status == "failed"
    assert told[Lacking].status == "unavailable"
    assert "needs owl" in str(told[Lacking].reason)
    monkeypatch.setattr(pipeline, "_ask", lambda *_: "is wrong")
    assert ask(Lacking, "pipeline", pipelines=("text-generation",)).status == "failed"
