"""Which pipelines can serve a head: one that hands over a text alone serves none that does not run without more or takes
ids of another kind, one that says which logits it wants serves none that does not listen, and one that answers with the
first output none whose first is made of nothing that it is shown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

from generator.plugins import public_class
from generator.spec import InputSpec
from generator.tiny import hearing, probe
from generator.tiny import inputs as declaring
from generator.tiny.feeding import REFUSALS

__all__ = ["served", "untold"]

_SPOKEN = ("input_ids", "attention_mask", "token_type_ids")
"""What a tokenizer gives."""

_TEXT_AXES = 2
"""Axes of a tokenizer's ids: texts and tokens."""
_HANDED: Mapping[str, tuple[str, str]] = {"decision": ("logits_to_keep", "decide")}
"""What a pipeline hands to ``forward`` and reads the answer by, and the method of models that it asks otherwise. Where the
name is lost among ``forward``'s further keywords, it reads the logits of other places without a word."""

_FEATURES = "image-feature-extraction"
"""The pipeline that answers with the first output of a head that sees."""


def served(model: Any, tasks: Sequence[str], inputs: Sequence[InputSpec]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The pipelines that can serve a head, and why one that would load it cannot.

    Of heads that see or hear, or write with a decoder, no more is said than whether they write at all: which pipelines are
    for them, the names of their inputs say.

    Args:
        model: the head.
        tasks: pipelines that would load it.
        inputs: what ``forward`` is fed.
    """
    from transformers.pipelines import SUPPORTED_TASKS

    tasks, notes = _heeded(model, tasks)
    tasks, silent = _written(model, tasks)
    tasks, unseen = _seen(model, tasks, inputs)
    notes = (*notes, *silent, *unseen)
    texts = [task for task in tasks if task == "feature-extraction" or SUPPORTED_TASKS[task]["type"] == "text"]
    # Of base models it is for their inputs' names to say.
    read = [task for task in texts if task != "feature-extraction"]
    if read and not {"input_ids", "kwargs"} & inspect.signature(model.forward).parameters.keys():
        tasks = tuple(task for task in tasks if task not in read)
        notes, texts = (*notes, f"{', '.join(read)}: forward takes no ids of a text"), []
    if texts and (reason := _no_text(inputs)) is not None:
        return tuple(task for task in tasks if task not in texts), (*notes, f"{', '.join(texts)}: {reason}")
    more = [item.name for item in inputs if item.name not in _SPOKEN]
    if not texts or not more or declaring.carried(inputs) or any(name.startswith("decoder_") for name in more):
        return tasks, notes
    spoken = {name: value for name, value in probe.tensors(inputs).items() if name in _SPOKEN}
    if spoken:
        try:
            probe.forward(model, spoken)
            return tasks, notes
        except REFUSALS:
            pass  # that is the answer
    reason = f"{', '.join(texts)}: gives no {' and no '.join(more)}, without which the head does not run"
    return tuple(task for task in tasks if task not in texts), (*notes, reason)


def untold(tasks: Sequence[str], done: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The pipelines of a head of which more is asked than one call, and why they are none where a step tells the model what
    only a checkpoint's own file makes known."""
    if not tasks or not any(str(step["call"]).startswith("$model.") for step in done):
        return tuple(tasks), ()
    why = "the model knows only by a checkpoint's own file what a step tells it here, and a pipeline takes no steps"
    return (), (f"{', '.join(tasks)}: {why}",)


def _no_text(inputs: Sequence[InputSpec]) -> str | None:
    """Why ids that are called a text's are none: a tokenizer gives a row of them for each text, and one for each token."""
    shapes = {item.name: item.arguments.get("shape", ()) for item in inputs}
    ids, mask = shapes.get("input_ids", ()), shapes.get("attention_mask", ())
    # A multiple-choice head has a text for each answer, and a mask of the same axes.
    if ids and mask and len(mask) == _TEXT_AXES and (len(ids) != _TEXT_AXES or ids[0] != mask[0]):
        return "gives a row of ids for each text, of which the head takes several"
    return None


def _heeded(model: Any, tasks: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The pipelines to which ``forward`` listens, and why the others are none."""
    taken = inspect.signature(model.forward).parameters
    deaf = {
        task: name
        for task, (name, method) in _HANDED.items()
        if task in tasks and name not in taken and not hasattr(model, method)
    }
    notes = tuple(f"{task}: forward takes no {name}, by which the answer is read" for task, name in deaf.items())
    return tuple(task for task in tasks if task not in deaf), notes


def _written(model: Any, tasks: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The pipelines without those that write, of a head that does not, and why."""
    writing = [task for task in tasks if _only_generates(task)]
    mute = writing if writing and hasattr(model, "can_generate") and not model.can_generate() else []
    notes = (f"{', '.join(mute)}: answers with generate(), which the head does not have",) if mute else ()
    return tuple(task for task in tasks if task not in mute), notes


def _seen(model: Any, tasks: Sequence[str], inputs: Sequence[InputSpec]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The pipelines whose answer follows an image, and why the one for the features of images is none."""
    if _FEATURES not in tasks or [item.name for item in inputs] != ["pixel_values"]:
        return tuple(tasks), ()
    first = next(iter(probe.forward(model, probe.tensors(inputs))), "")
    if first not in hearing.learned(model, inputs):
        return tuple(tasks), ()
    reason = f"{_FEATURES}: answers with {first}, which is made of the weights alone, whatever the image"
    return tuple(task for task in tasks if task != _FEATURES), (reason,)


def _only_generates(task: str) -> bool:
    """Whether a pipeline has no other way to its answer than ``generate()``, by its code."""
    pipeline = _made(task)
    code = inspect.getsource(pipeline._forward)  # noqa: SLF001, it is what every pipeline defines
    called = (vars(pipeline).get(name) for name in re.findall(r"self\.(\w+)\(", code))
    code += "".join(inspect.getsource(method) for method in called if inspect.isfunction(method))
    return "self.model.generate(" in code and "self.model(" not in code


def _made(task: str) -> Any:
    """The class of a pipeline."""
    from transformers.pipelines import SUPPORTED_TASKS

    made = SUPPORTED_TASKS[task]["impl"]  # a class, or the path to one, by the release
    return public_class(made.rpartition(".")[2]) if isinstance(made, str) else made
