"""Sounds, as samples or as spectrograms, and what goes with them."""

from __future__ import annotations

from collections.abc import Mapping

from generator.spec import InputSpec
from generator.tiny.inputs.context import BATCH, SAMPLES, TARGET, Answer, Context, Rule, frames

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
)
"""Names of a spectrogram's height."""


def _bins(context: Context) -> int | None:
    found = context.find(*_BINS, within="audio") or context.find(*_BINS, within="encoder") or context.find(*_BINS)
    stacked = context.find("num_stacked_frames") or 1  # frames that are joined before the model
    return found * stacked if type(found) is int else None


def _samples(context: Context, name: str) -> Answer:
    channels = context.find("audio_channels")
    plain = InputSpec(name, "Floats", {"shape": (BATCH, SAMPLES), "scale": 0.5})
    channelled = InputSpec(name, "Floats", {"shape": (BATCH, channels or 1, SAMPLES), "scale": 0.5})
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
    shapes = [(BATCH, bins, frames(context)), (BATCH, frames(context), bins)]
    if context.find("spec_size"):
        return InputSpec(name, "Floats", {"shape": (BATCH, 1, frames(context), bins)})
    if context.find("max_source_positions") is None and "attention_mask" in context.forward:
        shapes.reverse()  # a mask over frames goes with frames first
    return [InputSpec(name, "Floats", {"shape": shape}) for shape in shapes]


def _frame_mask(context: Context, name: str) -> Answer:
    shape = (BATCH, frames(context))
    return [InputSpec(name, "Mask", {"shape": shape}), InputSpec(name, "Mask", {"shape": shape, "dtype": "bool"}), None]


def _spectrogram_target(context: Context, name: str) -> InputSpec:
    return InputSpec(name, "Floats", {"shape": (BATCH, TARGET, context.find("num_mel_bins"))})


def _speaker(context: Context, name: str) -> InputSpec:
    return InputSpec(name, "Floats", {"shape": (BATCH, context.find("speaker_embedding_dim"))})


RULES: Mapping[str, Rule] = {
    "input_values": _samples,
    "input_features": _spectrogram,
    "input_features_mask": _frame_mask,
    "feature_attention_mask": _frame_mask,
    "decoder_input_values": _spectrogram_target,
    "speaker_embeddings": _speaker,
}
"""Rules for sounds."""
