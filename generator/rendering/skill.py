"""A SkillSpec's text: the values that the templates see, and nothing of how they are laid out."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from generator.rendering.environment import render_template, sources
from generator.spec import HeadSpec, SkillSpec

__all__ = ["render", "template_sources"]

_FIRST = {"shape": 0, "low": 1, "high": 2}


def render(spec: SkillSpec) -> str:
    """The text of a skill: valid Python, before ruff and black.

    Equal specs give equal text, as does a spec that was kept as JSON: dicts are sorted by their keys, as JSON has them; sequences are tuples where a skill states them, and lists where
    transformers takes them.

    Raises:
        RenderError: a value that the place where the template puts it cannot hold.
        ContextError, TemplateError: the template itself is wrong.
    """
    stated = _settled(spec)
    return render_template(
        spec.template,
        spec=stated,
        kinds=sorted({item.kind for head in stated.heads for item in head.inputs}),
        takes=_listed(stated.modalities),
    )


def template_sources(spec: SkillSpec) -> bytes:
    """The bytes of the spec's template and of all templates that it uses, for digests.

    Raises:
        TemplateError: a template is missing.
    """
    return sources(spec.template)


def _settled(spec: SkillSpec) -> SkillSpec:
    """The spec with every sequence of the kind in which it is to be written."""
    return replace(
        spec,
        config=_thawed(spec.config),
        facts=_frozen(spec.facts),
        heads=tuple(map(_head, spec.heads)),
        processor=_thawed(spec.processor),
    )


def _head(head: HeadSpec) -> HeadSpec:
    return replace(
        head,
        config=_thawed(head.config),
        inputs=tuple(replace(item, arguments=_arguments(item.arguments)) for item in head.inputs),
        outputs=tuple(replace(output, shape=tuple(output.shape)) for output in head.outputs),
        generation=_thawed(head.generation),
        arguments=_thawed(head.arguments),
        steps=tuple(_thawed(step) for step in head.steps),
        generation_config=_thawed(head.generation_config),
    )


def _arguments(values: dict[str, Any]) -> dict[str, Any]:
    """The arguments of an input, those first by which a reader knows it."""
    frozen = _frozen(values)
    return {name: frozen[name] for name in sorted(frozen, key=lambda name: (_FIRST.get(name, len(_FIRST)), name))}


def _listed(words: tuple[str, ...]) -> str:
    """``image, text and video``; an architecture without any takes what its heads declare."""
    if not words:
        return "tensors"
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def _frozen(value: Any) -> Any:
    """The value with tuples for lists, at every level."""
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in _sorted(value)}
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value


def _thawed(value: Any) -> Any:
    """The value with lists for tuples, at every level: what JSON and transformers' configs hold."""
    if isinstance(value, dict):
        return {key: _thawed(item) for key, item in _sorted(value)}
    return [_thawed(item) for item in value] if isinstance(value, list | tuple) else value


def _sorted(value: dict[Any, Any]) -> list[tuple[str, Any]]:
    return sorted(
        ((key if isinstance(key, str) else json.dumps(key), item) for key, item in value.items()),
        key=lambda pair: pair[0],
    )
