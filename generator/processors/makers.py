"""Which declared part makes a head's inputs: the one that its users put a text, an image or a sound to."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from generator.plugins import public_class
from generator.processors import building, trial
from generator.spec import HeadSpec, InputSpec

__all__ = ["made"]

_PARTS: Mapping[str, str] = {
    "text": "tokenizer",
    "image": "image_processor",
    "video": "video_processor",
    "audio": "feature_extractor",
}
_SEEN = ("pixel_values", "flattened_patches", "image")
_HEARD = ("input_features", "input_values", "audio")
_TOGETHER = "processor"
_UNTAKEN = "no way was found to put a text beside the rest to its processor in which the head takes what that makes"
_SPOKEN = ("input_ids", "attention_mask", "token_type_ids")
"""What any tokenizer gives."""
_ANSWER_AXES = 3
"""Axes of ids of which each row has several texts, one for each answer."""


def made(heads: Sequence[HeadSpec], parts: Mapping[str, Any] | None) -> tuple[HeadSpec, ...]:
    """The heads, each with the part that makes its inputs, or None where none of those declared does.

    Args:
        heads: of one architecture, with their inputs.
        parts: the declared parts by name.
    """
    declared = parts or {}
    return tuple(_noted(dataclasses.replace(head, made_by=_maker(head, declared)), declared) for head in heads)


def _noted(head: HeadSpec, parts: Mapping[str, Any]) -> HeadSpec:
    """The head; not as made by a processor of which the tiny model took nothing, however that was put, but with a note."""
    if head.made_by is None or not parts[head.made_by].get("untaken"):
        return head
    return dataclasses.replace(head, made_by=None, notes=(*head.notes, _UNTAKEN))


def _maker(head: HeadSpec, parts: Mapping[str, Any]) -> str | None:
    if head.unsettled is not None or head.steps or not parts:
        return None
    kinds = _kinds(head)
    names = [_TOGETHER] if len(kinds) > 1 else [_PARTS[kind] for kind in kinds]
    if kinds == ["video"]:
        names.append(_PARTS["image"])  # which takes frames, where no class takes videos alone
    if kinds == ["audio"] and not _hears(head, parts.get(names[0], {})):
        return None
    if kinds != ["text"]:
        return next((name for name in names if name in parts), None)
    text = parts.get(_PARTS["text"])
    return _PARTS["text"] if text is not None and _reads(head) and _writes(head, text) else None


def _kinds(head: HeadSpec) -> list[str]:
    """Kinds of what the head takes; a decoder's text beside a sound or an image is its own, which no processor makes."""
    names = [item.name for item in head.inputs]
    there = {
        "text": "input_ids" in names,
        "image": any(name.startswith(_SEEN) and "video" not in name for name in names),
        "video": any("video" in name for name in names),
        "audio": any(name.startswith(_HEARD) for name in names),
    }
    return [kind for kind, taken in there.items() if taken]


def _hears(head: HeadSpec, part: Mapping[str, Any]) -> bool:
    """Whether what an extractor makes of a sound has the axes of what the head takes: some models by themselves take what
    their nets make of it (SpeechT5Model)."""
    if "requires" in part or not part:
        return True
    extractor = building.build({"feature_extractor": part})["feature_extractor"]
    rate = getattr(extractor, "sampling_rate", None)
    made = extractor(trial.sound(), return_tensors="np", **({"sampling_rate": rate} if rate else {}))
    return all(
        getattr(made[item.name], "ndim", None) == len(_shape(item))
        for item in head.inputs
        if item.name in made and item.name.startswith(_HEARD)
    )


def _reads(head: HeadSpec) -> bool:
    """Whether the ids of a head are those of texts, and no more has to go with each token than a tokenizer says of it."""
    inputs = {item.name: item for item in head.inputs}
    ids = _shape(inputs["input_ids"])
    mask = _shape(inputs["attention_mask"]) if "attention_mask" in inputs else ids
    choices = any("MULTIPLE_CHOICE" in mapping for mapping in head.mappings)
    if len(ids) != (_ANSWER_AXES if choices else _ANSWER_AXES - 1) or len(mask) != len(ids) or mask[0] != ids[0]:
        return False  # codes of several codebooks
    taken = inspect.signature(public_class(head.class_name).forward).parameters
    needed = {name for name, item in taken.items() if item.default is item.empty}
    return not any(
        name in needed and _shape(item)[: len(ids)] == ids for name, item in inputs.items() if name not in _SPOKEN
    )


def _writes(head: HeadSpec, part: Mapping[str, Any]) -> bool:
    """Whether a tokenizer puts by itself into a text what a head's own texts always hold: Splinter's hold questions."""
    usual = [value for name, value in part.get("arguments", {}).items() if name.endswith("_token")]
    vocabulary = part.get("vocabulary", "").split(" ")
    ids = next(item for item in head.inputs if item.name == "input_ids")
    held = [token for token, _, _ in ids.arguments.get("runs", ()) if token < len(vocabulary)]
    return all(vocabulary[token] in usual for token in held)


def _shape(item: InputSpec) -> tuple[int, ...]:
    return tuple(item.arguments.get("shape", ()))
