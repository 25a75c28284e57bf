"""What each pipeline is asked, by its task, and which heads it is for; it runs none of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.checks import pipeline_forms as forms
from harness.checks import pipeline_samples as samples
from harness.checks import pipeline_tells as tells
from harness.checks.pipeline_samples import Asked

if TYPE_CHECKING:
    from harness.skill import Head

__all__ = ["CASES", "HEARD", "SEEN", "Case"]


_CLIP_AXES = 5
"""Axes of images that come several to a row: rows, images, channels, height and width."""


@dataclass(frozen=True)
class Case:
    """A question to a pipeline."""

    parts: tuple[str, ...]
    """What it is built with, beside the model."""
    inputs: Callable[[Asked], tuple[Any, ...]]
    """What it is called with."""
    wrong: Callable[[Any], str | None]
    """What is wrong with its answer, or None."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of the call, among them thresholds that leave nothing out, so that there is an answer."""
    generating: Mapping[str, Any] = field(default_factory=dict)
    """Further ones for a head that generates."""
    making: Mapping[str, Any] = field(default_factory=dict)
    """What the pipeline is made with for a head that generates, where its calls take nothing of the kind."""
    misplaced: Callable[[Any, Asked], str | None] | None = None
    """What is wrong with the place in the question that its answer points at, or None."""
    tells: Callable[[Any, Asked], Any] = tells.numbers
    """What in its answer follows the question: all numbers, or what is written and was not in the question."""
    either: tuple[str, ...] = ()
    """Further parts, of which it is given those that the skill declares, at least one."""
    libraries: tuple[str, ...] = ()
    """Libraries without which transformers' pipeline refuses to be made, by the names under which they are imported."""
    alone: tuple[str, ...] = ()
    """Starts of the inputs' names that the pipeline never gives: mappings list heads that take these beside, and base
    models of any kind, for which it is not."""
    needs: tuple[str, ...] = ()
    """Starts of inputs' names of which the head takes one, or the pipeline is not for it: mappings list the class of a
    text model beside that of one that sees, since they share a family."""
    outputs: tuple[str, ...] = ()
    """Outputs that the pipeline reads, where it loads any base model."""
    first: bool = False
    """Whether it answers with the first output, whatever that is; one that is a list of tensors it cannot read."""

    def outputs_fixed(self, head: Head) -> bool:
        """Whether it answers with an output that follows no input, such as the anchors of a detector."""
        return self.first and next(iter(head.outputs), "") in head.fixed

    def serves(self, head: Head) -> bool:
        """Whether the pipeline is for such a head, by what the head takes and gives."""
        return (
            not any(name.startswith(self.alone) for name in head.inputs if self.alone)
            and (not self.needs or any(name.startswith(self.needs) for name in head.inputs))
            and all(name in head.outputs for name in self.outputs)
            and not (self.first and ("." in next(iter(head.outputs), "") or _several(head)))
            and not (self.first and head.method != "forward")  # Bark has no forward whose outputs these could be
        )


def _several(head: Head) -> bool:
    """Whether each row is of several images, a pair or the frames of a clip, which no pipeline of one image hands over."""
    shape = head.inputs["pixel_values"].shape if "pixel_values" in head.inputs else ()
    return len(shape) == _CLIP_AXES and shape[1] > 1


SEEN = ("pixel_values", "flattened_patches", "image", "visual", "video")
"""Starts of the names of inputs that are seen."""
HEARD = ("input_features", "input_values", "audio")
"""Starts of the names of inputs that are heard."""
_PLACED = ("bbox",)
"""Places of words on a page, which no pipeline of texts gives: tokenizers of such heads take words with places only."""
_UNSPOKEN = (*SEEN, *_PLACED, "decoder_", "input_features", "input_values")
_NEW = {"max_new_tokens": 4, "min_new_tokens": 4, "do_sample": False}
"""A few words: tiny models often end at once, as they repeat the token that ended the prompt."""
_WRITTEN = {"generate_kwargs": _NEW}
"""The same for pipelines that hand what they do not know to a processor."""
_EVERYTHING = {"threshold": 0.0}
_EVERY_SEGMENT = {"threshold": 0.0, "mask_threshold": 0.0, "overlap_mask_area_threshold": 0.0}
_EVERY_MASK = {"pred_iou_thresh": 0.0, "stability_score_thresh": 0.0}
_TEXT = ("tokenizer",)
_IMAGE = ("image_processor",)
_BOTH = ("tokenizer", "image_processor")


def _written(field: str) -> Case:
    return Case(_TEXT, samples.sentence, forms.worded(field), _NEW, tells=tells.words, alone=_PLACED)


def _choices(what: Any, wrong: Any, parts: Sequence[str], threshold: float | None = None) -> Case:
    options = {"candidate_labels": list(samples.LABELS)} | ({} if threshold is None else {"threshold": threshold})
    return Case(tuple(parts), what, wrong, options)


