"""Outputs that a head makes of what it is fed alone."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from generator.spec import InputSpec
from generator.tiny import hearing


class Scaled(nn.Module):
    """It gives, beside its answer, the scale of its input, a constant and a whole number."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(4, 3)
        self.out.weight.data.zero_()  # as gates that begin closed

    def forward(self, values: torch.Tensor) -> dict[str, torch.Tensor]:
        fixed = {"scale": values.std(-1), "anchors": torch.arange(3.0), "argmax": values.argmax(-1)}
        return {"logits": self.out(values), **fixed}


VALUES = [InputSpec("values", "Floats", {"shape": (2, 4)})]


def test_an_output_of_the_inputs_alone_is_fixed_and_one_of_neither_is_not() -> None:
    assert hearing.fixed(Scaled(), VALUES) == ("scale",)


def test_a_head_of_which_nothing_follows_the_weights_has_nothing_fixed() -> None:
    class Dead(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.out = nn.Linear(4, 3)

        def forward(self, values: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"scale": values.std(-1), "loc": values.mean(-1)}

    assert hearing.fixed(Dead(), VALUES) == ()


def test_looking_for_them_leaves_the_head_as_it_was() -> None:
    head = Scaled()
    before = {name: value.clone() for name, value in head.state_dict().items()}
    hearing.fixed(head, VALUES)
    assert all(torch.equal(value, before[name]) for name, value in head.state_dict().items())


def test_scores_of_tokens_that_a_text_has_not_may_be_infinite_and_none_else() -> None:
    class Grounded(torch.nn.Module):
        def forward(self, input_ids: torch.Tensor) -> dict[str, torch.Tensor]:
            scores = torch.zeros(2, 3, 8)
            beyond, some = scores.clone(), scores.clone()
            beyond[..., input_ids.shape[-1] :] = -torch.inf
            some[0, 0, 0] = -torch.inf
            return {"scores": scores, "beyond": beyond, "some": some}

    text = [InputSpec("input_ids", "Tokens", {"shape": (2, 5), "low": 0, "high": 9})]
    assert hearing.padded(Grounded(), text) == ("beyond",)
    assert hearing.padded(Grounded(), []) == ()


def test_places_that_are_laid_over_an_image_are_fixed() -> None:
    class Anchored(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.out = nn.Conv2d(3, 1, 1)

        def forward(self, pixel_values: torch.Tensor) -> dict[str, torch.Tensor]:
            anchors = torch.arange(float(pixel_values.shape[-1]))
            return {"logits": self.out(pixel_values), "anchors": anchors, "dead": torch.arange(3.0)}

    assert hearing.fixed(Anchored(), [InputSpec("pixel_values", "Floats", {"shape": (2, 3, 8, 8)})]) == ("anchors",)


@pytest.mark.parametrize(("mixing", "leaks"), [("attends", ()), ("averages", ("attention_mask",))])
def test_a_mask_leaks_where_tokens_are_mixed_beside_attention(mixing: str, leaks: tuple[str, ...]) -> None:
    class Mixing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(64, 8)

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> dict[str, torch.Tensor]:
            weights = attention_mask if mixing == "attends" else torch.ones_like(attention_mask)
            words = self.words(input_ids)
            mean = (words * weights[..., None]).sum(1, keepdim=True) / weights.sum(1)[:, None, None]
            return {"logits": words + mean}

    tokens = InputSpec("input_ids", "Tokens", {"shape": (2, 8), "low": 3, "high": 64})
    mask = InputSpec("attention_mask", "Mask", {"shape": (2, 8)})
    assert hearing.leaky(Mixing(), [tokens, mask]) == leaks
    assert hearing.leaky(Mixing(), [tokens]) == ()
