"""The facts of a release, and their JSON form: what its types, heads, arguments and inputs are. How they are read, and
what two releases' facts say of each other, is the other modules' business."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["FORMAT", "Facts", "FactsError", "HeadFacts", "TypeFacts", "from_json", "to_json"]

FORMAT = 1
"""Raised whenever facts are read or written otherwise, since only facts of one format can be compared."""


class FactsError(RuntimeError):
    """Facts cannot be had or compared; the message is the user's sentence."""


@dataclass(frozen=True)
class HeadFacts:
    """A model class of a type."""

    mappings: tuple[str, ...]
    """Mappings that list it for the type, sorted."""
    pipelines: tuple[str, ...]
    """Pipeline tasks that would load it, sorted."""
    inputs: Mapping[str, str | None]
    """Parameter of ``forward`` -> its default as Python writes it; None for one that must be given."""


@dataclass(frozen=True)
class TypeFacts:
    """An entry of ``CONFIG_MAPPING``."""

    state: str
    """One of generator.catalog.row.STATES."""
    of: str | None
    """The architecture whose component or alias it is."""
    family: str
    """One of generator.spec.FAMILIES."""
    config_class: str
    """Public config class."""
    config: Mapping[str, str]
    """Argument of the config -> its default as Python writes it, where it is not that of every config."""
    heads: Mapping[str, HeadFacts]
    """Public model class -> its facts, the primary one first."""


@dataclass(frozen=True)
class Facts:
    """What one release of transformers has."""

    release: str
    """Which one."""
    every: Mapping[str, str]
    """Argument that every config takes -> its default as Python writes it."""
    pipelines: Mapping[str, tuple[str, ...]]
    """Task of the pipeline registry -> mappings that can serve it."""
    types: Mapping[str, TypeFacts] = field(repr=False)
    """model_type -> its facts, sorted."""

    def arguments(self, model_type: str) -> dict[str, str]:
        """All arguments that the config of a type takes, with their defaults."""
        return {**self.every, **self.types[model_type].config}


def to_json(facts: Facts) -> str:
    """The facts as JSON text, a line for each type, so that the difference of two files can be read; equal facts give
    equal text."""
    raw = asdict(facts)
    head = {"format": FORMAT, **{name: raw[name] for name in ("release", "every", "pipelines")}}
    lines = [f'"{name}":{_compact(value)}' for name, value in head.items()]
    types = ",\n".join(f"{_compact(name)}:{_compact(value)}" for name, value in sorted(raw["types"].items()))
    return "{" + ",\n".join(lines) + ',\n"types":{\n' + types + "\n}}\n"


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def from_json(text: str) -> Facts:
    """The facts that ``to_json`` wrote.

    Raises:
        FactsError: the text is not such facts, or those of another format.
    """
    try:
        raw = json.loads(text)
        if raw["format"] != FORMAT:
            raise FactsError(f"facts of format {raw['format']!r} cannot be compared with those of format {FORMAT}")
        types = {name: _type(item) for name, item in raw["types"].items()}
        pipelines = {task: tuple(names) for task, names in raw["pipelines"].items()}
        return Facts(raw["release"], dict(raw["every"]), pipelines, types)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FactsError(f"the text is no facts of a release ({type(error).__name__}: {error})") from error


def _type(raw: Mapping[str, Any]) -> TypeFacts:
    heads = {
        name: HeadFacts(tuple(head["mappings"]), tuple(head["pipelines"]), dict(head["inputs"]))
        for name, head in raw["heads"].items()
    }
    return TypeFacts(raw["state"], raw["of"], raw["family"], raw["config_class"], dict(raw["config"]), heads)
