"""Heads of which more is asked than their forward: the steps that the builder finds for them."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from generator import catalog, tiny
from generator.spec import HeadSpec
from generator.tiny import inputs, steps


def primary(model_type: str) -> HeadSpec:
    row = catalog.load().rows[model_type]
    head = next(head for head in row.heads if head.primary)
    return tiny.build(dataclasses.replace(row, heads=(head,))).heads[0]


@pytest.mark.parametrize("model_type", ["encodec", "mimi", "pocket_tts_audio_tokenizer"])
def test_a_codec_is_asked_to_encode_and_to_decode_what_it_encoded(model_type: str) -> None:
    made = primary(model_type)
    assert [step["call"] for step in made.steps] == ["forward", "encode", "decode"]
    assert any(str(value).startswith("$encode.") for value in made.steps[-1]["arguments"].values())
    assert {"encode", "decode"} <= {output.name.split(".")[0] for output in made.outputs}


def test_a_tracker_is_handed_a_session_of_frames_and_points_and_follows_them_through_the_video() -> None:
    made = primary("sam2_video")
    assert {item.name for item in made.inputs} == {"video", "point_coords", "point_labels"}
    assert made.steps[0]["call"] == "Sam2VideoInferenceSession"
    assert made.steps[-1]["stream"]
    assert {output.name for output in made.outputs} >= {f"frames.{number}.pred_masks" for number in range(3)}


def test_frames_that_would_take_gigabytes_are_refused_before_any_is_made() -> None:
    from transformers import Sam2VideoConfig, Sam2VideoModel

    config = Sam2VideoConfig(vision_config={"image_size": 1024}, image_size=1024)
    with torch.device("meta"):
        model = Sam2VideoModel(config)
    with pytest.raises(ValueError, match="frames of 1024 by 1024 pixels are too large"):
        steps.session(model, inputs.Context(config, {}, ()))


def test_a_head_that_is_told_by_a_step_what_a_file_would_tell_it_has_no_pipeline_and_a_note_says_why() -> None:
    made = primary("qwen2_5_omni")
    assert made.steps[0]["call"] == "$model.speaker_map.update"
    assert made.pipelines == ()
    assert any("a checkpoint's own file" in note for note in made.notes)
