"""Arguments that a method declares and never looks at."""

from __future__ import annotations

from typing import Any

import pytest
from transformers import CpmAntForCausalLM, GPT2LMHeadModel, RwkvModel

from generator.tiny.unread import unread


class Logger:
    def warning(self, text: str) -> None: ...


logger = Logger()


def silent(x: int, mask: Any = None) -> int:
    return x


def talking(x: int, mask: Any = None) -> int:
    if mask is not None:
        logger.warning("mask is not used")
    return x


def reading(x: int, mask: Any = None) -> int:
    if mask is not None:
        logger.warning("mask doubles")
        x *= 2
    return x


def all_at_once(x: int, mask: Any = None) -> int:
    return len(locals())


def required(x: int, mask: Any) -> int:
    return x


@pytest.mark.parametrize(
    ("method", "names"),
    [(silent, {"mask"}), (talking, {"mask"}), (reading, set()), (all_at_once, set()), (required, set()), (len, set())],
)
def test_only_what_no_line_uses_is_unread(method: Any, names: set[str]) -> None:
    assert unread(method) == names


def test_masks_that_models_take_for_the_pipeline_alone_are_unread() -> None:
    assert "attention_mask" in unread(CpmAntForCausalLM.forward)
    assert "attention_mask" in unread(RwkvModel.forward)
    assert "attention_mask" not in unread(GPT2LMHeadModel.forward)
