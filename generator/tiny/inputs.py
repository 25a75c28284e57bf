"""Inputs of a head, by the names of ``forward``'s parameters and what the config says of their sizes; knows no model."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from generator.spec import InputSpec
from generator.tiny import roles

__all__ = ["Context", "declare", "specials", "tokens"]

BATCH = 2
"""Rows: the least in which one row can leak into another."""
LENGTH = 12
"""Tokens of a text."""
TARGET = 8
"""Tokens of a decoder's text, another length than the encoder's so that a mix-up shows."""
FRAMES = 4
"""Frames of a video."""
SAMPLES = 6400
"""Samples of a sound: 0.4 seconds at 16 kHz, 19 frames of the usual convolutional front end."""
MELS = 64
"""Frames of a spectrogram."""
PATCHES = 8
"""Patches of a document image that comes as a sequence of patches, in two rows."""
CHOICES = 3
"""Answers of a multiple-choice question."""


@dataclass(frozen=True)
class Context:
    """What a rule may look at."""

    config: Any
    """The tiny config, as an object of transformers."""
    forward: Mapping[str, inspect.Parameter]
    """Parameters of the head's ``forward``."""
    mappings: tuple[str, ...]
    """Mappings that hold the head."""
    placeholders: Mapping[str, int] = field(default_factory=dict)
    """Placeholder tokens that each row needs, by the modality's name: image, video, audio."""

    def find(self, *names: str, within: str | None = None) -> Any:
        """The first of these attributes that is set, in the config or in a nested one whose field's name starts with ``within``."""
        for config in _configs(self.config, within):
            for name in names:
                value = _get(config, name)
                if value is not None:
                    return value
        return None


def declare(context: Context, given: Mapping[str, InputSpec | None]) -> list[InputSpec]:
    """The inputs that the head is fed, in the order of its signature.

    Args:
        context: what the rules may look at.
        given: inputs that a row states, or None for those that it withholds; they go before the rules.

    Raises:
        LookupError: a parameter without default has no rule.
    """
    specs = [item for name, item in given.items() if item is not None and name not in context.forward]
    for name, parameter in context.forward.items():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        if name in given:
            if (stated := given[name]) is not None:
                specs.append(stated)
            continue
        rule = _RULES.get(name)
        spec = rule(context, name) if rule else None
        if spec is not None:
            specs.append(spec)
        elif parameter.default is parameter.empty and name not in _NEVER:
            raise LookupError(f"no rule makes the input {name!r}")
    return specs


def specials(config: Any, size: int) -> list[int]:
    """Special token ids below ``size`` that the config and its nested configs name, sorted."""
    found: set[int] = set()
    for each in _configs(config, None):
        for name, value in vars(each).items():
            if roles.TOKEN_ID.fullmatch(name):
                values = value if isinstance(value, (list, tuple)) else [value]
                found.update(item for item in values if type(item) is int and 0 <= item < size)
    return sorted(found)


def tokens(
    context: Context, shape: tuple[int, ...], size: int, runs: tuple[tuple[int, int, int], ...] = ()
) -> dict[str, Any]:
    """Arguments of Tokens that draw no special id: the widest gap between them."""
    marks = [-1, *specials(context.config, size), size]
    low, high = max(((a + 1, b) for a, b in pairwise(marks)), key=lambda gap: gap[1] - gap[0])
    arguments: dict[str, Any] = {"shape": shape, "low": low, "high": high}
    if runs:
        arguments["runs"] = runs
    return arguments


def _configs(config: Any, within: str | None) -> Iterator[Any]:
    children = [
        (name, child) for name in getattr(config, "sub_configs", {}) if (child := vars(config).get(name)) is not None
    ]
    if within is None:
        yield config
    for name, child in children:
        if within is None or name.startswith(within):
            yield from _configs(child, None)


def _get(config: Any, name: str) -> Any:
    try:
        return getattr(config, name)
    except (AttributeError, ValueError):  # configs with a value a layer refuse to give one for all of them
        return None


