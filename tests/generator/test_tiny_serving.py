"""Pipelines that can serve a head."""

from __future__ import annotations

import torch
from torch import nn

from generator.spec import InputSpec
from generator.tiny import serving

TASKS = ("feature-extraction", "image-feature-extraction", "token-classification")
TEXT = InputSpec("input_ids", "Tokens", {"shape": (2, 6), "low": 3, "high": 30})
BOXES = InputSpec("bbox", "Literal", {"values": [[[1, 2, 3, 4]] * 6] * 2})


class Placed(nn.Module):
    """It reads words at their places on a page."""

    def __init__(self, *, required: bool) -> None:
        super().__init__()
        self.embed, self.place = nn.Embedding(32, 8), nn.Linear(4, 8)
        self.required = required

    def forward(self, input_ids: torch.Tensor, bbox: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        if bbox is None and self.required:
            raise ValueError("You have to specify bbox")
        placed = 0 if bbox is None else self.place(bbox.float())
        return {"last_hidden_state": self.embed(input_ids) + placed}


def test_a_head_that_does_not_run_with_a_text_alone_has_no_pipeline_of_texts_and_a_note_says_why() -> None:
    kept, notes = serving.served(Placed(required=True), TASKS, [TEXT, BOXES])
    assert kept == ("image-feature-extraction",)
    assert notes == ("feature-extraction, token-classification: gives no bbox, without which the head does not run",)


def test_a_head_that_takes_no_ids_is_not_for_pipelines_that_hand_over_a_text() -> None:
    class Hearing(nn.Module):
        def forward(self, input_values: torch.Tensor) -> torch.Tensor:
            return input_values

    sound = InputSpec("input_values", "Floats", {"shape": (2, 6)})
    kept, notes = serving.served(Hearing(), TASKS, [sound])
    assert kept == ("feature-extraction", "image-feature-extraction")
    assert notes == ("token-classification: forward takes no ids of a text",)
    assert serving.served(Placed(required=False), TASKS, [sound]) == (TASKS, ())


def test_a_head_that_runs_with_a_text_alone_keeps_its_pipelines() -> None:
    assert serving.served(Placed(required=False), TASKS, [TEXT, BOXES]) == (TASKS, ())
    assert serving.served(Placed(required=True), TASKS, [TEXT]) == (TASKS, ())


def test_nothing_is_said_of_heads_that_see_or_write() -> None:
    for name in ("pixel_values", "decoder_input_ids"):
        other = InputSpec(name, "Floats", {"shape": (2, 3, 4, 4)})
        assert serving.served(Placed(required=True), TASKS, [TEXT, other]) == (TASKS, ())


def test_a_head_that_does_not_listen_to_which_logits_are_wanted_decides_nothing() -> None:
    class Deaf(torch.nn.Module):
        def forward(self, input_ids: torch.Tensor, **kwargs: object) -> torch.Tensor:
            return input_ids

    class Listening(Deaf):
        def forward(self, input_ids: torch.Tensor, logits_to_keep: int = 0, **kwargs: object) -> torch.Tensor:
            return input_ids

    class Deciding(Deaf):
        def decide(self) -> None:
            """What the pipeline asks in place of forward."""

    tasks = ("decision", "text-generation")
    kept, notes = serving.served(Deaf(), tasks, [TEXT])
    assert (kept, "logits_to_keep" in notes[0]) == (("text-generation",), True)
    for model in (Listening(), Deciding()):
        assert serving.served(model, tasks, [TEXT]) == (tasks, ())


def test_ids_that_are_no_rows_of_a_text_each_have_no_pipeline_of_texts() -> None:
    mask = InputSpec("attention_mask", "Mask", {"shape": (2, 6)})
    for shape in ((8, 6), (2, 6, 5)):  # a row for each codebook, and several codes for each token
        ids = InputSpec("input_ids", "Tokens", {"shape": shape, "low": 3, "high": 30})
        kept, notes = serving.served(Placed(required=False), TASKS, [ids, mask])
        assert kept == ("image-feature-extraction",)
        assert "of which the head takes several" in notes[0]
    answers = [
        InputSpec(name, "Tokens", {"shape": (2, 3, 6), "low": 3, "high": 30})
        for name in ("input_ids", "attention_mask")
    ]
    assert serving.served(Placed(required=False), TASKS, answers) == (TASKS, ())


def test_a_head_that_does_not_generate_has_no_pipeline_that_writes() -> None:
    class Acting(torch.nn.Module):
        writes = False

        def can_generate(self) -> bool:
            return self.writes

        def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
            return input_ids

    model, tasks = Acting(), ("any-to-any", "image-feature-extraction", "image-text-to-text")
    kept, notes = serving.served(model, tasks, [TEXT])
    assert kept == ("image-feature-extraction",)
    assert notes == ("any-to-any, image-text-to-text: answers with generate(), which the head does not have",)
    model.writes = True
    assert serving.served(model, tasks, [TEXT]) == (tasks, ())


def test_a_head_whose_first_output_follows_no_image_has_no_features_of_images() -> None:
    class Placing(nn.Module):
        def __init__(self, *, first: bool) -> None:
            super().__init__()
            self.places, self.read = nn.Parameter(torch.rand(4, 2)), nn.Linear(8, 8)
            self.first = first

        def forward(self, pixel_values: torch.Tensor) -> dict[str, torch.Tensor]:
            seen, places = self.read(pixel_values), self.places.sigmoid()
            found = {"init_reference_points": places, "last_hidden_state": seen}
            return found if self.first else dict(reversed(found.items()))

    image = InputSpec("pixel_values", "Floats", {"shape": (2, 3, 8, 8)})
    tasks = ("image-feature-extraction", "object-detection")
    kept, notes = serving.served(Placing(first=True), tasks, [image])
    assert (kept, "init_reference_points" in notes[0]) == (("object-detection",), True)
    assert serving.served(Placing(first=False), tasks, [image]) == (tasks, ())


def test_a_head_that_cannot_generate_has_no_pipeline_that_does_nothing_else() -> None:
    class Mute(torch.nn.Module):
        def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
            return input_ids

        def can_generate(self) -> bool:
            return False

    class Writing(Mute):
        def can_generate(self) -> bool:
            return True

    tasks = ("text-generation", "fill-mask", "automatic-speech-recognition", "document-question-answering")
    kept, notes = serving.served(Mute(), tasks, [TEXT])
    assert kept == tasks[1:]
    assert notes == ("text-generation: answers with generate(), which the head does not have",)
    assert serving.served(Writing(), tasks, [TEXT]) == (tasks, ())


def test_a_pipeline_that_asks_the_model_by_another_method_of_its_own_does_not_only_generate() -> None:
    assert not serving._only_generates("table-question-answering")
    assert serving._only_generates("any-to-any")
