"""What each pipeline is asked, and the form that transformers documents for its answer; it runs none of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.checks import pipeline_samples as samples
from harness.checks.pipeline_samples import Asked

if TYPE_CHECKING:
    from harness.skill import Head

__all__ = ["CASES", "HEARD", "SEEN", "Case"]

ROUNDING = 1e-3
"""By how much a probability may leave its range: fp16's rounding."""

Wrong = Callable[[Any], str | None]


@dataclass(frozen=True)
class Case:
    """A question to a pipeline."""

    parts: tuple[str, ...]
    """What it is built with, beside the model."""
    inputs: Callable[[Asked], tuple[Any, ...]]
    """What it is called with."""
    wrong: Wrong
    """What is wrong with its answer, or None."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of the call."""
    generating: Mapping[str, Any] = field(default_factory=dict)
    """Further ones for a head that generates."""
    either: tuple[str, ...] = ()
    """Further parts, of which it is given those that the skill declares, at least one."""
    libraries: tuple[str, ...] = ()
    """Libraries without which transformers' pipeline refuses to be made, by the names under which they are imported."""
    alone: tuple[str, ...] = ()
    """Starts of the inputs' names that the pipeline never gives: it loads any base model, and one that takes these
    beside is not what it is for."""
    needs: tuple[str, ...] = ()
    """Starts of inputs' names of which the head takes one, or the pipeline is not for it: mappings list the class of a
    text model beside that of one that sees, since they share a family."""
    outputs: tuple[str, ...] = ()
    """Outputs that the pipeline reads, where it loads any base model."""

    def serves(self, head: Head) -> bool:
        """Whether the pipeline is for such a head, by what the head takes and gives."""
        return (
            not any(name.startswith(self.alone) for name in head.inputs if self.alone)
            and (not self.needs or any(name.startswith(self.needs) for name in head.inputs))
            and all(name in head.outputs for name in self.outputs)
        )


def _records(answer: Any, /, **fields: Callable[[Any], bool]) -> str | None:
    """A list of at least one dict, each with exactly these fields of these kinds."""
    if not isinstance(answer, list) or not answer:
        return f"gives {_short(answer)} instead of a list of dicts"
    for item in answer:
        if not isinstance(item, dict):
            return f"gives {_short(item)} instead of a dict"
        for name, holds in fields.items():
            if name not in item:
                return f"gives no {name}"
            if not holds(item[name]):
                return f"gives {_short(item[name])} as {name}"
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


def _generated(answer: Any) -> str | None:
    """A text that goes on from the prompt."""
    if (reason := _records(answer, generated_text=_text)) is not None:
        return reason
    return None if len(answer) == 1 else f"gives {len(answer)} texts for one prompt"


def _continued(answer: Any) -> str | None:
    """The prompt, and the text that goes on from it: of a chat the chat with one message more."""
    if (reason := _records(answer, input_text=_said, generated_text=_said)) is not None:
        return reason
    if len(answer) != 1:
        return f"gives {len(answer)} texts for one prompt"
    text = answer[0]["generated_text"]
    if isinstance(text, str):
        return None
    last = text[-1] if text else {}
    right = isinstance(last, dict) and last.get("role") == "assistant" and _text(last.get("content"))
    return None if right else f"gives {_short(last)} instead of the assistant's message"


def _said(value: Any) -> bool:
    return isinstance(value, (str, list)) or hasattr(value, "messages")


def _span(answer: Any) -> str | None:
    """A span of the page's words."""
    if (reason := _records(answer, score=_score, start=_count, end=_count, answer=_text)) is not None:
        return reason
    words = samples.SENTENCE.split()
    return None if answer[0]["start"] <= answer[0]["end"] < len(words) else "answers with a place outside of the page"


def _replied(answer: Any) -> str | None:
    """Answers with their scores, or one that is written."""
    scored = isinstance(answer, list) and bool(answer) and isinstance(answer[0], dict) and "score" in answer[0]
    return _ranked(answer, answer=_text) if scored else _records(answer, answer=_text)


