"""What makes a model's inputs of text, images and sound, as plain data: transformers' own classes, by its own mappings,
with the arguments that fit the tiny config. Nothing is downloaded; what no class can be built for is left out."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from generator import configuration, plugins
from generator.processors import building, makers, media, tokenizer, trial, whole

if TYPE_CHECKING:
    from generator.catalog import Row
    from generator.spec import HeadSpec

__all__ = ["declare", "made", "served"]

made = makers.made

_CONTINUED = ("any-to-any", "image-text-to-text")
"""Pipelines that go on with a text: they read the ids that the processor makes of it, by one of two names."""
_IDS = ("input_ids", "decoder_input_ids")
_TABLES = ("table-question-answering",)
"""Pipelines that give a tokenizer a table."""


def declare(row: Row, arguments: Mapping[str, Any], heads: tuple[HeadSpec, ...]) -> dict[str, Any] | None:
    """The parts by the names of the pipelines' arguments (see ``processing``), or None for an architecture that no
    pipeline loads; what needs a library that is not installed has ``requires`` alone.

    Args:
        row: the architecture.
        arguments: those of its tiny config.
        heads: its heads with their inputs, which say how large an image is.
    """
    # Without its library the architecture has no tiny config yet that anything could be fitted to.
    if not any(head.pipelines and head.unsettled is None for head in heads):
        return None
    config = configuration.make(plugins.public_class(row.config_class), arguments)
    names = {item.name for head in heads for item in head.inputs}
    parts = {
        "tokenizer": tokenizer.declare(
            row.config_type,
            config,
            spoken="input_values" in names,
            fed=tokenizer.fed(heads),
            closes=tokenizer.closes(heads),
        ),
        **media.declare(row.config_type, config, heads),
    }
    declared = {name: part for name, part in parts.items() if part is not None}
    return whole.declare(whole.Subject(row.config_type, row.config_class, arguments, config, heads), declared)


def served(heads: tuple[HeadSpec, ...], parts: Mapping[str, Any] | None) -> tuple[HeadSpec, ...]:
    """The heads, without the pipelines that go on with a text where the processor makes no ids of one beside an image:
    transformers' mappings list heads for them whose processor overlooks the text (PP-FormulaNet's).

    Nothing is said of heads that take a text's ids, whose processor is tried with the model.
    """
    heads = _tabled(heads, parts or {})
    if parts is None or "parts" not in parts.get("processor", {}):
        return heads
    reason = ", ".join(_CONTINUED) + ": the processor makes no ids of the text, which the pipeline goes on with"

    def kept(head: HeadSpec) -> HeadSpec:
        if "input_ids" in {item.name for item in head.inputs} or not {*head.pipelines} & {*_CONTINUED} or reads():
            return head
        pipelines = tuple(task for task in head.pipelines if task not in _CONTINUED)
        return dataclasses.replace(head, pipelines=pipelines, notes=(*head.notes, reason))

    @functools.cache
    def reads() -> bool:
        processor = building.build(parts)["processor"]
        text = parts["processor"].get("prompt", "") + trial.TEXT
        try:
            made = processor(
                images=trial.picture(), text=text, return_tensors="pt", **parts["processor"].get("call", {})
            )
        except Exception:  # noqa: BLE001  # a processor that does not run is for the pipelines to tell
            return True
        return any(name in made for name in _IDS)

    return tuple(map(kept, heads))


def _tabled(heads: tuple[HeadSpec, ...], parts: Mapping[str, Any]) -> tuple[HeadSpec, ...]:
    """The heads, without the pipelines that hand over a text alone where the tokenizer takes a table beside it."""
    from transformers.pipelines import SUPPORTED_TASKS

    declared = parts.get("tokenizer", {})
    if "file" not in declared or not tokenizer.tabular(building.public(declared["class_name"])):
        return heads

    def kept(head: HeadSpec) -> HeadSpec:
        texts = [task for task in head.pipelines if SUPPORTED_TASKS[task]["type"] == "text" and task not in _TABLES]
        if not texts:
            return head
        reason = f"{', '.join(texts)}: gives a text alone, and the tokenizer takes a table"
        pipelines = tuple(task for task in head.pipelines if task not in texts)
        return dataclasses.replace(head, pipelines=pipelines, notes=(*head.notes, reason))

    return tuple(map(kept, heads))
