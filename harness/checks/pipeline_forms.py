"""The form that transformers documents for the answer of each pipeline; what is wrong with one, in a few words."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from harness.checks.pipeline_samples import LABELS, TABLE, Asked

__all__ = [
    "UNDECODED",
    "audio",
    "celled",
    "continued",
    "decided",
    "depths",
    "entities",
    "filled",
    "found",
    "generated",
    "labelled",
    "masks",
    "matches",
    "numbers",
    "ordered",
    "pictured",
    "pointed",
    "replied",
    "segments",
    "spanned",
    "transcript",
    "within_page",
    "within_table",
    "within_text",
    "worded",
]

UNDECODED = "gives whole numbers, as ids are, instead of a sound"
"""What is wrong with codes of a sound that nothing has decoded."""
ROUNDING = 1e-3
"""By how much a probability may leave its range: fp16's rounding."""

Wrong = Callable[[Any], str | None]


def _records(answer: Any, /, **fields: Callable[[Any], bool]) -> str | None:
    """A list of at least one dict, each with exactly these fields of these kinds."""
    if not isinstance(answer, list) or not answer:
        return f"gives {short(answer)} instead of a list of dicts"
    for item in answer:
        if not isinstance(item, dict):
            return f"gives {short(item)} instead of a dict"
        for name, holds in fields.items():
            if name not in item:
                return f"gives no {name}"
            if not holds(item[name]):
                return f"gives {short(item[name])} as {name}"
    return None


def _score(value: Any) -> bool:
    return isinstance(value, float) and -ROUNDING <= value <= 1 + ROUNDING


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _box(value: Any) -> bool:
    return isinstance(value, dict) and all(
        type(value.get(side)) in (int, float) for side in ("xmin", "ymin", "xmax", "ymax")
    )


def _ranked(answer: Any, /, **fields: Callable[[Any], bool]) -> str | None:
    """Such a list, with its scores between 0 and 1, the highest first."""
    if (reason := _records(answer, score=_score, **fields)) is not None:
        return reason
    scores = [item["score"] for item in answer]
    return None if scores == sorted(scores, reverse=True) else "does not rank its answers by their scores"


def worded(field: str) -> Wrong:
    """One text for one prompt, in this field."""

    def wrong(answer: Any) -> str | None:
        if (reason := _records(answer, **{field: _text})) is not None:
            return reason
        return None if len(answer) == 1 else f"gives {len(answer)} texts for one prompt"

    return wrong


generated = worded("generated_text")
"""A text that goes on from the prompt."""


def continued(answer: Any) -> str | None:
    """The prompt, and the text that goes on from it: of a chat the chat with one message more."""
    if (reason := _records(answer, input_text=_said, generated_text=_said)) is not None:
        return reason
    if len(answer) != 1:
        return f"gives {len(answer)} texts for one prompt"
    written = answer[0]["generated_text"]
    if isinstance(written, str):
        return None
    last = written[-1] if isinstance(written, list) and written else None
    right = isinstance(last, dict) and last.get("role") == "assistant" and _text(last.get("content"))
    return None if right else f"gives {short(last)} instead of the assistant's message"


def _said(value: Any) -> bool:
    return isinstance(value, (str, list)) or hasattr(value, "messages")


def spanned(answer: Any) -> str | None:
    """One span of a page's words, the likeliest."""
    return _ranked(answer, start=_count, end=_count, answer=_text)


def within_page(answer: Any, asked: Asked) -> str | None:
    """Its words are those that stand there."""
    words = asked.sentence.split()
    span = words[answer[0]["start"] : answer[0]["end"] + 1]
    return None if span and answer[0]["answer"] == " ".join(span) else "answers with a place outside of the page"


def celled(answer: Any) -> str | None:
    """Cells of a table, and the places where they stand."""
    return _records([answer], answer=_text, coordinates=_places, cells=_texts)


def _places(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, tuple) and len(item) == 2 for item in value)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def within_table(answer: Any, asked: Asked) -> str | None:
    """They stand there."""
    del asked
    columns = list(TABLE.values())
    height = len(columns[0])
    stand = [columns[x][y] for y, x in answer["coordinates"] if 0 <= y < height and 0 <= x < len(columns)]
    right = stand == answer["cells"] and len(stand) == len(answer["coordinates"])
    return None if right else "answers with a place outside of the table, or with a cell that does not stand there"


def replied(answer: Any) -> str | None:
    """Answers with their scores, or one that is written."""
    scored = isinstance(answer, list) and bool(answer) and isinstance(answer[0], dict) and "score" in answer[0]
    return _ranked(answer, answer=_text) if scored else _records(answer, answer=_text)