def _labelled(answer: Any) -> str | None:
    return _ranked(answer, label=_text)


def _filled(answer: Any) -> str | None:
    return _ranked(answer, token=_count, token_str=_text, sequence=_text)


def _entities(answer: Any) -> str | None:
    # Words that are labelled O are left out, so that an empty list is an answer too.
    if answer == []:
        return None
    return _records(answer, entity=_text, index=_count, word=_text, score=lambda value: _score(float(value)))


def _ordered(answer: Any) -> str | None:
    """The labels in the order of their scores."""
    if not isinstance(answer, dict) or not {"sequence", "labels", "scores"} <= answer.keys():
        return f"gives {_short(answer)} instead of sequence, labels and scores"
    if sorted(answer["labels"]) != sorted(samples.LABELS) or not all(map(_score, answer["scores"])):
        return f"gives {_short(answer['labels'])} with {_short(answer['scores'])}"
    return None if answer["scores"] == sorted(answer["scores"], reverse=True) else "does not rank its labels"


def _numbers(answer: Any) -> str | None:
    """Nested lists of finite numbers that are not all the same."""
    flat = list(_flat(answer))
    if not flat or not all(isinstance(value, float) and math.isfinite(value) for value in flat):
        return f"gives {_short(answer)} instead of nested lists of numbers"
    return "gives the same number everywhere" if len(set(flat)) == 1 else None


def _flat(value: Any) -> Any:
    if isinstance(value, list):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _answer(answer: Any) -> str | None:
    """A span of the context."""
    if (reason := _records([answer], score=_score, start=_count, end=_count, answer=_text)) is not None:
        return reason
    within = answer["start"] <= answer["end"] <= len(samples.SENTENCE)
    return None if within else "answers with a place outside of the context"


def _transcript(answer: Any) -> str | None:
    right = isinstance(answer, dict) and _text(answer.get("text"))
    return None if right else f"gives {_short(answer)} instead of a text"


def _found(answer: Any) -> str | None:
    # Random weights may find nothing above the threshold; what is found has a place.
    return None if answer == [] else _records(answer, score=_score, label=_text, box=_box)


def _segments(answer: Any) -> str | None:
    return None if answer == [] else _records(answer, label=_text, mask=_image)


def _image(value: Any) -> bool:
    return hasattr(value, "size") and hasattr(value, "getpixel")


def _depths(answer: Any) -> str | None:
    right = isinstance(answer, dict) and "predicted_depth" in answer and _image(answer.get("depth"))
    return None if right else f"gives {_short(answer)} instead of predicted_depth and depth"


def _masks(answer: Any) -> str | None:
    right = isinstance(answer, dict) and {"masks", "scores"} <= answer.keys()
    return None if right else f"gives {_short(answer)} instead of masks and scores"


def _matches(answer: Any) -> str | None:
    return None if answer == [] else _records(answer, score=_score, keypoint_image_0=_point, keypoint_image_1=_point)


def _point(value: Any) -> bool:
    return isinstance(value, dict) and {"x", "y"} <= value.keys()


def _audio(answer: Any) -> str | None:
    import numpy as np

    if not isinstance(answer, dict) or not {"audio", "sampling_rate"} <= answer.keys():
        return f"gives {_short(answer)} instead of audio and sampling_rate"
    waves = np.asarray(answer["audio"])
    finite = waves.size and bool(np.isfinite(waves).all())
    return None if finite and answer["sampling_rate"] > 0 else "gives no sound, or one that is not finite"


def _decided(answer: Any) -> str | None:
    right = isinstance(answer, dict) and isinstance(answer.get("sat"), dict) and answer["sat"].get("type") == "noul"
    return None if right else f"gives {_short(answer)} instead of an answer to the question"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"


def _choices(what: Any, answer: Wrong, parts: Sequence[str], outputs: tuple[str, ...] = ()) -> Case:
    return Case(tuple(parts), what, answer, {"candidate_labels": list(samples.LABELS)}, outputs=outputs)


