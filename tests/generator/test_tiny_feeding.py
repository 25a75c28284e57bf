"""What heads are fed: inputs with which each modality is heard and nothing is drawn at random. The heads are small stand-ins
for ways in which the library's own put features into texts."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from transformers import PretrainedConfig

from generator.spec import InputSpec
from generator.tiny import feeding, hearing, inputs, placeholders, probe

IMAGE, AUDIO = 30, 31
WIDTH = 8


class Config(PretrainedConfig):
    model_type = "toy"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vocab_size, self.image_token_id, self.video_token_id, self.image_size = 32, IMAGE, IMAGE - 1, 4


class Head(nn.Module):
    """What the heads below share."""

    def __init__(self) -> None:
        super().__init__()
        self.config = Config()
        self.embed, self.project = nn.Embedding(32, WIDTH), nn.Linear(16, WIDTH)
        self.out = nn.Linear(WIDTH, 4)
        self.out.weight.data.zero_()  # as gates that begin closed

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.project(pixels.flatten(2))  # one for each colour
        return made


class Silent(Head):
    """It puts features where placeholders are, and does not ask whether there are any."""

    def forward(self, input_ids: torch.Tensor, pixel_values: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        embedded = self.embed(input_ids)
        if pixel_values is not None:
            places = (input_ids == IMAGE).unsqueeze(-1)
            embedded = embedded.masked_scatter(places, self.features(pixel_values))
        return {"logits": self.out(embedded)}


class Either(Head):
    """It puts the features of a video where those of the image are."""

    def get_placeholder_mask(self, input_ids: torch.Tensor, inputs_embeds: torch.Tensor, features: Any) -> torch.Tensor:
        places = input_ids == IMAGE
        if int(places.sum()) * WIDTH != features.numel():
            raise ValueError("features and placeholders do not match")
        return places.unsqueeze(-1)

    def forward(
        self,
        input_ids: torch.Tensor,
        pixel_values: torch.Tensor | None = None,
        pixel_values_videos: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        embedded = self.embed(input_ids)
        for pixels in (pixel_values, pixel_values_videos):
            if pixels is not None:
                made = self.features(pixels.reshape(-1, 3, 4, 4)[:2])
                embedded = embedded.masked_scatter(self.get_placeholder_mask(input_ids, embedded, made), made)
        return {"logits": self.out(embedded)}


class Noisy(Head):
    """It draws noise where it is given none."""

    def forward(
        self, input_ids: torch.Tensor, noise: torch.Tensor | None = None, times: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        noise = torch.randn(2, 5, WIDTH) if noise is None else noise
        times = torch.rand(2) if times is None else times
        return {"logits": self.out(self.embed(input_ids).mean(1, keepdim=True) + noise * times[:, None, None])}


class Tiled(Head):
    """It takes the tiles of an image that a mask leaves, and has a placeholder for each."""

    def forward(
        self,
        input_ids: torch.Tensor,
        pixel_values: torch.Tensor | None = None,
        pixel_attention_mask: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        embedded, places = self.embed(input_ids), input_ids == IMAGE
        if pixel_values is not None and pixel_attention_mask is not None:
            made = self.features(pixel_values[pixel_attention_mask.bool()])
            if int(places.sum()) * WIDTH != made.numel():
                raise ValueError(f"image tokens: {int(places.sum())}, features: {made.numel() // WIDTH}")
            embedded = embedded.masked_scatter(places.unsqueeze(-1), made)
        elif pixel_values is not None:
            raise ValueError("which tiles are there?")
        return {"logits": self.out(embedded)}


def fed(head: Head) -> tuple[list[InputSpec], tuple[str, ...]]:
    context = inputs.Context(head.config, probe.parameters(head, "forward"), ())
    specs, _, notes = feeding.fed(head, context, (), "forward", {})
    return specs, notes


def test_a_head_that_does_not_count_placeholders_is_given_as_many_as_it_has_features() -> None:
    specs, notes = fed(Silent())
    runs = next(item for item in specs if item.name == "input_ids").arguments["runs"]
    assert [(token, count) for token, _, count in runs] == [(IMAGE, 3)]
    assert notes == ()


def test_a_modality_that_silences_another_is_left_out_and_a_note_says_so() -> None:
    specs, notes = fed(Either())
    assert [item.name for item in specs] == ["input_ids", "pixel_values"]
    assert notes == ("pixel_values_videos is not fed: beside it, no output follows another modality",)


def test_what_a_head_would_draw_at_random_is_fed() -> None:
    specs, _ = fed(Noisy())
    shapes = {item.name: item.arguments["shape"] for item in specs}
    assert shapes["noise"] == (2, 5, WIDTH)
    assert shapes["times"] == (2,)
    assert hearing.drawn(Noisy(), specs) == []


def test_closed_gates_are_not_deafness_but_missing_placeholders_are() -> None:
    pixels = InputSpec("pixel_values", "Floats", {"shape": (2, 3, 4, 4)})
    words = {"shape": (2, 6), "low": 0, "high": 20}
    without = [InputSpec("input_ids", "Tokens", words), pixels]
    beside = [InputSpec("input_ids", "Tokens", {**words, "runs": ((IMAGE, 0, 3),)}), pixels]
    assert hearing.deaf(Silent(), without, ["pixel_values"]) == ["pixel_values"]
    assert hearing.deaf(Silent(), beside, ["pixel_values"]) == []


def test_a_mask_by_which_the_placeholders_go_is_not_asked_to_change_alone() -> None:
    specs, notes = fed(Tiled())
    mask = next(item for item in specs if item.name == "pixel_attention_mask")
    assert mask.arguments["matters"] is False
    assert notes == ("pixel_attention_mask cannot change alone: other inputs go by what it leaves",)


class Boasting(Head):
    """It says numbers where it means features."""

    def forward(self, input_ids: torch.Tensor, pixel_values: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        if pixel_values is not None and input_ids.shape[1] < 10_000:
            raise ValueError(f"image tokens: {int((input_ids == IMAGE).sum())}, features: 100000")
        return {"logits": self.out(self.embed(input_ids))}


def test_a_text_is_not_filled_with_placeholders_without_measure() -> None:
    with pytest.raises(ValueError, match=r"features: 100000|placeholders"):
        fed(Boasting())


def test_a_whole_without_a_forward_of_its_own_is_not_asked_for_placeholders() -> None:
    class Whole(torch.nn.Module):
        def get_image_features(self) -> None:
            """What other models make features with."""

    tokens = InputSpec("input_ids", "Tokens", {"shape": (2, 6), "low": 3, "high": 30})
    assert placeholders.learn(Whole(), [tokens], {5: "image"}) == {}


def test_a_head_that_hears_in_the_place_of_a_text_is_fed_neither_the_text_nor_its_mask() -> None:
    class Hears(Head):
        def forward(
            self,
            input_ids: torch.Tensor | None = None,
            input_features: torch.Tensor | None = None,
            attention_mask: torch.Tensor | None = None,
        ) -> dict[str, torch.Tensor]:
            heard = input_features if input_features is not None else self.embed(input_ids)
            return {"logits": heard if attention_mask is None else heard * attention_mask.unsqueeze(-1)}

    model = Hears()
    model.config.num_mel_bins = WIDTH
    given, _, _ = feeding.fed(
        model, inputs.Context(model.config, probe.parameters(model, "forward"), ()), (), "forward", {}
    )
    assert [item.name for item in given] == ["input_features"]


def _takes(call: Callable[..., None], config: PretrainedConfig, **placeholders: int) -> dict[str, dict[str, Any]]:
    context = inputs.Context(config, inspect.signature(call).parameters, (), placeholders=placeholders)
    return {item.name: item.arguments for item in inputs.declare(context, {})}


def test_frames_come_by_video_unless_those_of_each_are_counted() -> None:
    def by_video(pixel_values_videos: Any = None, video_position_ids: Any = None) -> None: ...

    def counted(
        pixel_values_videos: Any = None, video_position_ids: Any = None, num_frames_per_video: Any = None
    ) -> None: ...

    config = PretrainedConfig(image_size=32, patch_size=16)
    given = _takes(by_video, config)
    assert given["pixel_values_videos"]["shape"] == (2, 2, 4, 768)
    assert torch.tensor(given["video_position_ids"]["values"]).shape == (2, 2, 4, 2)
    given = _takes(counted, config)
    assert given["pixel_values_videos"]["shape"] == (4, 4, 768)
    assert torch.tensor(given["video_position_ids"]["values"]).shape == (4, 4, 2)


def test_images_that_are_counted_by_row_stand_between_the_tokens_that_bound_them() -> None:
    def plain(input_ids: Any = None, pixel_values: Any = None) -> None: ...

    def counted(
        input_ids: Any = None, pixel_values: Any = None, images_per_sample: Any = None, mm_token_type_ids: Any = None
    ) -> None: ...

    config = PretrainedConfig(
        image_size=32, vocab_size=128, image_token_id=127, image_start_token_id=126, image_end_token_id=125
    )
    assert _takes(plain, config, image=4)["input_ids"]["runs"] == ((127, 0, 4),)
    given = _takes(counted, config, image=4)
    assert given["input_ids"]["runs"] == ((126, 0, 1), (127, 1, 4), (125, 5, 1))
    assert given["mm_token_type_ids"]["values"][0][:7] == [0, 1, 1, 1, 1, 0, 0]


def test_a_head_that_sees_by_its_encoder_alone_takes_what_that_takes() -> None:
    class Encoder(nn.Module):
        def forward(self, input_ids: Any = None, pixel_values: Any = None, places: Any = None) -> Any:
            return input_ids, pixel_values, places

    class Whole(nn.Module):
        encoder = Encoder()

        def get_encoder(self) -> nn.Module:
            return self.encoder

        def forward(self, input_ids: Any = None, **kwargs: Any) -> Any:
            return self.encoder(input_ids=input_ids, **kwargs)

    class Deaf(Whole):
        def forward(self, input_ids: Any = None) -> Any:
            return self.encoder(input_ids=input_ids)

    assert {"input_ids", "pixel_values", "places"} <= probe.parameters(Whole(), "forward").keys()
    assert "pixel_values" not in probe.parameters(Deaf(), "forward")


class Particular(nn.Module):
    """Every row has as many placeholders as its own mask leaves features, or it stops without a number."""

    config = None

    def get_audio_features(self, input_features: torch.Tensor) -> torch.Tensor:
        return input_features

    def forward(
        self, input_ids: torch.Tensor, input_features: torch.Tensor, input_features_mask: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        features = self.get_audio_features(input_features)
        if not torch.equal((input_ids == AUDIO).sum(1), input_features_mask.sum(1)):
            raise ValueError("Number of audio tokens does not match number of audio features")
        return {"out": features}


def test_features_that_a_mask_of_them_hides_have_no_placeholders_and_it_cannot_change_alone() -> None:
    features = InputSpec("input_features", "Floats", {"shape": (2, 14, WIDTH)})
    words = {"shape": (2, 20), "low": 0, "high": AUDIO, "runs": ((AUDIO, 0, 10),)}
    for hidden, left in ((4, 10), (0, 14)):
        mask = InputSpec("input_features_mask", "Mask", {"shape": (2, 14), "hidden": hidden, "padded": bool(hidden)})
        ids = InputSpec("input_ids", "Tokens", {**words, "runs": ()})
        assert placeholders.learn(Particular(), [ids, features, mask], {AUDIO: "audio"}) == {"audio": left}
    mask = InputSpec("input_features_mask", "Mask", {"shape": (2, 14), "hidden": 4, "padded": True})
    assert feeding._bound(Particular(), [InputSpec("input_ids", "Tokens", words), features, mask], {}) == [mask.name]
    assert mask.arguments["matters"] is False
