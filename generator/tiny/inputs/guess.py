"""A required input whose name no rule knows: what its documented shape, its annotation and its name's parts suggest."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence

from generator.spec import InputSpec
from generator.tiny import roles
from generator.tiny.inputs.context import BATCH, LENGTH, SAMPLES, Context
from generator.tiny.inputs.text import text, tokens

__all__ = ["documented", "guess"]

_DOCUMENTED = re.compile(r"^\s*(\w+) \(.*?of shape `[(\[](.*)[)\]]`", re.MULTILINE)
"""A parameter and its shape, as the library's docstrings put it."""
_OTHERWISE = re.compile(r"[)\]]\s+or\s+[(\[]")
"""What stands between shapes that a parameter may have."""
_LONGEST = 6
"""Axes of a documented shape that is believed."""
_AXES: Mapping[str, int] = {"batch_size": BATCH, "batch": BATCH, "num_channels": 3}
"""Axes whose length the config does not say."""
_PIXELS = ("pixel", "image", "video", "frame")
_WIDE = ("embeds", "hidden", "states", "features", "latents")


def documented(docstring: str) -> dict[str, tuple[str, ...]]:
    """Axes of each parameter that a docstring gives a shape, as written; of the longest where it gives several."""
    return {
        name: max((_axes(shape) for shape in _OTHERWISE.split(shapes)), key=len)
        for name, shapes in _DOCUMENTED.findall(_OTHERWISE.sub(") or (", docstring))
    }


def _axes(shape: str) -> tuple[str, ...]:
    return tuple(axis.strip() for axis in shape.split(",") if axis.strip())


def guess(context: Context, name: str) -> list[InputSpec]:
    """What an input could be, the likeliest first; never empty."""
    shapes = list(dict.fromkeys(_shapes(context, name)))
    kind = str(context.forward[name].annotation)
    if name.endswith(("mask", "masks")) or "attention_mask" in name:
        if any(part in name for part in _PIXELS):
            shapes = [(BATCH, 2), (BATCH, 1), *shapes]  # of images, of which a row has a pair or one
        masked = re.sub(r"attention_masks?$", "input_ids", name)
        if masked != name and masked in context.forward:
            shapes = [next(_shapes(context, masked)), *shapes]  # whatever the docstring says (OmDet-Turbo)
        kept = {"dtype": "bool"} if "Bool" in kind else {}
        return [InputSpec(name, "Mask", {"shape": shape, "hidden": min(2, shape[-1]), **kept}) for shape in shapes]
    if "Bool" in kind:
        return [InputSpec(name, "Booleans", {"shape": shape, "true": max(1, shape[-1] // 2)}) for shape in shapes]
    if "Long" in kind or "Int" in kind or name.endswith(("_ids", "_id", "tokens", "codes")):
        return [_whole(context, name, shape) for shape in shapes]
    return [InputSpec(name, "Floats", {"shape": shape}) for shape in shapes]


def _whole(context: Context, name: str, shape: tuple[int, ...]) -> InputSpec:
    """Ids where there is a row of them, else a count or an index of which one is always valid."""
    size = context.find("vocab_size", within="text") or context.find("vocab_size")
    if isinstance(size, int) and len(shape) > 1:
        return InputSpec(name, "Tokens", tokens(context, shape, size))
    return InputSpec(name, "Literal", {"values": _ones(shape)})


def _ones(shape: Sequence[int]) -> object:
    return [_ones(shape[1:]) for _ in range(shape[0])] if shape else 1


def _shapes(context: Context, name: str) -> Iterator[tuple[int, ...]]:
    axes = context.shapes.get(name, ())
    lengths = [_length(context, axis) for axis in axes]
    if 0 < len(lengths) <= _LONGEST and all(lengths):
        yield tuple(length for length in lengths if length)
    width = context.find("hidden_size", "d_model") or roles.WIDTH
    own = context.find(*(f"{prefix}{name}{ending}" for prefix in ("", "max_") for ending in ("_dim", "_size")))
    given = text(context, "input_ids")
    rows = given.arguments["shape"] if given is not None and "input_ids" in context.forward else (BATCH, LENGTH)
    if isinstance(own, int):
        yield BATCH, own
        yield *rows, own
    if any(part in name for part in _PIXELS):
        side = context.find("image_size") or roles.STAGED_IMAGE
        if isinstance(side, int):
            yield BATCH, context.find("num_channels") or 3, side, side
    if any(part in name for part in ("audio", "wave", "speech")):
        yield BATCH, SAMPLES
    if any(part in name for part in _WIDE):
        yield *rows, width
    yield rows
    yield BATCH, width
    yield *rows, context.find("d_model", "hidden_size", "input_dim", "input_size") or width
    yield (BATCH,)


def _length(context: Context, axis: str) -> int | None:
    """Length of an axis: a number, a field of the config, a product or sum of such, or what its name says."""
    for sign, fold in (("+", sum), ("*", math.prod)):
        if sign in axis:
            parts = [_length(context, part.strip()) for part in axis.split(sign)]
            return fold(part for part in parts if part) if all(parts) else None
    counted = re.fullmatch(r"len\((?:self\.)?config\.(\w+)\)", axis)
    if counted:
        items = context.find(counted.group(1))
        return len(items) if isinstance(items, (list, tuple)) else None
    word = re.sub(r"\s*\(.*\)$", "", axis).strip("`").removeprefix("config.")
    if word.isdigit():
        return int(word)
    if word in _AXES:
        return _AXES[word]
    found = context.find(word)
    if isinstance(found, int) and found > 0:
        return found
    if word in ("dim", "embed_dim", "embedding_dim", "hidden_dim", "hidden_size"):
        return context.find("hidden_size", "d_model") or roles.WIDTH
    if word.startswith(("total_", "num_")) and not word.endswith(("length", "frames", "tokens")):
        return BATCH
    return LENGTH if word.isidentifier() else None
