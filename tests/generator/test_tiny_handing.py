"""A head without a forward of its own is fed what the part takes to which it hands its keywords on."""

from __future__ import annotations

from typing import Any

import torch

from generator.tiny import handing


class Thinker(torch.nn.Module):
    def generate(self, **kwargs: Any) -> None: ...

    def forward(self, input_ids: torch.Tensor) -> None: ...


class Omni(torch.nn.Module):
    """What only generates, by its part."""

    def __init__(self) -> None:
        super().__init__()
        self.thinker = Thinker()

    def generate(self, input_ids: Any = None, **kwargs: Any) -> Any:
        thinker_kwargs = dict(kwargs)
        return self.thinker.generate(input_ids=input_ids, **thinker_kwargs)


class Whole(Omni):
    """The same with a forward."""

    def forward(self, input_ids: torch.Tensor) -> None: ...


def test_the_receiver_is_the_part_that_the_keywords_go_to() -> None:
    model = Omni()
    assert handing.receiver(model, "generate") is model.thinker
    assert handing.receiver(model, "speak") is None
    assert handing.receiver(Whole(), "generate") is None


def test_each_step_that_calls_the_method_is_given_the_inputs() -> None:
    from generator.spec import InputSpec

    steps = [{"call": "$model.told", "arguments": ["x"]}, {"call": "generate", "arguments": {"max_new_tokens": 3}}]
    inputs = [InputSpec("pixel_values", "Floats", {"shape": (2, 3)})]
    told = handing.told(steps, "generate", inputs)
    assert told[0] == steps[0]
    assert told[1]["arguments"] == {"pixel_values": "$pixel_values", "max_new_tokens": 3}