def pictured(answer: Any) -> str | None:
    """An image."""
    return None if _image(answer) else f"gives {short(answer)} instead of an image"


def labelled(answer: Any) -> str | None:
    """Labels, the likeliest first."""
    return _ranked(answer, label=_text)


def filled(answer: Any) -> str | None:
    """Words for a gap, the likeliest first."""
    return _ranked(answer, token=_count, token_str=_text, sequence=_text)


def entities(answer: Any) -> str | None:
    """A label for each word, O among them."""
    return _records(answer, entity=_text, index=_count, word=_text, score=lambda value: _score(float(value)))


def ordered(answer: Any) -> str | None:
    """The labels in the order of their scores."""
    if not isinstance(answer, dict) or not {"sequence", "labels", "scores"} <= answer.keys():
        return f"gives {short(answer)} instead of sequence, labels and scores"
    if sorted(answer["labels"]) != sorted(LABELS) or not all(map(_score, answer["scores"])):
        return f"gives {short(answer['labels'])} with {short(answer['scores'])}"
    return None if answer["scores"] == sorted(answer["scores"], reverse=True) else "does not rank its labels"


def numbers(answer: Any) -> str | None:
    """Nested lists of finite numbers that are not all the same."""
    flat = list(_flat(answer))
    if not flat or not all(isinstance(value, float) and math.isfinite(value) for value in flat):
        return f"gives {short(answer)} instead of nested lists of numbers"
    return "gives the same number everywhere" if len(set(flat)) == 1 else None


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def pointed(answer: Any) -> str | None:
    """A span of the context."""
    return _records([answer], score=_score, start=_count, end=_count, answer=_text)


def within_text(answer: Any, asked: Asked) -> str | None:
    """It lies in the text that was given."""
    within = answer["start"] <= answer["end"] <= len(asked.sentence)
    return None if within else "answers with a place outside of the context"


def transcript(answer: Any) -> str | None:
    """What was said."""
    right = isinstance(answer, dict) and _text(answer.get("text"))
    return None if right else f"gives {short(answer)} instead of a text"


def found(answer: Any) -> str | None:
    """Things with their places."""
    return _records(answer, score=_score, label=_text, box=_box)


def segments(answer: Any) -> str | None:
    """Parts of the image, with a mask each."""
    return _records(answer, label=_text, mask=_image)


def _image(value: Any) -> bool:
    return hasattr(value, "size") and hasattr(value, "getpixel")


def depths(answer: Any) -> str | None:
    """How far everything is, in numbers and as an image."""
    import torch

    right = isinstance(answer, dict) and "predicted_depth" in answer and _image(answer.get("depth"))
    if not right:
        return f"gives {short(answer)} instead of predicted_depth and depth"
    depth = torch.as_tensor(answer["predicted_depth"])
    return None if depth.numel() and bool(depth.isfinite().all()) else "gives no depth, or one that is not finite"


def masks(answer: Any) -> str | None:
    """Masks with their scores."""
    if not isinstance(answer, dict) or not {"masks", "scores"} <= answer.keys():
        return f"gives {short(answer)} instead of masks and scores"
    return None if len(answer["masks"]) == len(answer["scores"]) > 0 else "gives no mask"


def matches(answer: Any) -> str | None:
    """Points of two images that belong together."""
    return _records(answer, score=_score, keypoint_image_0=_point, keypoint_image_1=_point)


def _point(value: Any) -> bool:
    return isinstance(value, dict) and {"x", "y"} <= value.keys()


def audio(answer: Any) -> str | None:
    """A sound."""
    import numpy as np

    if not isinstance(answer, dict) or not {"audio", "sampling_rate"} <= answer.keys():
        return f"gives {short(answer)} instead of audio and sampling_rate"
    wave = np.asarray(answer["audio"])
    finite = wave.size and bool(np.isfinite(wave).all())
    if not answer["sampling_rate"]:
        return "does not say how fast its sound is"
    if not finite or answer["sampling_rate"] <= 0:
        return "gives no sound, or one that is not finite"
    whole = wave.size > 1 and np.ptp(wave) > 0 and bool((wave == np.round(wave)).all())
    return UNDECODED if whole else None


def decided(answer: Any) -> str | None:
    """How likely a yes is."""
    right = isinstance(answer, dict) and isinstance(answer.get("sat"), dict) and answer["sat"].get("type") == "noul"
    right = right and _score(answer["sat"].get("noul"))
    return None if right else f"gives {short(answer)} instead of an answer to the question"


def short(value: Any) -> str:
    """The value in a few words."""
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"