CASES: Mapping[str, Case] = {
    "text-generation": _written("generated_text"),
    "text-classification": Case(_TEXT, samples.sentence, forms.labelled, {"top_k": None}, alone=_PLACED),
    "fill-mask": Case(_TEXT, samples.masked, forms.filled, alone=_PLACED),
    "question-answering": Case(
        _TEXT, samples.answered, forms.pointed, misplaced=forms.within_text, alone=(*SEEN, *_PLACED)
    ),
    "table-question-answering": Case(
        _TEXT,
        samples.tabled,
        forms.celled,
        misplaced=forms.within_table,
        tells=tells.replies,
        libraries=("pandas",),
    ),
    "text2text-generation": _written("generated_text"),
    "summarization": _written("summary_text"),
    "translation": _written("translation_text"),
    "token-classification": Case(_TEXT, samples.sentence, forms.entities, {"ignore_labels": []}, alone=_PLACED),
    # The usual hypothesis is as long as the text, which a tiny model's window would then have left behind.
    "zero-shot-classification": Case(
        _TEXT,
        samples.sentence,
        forms.ordered,
        {"candidate_labels": list(samples.LABELS), "hypothesis_template": "{}"},
        alone=_PLACED,
    ),
    "feature-extraction": Case(
        _TEXT, samples.sentence, forms.numbers, alone=_UNSPOKEN, needs=("input_ids",), first=True
    ),
    "image-classification": Case(_IMAGE, samples.shown, forms.labelled, alone=("input_ids",)),
    "image-feature-extraction": Case(
        _IMAGE,
        samples.shown,
        forms.numbers,
        alone=("input_ids", "decoder_", "prompt_", "classes_", "task_"),
        first=True,
    ),
    "object-detection": Case(_IMAGE, samples.shown, forms.found, _EVERYTHING),
    "image-segmentation": Case(_IMAGE, samples.shown, forms.segments, _EVERY_SEGMENT),
    "depth-estimation": Case(_IMAGE, samples.shown, forms.depths),
    "mask-generation": Case(_IMAGE, samples.shown, forms.masks, _EVERY_MASK, libraries=("torchvision",)),
    "keypoint-matching": Case(_IMAGE, samples.twice, forms.matches, _EVERYTHING),
    # A mapping lists VideoPrism's too, which takes videos in the place of images.
    "zero-shot-image-classification": replace(
        _choices(samples.shown, forms.labelled, _BOTH), alone=("pixel_values_videos",)
    ),
    # OmDet-Turbo takes its classes and its task by other names, which this pipeline does not give.
    "zero-shot-object-detection": replace(
        _choices(samples.shown, forms.found, _BOTH, threshold=0.0), needs=("input_ids",)
    ),
    "audio-classification": Case(("feature_extractor",), samples.heard, forms.labelled),
    "automatic-speech-recognition": Case(
        ("tokenizer", "feature_extractor"),
        samples.heard,
        forms.transcript,
        generating=_WRITTEN,
        tells=tells.words,
        # It hands over sound alone; what reads a prompt beside it, or speaks one (Dia), is only listed for it.
        alone=("input_ids",),
    ),
    "zero-shot-audio-classification": replace(
        _choices(samples.tone, forms.labelled, ("tokenizer", "feature_extractor")), outputs=("logits_per_audio",)
    ),
    "video-classification": Case(
        (), samples.clip, forms.labelled, either=("video_processor", "image_processor"), libraries=("av",)
    ),
    "document-question-answering": Case(
        _TEXT, samples.document, forms.spanned, {"max_seq_len": 48}, misplaced=forms.within_page
    ),
    "image-text-to-text": Case(("processor",), samples.chat, forms.continued, _WRITTEN, tells=tells.words, needs=SEEN),
    "any-to-any": Case(
        ("processor",), samples.chatted, forms.continued, _WRITTEN, tells=tells.words, needs=(*SEEN, *HEARD)
    ),
    # It reads the scores of the next token at places of the text, which an encoder does not give.
    "decision": Case(_TEXT, samples.decided, forms.decided, alone=("decoder_input_ids",)),
    # Those that 5.0 took away. A head that reads a text beside the image is asked image-text-to-text instead.
    "image-to-text": Case(
        _BOTH,
        samples.shown,
        forms.worded("generated_text"),
        _WRITTEN,
        tells=tells.words,
        alone=("input_ids",),
    ),
    "visual-question-answering": Case(_BOTH, samples.questioned, forms.replied, making=_NEW, tells=tells.replies),
    "image-to-image": Case(_IMAGE, samples.shown, forms.pictured),
    "text-to-audio": Case(_TEXT, samples.spoken, forms.audio),
}
"""Every pipeline that can be asked with the parts that skills declare, by its task."""
