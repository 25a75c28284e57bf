"""Names of outputs."""

from __future__ import annotations

import torch
from transformers import DynamicCache
from transformers.modeling_outputs import CausalLMOutputWithPast, Seq2SeqLMOutput

from generator.tiny import probe
from harness.outputs import STATE, answers, named


def test_fields_keep_their_names_and_members_of_tuples_are_dotted() -> None:
    output = CausalLMOutputWithPast(logits=torch.zeros(1), hidden_states=(torch.zeros(2), (torch.zeros(3),)))
    assert list(named(output)) == ["logits", "hidden_states.0", "hidden_states.1.0"]


def test_caches_and_what_is_no_tensor_are_left_out() -> None:
    output = Seq2SeqLMOutput(logits=torch.zeros(1), past_key_values=DynamicCache())
    assert list(named(output)) == ["logits"]
    assert list(named({"a": 3, "b": None, "c": "text", "past_key_values": (torch.zeros(1),), "d": torch.ones(1)})) == [
        "d"
    ]


def test_a_nested_output_is_dotted_and_its_cache_left_out() -> None:
    inner = CausalLMOutputWithPast(logits=torch.zeros(1), past_key_values=DynamicCache())
    assert list(named({"text": inner, "state": [torch.zeros(1)]})) == ["text.logits"]


def test_an_answer_that_is_named_like_a_state_is_kept() -> None:
    assert list(named({"state_preds": torch.zeros(1), "state": torch.zeros(1)})) == ["state_preds"]


def test_the_generator_declares_by_the_same_names() -> None:
    outputs = {"state_preds": torch.zeros(1), "hidden_states": (torch.zeros(1), [torch.zeros(1)]), "text": {"a": None}}
    outputs |= {name: torch.zeros(1) for name in STATE}
    assert list(probe.named(outputs)) == list(named(outputs)) == ["state_preds", "hidden_states.0", "hidden_states.1.0"]


def test_what_has_no_names_gets_plain_ones() -> None:
    assert list(named(torch.zeros(1))) == ["output"]
    assert list(named((torch.zeros(1), [torch.zeros(1)]))) == ["0", "1.0"]


def test_a_loss_is_no_answer() -> None:
    given = {
        "logits": torch.ones(1),
        "loss": torch.tensor(float("nan")),
        "decode.loss": torch.ones(1),
        "loss_map": torch.ones(1),
    }
    assert list(answers(given)) == ["logits", "loss_map"]
