"""Models of which more is asked than one call: a codec encodes and decodes, a tracker follows an object through a video."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import DacModel, Sam2VideoModel

from harness import steps
from tests.harness.architectures.hf_dac import Dac
from tests.harness.architectures.hf_sam2_video import Sam2Video
from tests.harness.conftest import Ask
from tests.harness.test_controls import Swap


def test_a_codec_whose_decoder_ignores_its_codes_does_not_hide_behind_its_encoder(ask: Ask, swap: Swap) -> None:
    class Deaf(DacModel):  # type: ignore[misc]
        def decode(self, audio_codes: torch.Tensor, **kwargs: Any) -> Any:
            return super().decode(audio_codes=torch.zeros_like(audio_codes), **kwargs)

    assert ask(Dac, "vacuity").status == "passed"
    swap("DacModel", Deaf)
    record = ask(Dac, "vacuity")
    assert (record.status, record.reason) == ("vacuous", "no output of decode follows input_values")


def test_a_user_of_a_codec_calls_it_with_sound_and_is_given_codes_and_sound() -> None:
    endpoint = Dac().load()
    given = endpoint(**endpoint.sample())
    assert given["encode.audio_codes"].shape == (2, 2, 8)
    assert given["decode.audio_values"].shape == (2, 64)


def test_a_tracker_that_ignores_its_memory_does_not_hide_behind_the_frame_that_it_was_prompted_on(
    ask: Ask, swap: Swap
) -> None:
    class Oblivious(Sam2VideoModel):  # type: ignore[misc]
        def _prepare_memory_conditioned_features(self, **kwargs: Any) -> torch.Tensor:
            return super()._prepare_memory_conditioned_features(**{**kwargs, "is_initial_conditioning_frame": True})

    assert ask(Sam2Video, "vacuity").status == "passed"
    swap("Sam2VideoModel", Oblivious)
    assert ask(Sam2Video, "forward").status == "passed"
    record = ask(Sam2Video, "vacuity")
    assert (record.status, record.reason) == ("vacuous", "no output of frames.1 follows point_coords")


def test_a_tracker_that_forgets_its_prompts_is_found_on_the_frame_that_it_was_prompted_on(ask: Ask, swap: Swap) -> None:
    class Unprompted(Sam2VideoModel):  # type: ignore[misc]
        def _single_frame_forward(self, *args: Any, input_points: Any = None, **kwargs: Any) -> Any:
            still = None if input_points is None else torch.zeros_like(input_points)
            return super()._single_frame_forward(*args, input_points=still, **kwargs)

    swap("Sam2VideoModel", Unprompted)
    record = ask(Sam2Video, "vacuity")
    assert (record.status, record.reason) == ("vacuous", "no output of frames.0 follows point_coords")


class Session:
    """Something made of frames that prompts are added to."""

    def __init__(self, video: torch.Tensor, height: int) -> None:
        self.video, self.height, self.points = video, height, []


class Tracker:
    """A model that gives one frame after the other."""

    device, dtype = "cpu", torch.float32

    def track(self, session: Session) -> Any:
        yield from (SimpleNamespace(), *({"mask": frame + session.points[0]} for frame in session.video))


STEPS = (
    {"call": "Session", "arguments": {"video": "$video", "height": "$video.shape.-2"}, "name": "session"},
    {"call": "$session.points.append", "arguments": ["$point"]},
    {"call": "track", "arguments": {"session": "$session"}, "stream": True, "name": "frames"},
)


def test_steps_make_objects_of_inputs_and_follow_what_they_give() -> None:
    given = steps.follow(Tracker(), STEPS, {"video": torch.ones(2, 3, 4), "point": torch.tensor(2.0)})
    assert {name: float(tensor.mean()) for name, tensor in given.items()} == {
        "frames.1.mask": 3.0,
        "frames.2.mask": 3.0,
    }


def test_each_frame_is_made_of_the_video_and_of_the_prompts_that_its_session_was_given() -> None:
    found = list(steps.parts(STEPS, ["frames.1.mask", "frames.2.mask"]))
    assert [part for part, _, _ in found] == ["frames.1", "frames.2"]
    assert all(made_of == {"video", "point"} for _, made_of, _ in found)


def test_a_step_that_nobody_can_take_is_told() -> None:
    with pytest.raises(LookupError, match="Tracker has no fly, and neither has its module"):
        steps.follow(Tracker(), ({"call": "fly"},), {})


def test_a_step_tells_the_model_what_a_file_of_its_checkpoint_would() -> None:
    class Model:
        device, dtype = "cpu", torch.float32

        def __init__(self) -> None:
            self.known: dict[str, int] = {}

        def generate(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.known["speaker"]

    told = {"call": "$model.known.update", "arguments": [{"speaker": 2}], "name": "told"}
    asked = {"call": "generate", "arguments": {"x": "$x"}}
    given = steps.follow(Model(), [told, asked], {"x": torch.ones(2)})
    assert given["generate"].tolist() == [3.0, 3.0]
    assert [part for part, _, _ in steps.parts([told, asked], ["generate"])] == ["generate"]
    with pytest.raises(KeyError):
        steps.follow(Model(), [asked], {"x": torch.ones(2)})
