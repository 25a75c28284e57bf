"""Texts and what goes with them: placeholders, masks, types, the decoder's text."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from generator.spec import InputSpec
from generator.tiny import roles
from generator.tiny.inputs.context import (
    BATCH,
    CHOICES,
    LENGTH,
    PATCHES,
    TARGET,
    Answer,
    Context,
    Rule,
    batch,
    configs,
    frames,
    frames_masked,
    own,
)

__all__ = [
    "MODALITIES",
    "RULES",
    "layout",
    "multiple_choice",
    "placeholder",
    "sees_several",
    "specials",
    "text",
    "tokens",
]

_CODED = 3
"""Axes of codes: rows, places and codebooks."""
MODALITIES = ("image", "video", "audio")
"""What placeholders stand for; the place in this list is also how token types number them, from 1."""


def specials(config: Any, size: int) -> list[int]:
    """Special token ids below ``size`` that the config and its nested configs name, sorted."""
    found: set[int] = set()
    for each in configs(config, None):
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


def placeholder(context: Context, modality: str) -> int | None:
    """The id of the token that stands for a feature of a modality."""
    names = [f"{modality}{ending}" for ending in ("_token_id", "_token_index", "_patch_id", "_placeholder_id")]
    found = context.find(*names)
    if found is None:  # some configs bring the words of a tokenizer
        found = (context.find("vocabulary_map") or {}).get(f"<{modality}>")
    return found if type(found) is int else None


def layout(context: Context) -> tuple[list[tuple[int, int, int]], int]:
    """Runs of placeholders, as (id, first column, count), and the length of the text that holds them."""
    runs: list[tuple[int, int, int]] = []
    start = 0
    for modality, count in context.placeholders.items():
        token = placeholder(context, modality)
        if token is None and len(context.placeholders) == 1:
            return [], count  # without a token to stand for them, features are added to the text one by one
        if token is None:
            raise LookupError(f"no field of the config names the token that stands for {modality}")
        first, last = _around(context, modality)
        for stands, times in (*first, (token, count), *last):
            runs.append((stands, start, times))
            start += times
        start += 1
    return runs, LENGTH if not runs else start + LENGTH // 2


def _around(context: Context, modality: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Tokens before and after the placeholders, with how often they come, where images are counted by row: they tell
    those that are given from the one that is to be drawn."""
    if modality != "image" or "images_per_sample" not in context.forward:
        return [], []
    start, end = (context.find(f"image_{side}_token_id") for side in ("start", "end"))
    return ([(start, 1)] if type(start) is int else []), ([(end, 1)] if type(end) is int else [])


def _task(context: Context, name: str) -> InputSpec:
    return InputSpec(name, "Tokens", {"shape": (BATCH, context.find("task_seq_len") or LENGTH), "low": 3, "high": 100})


def text(context: Context, name: str) -> InputSpec | None:
    """Token ids, with a placeholder for each feature of another modality."""
    size = context.find("vocab_size", within="text") or context.find("vocab_size")
    if size is None:
        size = roles.VOCABULARY  # characters, which need no vocabulary
    runs, length = layout(context)
    if _classifies_at_end(context):
        runs.append((context.find("eos_token_id"), length - 1, 1))
    sound = context.find("audio_bos_token_id")
    if type(sound) is int and "MODEL_FOR_TEXT_TO_WAVEFORM_MAPPING" in context.mappings:
        runs.append((sound, length - 1, 1))  # a text that is to be spoken ends where the sound begins
    question = context.find("question_token_id")
    if type(question) is int and not runs:
        runs.append((question, 1, 1))  # where an answer is asked for
    rows = batch(context)
    shape = (BATCH, CHOICES, length) if multiple_choice(context) else (rows, length)
    return InputSpec(name, "Tokens", tokens(context, shape, size, tuple(runs)))


def _ids(context: Context, name: str) -> Answer:
    """A text, or a row of codes for each of its places: the likelier where that is what is documented."""
    plain, codes = text(context, name), _codes(context, name, LENGTH)
    if not codes or multiple_choice(context):
        return plain
    return [*codes, plain] if _coded(context, name) else [plain, *codes]


def _coded(context: Context, name: str) -> bool:
    axes = context.shapes.get(name, ())
    return len(axes) == _CODED and axes[-1] == "num_codebooks"


def _codes(context: Context, name: str, length: int) -> list[InputSpec]:
    """A code of each codebook at each place, with a token of the text beside them or without."""
    count = own(context.config, "num_codebooks")
    if _coded(context, name):
        count = context.find("num_codebooks") or context.find("num_codebooks", "num_channels", within="decoder")
    if not isinstance(count, int):
        return []
    sizes = (context.find("codebook_vocab_size", "codebook_size"), context.find("vocab_size"))
    within = context.find("vocab_size", within="decoder") if name.startswith("decoder_") else None
    size = within or min(filter(None, sizes), default=0)
    shapes = [(BATCH, length, count), (BATCH, length, count + 1)] if size else []
    return [InputSpec(name, "Tokens", tokens(context, shape, size)) for shape in shapes]


def _classifies_at_end(context: Context) -> bool:
    """Encoder-decoder classifiers read the decoder at the end-of-sequence token and make the decoder's text themselves."""
    return "MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING" in context.mappings and "decoder_input_ids" in context.forward


def multiple_choice(context: Context) -> bool:
    return "MODEL_FOR_MULTIPLE_CHOICE_MAPPING" in context.mappings


