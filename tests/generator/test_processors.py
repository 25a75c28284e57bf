"""What makes a tiny model's inputs: words at the ids that the config names, sizes that the model takes."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import sys
import types
from fractions import Fraction
from typing import Any, ClassVar

import pytest
import torch
import transformers

from generator import processors
from generator.processors import building, claims, mapped, media, prompts, tokenizer, trial, whole, words
from generator.spec import HeadSpec, InputSpec
from generator.tiny import inputs

CONFIGS = {
    "bert": transformers.BertConfig(vocab_size=128, pad_token_id=0),
    "gpt2": transformers.GPT2Config(vocab_size=128, bos_token_id=127, eos_token_id=127),
    "t5": transformers.T5Config(vocab_size=128, pad_token_id=0, eos_token_id=1),
    "xlm-roberta": transformers.XLMRobertaConfig(vocab_size=128),
    "clip": transformers.CLIPConfig(
        text_config={"vocab_size": 128, "bos_token_id": 127, "eos_token_id": 126, "pad_token_id": 1}
    ),
    "unseen": transformers.LlamaConfig(vocab_size=128),
}


@pytest.mark.parametrize("model_type", CONFIGS)
def test_special_words_stand_at_the_ids_of_the_config(model_type: str) -> None:
    config = CONFIGS[model_type]
    declared = tokenizer.declare(model_type, config, spoken=False)
    assert declared is not None
    words = declared["vocabulary"].split(" ")
    assert len(words) == len(set(words)) == 128
    text = getattr(config, "text_config", config)
    for role in ("pad", "bos", "eos"):
        if (identity := getattr(text, f"{role}_token_id", None)) is not None:
            assert words.index(declared["arguments"][f"{role}_token"]) == identity


def test_the_class_is_the_models_own_where_it_can_be_made_in_memory() -> None:
    for model_type, config in CONFIGS.items():
        declared = tokenizer.declare(model_type, config, spoken=False)
        assert declared is not None
        own = declared["class_name"] != building.GENERIC
        assert own == (model_type != "unseen" and int(transformers.__version__.split(".")[0]) >= 5)


def test_a_model_without_a_vocabulary_has_no_tokenizer() -> None:
    assert tokenizer.declare("vit", transformers.ViTConfig(), spoken=False) is None


def test_a_model_that_hashes_characters_has_the_tokenizer_that_is_made_of_nothing() -> None:
    config = transformers.CanineConfig()
    declared = tokenizer.declare("canine", config, spoken=False, fed={"input_ids"})
    assert declared == {"class_name": "CanineTokenizer", "arguments": {"model_max_length": 16384}}
    assert building.build({"tokenizer": declared})["tokenizer"]("ab")["input_ids"][1:3] == [ord("a"), ord("b")]
    assert tokenizer.declare("canine", config, spoken=False, fed={"pixel_values"}) is None


def llava() -> tuple[transformers.LlavaConfig, dict[str, Any], tuple[HeadSpec, ...]]:
    """A tiny LLaVA of 4 by 4 patches, its arguments, and the head that it is."""
    arguments: dict[str, Any] = {
        "image_token_index": 127,
        "text_config": {
            "model_type": "llama",
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_attention_heads": 2,
            "num_hidden_layers": 1,
            "pad_token_id": 0,
            "vocab_size": 128,
        },
        "vision_config": {
            "model_type": "clip_vision_model",
            "hidden_size": 32,
            "image_size": 32,
            "intermediate_size": 64,
            "num_attention_heads": 2,
            "num_hidden_layers": 1,
            "patch_size": 8,
        },
    }
    inputs = (
        InputSpec("input_ids", "Tokens", {"shape": (2, 20), "low": 3, "high": 127, "runs": ((127, 0, 16),)}),
        InputSpec("pixel_values", "Floats", {"shape": (2, 3, 32, 32)}),
    )
    head = HeadSpec("LlavaForConditionalGeneration", (), (), True, {}, inputs, (), 0, 2, {"max_new_tokens": 2})
    return transformers.LlavaConfig(**arguments), arguments, (head,)


def declared(model_type: str) -> dict[str, Any]:
    config, arguments, heads = llava()
    parts = {"tokenizer": {}, **media.declare(model_type, config, heads)}
    return whole.declare(whole.Subject(model_type, "LlavaConfig", arguments, config, heads), parts)


@pytest.mark.skipif(int(transformers.__version__.split(".")[0]) < 5, reason="slow image processors are another class")
def test_a_processor_writes_as_many_placeholders_as_the_model_makes_features() -> None:
    parts = declared("llava")
    assert parts["processor"]["class_name"] == "LlavaProcessor"
    assert parts["processor"]["parts"] == {"image_processor": "image_processor", "tokenizer": "tokenizer"}
    assert parts["processor"]["arguments"]["num_additional_image_tokens"] == 1  # which no config says
    made = building.build(parts)["processor"]
    chat = [{"role": "user", "content": [{"type": "image", "image": trial.picture()}, {"type": "text", "text": "a"}]}]
    given = made.apply_chat_template(chat, tokenize=True, return_dict=True, return_tensors="pt")
    assert int((given["input_ids"] == 127).sum()) == 16
    assert tuple(given["pixel_values"].shape) == (1, 3, 32, 32)


def test_a_type_without_a_processor_keeps_its_parts() -> None:
    config = transformers.BertConfig(vocab_size=128)
    subject = whole.Subject("bert", "BertConfig", {}, config, ())
    assert whole.declare(subject, {"tokenizer": {}}) == {"tokenizer": {}}


def test_a_processor_of_an_absent_library_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "_image_processor", lambda *_: {"requires": "torchvision"})
    assert declared("llava")["processor"] == {"requires": "torchvision"}


def test_special_words_are_those_that_the_code_of_the_processor_names() -> None:
    found = {word.role: word for word in words.read(transformers.ChameleonProcessor)}
    assert found["image"].text == "<image>"
    assert {"racm3_break", "eoss"} <= found.keys()
    assert not any(word.required for word in found.values())  # it asks first whether the tokenizer has them
    required = {word.role for word in words.read(transformers.Gemma3Processor) if word.required}
    assert {"image", "boi", "eoi"} <= required


def test_a_word_may_be_read_as_an_attribute_that_is_not_named_like_one() -> None:
    code = "self.owl_token = tokenizer.owl_wing", "self.owl_token = tokenizer.owl_token", "self.owl_token = owl"
    assert [words._oddly(ast.parse(line).body[0]) for line in code] == ["owl_wing", None, None]  # type: ignore[arg-type]
    module = types.ModuleType("owls")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inspect, "getsource", lambda _: code[0])
        read = words._of(module)
    assert (list(read.read), read.named) == (["owl"], {"owl": "owl_wing"})
    word = words.Word("owl", "<owl>", required=True, attribute="owl_wing")
    declared = tokenizer.declare("unseen", CONFIGS["unseen"], spoken=False, words=(word,))
    assert declared is not None
    assert building.build({"tokenizer": declared})["tokenizer"].owl_wing == "<owl>"


def test_a_word_that_a_processor_can_do_without_is_an_attribute_where_the_model_has_an_id_for_it() -> None:
    word = words.Word("owl", "<owl>", hoped=True)
    plain = tokenizer.declare("unseen", CONFIGS["unseen"], spoken=False, words=(word,))
    config = transformers.LlamaConfig(vocab_size=128)
    config.owl_token_id = 99
    named = tokenizer.declare("unseen", config, spoken=False, words=(word,))
    assert plain is not None
    assert named is not None
    assert "extra_special_tokens" not in plain["arguments"]
    assert named["arguments"]["extra_special_tokens"] == {"owl_token": "<owl>"}
    code = "self.owl = getattr(tokenizer, 'owl_token', None)", "self.owl = getattr(tokenizer, 'owl_token', '<owl>')"
    assert [words._or_none(ast.parse(line).body[0].value) for line in code] == ["owl_token", ""]  # type: ignore[attr-defined]


def test_words_that_stand_for_what_is_shown_are_told_apart_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {1: "<x>", 2: "<sound_of_audio>", 3: "<video>"}
    made = type("Made", (), {"tokenizer": type("Words", (), {"added_tokens_decoder": known})})
    monkeypatch.setattr(building, "build", lambda _: {"processor": made})
    monkeypatch.setattr(trial.Trial, "inputs", lambda *_: {"input_ids": torch.tensor([[2, 2, 2, 1, 1, 3]])})
    tried = trial.Trial(None, {}, {7: "image", 8: "video", 9: "audio"})
    assert tried.carriers({}, ("image", "video", "audio")) == {"image": "<x>", "audio": "<sound_of_audio>"}


def test_a_type_without_a_processor_has_that_of_the_type_that_it_was_made_of() -> None:
    code = """
