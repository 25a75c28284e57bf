"""Faults put into transformers itself, as a broken release would have them: the generated skills must catch each.

The library's own functions are patched, and the committed skills run as they are.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
import torch

from harness.results.record import Record
from harness.skill import Skill
from tests.harness.conftest import Ask


def _skill(module: str) -> type[Skill]:
    members = vars(import_module(f"skills.{module}")).values()
    return next(item for item in members if isinstance(item, type) and issubclass(item, Skill) and item is not Skill)


def _modelling(name: str) -> Any:
    return import_module(f"transformers.models.{name}.modeling_{name}")


def _caught(record: Record, status: str, words: str) -> bool:
    return record.status == status and words in str(record.reason)


@pytest.mark.parametrize("name", ["bert", "roberta", "distilbert", "llama", "t5"])
def test_an_attention_that_ignores_its_mask_is_vacuous(ask: Ask, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    skill, module = _skill(f"hf_{name}"), _modelling(name)
    assert ask(skill, "vacuity").status == "passed"
    real = module.eager_attention_forward

    def deaf(
        layer: Any, query: Any, key: Any, value: Any, attention_mask: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        causal = getattr(layer, "is_causal", False) and query.shape[2] > 1
        future = torch.ones(query.shape[2], key.shape[2], dtype=torch.bool).triu(1) if causal else None
        blind = None if future is None else torch.zeros(future.shape).masked_fill(future, torch.finfo(query.dtype).min)
        return real(layer, query, key, value, None if blind is None else blind[None, None], *args, **kwargs)

    monkeypatch.setattr(module, "eager_attention_forward", deaf)
    record = ask(skill, "vacuity")
    assert _caught(record, "vacuous", "no output follows attention_mask"), record.reason


@pytest.mark.parametrize("name", ["bert", "llama", "t5", "bart", "llava"])
def test_one_layer_that_ignores_its_mask_fails_masking(ask: Ask, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    skill = _skill(f"hf_{name}")
    module = _modelling("llama" if name == "llava" else name)
    assert ask(skill, "masking").status == "passed"
    real, asked = module.eager_attention_forward, []

    def deaf(layer: Any, query: Any, key: Any, value: Any, attention_mask: Any, *args: Any, **kwargs: Any) -> Any:
        if layer not in asked:
            asked.append(layer)
        if layer is asked[0] and attention_mask is not None:  # what is to come stays hidden
            attention_mask = torch.zeros_like(attention_mask)
            if getattr(layer, "is_causal", False):
                future = torch.ones(query.shape[2], key.shape[2], dtype=torch.bool).triu(1)
                attention_mask = attention_mask.masked_fill(future, torch.finfo(query.dtype).min)
        return real(layer, query, key, value, attention_mask, *args, **kwargs)

    monkeypatch.setattr(module, "eager_attention_forward", deaf)
    record = ask(skill, "masking")
    assert _caught(record, "failed", "attention_mask hides"), record.reason
    asked.clear()  # the layers of another model
    assert ask(skill, "vacuity").status == "passed"  # the other layers follow the mask


@pytest.mark.parametrize("layers", [(0, 1), (1,)], ids=["every layer", "one layer"])
@pytest.mark.parametrize("name", ["gpt2", "llama", "mistral", "t5", "whisper"])
def test_a_cache_that_is_dropped_fails_generation(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, name: str, layers: tuple[int, ...]
) -> None:
    from transformers.cache_utils import Cache

    skill, real = _skill(f"hf_{name}"), Cache.update
    assert ask(skill, "generation").status == "passed"

    def forget(self: Any, key: Any, value: Any, layer_idx: int, *args: Any, **kwargs: Any) -> Any:
        found = real(self, key, value, layer_idx, *args, **kwargs)
        return tuple(item[:, :, -key.shape[2] :] for item in found) if layer_idx in layers else found

    monkeypatch.setattr(Cache, "update", forget)
    record = ask(skill, "generation")
    assert record.status == "failed", record.reason


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("gpt2", "h.1.attn.c_attn.weight"),
        ("bert", "layer.0.output.dense.bias"),
        ("vit", "cls_token"),
        ("clip", "logit_scale"),
        ("t5", "relative_attention_bias.weight"),
        ("resnet", "running_mean"),
    ],
)
def test_a_weight_that_is_forgotten_on_saving_fails_the_round_trip(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, name: str, part: str
) -> None:
    from transformers import modeling_utils

    skill, real = _skill(f"hf_{name}"), modeling_utils.safe_save_file
    assert ask(skill, "round_trip").status == "passed"
    lost: list[str] = []

    def leave_out(tensors: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        lost.extend([key for key in tensors if part in key][:1])
        return real({key: item for key, item in tensors.items() if key not in lost}, *args, **kwargs)

    monkeypatch.setattr(modeling_utils, "safe_save_file", leave_out)
    record = ask(skill, "round_trip")
    assert lost
    assert record.status == "failed", record.reason
    assert "missing keys" in str(record.reason)
    assert lost[0] in str(record.reason)