def _mask(context: Context, name: str) -> Answer:
    if "flattened_patches" in context.forward and "input_ids" not in context.forward:
        return InputSpec(name, "Mask", {"shape": (BATCH, PATCHES), "dtype": "float32"})
    if "input_ids" not in context.forward:
        # Of frames, where it is that; a waveform's own mask is left out, since it says no more than its length.
        # Hidden far enough for a model to notice that reads every few frames only.
        shape = (BATCH, frames(context))
        hidden = {"shape": shape, "hidden": shape[1] // 4}
        return [InputSpec(name, "Mask", hidden), None] if frames_masked(context) else None
    given = text(context, "input_ids")
    return InputSpec(name, "Mask", {"shape": given.arguments["shape"]}) if given else None


def _types(context: Context, name: str) -> InputSpec | None:
    if context.find("add_token_type_embeddings") is False:  # it takes them, and looks at none (MEGA)
        return None
    count, counts = context.find("type_vocab_size"), context.find("type_vocab_sizes")
    given = text(context, "input_ids")
    if isinstance(counts, (list, tuple)) and given is not None:  # several types a token: its place in a table
        return InputSpec(name, "Integers", {"shape": (*given.arguments["shape"], len(counts)), "high": min(counts)})
    if not isinstance(count, int) or count < 2 or given is None:
        return None
    return InputSpec(name, "Integers", {"shape": given.arguments["shape"], "high": count})


def _target(context: Context, name: str) -> Answer:
    required = context.forward[name].default is inspect.Parameter.empty
    if _classifies_at_end(context) or not (required or _has_decoder(context)):
        return None
    if _coded(context, name):
        return _codes(context, name, TARGET)
    rows = BATCH * (context.find("num_codebooks", within="decoder") or 1)
    size = (
        context.find("decoder_vocab_size", "vocab_size", within="decoder")
        or context.find("vocab_size", within="text")
        or context.find("decoder_vocab_size", "vocab_size")
    )
    return InputSpec(name, "Tokens", tokens(context, (rows, TARGET), size)) if size else None


def _has_decoder(context: Context) -> bool:
    return any(own(config, "is_encoder_decoder") for config in configs(context.config, None))


def _image_visibility(context: Context, name: str) -> InputSpec | None:
    given = text(context, "input_ids")
    if given is None or not sees_several(context):
        return None
    return InputSpec(name, "Mask", {"shape": (*given.arguments["shape"], 1)})


def _image_positions(context: Context, name: str) -> InputSpec | None:
    given, count = text(context, "input_ids"), context.find("latent_query_num")
    return InputSpec(name, "Booleans", {"shape": given.arguments["shape"], "true": count}) if given and count else None


def sees_several(context: Context) -> bool:
    """Text layers that attend to several images a row take a mask of which token may see which image."""
    return "image_attention_mask" in context.forward and context.find("cross_layer_interval") is not None


def _kinds_of_tokens(context: Context, name: str) -> InputSpec | None:
    """Which tokens are text and which stand for another modality, by number."""
    given = text(context, "input_ids")
    if given is None:
        return None
    runs, length = layout(context)
    row = [0] * length
    for token, start, count in runs:
        kinds = enumerate(MODALITIES, 1)
        kind = next((number for number, modality in kinds if placeholder(context, modality) == token), 0)
        row[start : start + count] = [kind] * count
    return InputSpec(name, "Literal", {"values": [row] * BATCH})


def _boxes(context: Context, name: str) -> Answer:
    """Places on the page, as left, top, right, bottom; equal boxes are as good as any and stay valid when redrawn."""
    given = text(context, "input_ids")
    if given is None:
        return None
    length = given.arguments["shape"][1]
    corners = [[4 + 2 * place, 8, 40 + 2 * place, 30] for place in range(length)]
    return [
        InputSpec(name, "Literal", {"values": [corners] * BATCH}),
        InputSpec(
            name, "Literal", {"values": [[[x / 100 for x in box] for box in corners]] * BATCH, "dtype": "float32"}
        ),
    ]


def _query_text(context: Context, name: str) -> InputSpec | None:
    size = context.find("vocab_size", within="qformer")
    return InputSpec(name, "Tokens", tokens(context, (BATCH, LENGTH), size)) if size else None


def _query_mask(context: Context, name: str) -> InputSpec:
    return InputSpec(name, "Mask", {"shape": (batch(context), LENGTH)})


def _marks(context: Context, name: str) -> InputSpec:
    """Two questions in one prompt: one of yes or no at one mark, and a choice of three at the next."""
    values = {"marks": [5, LENGTH - 1], "num_options": [2, 3], "question_type_ids": [0, 1]}
    return InputSpec(name, "Literal", {"values": [values[name]] * batch(context)})


RULES: Mapping[str, Rule] = {
    "input_ids": _ids,
    "attention_mask": _mask,
    "token_type_ids": _types,
    "mm_token_type_ids": _kinds_of_tokens,
    "decoder_input_ids": _target,
    "image_attention_mask": _image_visibility,
    "image_embeds_position_mask": _image_positions,
    "input_ids_masked": text,
    "task_inputs": _task,
    "bbox": _boxes,
    "marks": _marks,
    "num_options": _marks,
    "question_type_ids": _marks,
    "qformer_input_ids": _query_text,
    "qformer_attention_mask": _query_mask,
}
"""Rules for texts."""
