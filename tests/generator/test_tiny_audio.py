"""Sounds that go with a text: masks over them, and the placeholders of what they become."""

from __future__ import annotations

import dataclasses
import inspect

import pytest

from generator import catalog, processors, tiny
from generator.spec import HeadSpec, InputSpec
from generator.tiny import inputs, placeholders


def primary(model_type: str) -> HeadSpec:
    row = catalog.load().rows[model_type]
    return tiny.build(dataclasses.replace(row, heads=tuple(head for head in row.heads if head.primary))).heads[0]


def fed(head: HeadSpec) -> dict[str, InputSpec]:
    return {item.name: item for item in head.inputs}


@pytest.mark.parametrize(("model_type", "count"), [("qwen2_audio", 28), ("glmasr", 7), ("fun_asr_nano", 56)])
def test_a_text_has_a_placeholder_for_each_feature_that_a_mask_leaves(model_type: str, count: int) -> None:
    given = fed(primary(model_type))
    mask = given.get("input_features_mask") or given["feature_attention_mask"]
    assert mask.arguments["padded"]
    assert [length for _, _, length in given["input_ids"].arguments["runs"]] == [count]


def test_features_picked_by_a_mask_take_one_of_booleans_and_bands_for_each_channel_of_the_first_convolution() -> None:
    head = primary("gemma4")
    given = fed(head)
    assert given["input_features"].arguments["shape"] == (2, 64, 16)
    assert given["input_features_mask"].arguments["dtype"] == "bool"
    assert {item.name: item.shape for item in head.outputs}["audio_hidden_states"] == (28, 64)


def test_features_that_are_put_nowhere_without_a_word_get_placeholders_too() -> None:
    head = primary("vibevoice_asr")
    assert fed(head)["input_ids"].arguments["runs"] == ((127, 0, 1),)
    assert fed(head)["padding_mask"].arguments["shape"] == (2, 6400)
    assert head.arguments == {"sample": False}  # noise would be another in each row


def test_what_lasts_as_long_as_its_sound_is_given_no_length_and_no_text_that_fills_it() -> None:
    transducer, streaming = primary("parakeet_tdt"), primary("voxtral_realtime")
    assert transducer.generation == {"cache": False, "inputs": ["input_features", "attention_mask"]}
    assert streaming.generation == {"inputs": ["input_features"]}


def test_a_mask_beside_samples_or_a_spectrogram_is_of_what_is_fed() -> None:
    given = fed(primary("speech-encoder-decoder"))
    assert given["attention_mask"].arguments["shape"] == given["input_values"].arguments["shape"] == (2, 6400)


def test_a_codec_that_hears_a_sound_twice_is_fed_as_many_frames_as_the_samples_make() -> None:
    given = fed(primary("xcodec2"))
    assert given["input_features"].arguments["shape"][:2] == given["input_features_mask"].arguments["shape"] == (2, 20)


def test_speech_whose_length_follows_the_weights_is_of_one_row_and_of_any_length() -> None:
    head = primary("vits")
    assert head.batch == 1
    assert {item.name: item.shape for item in head.outputs}["waveform"] == (1, -1)
    assert "follows the weights" in head.notes[-1]


def test_a_text_to_be_spoken_ends_where_the_sound_begins() -> None:
    ((token, first, count),) = fed(primary("pocket_tts"))["input_ids"].arguments["runs"]
    assert (token, first, count) == (124, 11, 1)


def test_a_codec_has_a_code_for_each_token_and_none_for_the_one_after_the_last() -> None:
    row = catalog.load().rows["musicgen_melody"]
    config = tiny.settle(row)
    assert config["audio_encoder"]["codebook_size"] == config["decoder"]["vocab_size"] == 128
    assert config["decoder"]["pad_token_id"] == config["decoder_start_token_id"] == 128


def test_a_feature_extractor_makes_what_the_heads_take_in_the_width_that_they_take() -> None:
    row = catalog.load().rows["wav2vec2-bert"]
    made = tiny.build(dataclasses.replace(row, heads=tuple(head for head in row.heads if head.primary)))
    declared = processors.declare(row, made.config, made.heads) or {}
    assert declared["feature_extractor"]["class_name"] == "SeamlessM4TFeatureExtractor"  # its docs say, mappings do not
    width = made.heads[0].inputs[0].arguments["shape"][-1]
    assert declared["feature_extractor"]["arguments"]["num_mel_bins"] == width // 2  # two frames side by side


def test_what_is_generated_of_sound_alone_is_fed_it() -> None:
    generation = primary("kyutai_speech_to_text").generation or {}
    assert (tuple(generation["inputs"]), set(generation["fed"])) == ((), {"input_values"})


def test_a_mask_goes_only_with_what_it_masks() -> None:
    from transformers import LlamaConfig

    def forward(input_ids=None, input_features=None, input_features_mask=None) -> None: ...  # type: ignore[no-untyped-def]

    context = inputs.Context(LlamaConfig(), inspect.signature(forward).parameters, ())
    assert [item.name for item in inputs.declare(context, {})] == ["input_ids"]


def test_an_error_that_counts_numbers_instead_of_features_is_understood() -> None:
    message = "Audio features and audio tokens do not match, tokens: 3, features: 1792"
    assert placeholders.complained(message, {"audio"}, {"audio": (32, 64)}) == {"audio": 28}
    assert placeholders.complained(message, {"audio"}, {}) == {"audio": 1792}
    assert placeholders.complained("no such thing", {"audio"}, {}) == {}