from ...utils import Owl
from ..owl.modeling_owl import OwlForAll, OwlPart
from ..lark.modeling_lark import LarkForAll

class MineForAll(LarkForAll):
    pass

class MinePart(OwlPart):
    pass
"""
    assert whole._made_of("MineForAll", code) == ["lark"]
    assert whole._made_of("MinePart", code) == ["owl"]
    assert whole._made_of("Another", code) == []
    config = transformers.VisionEncoderDecoderConfig(
        encoder={"model_type": "vit"}, decoder={"model_type": "gpt2", "add_cross_attention": True}
    )
    inputs = tuple(InputSpec(name, "Floats", {}) for name in ("pixel_values", "decoder_input_ids"))
    for pipelines, name in ((("any-to-any",), "DonutProcessor"), ((), None)):
        head = HeadSpec("VisionEncoderDecoderModel", (), pipelines, True, {}, inputs, (), 0, 2, None)
        kind = "vision-encoder-decoder"
        assert whole._named(whole.Subject(kind, "VisionEncoderDecoderConfig", {}, config, (head,))) == name


def test_a_word_stands_for_a_role_by_the_code_that_takes_it_instead() -> None:
    module = types.ModuleType("owl")
    code = "class P:\n  def __init__(self, tokenizer): self.a = getattr(tokenizer, 'audio_token', '<hoot>')"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(inspect, "getsource", lambda _: code)
        assert words._of(module).instead == {"audio": "<hoot>"}


def test_a_page_is_told_to_a_processor_that_would_have_it_read() -> None:
    class Owl:
        def __call__(self, images: Any = None, text: Any = None, boxes: Any = None) -> None:
            """Words with their places."""

    image = {"class_name": "LayoutLMv3ImageProcessor", "arguments": {}}
    parts, page = whole._unread(Owl, {"image_processor": image})
    assert parts["image_processor"]["arguments"] == {"apply_ocr": False}
    assert len(page["call"]["text_pair"]) == len(page["call"]["boxes"])
    assert whole._unread(transformers.LlavaProcessor, {"image_processor": image})[1] == {}


@pytest.mark.parametrize("ids", [True, False])
def test_pipelines_that_go_on_with_a_text_serve_no_head_whose_processor_overlooks_it(
    monkeypatch: pytest.MonkeyPatch, ids: bool
) -> None:
    made = {"pixel_values": 0, **({"input_ids": 0} if ids else {})}
    monkeypatch.setattr(building, "build", lambda _: {"processor": lambda **_: made})
    parts = {"processor": {"parts": {}}}
    seen, read = (
        HeadSpec("Owl", (), ("any-to-any", "decision"), True, {}, (InputSpec(name, "Floats", {}),), (), 0, 2, None)
        for name in ("pixel_values", "input_ids")
    )
    assert processors.served((seen, read), None) == (seen, read)
    first, second = processors.served((seen, read), parts)
    assert second == read
    assert first.pipelines == (("any-to-any", "decision") if ids else ("decision",))
    assert bool(first.notes) != ids


def test_a_processor_gives_all_inputs_that_it_says_it_does() -> None:
    class Owl:
        return_types = False
        return_places = True

        @property
        def model_input_names(self) -> list[str]:
            return ["types", "places", "words"]

    inputs = (InputSpec("types", "Integers", {"shape": (2, 8), "high": 2}),)
    head = HeadSpec("LlavaForConditionalGeneration", (), (), True, {}, inputs, (), 0, 2, None)
    assert claims.promised(Owl, (head,)) == {"return_types": True}
    assert claims.promised(Owl, ()) == {}
    assert claims.promised(transformers.LlavaProcessor, (head,)) == {}


def test_settings_that_no_field_tells_are_read_off_the_inputs_of_the_heads() -> None:
    class Patches:
        def __init__(self, patch_size: int = 14, temporal_patch_size: int = 2) -> None:
            """Patches of several frames."""

    flat = InputSpec("pixel_values", "Floats", {"shape": (32, 3 * 8 * 8)})
    heard = InputSpec("input_features", "Floats", {"shape": (2, 64, 16)})
    mask = InputSpec("input_features_mask", "Mask", {"shape": (2, 64)})
    head = HeadSpec("Owl", (), (), True, {}, (flat, heard, mask), (), 0, 2, None)
    assert media._frames_joined(Patches, {"patch_size": 8}, (head,)) == {"temporal_patch_size": 1}
    assert media._frames_joined(Patches, {"patch_size": 16}, (head,)) == {}

    class Pairs(Patches):
        def __init__(self, patch_size: int = 14, temporal_patch_size: int = 2) -> None:
            if temporal_patch_size != 2:
                raise ValueError("only two frames are joined")

    assert media._frames_joined(Pairs, {"patch_size": 8}, (head,)) == {}
    assert media._bands((head,)) == 16


def test_a_carrier_stands_at_the_models_placeholder() -> None:
    config, _, _ = llava()
    known = (words.Word("image", "<image>"), words.Word("pad_of_image", "<atom>"))
    plain = tokenizer.declare("unseen", config, spoken=False, words=known)
    carried = tokenizer.declare("unseen", config, spoken=False, words=known, carriers={"image": "<atom>"})
    assert plain is not None
    assert carried is not None
    assert plain["vocabulary"].split(" ")[127] == "<image>"
    assert carried["vocabulary"].split(" ")[127] == "<atom>"
    assert "<image>" in carried["special"].split(" ")


@pytest.mark.parametrize("marks", [{}, {"image": "<image>"}, {"image": "<a>", "audio": "<b>"}])
def test_a_chat_template_writes_the_words_of_its_parts(marks: dict[str, str]) -> None:
    declared = tokenizer.declare("gpt2", CONFIGS["gpt2"], spoken=False)
    assert declared is not None
    made = building.build({"tokenizer": declared})["tokenizer"]
    content = [{"type": "image"}, {"type": "text", "text": "who"}, {"type": "audio"}]
    chat = [{"role": "user", "content": content}, {"role": "user", "content": " sat"}]
    expected = f"{marks.get('image', '')}who{marks.get('audio', '')} sat"
    assert made.apply_chat_template(chat, chat_template=prompts.template(marks), tokenize=False) == expected


def test_a_vocabulary_without_room_for_words_has_no_tokenizer() -> None:
    assert tokenizer.declare("bert", transformers.BertConfig(vocab_size=1), spoken=False) is None


def test_a_general_tokenizer_gives_only_what_every_head_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    found = building.public(building.GENERIC)
    monkeypatch.setattr(found, "model_input_names", ["input_ids", "token_type_ids", "attention_mask"])
    heads = [
        HeadSpec("Head", (), (), True, {}, tuple(InputSpec(name, "Tokens", {}) for name in names), (), 0, 2, None)
        for names in (("input_ids", "attention_mask", "token_type_ids"), ("attention_mask", "input_ids"), ("pixels",))
    ]
    fed = tokenizer.fed(heads)
    assert fed == {"input_ids", "attention_mask"}
    declared = tokenizer.declare("unseen", CONFIGS["unseen"], spoken=False, fed=fed)
    assert declared is not None
    assert declared["arguments"]["model_input_names"] == ["input_ids", "attention_mask"]
    assert building.build({"tokenizer": declared})["tokenizer"]("a b").keys() == fed
    declared = tokenizer.declare("unseen", CONFIGS["unseen"], spoken=False, fed=tokenizer.fed(heads[:1]))
    assert declared is not None
    assert "model_input_names" not in declared["arguments"]


def test_an_image_processor_that_fills_in_its_size_is_fitted_too() -> None:
    class Processor:
        def __init__(self, size: dict[str, int] | None = None) -> None:
            self.size = size or {"height": 224, "width": 224}

    assert media.preset(Processor, "size") == {"height": 224, "width": 224}
    assert media.preset(Processor, "crop_size") is None


def test_classes_that_a_package_registers_for_its_config_are_known_by_their_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class OwlConfig(transformers.LlamaConfig):
        model_type = "owl_of_a_package"

    class OwlTokenizer(transformers.PreTrainedTokenizerFast):
        pass

    class OwlImages(transformers.CLIPImageProcessor):  # type: ignore[misc, unused-ignore]
        pass

    own = OwlConfig(vocab_size=128)
    assert mapped.name("tokenizer", "owl_of_a_package", own) is None
    for part, value in (("tokenizer", (None, OwlTokenizer)), ("image_processor", {"pil": OwlImages})):
        module, table = mapped.TABLES[part]
        auto = importlib.import_module(f"transformers.models.auto.{module}")
        monkeypatch.setitem(getattr(auto, table)._extra_content, OwlConfig, value)
    assert mapped.name("tokenizer", "owl_of_a_package", own) == (None, "OwlTokenizer")
    assert mapped.name("image_processor", "owl_of_a_package", own) == {"pil": "OwlImages"}
    assert mapped.known("image_processor", "owl_of_a_package", own)
    assert not mapped.known("video_processor", "owl_of_a_package", own)
    assert building.public("OwlTokenizer") is OwlTokenizer
    declared = tokenizer.declare("owl_of_a_package", own, spoken=False)
    assert declared is not None
    assert declared["class_name"] == "OwlTokenizer"


def test_a_tokenizer_that_asks_for_nothing_is_made_of_nothing_if_the_model_has_all_its_words() -> None:
    class Bare:
        def __init__(self, mode: str = "bytes", **kwargs: Any) -> None:
            """Neither a vocabulary nor a file."""

    class Filed:
        def __init__(self, vocab_file: str | None = None) -> None:
            """A file."""

    taken = {kind: inspect.signature(kind.__init__).parameters for kind in (Bare, Filed)}
    assert tokenizer._needless(taken[Bare])
    assert not tokenizer._needless(taken[Filed])
    large, small = (transformers.T5Config(vocab_size=size) for size in (384, 128))
    for config, name in ((large, "ByT5Tokenizer"), (small, building.GENERIC)):
        declared = tokenizer.declare("byt5_like", config, spoken=False)
        assert declared is not None
        assert declared["class_name"] == building.GENERIC  # no mapping has the type
        assert tokenizer._fits({"class_name": "ByT5Tokenizer", "arguments": {}}, config.vocab_size) == (
            name == "ByT5Tokenizer"
        )


def test_a_type_without_an_image_processor_takes_a_usual_one_where_it_is_shown_images_alone() -> None:
    def head(task: str, *names: str) -> HeadSpec:
        inputs = tuple(InputSpec(name, "Floats", {"shape": (2, 3, 32, 32)}) for name in names)
        return HeadSpec("Unseen", (), (task,), True, {}, inputs, (), 0, 2, None)

    config = transformers.ViTConfig()
    found = media.declare("unseen", config, [head("object-detection", "pixel_values")])
    assert found["image_processor"]["class_name"].startswith("Detr")
    found = media.declare("unseen", config, [head("image-classification", "pixel_values")])
    assert found["image_processor"]["class_name"].startswith("ViT")
    assert set(found["image_processor"]["arguments"]["size"].values()) == {32}
    assert media.declare("unseen", config, [head("image-classification", "pixel_values", "input_ids")]) == {}


@pytest.mark.skipif(not hasattr(transformers, "EdgeTamModel"), reason="this release has no EdgeTAM")
def test_a_sisters_model_among_the_heads_has_its_own_image_processor() -> None:
    inputs = (InputSpec("pixel_values", "Floats", {"shape": (2, 3, 32, 32)}),)
    head = HeadSpec("EdgeTamModel", (), ("mask-generation",), False, {}, inputs, (), 0, 2, None)
    declared = media.declare("unseen", transformers.ViTConfig(), [head])["image_processor"]
    own = mapped.name("image_processor", "edgetam", None)
    assert declared.get("class_name", declared.get("requires")) in (*own.values(), "torchvision", "pillow")


def test_a_config_that_joins_others_has_the_image_processor_of_the_one_that_sees() -> None:
    joined = transformers.VisionEncoderDecoderConfig(
        encoder={"model_type": "vit"}, decoder={"model_type": "gpt2", "add_cross_attention": True}
    )
    declared = media.declare("vision-encoder-decoder", joined, ())
    assert "ViT" in declared["image_processor"]["class_name"]


def test_a_tokenizer_gives_no_types_to_a_model_that_takes_none() -> None:
    typed = tokenizer.declare("bert", CONFIGS["bert"], spoken=False, fed={"input_ids", "token_type_ids"})
    untyped = tokenizer.declare("bert", CONFIGS["bert"], spoken=False, fed={"input_ids", "attention_mask"})
    assert typed is not None
    assert untyped is not None
    assert "token_type_ids" in building.build({"tokenizer": typed})["tokenizer"]("a cat")
    assert "token_type_ids" not in building.build({"tokenizer": untyped})["tokenizer"]("a cat")


@pytest.mark.skipif(int(transformers.__version__.split(".")[0]) < 5, reason="slow image processors are another class")
def test_a_page_is_cut_into_as_many_patches_as_the_model_takes() -> None:
    inputs = (InputSpec("flattened_patches", "FlattenedPatches", {"shape": (2, 8, 2 + 3 * 4 * 4), "columns": 4}),)
    head = HeadSpec("Pix2StructForConditionalGeneration", (), (), True, {}, inputs, (), 0, 2, None)
    parts = media.declare("pix2struct", transformers.Pix2StructConfig(), (head,))
    made = building.build(parts)["image_processor"]
    assert tuple(made(trial.picture(), return_tensors="pt")["flattened_patches"].shape) == (1, 8, 50)


def test_a_count_that_no_file_holds_is_told_at_each_call() -> None:
    assert claims.calls(transformers.Kosmos2Processor, {"image": 4}) == [{"call": {"num_image_tokens": 4}}]
    assert claims.calls(transformers.LlavaProcessor, {"image": 4}) == []


class _PagesProcessor:
    def __call__(self, images: Any = None, text: Any = None, **kwargs: Any) -> None: ...


_PagesText = type("_PagesText", (), {"__annotations__": {"boxes": list}})
_PagesProcessorKwargs = type(
    "_PagesProcessorKwargs",
    (),
    {"__annotations__": {"text_kwargs": _PagesText}, "_defaults": {"images_kwargs": {"num_image_tokens": 64}}},
)


def test_what_a_call_is_told_is_read_from_the_class_of_its_keywords_too() -> None:
    assert claims.calls(_PagesProcessor, {"image": 4}) == [{"call": {"num_image_tokens": 4}}]
    image = {"class_name": "LayoutLMv3ImageProcessor", "arguments": {}}
    parts, page = whole._unread(_PagesProcessor, {"image_processor": image})
    assert parts["image_processor"]["arguments"] == {"apply_ocr": False}
    assert len(page["call"]["boxes"]) == len(page["call"]["text_pair"])


def test_a_processor_that_insists_on_a_tokenizer_made_of_files_lacks_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    class OwlTokenizer:
        def __init__(self, vocab_file: str) -> None:
            """Words of a file."""

    monkeypatch.setitem(vars(sys.modules["transformers"]), "OwlTokenizer", OwlTokenizer)
    assert not tokenizer.made("OwlTokenizer")
    assert claims.vocabulary(("OwlTokenizer", None)) == "a vocabulary file of OwlTokenizer's"
    assert tokenizer.made((None, building.GENERIC))


@pytest.mark.parametrize(
    ("error", "size"),
    [
        (KeyError("height"), {"height": 32, "width": 32}),
        (ValueError("max_size = 32 must be strictly greater"), {"shortest_edge": 32, "longest_edge": 64}),
        (ValueError("another"), {"shortest_edge": 32, "longest_edge": 32}),
        (None, {"shortest_edge": 32, "longest_edge": 32}),
    ],
)
def test_a_size_is_said_as_the_code_of_its_class_reads_it(error: Exception | None, size: dict[str, int]) -> None:
    class Processor:
        def __init__(self, size: dict[str, int]) -> None:
            """Of another default than its code reads."""

        def __call__(self, image: Any) -> None:
            if error is not None:
                raise error

    head = HeadSpec(
        "Head", (), (), True, {}, (InputSpec("pixel_values", "Floats", {"shape": (2, 3, 32, 32)}),), (), 0, 2, None
    )
    told = media._in_its_terms(Processor, {"size": {"shortest_edge": 32, "longest_edge": 32}}, [head])
    assert told == {"size": size}


def test_texts_are_parted_as_the_class_puts_their_ids_together(monkeypatch: pytest.MonkeyPatch) -> None:
    class OwlTokenizerFast(transformers.PreTrainedTokenizerFast):  # type: ignore[misc]
        def build_inputs_with_special_tokens(self, one: list[int], other: list[int]) -> list[int]:
            return [*one, 2, 2, *other, 2]

    monkeypatch.setitem(vars(sys.modules["transformers"]), "OwlTokenizerFast", OwlTokenizerFast)
    declared = tokenizer.declare("owl", CONFIGS["unseen"], spoken=False, closes=True, named=(None, "OwlTokenizerFast"))
    assert declared is not None
    assert declared["between"] == f"{declared['ends']} {declared['ends']}"
    made = building.build({"tokenizer": declared})["tokenizer"]
    end = made.convert_tokens_to_ids(declared["ends"])
    one, other = (made("a", add_special_tokens=False).input_ids, made("b", add_special_tokens=False).input_ids)
    assert made("a", "b").input_ids == [*one, end, end, *other, end]
    usual = tokenizer.declare("unseen", CONFIGS["unseen"], spoken=False, closes=True)
    assert usual is not None
    assert "between" not in usual


def test_types_of_tokens_that_are_several_a_token_are_not_a_tokenizers() -> None:
    ids = InputSpec("input_ids", "Tokens", {"shape": (2, 12)})
    for shape, given in (((2, 12), True), ((2, 12, 7), False)):
        types_of = InputSpec("token_type_ids", "Integers", {"shape": shape})
        head = HeadSpec("Head", (), (), True, {}, (ids, types_of), (), 0, 2, None)
        assert ("token_type_ids" in tokenizer.fed([head])) is given


def test_what_the_images_of_a_processor_may_be_told_says_which_image_processor_takes_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images = type("OwlImages", (), {"__annotations__": {"size": dict, "wings": int}})
    kinds = types.SimpleNamespace(__annotations__={"images_kwargs": images})

    class Winged:
        def __init__(self, wings: int = 2) -> None:
            """What the processor tells it."""

    classes = {"Plain": transformers.CLIPImageProcessor, "Winged": Winged}
    declared = {"plain": "Plain", "winged": "Winged", media.USUAL: "Plain"}
    monkeypatch.setattr(claims, "keywords", lambda _: kinds)
    monkeypatch.setattr(building, "public", classes.get)
    monkeypatch.setattr(
        "transformers.models.auto.image_processing_auto.IMAGE_PROCESSOR_MAPPING_NAMES", {"plain": None, "winged": None}
    )
    monkeypatch.setattr(media, "declare", lambda kind, *_: {"image_processor": {"class_name": declared[kind]}})
    subject = whole.Subject("owl", "OwlConfig", {}, None, ())
    assert whole._seeing(None, subject) == {"image_processor": {"class_name": "Winged"}}
    images.__annotations__ = {"beaks": int}
    assert whole._seeing(None, subject) == {}
    images.__annotations__ = {"size": dict}
    assert whole._seeing(None, subject) == {"image_processor": {"class_name": "Plain"}}


def test_a_text_is_told_where_it_ends_unless_a_head_goes_on_with_it() -> None:
    declared = [tokenizer.declare("unseen", CONFIGS["unseen"], spoken=False, closes=closes) for closes in (True, False)]
    ids = [building.build({"tokenizer": item})["tokenizer"]("a").input_ids for item in declared if item is not None]
    assert ids[0] == [*ids[1], CONFIGS["unseen"].eos_token_id]


def test_a_processor_whose_methods_ask_for_an_absent_library_needs_it() -> None:
    absent = importlib.util.find_spec("mistral_common") is None
    assert claims.lacking(transformers.VoxtralProcessor) == ("mistral-common" if absent else claims._FILED)
    assert claims.lacking(transformers.LlavaProcessor) is None


def test_the_image_processor_is_the_one_that_the_processor_of_the_type_insists_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = type("OwlProcessor", (), {"image_processor_class": ("CLIPImageProcessor", "CLIPImageProcessorFast")})
    monkeypatch.setattr(mapped, "name", lambda part, *_: "OwlProcessor" if part == "processor" else None)
    monkeypatch.setattr(building, "public", lambda _: found)
    assert media._joined("owl", None) == ("CLIPImageProcessor", "CLIPImageProcessorFast")
    found.image_processor_class = "AutoImageProcessor"  # type: ignore[attr-defined]
    assert media._joined("owl", None) is None
    assert media._each({"torchvision": "A", "pil": "B"}) == media._each(("A", "B", None)) == ["A", "B"]


def test_a_processor_that_decodes_by_another_model_is_given_a_tiny_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Decodes:
        audio_tokenizer_class = "DacModel"

        def __init__(self, tokenizer: Any, audio_tokenizer: Any = None) -> None:
            """It keeps neither."""

    declared = whole._codec(Decodes)
    assert declared is not None
    codec = building.build({"audio_tokenizer": declared})["audio_tokenizer"]
    assert sum(parameter.numel() for parameter in codec.parameters()) < 20_000_000
    monkeypatch.setattr(Decodes, "audio_tokenizer_class", "NoSuchModel")
    assert whole._codec(Decodes) is None


def test_a_processor_that_makes_a_prompt_of_each_of_several_texts_is_given_one() -> None:
    context = inputs.Context(CONFIGS["bert"], {}, ())
    assert list(claims._values("policy_definitions", None, context, {})) == [{"one": trial.TEXT}]


def test_a_type_that_hears_samples_without_a_feature_extractor_takes_the_usual_one() -> None:
    config = transformers.LlamaConfig()

    def head(shape: tuple[int, ...], *pipelines: str) -> HeadSpec:
        item = InputSpec("input_values", "Floats", {"shape": shape})
        return HeadSpec("Some", (), pipelines, True, {}, (item,), (), 0, 2, None)

    hears = "automatic-speech-recognition"
    assert media._extractor("unseen", config, [head((2, 6400), hears)]) == "Wav2Vec2FeatureExtractor"
    assert media._extractor("unseen", config, [head((2, 64, 16), hears)]) is None  # patches of a spectrogram
    assert media._extractor("unseen", config, [head((2, 6400))]) is None


def shown(pixels: tuple[int, ...]) -> tuple[HeadSpec, ...]:
    """A head that takes images of this shape."""
    inputs = (InputSpec("pixel_values", "Floats", {"shape": pixels}),)
    return (HeadSpec("LlavaForConditionalGeneration", (), (), True, {}, inputs, (), 0, 2, None),)


def newer(name: str) -> Any:
    """A class of transformers that only newer releases have, or that works with torchvision."""
    if (found := building.public(name)) is None:
        pytest.skip(f"no {name} here")
    return found


def test_rows_of_patches_are_as_large_as_they_come_to_and_their_margins_keep_their_share() -> None:
    found = newer("Molmo2ImageProcessor")
    arguments = media._fitted(found, transformers.CLIPVisionConfig(patch_size=8), shown((2, 64, 192)))
    assert arguments["size"] == {"height": 64, "width": 64}
    assert arguments["overlap_margins"] == [1, 1]  # of 8 patches, as 4 are of 27


def test_a_patch_larger_than_any_is_a_tile() -> None:
    found = newer("Step3p7ImageProcessor")
    arguments = media._fitted(found, transformers.CLIPVisionConfig(patch_size=8), shown((2, 3, 32, 32)))
    assert arguments["patch_size"] == 32
    assert arguments["vision_patch_size"] == 8


def test_sizes_may_go_by_the_patch_instead_of_the_image() -> None:
    newer("DeepseekOcr2ImageProcessor")
    part = {"class_name": "DeepseekOcr2ImageProcessor", "arguments": {"size": {"height": 32}, "tile_size": 32}}
    assert media.proportionate(part, Fraction(1, 2))["arguments"] == {
        "size": {"height": 512, "width": 512},
        "tile_size": 384,
    }
    given = ({"patch_size": 8}, {"image_processor": part})
    ways = list(whole._smaller(newer("DeepseekOcr2Processor"), [given]))
    assert [way["image_processor"]["arguments"]["tile_size"] for _, way in ways] == [384]
    assert list(whole._smaller(transformers.LlavaProcessor, [({}, {"image_processor": part})])) == []


def test_what_a_processor_squares_is_how_many_features_are_on_a_side() -> None:
    found = newer("Cohere2VisionProcessor")
    parts = {"image_processor": {"class_name": "Cohere2VisionImageProcessor", "arguments": {"patch_size": 8}}}
    assert whole._lent(found, parts, {"image": 4})["image_processor"]["arguments"]["patch_size"] == 2
    assert whole._lent(transformers.LlavaProcessor, parts, {"image": 4}) == parts


def test_a_token_that_stands_for_all_that_is_seen_stands_for_an_image(monkeypatch: pytest.MonkeyPatch) -> None:
    _, arguments, heads = llava()
    monkeypatch.setattr(trial.declaring, "placeholders", lambda _: {127: "video"})
    assert trial.Trial.of("LlavaConfig", arguments, heads).tokens == {127: "image"}


def test_numbers_are_cast_to_the_precision_of_the_model() -> None:
    _, arguments, heads = llava()
    cast = trial.Trial.of("LlavaConfig", arguments, heads)._cast(
        {"pixel_values": torch.ones(1, dtype=torch.bfloat16), "input_ids": torch.ones(1, dtype=torch.int64)}
    )
    assert cast["pixel_values"].dtype == torch.float32
    assert cast["input_ids"].dtype == torch.int64


def test_special_words_in_several_brackets_are_read_whole() -> None:
    known = {word.role: word.text for word in words.read(newer("MiniMaxM3VLProcessor"))}
    assert known["image"] == "]<]image[>["


def test_what_a_class_lacks_is_named_alike_in_every_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for backends in (["no_such_b", "no_such_a"], ["no_such_a", "no_such_b"]):
        monkeypatch.setitem(
            vars(sys.modules["transformers"]), "ViTImageProcessor", types.SimpleNamespace(_backends=backends)
        )
        assert building.absent("ViTImageProcessor") == "no_such_a"


def test_a_processor_of_videos_alone_is_told_of_how_many_frames_one_is() -> None:
    found = newer("InstructBlipVideoProcessor")
    assert {"frames": 4} in claims.clips(found)
    assert claims.clips(newer("LlavaNextVideoProcessor")) == []
    assert claims.clips(transformers.LlavaProcessor) == []


def test_a_blank_stands_before_a_text_whose_first_id_the_processor_drops() -> None:
    declared = {**spelled("|SPEAKER| <s>"), **claims.started(newer("FuyuProcessor"), spelled("|SPEAKER| <s>"))}
    made = building.build({"tokenizer": declared})["tokenizer"]
    assert made.convert_ids_to_tokens(made("|SPEAKER||SPEAKER|<s>")["input_ids"]) == [
        "▁",
        "|SPEAKER|",
        "|SPEAKER|",
        "<s>",
    ]
    assert made.convert_ids_to_tokens(made("a cat")["input_ids"]) == ["▁", "a", "▁", "c", "a", "t"]
    assert claims.started(transformers.LlavaProcessor, spelled("<image>")) == {}


def spelled(special: str) -> dict[str, Any]:
    """A general tokenizer with these special words, as a skill declares it."""
    arguments = {"pad_token": "<pad>", "eos_token": "<eos>", "unk_token": "<eos>"}
    vocabulary = f"<pad> <eos> ▁ a c t {special}"
    return {
        "class_name": building.GENERIC,
        "model": "BPE",
        "vocabulary": vocabulary,
        "arguments": arguments,
        "special": special,
    }


def test_pixels_and_spectrograms_are_known_by_other_names_too() -> None:
    inputs = (
        InputSpec("image_pixel_values", "Floats", {"shape": (2, 2, 3, 64, 64)}),
        InputSpec("audio_input_features", "Floats", {"shape": (2, 48, 24)}),
        InputSpec("audio_attention_mask", "Mask", {"shape": (2, 48)}),
    )
    head = HeadSpec("Some", (), (), True, {}, inputs, (), 0, 2, None)
    assert media._side((head,)) == (64, 64)
    assert media._bands((head,)) == 24


def test_a_word_that_a_processor_hopes_for_can_be_asked_of_the_tokenizer_nevertheless() -> None:
    _, arguments, heads = llava()
    subject = whole.Subject("llava", "LlavaConfig", arguments, transformers.LlavaConfig(**arguments), heads)
    found = newer("Gemma4Processor")
    assert claims.hopes(found)
    for every in (False, True):
        told = whole._told(found, subject, {}, {}, every=every)["tokenizer"]["arguments"]["extra_special_tokens"]
        assert ("boa_token" in told) is every


@pytest.mark.parametrize(
    ("line", "lacking"),
    [
        ("pop(kind)  # MistralCommonBackend has none", None),
        ("isinstance(tokenizer, MistralCommonBackend)", claims._FILED),
    ],
)
def test_a_tokenizer_that_a_comment_alone_names_is_not_asked_for(
    monkeypatch: pytest.MonkeyPatch, line: str, lacking: str | None
) -> None:
    monkeypatch.setattr(inspect, "getsource", lambda _: f"class P:\n    {line}\n")
    assert claims.lacking(_PagesProcessor) == lacking


def test_a_tokenizer_that_takes_a_table_is_made_of_a_file_and_serves_no_pipeline_of_texts_alone() -> None:
    pytest.importorskip("pandas")
    config = transformers.TapasConfig(vocab_size=128, type_vocab_sizes=[3, 256, 256, 2, 256, 256, 10])
    declared = tokenizer.declare("tapas", config, spoken=False, fed={"input_ids", "attention_mask"})
    assert declared is not None
    assert (declared["class_name"], declared["file"]) == ("TapasTokenizer", "vocab_file")
    made = building.build({"tokenizer": declared})["tokenizer"]
    words = declared["vocabulary"].split(" ")
    assert len(made) == len(words) == 128
    assert made.convert_tokens_to_ids("##t") == words.index("##t")
    tasks = (("fill-mask",), ("table-question-answering",))
    heads = tuple(HeadSpec("Some", (), task, False, {}, (), (), 0, 2, None) for task in tasks)
    texts, tables = processors.served(heads, {"tokenizer": declared})
    assert texts.pipelines == ()
    assert texts.notes == ("fill-mask: gives a text alone, and the tokenizer takes a table",)
    assert tables == heads[1]
    assert processors.served(heads, {"tokenizer": spelled("<image>")}) == heads


def test_a_processor_whose_codec_needs_an_absent_library_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    public = building.public
    monkeypatch.setattr(building, "public", lambda name: None if name == "OwlCodec" else public(name))
    monkeypatch.setattr(building, "exists", lambda _: True)
    monkeypatch.setattr(building, "absent", lambda _: "owl")
    monkeypatch.setattr(transformers.LlavaProcessor, "audio_tokenizer_class", "OwlCodec", raising=False)
    assert declared("llava")["processor"] == {"requires": "owl"}


def _fed(name: str, mappings: tuple[str, ...] = (), **shapes: tuple[int, ...]) -> HeadSpec:
    """A head that is fed tensors of these shapes."""
    inputs = tuple(InputSpec(item, "Floats", {"shape": shape}) for item, shape in shapes.items())
    return HeadSpec(name, mappings, (), True, {}, inputs, (), 1, 2, None)


def _holding(token: int) -> HeadSpec:
    """A head whose texts hold a token."""
    ids = InputSpec("input_ids", "Tokens", {"shape": (2, 12), "high": 8, "runs": ((token, 1, 1),)})
    return HeadSpec("BertModel", (), (), True, {}, (ids,), (), 1, 2, None)


ALL: dict[str, Any] = {
    **{part: {} for part in ("image_processor", "video_processor", "processor")},
    "tokenizer": {"vocabulary": "<pad> a <eos> <question>", "arguments": {"eos_token": "<eos>"}},
    "feature_extractor": {"class_name": "Wav2Vec2FeatureExtractor", "arguments": {}},
}


@pytest.mark.parametrize(
    ("head", "part"),
    [
        (_fed("BertModel", input_ids=(2, 12), attention_mask=(2, 12)), "tokenizer"),
        (_fed("BertForMultipleChoice", ("MODEL_FOR_MULTIPLE_CHOICE_MAPPING",), input_ids=(2, 3, 12)), "tokenizer"),
        (_fed("ViTModel", pixel_values=(2, 3, 32, 32)), "image_processor"),
        (_fed("CLIPModel", input_ids=(2, 12), pixel_values=(2, 3, 32, 32)), "processor"),
        (_fed("PeVideoModel", pixel_values_videos=(2, 4, 3, 32, 32)), "video_processor"),
        (_fed("WhisperModel", input_values=(2, 6400), decoder_input_ids=(2, 8)), "feature_extractor"),
        # Codes of four codebooks, spectra in place of sound, and numbers that no processor makes.
        (_fed("MusicgenForCausalLM", input_ids=(8, 12), attention_mask=(2, 12)), None),
        (_fed("SpeechT5Model", input_values=(2, 12, 64)), None),
        (_fed("PatchTSTModel", past_values=(2, 12, 4)), None),
        (_holding(2), "tokenizer"),
        (_holding(3), None),  # a word that no tokenizer puts into a text by itself
    ],
)
def test_the_part_that_makes_a_heads_inputs_goes_by_what_they_are(head: HeadSpec, part: str | None) -> None:
    assert [item.made_by for item in processors.made([head], ALL)] == [part]
    assert [item.made_by for item in processors.made([head], None)] == [None]


def test_a_processor_of_which_the_model_took_nothing_makes_no_inputs_and_a_note_says_so() -> None:
    head = _fed("CLIPModel", input_ids=(2, 12), pixel_values=(2, 3, 32, 32))
    (found,) = processors.made([head], {**ALL, "processor": {"untaken": True}})
    assert (found.made_by, len(found.notes)) == (None, 1)


def test_a_template_says_who_speaks_where_the_config_names_the_words_for_it() -> None:
    named = types.SimpleNamespace(im_start_token_id=5, im_end_token_id=6, user_token_id=7, assistant_token_id=8)
    config = transformers.LlamaConfig(**vars(named))
    assert [word.text for word in prompts.speakers(config)] == ["<|im_start|>", "<|im_end|>", "user", "assistant"]
    assert prompts.speakers(transformers.LlamaConfig()) == ()
    written = prompts.template({"image": "<image>"}, spoken=True)
    chat = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "a cat"}]}]
    rendered = transformers.utils.chat_template_utils._compile_jinja_template(written)
    said = rendered.render(messages=chat, add_generation_prompt=True)
    assert said == "<|im_start|>user<image>a cat<|im_end|><|im_start|>assistant"


def test_what_a_processor_says_against_its_image_processor_is_said_again() -> None:
    class Stubborn(transformers.ProcessorMixin):
        images_kwargs: ClassVar = {"patch_size": 16, "max_num_patches": 256}

    made = {"image_processor": {"class_name": "Siglip2ImageProcessor", "arguments": {"patch_size": 8}}}
    assert claims.gainsaid(Stubborn, made) == {"patch_size": 8}
    assert claims.gainsaid(transformers.CLIPProcessor, made) == {}


def test_a_trial_shows_a_processor_a_video_too() -> None:
    assert trial.clip().shape == (4, 48, 48, 3)
