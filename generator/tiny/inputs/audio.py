"""Sounds, as samples or as spectrograms, and what goes with them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from generator.spec import InputSpec
from generator.tiny.inputs import text
from generator.tiny.inputs.context import BATCH, SAMPLES, TARGET, Answer, Context, Rule, frames
from generator.tiny.inputs.text import placeholder

__all__ = ["RULES"]

_BINS = (
    "feature_projection_input_dim",
    "num_mel_bins",
    "n_mels",
    "mel_bins",
    "input_feat_per_channel",
    "input_feat_size",
    "feature_size",
    "num_mel_channels",
    "input_dim",
    "input_size",
    "spectrogram_bins",
    "num_chroma",
    "audio_embed_dim",
)
"""Names of a spectrogram's height."""
_JOINED = 8
"""Frames that encoders join to one feature at most: two convolutions that halve, and a pool or stack of two or four."""


def _bins(context: Context) -> int | None:
    found = context.find(*_BINS, within="audio") or context.find(*_BINS, within="encoder") or context.find(*_BINS)
    if found is None and (channels := context.find("subsampling_conv_channels", within="audio")):
        found = channels[0]  # a projection that reckons with as many bands as the first convolution has channels
    stacked = context.find("num_stacked_frames") or 1  # frames that are joined before the model
    return found * stacked if type(found) is int else None


def _samples(context: Context, name: str) -> Answer:
    if "input_values_cutoffs" in context.forward:
        return None  # sounds of different lengths one after the other, which are codes of the text as well
    channels = context.find("audio_channels")
    patches = context.find("patch_sizes", within="audio")  # of patches, of patches of patches, and so on
    whole = math.prod(patches) if isinstance(patches, (list, tuple)) else 1
    length = -(-SAMPLES // whole) * whole
    plain = InputSpec(name, "Floats", {"shape": (BATCH, length), "scale": 0.5})
    channelled = InputSpec(name, "Floats", {"shape": (BATCH, channels or 1, length), "scale": 0.5})
    bins = _bins(context)
    if bins and context.find("patch_size"):  # a transformer over patches of a spectrogram
        height = context.find("max_length") or frames(context)
        return [InputSpec(name, "Floats", {"shape": (BATCH, height, bins)}), plain]
    if channels:
        return channelled
    documented = len(context.shapes.get(name, ())) == len(channelled.arguments["shape"])
    return [channelled, plain] if documented else [plain, channelled]


def _spectrogram(context: Context, name: str) -> Answer:
    bins = _bins(context)
    if bins is None:
        return None
    if twice := _frames_of_samples(context):
        return InputSpec(name, "Floats", {"shape": (BATCH, twice, bins)})
    shapes = [(BATCH, bins, frames(context)), (BATCH, frames(context), bins)]
    if context.find("spec_size"):
        return InputSpec(name, "Floats", {"shape": (BATCH, 1, frames(context), bins)})
    if context.find("max_source_positions") is None and "attention_mask" in context.forward:
        shapes.reverse()  # a mask over frames goes with frames first
    return [InputSpec(name, "Floats", {"shape": shape}) for shape in shapes]


def _frames_of_samples(context: Context) -> int | None:
    """Frames of a spectrogram of the very sound that a codec takes as samples, too; None where it does not."""
    hop = context.find("hop_length")
    both = {"input_values", "input_features"} <= context.forward.keys() and context.find("quantization_levels")
    return SAMPLES // hop if both and isinstance(hop, int) else None


def _frame_mask(context: Context, name: str) -> Answer:
    """Which frames of a spectrogram are there; nothing where there is no spectrogram to feed.

    Beside a text sounds are shorter than their frames, by a multiple of what encoders join to one feature: a mask that
    takes frames from one row and gives them to the next leaves as many features as the text has placeholders.
    """
    if "input_features" in context.forward and _spectrogram(context, "input_features") is None:
        return None
    count = _frames_of_samples(context) or frames(context)
    shape: dict[str, Any] = {"shape": (BATCH, count)}
    kept: dict[str, Any] = {**shape, "hidden": max(_JOINED, count // 8 // _JOINED * _JOINED), "padded": True}
    beside_text = "input_ids" in context.forward and placeholder(context, "audio") is not None
    # Booleans first: to one that picks features by its mask whole numbers are their places (Gemma 4).
    some = [{**kept, "dtype": "bool"}, kept] if beside_text else []
    plain = {
        **shape,
        "hidden": max(count // 4, min(_JOINED, count // 2)),
    }  # far enough for a model to notice that reads every few frames only
    arguments = [*some, plain, {**plain, "dtype": "bool"}]
    return [*(InputSpec(name, "Mask", each) for each in arguments), None]


def _mask(context: Context, name: str) -> Answer:
    """Of samples, where a head takes them or a spectrogram and the config knows of no spectrogram; else as for a text."""
    either = {"input_values", "input_features"} <= context.forward.keys() and "input_ids" not in context.forward
    if either and _spectrogram(context, "input_features") is None:
        return [InputSpec(name, "Mask", {"shape": (BATCH, SAMPLES), "hidden": SAMPLES // 4}), None]
    return text.RULES[name](context, name)


def _sample_mask(context: Context, name: str) -> Answer:
    """Which samples of a waveform beside a text are there, in whole features as a mask over frames is."""
    hop, beside_text = context.find("hop_length"), placeholder(context, "audio") is not None
    if not (beside_text and "input_values" in context.forward) or not isinstance(hop, int) or 2 * hop > SAMPLES:
        return None
    kept = {"shape": (BATCH, SAMPLES), "hidden": max(hop, SAMPLES // 4 // hop * hop), "padded": True, "dtype": "bool"}
    return [InputSpec(name, "Mask", kept), None]


def _lengths(context: Context, name: str) -> Answer:
    """Samples of each sound of which there is a spectrogram."""
    hop = context.find("hop_length", within="audio")
    given = _spectrogram(context, "input_features") if "input_features" in context.forward else None
    return InputSpec(name, "Literal", {"values": [frames(context) * hop] * BATCH}) if given and hop else None


def _spectrogram_target(context: Context, name: str) -> InputSpec:
    return InputSpec(name, "Floats", {"shape": (BATCH, TARGET, context.find("num_mel_bins"))})


def _coded_bands(context: Context, name: str) -> InputSpec | None:
    """A spectrogram whose numbers are codes, a table of them for each band."""
    bins, size = context.find("n_mel_bins", within="audio"), context.find("mel_vocab_size", within="audio")
    if type(bins) is not int or type(size) is not int:
        return None
    return InputSpec(name, "Integers", {"shape": (BATCH, frames(context), bins), "high": size})


def _coded_mask(context: Context, name: str) -> Answer:
    return _frame_mask(context, name) if _coded_bands(context, name) else None


def _speaker(context: Context, name: str) -> InputSpec:
    return InputSpec(name, "Floats", {"shape": (BATCH, context.find("speaker_embedding_dim"))})


RULES: Mapping[str, Rule] = {
    "input_values": _samples,
    "input_features": _spectrogram,
    "audio_input_ids": _coded_bands,
    "audio_input_ids_mask": _coded_mask,
    "input_features_mask": _frame_mask,
    "feature_attention_mask": _frame_mask,
    "attention_mask": _mask,
    "padding_mask": _sample_mask,
    "decoder_input_values": _spectrogram_target,
    "speaker_embeddings": _speaker,
    "chunk_sample_lengths": _lengths,
}
"""Rules for sounds."""
