"""How many placeholders of a text stand for an image, a sound or a video: as many as the model makes features of it."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from generator.spec import InputSpec
from generator.tiny.probe import tensors

__all__ = ["complained", "learn", "spied"]

_MODALITIES = ("video", "audio", "image")
"""Words in the names of a method's parameters that say which modality's features they take."""
_FEATURE_METHODS = ("get_placeholder_mask", *(f"get_{modality}_features" for modality in _MODALITIES))
"""Methods in which a model makes features or counts the placeholders for them."""
_NOT_FEATURES = ("input_ids", "inputs_embeds", "self")
"""Parameters of that method that take the text."""
_COUNTED = re.compile(r"tokens:? \d+,? (?:and )?features:? (\d+)")
"""What errors say of features that do not meet their placeholders."""
_CLIP_AXES = 5
"""Axes of a clip: rows, frames, channels, height and width."""


def learn(model: Any, inputs: Sequence[InputSpec], stands_for: Mapping[int, str] | None = None) -> dict[str, int]:
    """Placeholder tokens that each row of the text needs, by modality, from the features that the model makes.

    The count is read where the model compares its features with the placeholders, so it is the model's own.
    ``stands_for`` says which modality's placeholder a token id is.
    """
    import torch

    seen: dict[str, int] = {}
    made: dict[str, tuple[int, int]] = {}
    text = next((item for item in inputs if item.name == "input_ids"), None)
    makes = any(hasattr(module, name) for module in model.modules() for name in _FEATURE_METHODS)
    if text is None or not (makes or stands_for):
        return seen
    if type(model).forward is torch.nn.Module.forward:  # a whole called by generate() alone compares nothing itself
        return seen
    rows = text.arguments["shape"][0]
    with spied(model, seen, made, stands_for or {}), torch.no_grad():
        try:
            model(**tensors(inputs))
        except Exception as error:  # the text has no placeholders yet: only what was seen on the way counts
            seen = complained(str(error), set((stands_for or {}).values()), made) | seen
            if not seen and not made:
                raise error
            if not seen:
                return {modality: _left(total, inputs) // rows for modality, (total, _) in made.items()}
    unshown = {
        modality: total // rows for modality, (total, _) in made.items() if modality in (stands_for or {}).values()
    }
    if not seen and unshown:
        return unshown  # it made features and put none of them anywhere, without a word
    queries = getattr(model.config, "num_query_tokens", None)
    if not seen and queries:
        # A query transformer gives as many features of an image as it has queries, and does not compare.
        known = list((stands_for or {}).values())
        modality = "image" if "image" in known or not known else known[0]
        shape: tuple[int, ...] = next((item.arguments["shape"] for item in inputs if item.name == "pixel_values"), ())
        return {modality: queries * (shape[1] if modality == "video" and len(shape) == _CLIP_AXES else 1)}
    return {modality: total // rows for modality, total in seen.items()}


def _left(total: int, inputs: Sequence[InputSpec]) -> int:
    """The features that are left of those made, by a mask of all of them where one is fed (Granite Speech's)."""
    for item in inputs:
        shape = item.arguments.get("shape", ())
        if item.kind == "Mask" and item.arguments.get("padded") and math.prod(shape) == total:
            return total - int(math.prod(shape[:-1])) * int(item.arguments["hidden"])
    return total


@contextmanager
def spied(
    model: Any, seen: dict[str, int], made: dict[str, tuple[int, int]], stands_for: Mapping[int, str]
) -> Iterator[None]:
    """Note the features that a model makes, with their width, and those that it compares with placeholders, by modality."""
    import torch

    patched: list[tuple[Any, str]] = []
    for module in model.modules():
        for modality in _MODALITIES:
            name = f"get_{modality}_features"
            if hasattr(module, name):
                _replace(module, name, _counting(getattr(module, name), modality, made), patched)
        original = getattr(module, "get_placeholder_mask", None)
        if original is None:
            continue

        def spy(*args: Any, _original: Any = original, **kwargs: Any) -> Any:
            bound = inspect.signature(_original).bind(*args, **kwargs).arguments
            embeds = bound.get("inputs_embeds")
            for name, value in bound.items():
                named = next((known for known in _MODALITIES if known in name), "image")
                modality = stands_for.get(bound.get("token_id", -1), named)
                if isinstance(value, torch.Tensor) and name not in _NOT_FEATURES and value.is_floating_point():
                    width = value.shape[-1] if embeds is None else embeds.shape[-1]
                    seen[modality] = value.numel() // width
            return _original(*args, **kwargs)

        _replace(module, "get_placeholder_mask", spy, patched)
    try:
        yield
    finally:
        for module, name in patched:
            delattr(module, name)


def complained(message: str, modalities: set[str], made: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    """The count of features that an error about too few placeholders gives, by modality; whether it is true, a run says.

    More than were made are numbers, of which a feature has as many as it is wide: Gemma 4 says so of those that it kept.
    """
    counted = _COUNTED.search(message)
    if counted is None:
        return {}
    named = [modality for modality in _MODALITIES if modality in message.lower()] or sorted(modalities)
    if len(named) != 1:
        return {}
    count, (total, width) = int(counted.group(1)), made.get(named[0], (0, 1))
    return {named[0]: count // width if total and count > total else count}


def _replace(module: Any, name: str, method: Any, patched: list[tuple[Any, str]]) -> None:
    setattr(module, name, method)
    patched.append((module, name))


def _counting(original: Any, modality: str, made: dict[str, tuple[int, int]]) -> Any:
    """The method that makes a modality's features, counting them and saying how wide they are."""

    def count_features(*args: Any, **kwargs: Any) -> Any:
        features = original(*args, **kwargs)
        pooled = getattr(features, "pooler_output", None)
        parts = pooled if pooled is not None else features
        listed = parts if isinstance(parts, (list, tuple)) else [parts]
        counts = [part.numel() // part.shape[-1] for part in listed if getattr(part, "ndim", 0) > 1]
        if counts:
            made[modality] = sum(counts), listed[0].shape[-1]
        return features

    return count_features