def _text(context: Context, name: str) -> InputSpec | None:
    size = context.find("vocab_size", within="text") or context.find("vocab_size")
    if size is None:
        return None
    runs: list[tuple[int, int, int]] = []
    start = 0
    for modality, count in context.placeholders.items():
        token = context.find(f"{modality}_token_id", f"{modality}_token_index")
        runs.append((token, start, count))
        start += count + 1
    length = LENGTH if not runs else start + LENGTH // 2
    if _classifies_at_end(context):
        runs.append((context.find("eos_token_id"), length - 1, 1))
    shape = (BATCH, CHOICES, length) if _multiple_choice(context) else (BATCH, length)
    return InputSpec(name, "Tokens", tokens(context, shape, size, tuple(runs)))


def _classifies_at_end(context: Context) -> bool:
    """Encoder-decoder classifiers read the decoder at the end-of-sequence token and make the decoder's text themselves."""
    return "MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING" in context.mappings and "decoder_input_ids" in context.forward


def _multiple_choice(context: Context) -> bool:
    return "MODEL_FOR_MULTIPLE_CHOICE_MAPPING" in context.mappings


def _mask(context: Context, name: str) -> InputSpec | None:
    if "flattened_patches" in context.forward:
        return InputSpec(name, "Mask", {"shape": (BATCH, PATCHES), "dtype": "float32"})
    if "input_ids" not in context.forward:
        return None
    text = _text(context, "input_ids")
    return InputSpec(name, "Mask", {"shape": text.arguments["shape"]}) if text else None


def _types(context: Context, name: str) -> InputSpec | None:
    count = context.find("type_vocab_size")
    text = _text(context, "input_ids")
    if not isinstance(count, int) or count < 2 or text is None:
        return None
    return InputSpec(name, "Integers", {"shape": text.arguments["shape"], "high": count})


def _target(context: Context, name: str) -> InputSpec | None:
    required = context.forward[name].default is inspect.Parameter.empty
    if _classifies_at_end(context) or not (required or _has_decoder(context)):
        return None
    rows = BATCH * (context.find("num_codebooks", within="decoder") or 1)
    size = (
        context.find("decoder_vocab_size", "vocab_size", within="decoder")
        or context.find("vocab_size", within="text")
        or context.find("decoder_vocab_size", "vocab_size")
    )
    return InputSpec(name, "Tokens", tokens(context, (rows, TARGET), size)) if size else None


def _has_decoder(context: Context) -> bool:
    return any(_get(config, "is_encoder_decoder") for config in _configs(context.config, None))


def _side(context: Context) -> tuple[int, int]:
    value = (
        context.find("image_size", within="vision")
        or context.find("image_size", within="image")
        or context.find("image_size", "img_size")
    )
    if value is None:
        return roles.STAGED_IMAGE, roles.STAGED_IMAGE
    if isinstance(value, Mapping):
        return value["height"], value["width"]
    return (value, value) if isinstance(value, int) else (value[0], value[-1])


def _channels(context: Context) -> int:
    return context.find("num_channels", within="vision") or context.find("num_channels", "in_channels_image") or 3


def _pixels(context: Context, name: str) -> InputSpec:
    size = (_channels(context), *_side(context))
    if "image_sizes" in context.forward and context.find("image_grid_pinpoints"):
        return InputSpec(name, "Floats", {"shape": (BATCH, 2, *size)})  # the whole image and one tile
    if _cross_attends_images(context):
        return InputSpec(name, "Floats", {"shape": (BATCH, 1, *size)})
    frames = context.find("num_frames") if "MODEL_FOR_VIDEO_CLASSIFICATION_MAPPING" in context.mappings else None
    return InputSpec(name, "Floats", {"shape": (BATCH, frames, *size) if frames else (BATCH, *size)})


def _video(context: Context, name: str) -> InputSpec:
    frames = context.find("num_frames") or FRAMES
    return InputSpec(name, "Floats", {"shape": (BATCH, frames, _channels(context), *_side(context))})


