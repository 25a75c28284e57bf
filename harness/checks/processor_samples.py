"""What a head's processor is given: small real texts, images, videos and sounds, as its users put them to it; it runs none."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.checks.pipeline_cases import HEARD
from harness.checks.pipeline_samples import CAPTION, SENTENCES, TABLE, picture, sound

if TYPE_CHECKING:
    from harness.skill import Head

__all__ = ["Sample", "of"]

_CAPTIONS = (CAPTION, "a dog")
"""Texts beside many placeholders, of one length."""
_QUESTION = "who sat"
_FRAMES = 4
"""Frames of a video."""
_CLIP_AXES = 5
"""Axes of images that come several to a row."""
_ANSWER_AXES = 3
"""Axes of ids that come several texts to a row: rows, answers, tokens."""
_QUESTIONS = ("QUESTION_ANSWERING", "MULTIPLE_CHOICE")
_ARGUMENTS = {"image": "images", "video": "videos", "audio": "audio"}
"""A processor's arguments by what they take."""

Turns = Mapping[str, int]
"""Which of two samples of a kind is meant, by the kind; the first where it says nothing."""


@dataclass(frozen=True)
class Sample:
    """One question to a processor."""

    kinds: tuple[str, ...]
    """What it is given: text, image, video, audio."""
    put: Callable[[Turns], Mapping[str, Any]]
    """What it makes of one sample of each kind; raises whatever the processor does."""


def of(head: Head, part: str, processor: Any, declared: Mapping[str, Any]) -> Sample:
    """The question for a head.

    Args:
        head: whose inputs say what is shown and how many make a row.
        part: name of what makes them.
        processor: that part, built.
        declared: as which the skill declares it.
    """
    if part == "processor":
        kinds = tuple(kind for kind in _kinds(head) if kind not in declared.get("unshown", "").split())
        frames = declared.get("frames", 0)
        return Sample(kinds, lambda turns: _together(processor, declared, kinds, frames, turns))
    if part == "tokenizer":
        return Sample(("text",), lambda turns: _written(head, processor, turns.get("text", 0)))
    if part == "feature_extractor":
        return Sample(("audio",), lambda turns: _heard(processor, turns.get("audio", 0)))
    return Sample(("image",), lambda turns: _shown(head, part, processor, turns.get("image", 0)))


def _kinds(head: Head) -> tuple[str, ...]:
    names = [*head.inputs]
    kinds = {
        "text": "input_ids" in names or "decoder_input_ids" in names,
        "image": any(name.startswith(("pixel_values", "flattened", "image")) and "video" not in name for name in names),
        "video": any("video" in name for name in names),
        "audio": any(name.startswith(HEARD) for name in names),
    }
    return tuple(kind for kind, there in kinds.items() if there)


def clip(turn: int) -> Any:
    """A video of an image that turns: uint8, (4, 48, 48, 3)."""
    import numpy as np

    return np.stack([np.asarray(picture(turn).rotate(10 * frame)) for frame in range(_FRAMES)])


def _together(
    processor: Any, declared: Mapping[str, Any], kinds: tuple[str, ...], frames: int, turns: Turns
) -> Mapping[str, Any]:
    """Of a chat where the processor has a template for one, else of its prompt and a text."""
    makers = {"image": picture, "video": clip, "audio": sound}
    media = {kind: makers[kind](turns.get(kind, 0)) for kind in kinds if kind in makers}
    text, call = _CAPTIONS[turns.get("text", 0)], declared.get("call", {})
    if processor.chat_template is not None:
        content = [*({"type": kind, kind: item} for kind, item in media.items()), {"type": "text", "text": text}]
        # In 4.57 what the processor is told goes among the template's own keywords.
        apart = call and "processor_kwargs" in inspect.signature(processor.apply_chat_template).parameters
        told = {"processor_kwargs": dict(call)} if apart else dict(call)
        chat = [{"role": "user", "content": content}]
        form = {"tokenize": True, "return_dict": True, "return_tensors": "pt"}
        return _mapping(processor.apply_chat_template(chat, add_generation_prompt=True, **form, **told))
    given = {_ARGUMENTS[kind]: item for kind, item in media.items()}
    if frames:  # images that are taken for those of one video
        given = {"images": [picture(turns.get("image", 0)).rotate(10 * frame) for frame in range(frames)]}
    return _mapping(processor(text=declared.get("prompt", "") + text, **given, return_tensors="pt", **call))


def _written(head: Head, tokenizer: Any, turn: int) -> Mapping[str, Any]:
    """Of a text; of a question and a text about it where a head is asked one, as many answers as it is shown."""
    if "table" in inspect.signature(tokenizer.__call__).parameters:  # which its text is a question about (TAPAS's)
        import pandas as pd  # type: ignore[import-untyped,unused-ignore]

        return _mapping(tokenizer(table=pd.DataFrame(TABLE), queries=SENTENCES[turn], return_tensors="pt"))
    asked = any(name in mapping for mapping in head.mappings for name in _QUESTIONS)
    shape = head.inputs["input_ids"].shape
    if len(shape) == _ANSWER_AXES:
        answers = [SENTENCES[(turn + place) % len(SENTENCES)] for place in range(shape[1])]
        made = tokenizer([_QUESTION] * shape[1], answers, padding=True, return_tensors="pt")
        return {name: value[None] for name, value in made.items()}
    return _mapping(tokenizer(*((_QUESTION,) if asked else ()), SENTENCES[turn], return_tensors="pt"))


def _shown(head: Head, part: str, processor: Any, turn: int) -> Mapping[str, Any]:
    """Of an image, of as many as make a row, or of a video."""
    if part == "video_processor":
        return _mapping(processor(clip(turn), return_tensors="pt"))
    shape = head.inputs["pixel_values"].shape if "pixel_values" in head.inputs else ()
    several = shape[1] if len(shape) == _CLIP_AXES else 1
    images = [picture(turn).rotate(10 * place) for place in range(several)]
    return _mapping(processor(images if several > 1 else images[0], return_tensors="pt"))


def _heard(extractor: Any, turn: int) -> Mapping[str, Any]:
    """Of a sound as fast as it wants it."""
    rate = getattr(extractor, "sampling_rate", None)
    told = {"sampling_rate": rate} if rate else {}
    return _mapping(extractor(sound(turn, **({"rate": rate} if rate else {})), return_tensors="pt", **told))


def _mapping(made: Any) -> Mapping[str, Any]:
    """What any processor gives: a dict, by whatever class."""
    return dict(made)
