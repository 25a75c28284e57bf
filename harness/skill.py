"""The base class of every skill, and the heads it declares; data about a model stays in the skill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from harness.inputs import Input

__all__ = ["Head", "Skill"]


@dataclass(frozen=True)
class Head:
    """A model class of the architecture: what it takes, gives and generates."""

    class_name: str
    """Public class of transformers, resolved when a check runs."""
    mappings: tuple[str, ...] = field(kw_only=True)
    """transformers mappings that hold it."""
    pipelines: tuple[str, ...] = field(kw_only=True, default=())
    """Tasks of transformers' pipeline registry that would load it."""
    primary: bool = field(kw_only=True, default=False)
    """The one head that stands for the architecture."""
    config: Mapping[str, Any] = field(kw_only=True, default_factory=dict)
    """Config arguments of this head, on top of the skill's."""
    inputs: Mapping[str, Input] = field(kw_only=True)
    """Arguments of ``forward``."""
    outputs: Mapping[str, tuple[tuple[int, ...], str]] = field(kw_only=True)
    """Shape and dtype of each output tensor for those inputs, by dotted name."""
    parameters: int = field(kw_only=True)
    """Count of parameters, shared ones once."""
    batch: int = field(kw_only=True, default=1)
    """Rows in the inputs."""
    generation: Mapping[str, Any] | None = field(kw_only=True, default=None)
    """Keyword arguments of ``generate()``; None for a head that does not generate."""
    notes: tuple[str, ...] = field(kw_only=True, default=())
    """Why anything above departs from the rule."""
    config_class: str | None = field(kw_only=True, default=None)
    """Public config class of the head where it is not the skill's."""
    part: str | None = field(kw_only=True, default=None)
    """Argument of the skill's config whose nested config the head is built from: MusicgenForCausalLM, of "decoder"."""
    within: str | None = field(kw_only=True, default=None)
    """Argument of ``config_class`` that takes the skill's config whole: JevForDecision, in "text_config"."""
    method: str = field(kw_only=True, default="forward")
    """What a user of the head calls with the inputs."""
    arguments: Mapping[str, Any] = field(kw_only=True, default_factory=dict)
    """Further keyword arguments of that call."""
    generation_config: Mapping[str, Any] = field(kw_only=True, default_factory=dict)
    """Attributes that the model's generation config must hold, which a real checkpoint brings in its own file."""


class Skill:
    """One architecture; subclasses state its facts as class attributes."""

    model_type: ClassVar[str]
    family: ClassVar[str]
    tier: ClassVar[str]
    modalities: ClassVar[tuple[str, ...]]
    checkpoint: ClassVar[str | None]
    requires: ClassVar[tuple[str, ...]]
    transformers: ClassVar[str]
    config_class: ClassVar[str]
    config: ClassVar[Mapping[str, Any]]
    heads: ClassVar[tuple[Head, ...]]