_NEW = {"max_new_tokens": 4, "do_sample": False}
SEEN = ("pixel_values", "flattened_patches", "image", "visual", "video")
"""Starts of the names of inputs that are seen."""
HEARD = ("input_features", "input_values", "audio")
"""Starts of the names of inputs that are heard."""
_UNSPOKEN = (*SEEN, "decoder_", "input_features", "input_values")

CASES: Mapping[str, Case] = {
    "text-generation": Case(("tokenizer",), samples.sentence, _generated, _NEW),
    "text-classification": Case(("tokenizer",), samples.sentence, _labelled, {"top_k": None}),
    "fill-mask": Case(("tokenizer",), samples.masked, _filled),
    "question-answering": Case(("tokenizer",), samples.answered, _answer, alone=SEEN),
    "text2text-generation": Case(("tokenizer",), samples.sentence, _generated, _NEW),
    "summarization": Case(("tokenizer",), samples.sentence, lambda answer: _records(answer, summary_text=_text), _NEW),
    "translation": Case(
        ("tokenizer",), samples.sentence, lambda answer: _records(answer, translation_text=_text), _NEW
    ),
    "token-classification": Case(("tokenizer",), samples.sentence, _entities),
    "zero-shot-classification": _choices(samples.sentence, _ordered, ("tokenizer",)),
    "feature-extraction": Case(("tokenizer",), samples.sentence, _numbers, alone=_UNSPOKEN, needs=("input_ids",)),
    "image-classification": Case(("image_processor",), samples.shown, _labelled),
    "image-feature-extraction": Case(("image_processor",), samples.shown, _numbers, alone=("input_ids", "decoder_")),
    "object-detection": Case(("image_processor",), samples.shown, _found, {"threshold": 0.0}),
    "image-segmentation": Case(("image_processor",), samples.shown, _segments),
    "depth-estimation": Case(("image_processor",), samples.shown, _depths),
    "mask-generation": Case(("image_processor",), samples.shown, _masks),
    "keypoint-matching": Case(("image_processor",), samples.turned, _matches, {"threshold": 0.0}),
    "zero-shot-image-classification": _choices(samples.shown, _labelled, ("tokenizer", "image_processor")),
    "zero-shot-object-detection": _choices(samples.shown, _found, ("tokenizer", "image_processor")),
    "audio-classification": Case(("feature_extractor",), samples.heard, _labelled),
    "automatic-speech-recognition": Case(
        ("tokenizer", "feature_extractor"), samples.heard, _transcript, generating={"generate_kwargs": _NEW}
    ),
    "zero-shot-audio-classification": _choices(
        samples.tone, _labelled, ("tokenizer", "feature_extractor"), ("logits_per_audio",)
    ),
    "video-classification": Case(
        (), samples.clip, _labelled, either=("video_processor", "image_processor"), libraries=("av",)
    ),
    "document-question-answering": Case(("tokenizer",), samples.document, _span),
    "image-text-to-text": Case(("processor",), samples.chat, _continued, _NEW, needs=SEEN),
    "any-to-any": Case(("processor",), samples.chatted, _continued, _NEW, needs=(*SEEN, *HEARD)),
    "decision": Case(("tokenizer",), samples.decided, _decided),
    # Those that 5.0 took away. A head that reads a text beside the image is asked image-text-to-text instead.
    "image-to-text": Case(
        ("tokenizer", "image_processor"), samples.shown, _generated, {"max_new_tokens": 4}, alone=("input_ids",)
    ),
    "visual-question-answering": Case(("tokenizer", "image_processor"), samples.questioned, _replied),
    "image-to-image": Case(
        ("image_processor",), samples.shown, lambda answer: None if _image(answer) else f"gives {_short(answer)}"
    ),
    "text-to-audio": Case(("tokenizer",), samples.sentence, _audio),
}
"""Every pipeline that can be asked with the parts that skills declare, by its task."""
