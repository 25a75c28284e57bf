"""Names of outputs."""

from __future__ import annotations

import torch
from transformers import DynamicCache
from transformers.modeling_outputs import CausalLMOutputWithPast, Seq2SeqLMOutput

from harness.outputs import named


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


def test_what_has_no_names_gets_plain_ones() -> None:
    assert list(named(torch.zeros(1))) == ["output"]
    assert list(named((torch.zeros(1), [torch.zeros(1)]))) == ["0", "1.0"]
