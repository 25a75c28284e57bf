"""What a user tells the pipeline that speaks: where files of a checkpoint would, a vocoder and how fast the sound is; at each
call, what no text says, such as whose voice it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.checks.pipeline_cases import HEARD, SEEN
from harness.inputs import draw

if TYPE_CHECKING:
    from harness.skill import Head

__all__ = ["options", "settings"]

_RATES = ("sampling_rate", "sample_rate")
_USUAL = 16_000
"""Samples a second where no part of a model says how many."""
_SPOKEN = ("input_ids", "token_type_ids")
"""What a tokenizer gives, beside masks."""
_SAID = ("tgt_lang",)
"""Arguments of ``generate()`` that are said in a word."""
_BOUND = ("max_new_tokens", "eos_token_id")
"""Endings of arguments that say how much is written."""
_SPECTROGRAMS = "MODEL_FOR_TEXT_TO_SPECTROGRAM_MAPPING"


def settings(head: Head, model: Any) -> dict[str, Any]:
    """Further arguments of the pipeline: what it would else take from the hub, or find nowhere.

    Args:
        head: of the model.
        model: what is to speak.
    """
    import torch

    config = model.config
    if _SPECTROGRAMS in head.mappings:
        from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

        small = SpeechT5HifiGanConfig(model_in_dim=config.num_mel_bins, upsample_initial_channel=32)
        torch.manual_seed(0)
        return {"vocoder": SpeechT5HifiGan(small).to(model.device, model.dtype).eval()}
    read = [config, getattr(config, "codec_config", None), getattr(model, "generation_config", None)]
    if any(getattr(part, name, None) for part in read for name in _RATES):
        return {}  # the pipeline reads it there
    return {"sampling_rate": next(_said(config.to_dict()), _USUAL)}


def options(head: Head, model: Any, seed: int) -> dict[str, Any]:
    """Arguments of each call: what the head takes beside a text and what it saw, heard or spoke before, for one text; the
    language, of a head that is told one; and how much it writes, of a decoder that has fewer positions than the pipeline
    would have it fill, or of parts that are told so by names of their own.

    Args:
        head: that speaks.
        model: the head, built.
        seed: of what is drawn.
    """
    beside = {
        name: item
        for name, item in head.inputs.items()
        if name not in _SPOKEN and not name.startswith((*HEARD, *SEEN, "decoder_")) and not name.endswith("mask")
    }
    params: dict[str, Any] = {name: value[:1] for name, value in draw(beside, seed).items()}
    params |= {name: value for name, value in (head.generation or {}).items() if name in _SAID}
    if head.method == "generate":
        params |= {name: value for name, value in head.arguments.items() if name.endswith(_BOUND)}
    told = {"forward_params": params} if params else {}
    return {**told, **_bounded(model.config)}


def _bounded(config: Any) -> dict[str, Any]:
    """Half as many new tokens as a decoder with a config of its own has positions."""
    positions = getattr(getattr(config, "decoder", None), "max_position_embeddings", None)
    return {"generate_kwargs": {"max_new_tokens": positions // 2}} if isinstance(positions, int) else {}


def _said(values: Mapping[str, Any]) -> Iterator[int]:
    """How fast any nested config says that the sound is."""
    for name, value in values.items():
        if name in _RATES and isinstance(value, int):
            yield value
        elif isinstance(value, Mapping):
            yield from _said(value)