def _masked_patches(context: Context, name: str) -> InputSpec | None:
    required = context.forward[name].default is inspect.Parameter.empty
    masks = "MODEL_FOR_MASKED_IMAGE_MODELING_MAPPING" in context.mappings or "codebook_pixel_values" in context.forward
    if not required and not masks:
        return None
    height, width = _side(context)
    patch = context.find("patch_size", within="image") or context.find("patch_size")
    count = (height // patch) * (width // patch)
    return InputSpec(name, "Booleans", {"shape": (BATCH, count), "true": count // 2})


def _samples(context: Context, name: str) -> InputSpec:
    channels = context.find("audio_channels")
    shape = (BATCH, channels, SAMPLES) if channels else (BATCH, SAMPLES)
    return InputSpec(name, "Floats", {"shape": shape, "scale": 0.5})


def _spectrogram(context: Context, name: str) -> InputSpec:
    bins = context.find("num_mel_bins", "n_mels", within="audio") or context.find(
        "num_mel_bins", "n_mels", "feature_size"
    )
    positions = context.find("max_source_positions")
    # A front end that halves the frames and has a position for each that is left takes exactly twice as many.
    frames = 2 * positions if positions else MELS
    return InputSpec(name, "Floats", {"shape": (BATCH, bins, frames)})


def _image_sizes(context: Context, name: str) -> InputSpec | None:
    if not context.find("image_grid_pinpoints"):
        return None
    return InputSpec(name, "Literal", {"values": [list(_side(context))] * BATCH})


def _cross_attends_images(context: Context) -> bool:
    """Text layers that attend to several images a row take a mask of which token may see which image."""
    return "image_attention_mask" in context.forward and context.find("cross_layer_interval") is not None


def _image_visibility(context: Context, name: str) -> InputSpec | None:
    text = _text(context, "input_ids")
    if text is None or not _cross_attends_images(context):
        return None
    return InputSpec(name, "Mask", {"shape": (*text.arguments["shape"], 1)})


def _image_positions(context: Context, name: str) -> InputSpec | None:
    text, count = _text(context, "input_ids"), context.find("latent_query_num")
    return InputSpec(name, "Booleans", {"shape": text.arguments["shape"], "true": count}) if text and count else None


def _flattened_patches(context: Context, name: str) -> InputSpec:
    width = 2 + context.find("patch_embed_hidden_size")
    return InputSpec(name, "FlattenedPatches", {"shape": (BATCH, PATCHES, width), "columns": PATCHES // 2})


def _codebook_pixels(context: Context, name: str) -> InputSpec:
    # The codebook's image tower halves three times, and must give one code for each patch of the image.
    patches = _side(context)[0] // context.find("patch_size", within="image")
    return InputSpec(name, "Floats", {"shape": (BATCH, 3, 8 * patches, 8 * patches)})


def _spectrogram_target(context: Context, name: str) -> InputSpec:
    return InputSpec(name, "Floats", {"shape": (BATCH, TARGET, context.find("num_mel_bins"))})


def _speaker(context: Context, name: str) -> InputSpec:
    return InputSpec(name, "Floats", {"shape": (BATCH, context.find("speaker_embedding_dim"))})


_Rule = Callable[[Context, str], InputSpec | None]

_RULES: Mapping[str, _Rule] = {
    "input_ids": _text,
    "attention_mask": _mask,
    "token_type_ids": _types,
    "decoder_input_ids": _target,
    "pixel_values": _pixels,
    "pixel_values_videos": _video,
    "bool_masked_pos": _masked_patches,
    "input_values": _samples,
    "input_features": _spectrogram,
    "image_sizes": _image_sizes,
    "image_attention_mask": _image_visibility,
    "image_embeds_position_mask": _image_positions,
    "flattened_patches": _flattened_patches,
    "codebook_pixel_values": _codebook_pixels,
    "input_ids_masked": _text,
    "decoder_input_values": _spectrogram_target,
    "speaker_embeddings": _speaker,
}
"""The rule of each parameter that is fed; all others keep their defaults."""

_NEVER = frozenset({"self", "labels"})
