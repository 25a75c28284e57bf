"""The base class of every skill, and the heads it declares; data about a model stays in the skill."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from harness.inputs import Input

if TYPE_CHECKING:
    from harness.endpoint import Endpoint

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
    """Shape and dtype of each output tensor for those inputs, by dotted name; a size of -1 is free."""
    parameters: int = field(kw_only=True)
    """Count of parameters, shared ones once."""
    batch: int = field(kw_only=True, default=1)
    """Rows in the inputs that can be taken apart; 1 where there is one, or where they are scored against each other."""
    generation: Mapping[str, Any] | None = field(kw_only=True, default=None)
    """Keyword arguments of ``generate()``; None for a head that does not generate. The keys ``method``, ``cache`` and
    ``inputs`` are for the check, which documents them."""
    notes: tuple[str, ...] = field(kw_only=True, default=())
    """Why anything departs from the rule."""
    infinite: tuple[str, ...] = field(kw_only=True, default=())
    """Outputs that may hold negative infinity, such as the logits of padding; a note says why."""
    fixed: tuple[str, ...] = field(kw_only=True, default=())
    """Outputs that need not follow the weights, such as anchors; a note says why."""
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
    steps: tuple[Mapping[str, Any], ...] = field(kw_only=True, default=())
    """What a user does with the inputs where one call is not all: a session made and followed, sound encoded and decoded
    again. ``harness.steps`` says how they are written."""
    made_by: str | None = field(kw_only=True, default=None)
    """The part of the skill's ``processor`` that makes the inputs of its users; None where none of them does."""
    generation_config: Mapping[str, Any] = field(kw_only=True, default_factory=dict)
    """Attributes that the model's generation config must hold, which a real checkpoint brings in its own file."""
    unsettled: str | None = field(kw_only=True, default=None)
    """Why the head could not be built where the skill was written; no check can be put to it, and none passes."""


class Skill:
    """One architecture; subclasses state its facts as class attributes."""

    model_type: ClassVar[str]
    family: ClassVar[str]
    tier: ClassVar[str]
    modalities: ClassVar[tuple[str, ...]]
    checkpoint: ClassVar[str | None]
    requires: ClassVar[tuple[str, ...]]
    transformers: ClassVar[str]
    package: ClassVar[str | None] = None
    """Package whose import registers the classes with transformers' Auto classes (after a colon, the function that does);
    None for transformers' own."""
    of: ClassVar[str | None] = None
    """``model_type`` of the config where its values are a folder's, after which the skill is named; None where it is the
    skill's own."""
    config_class: ClassVar[str]
    config: ClassVar[Mapping[str, Any]]
    heads: ClassVar[tuple[Head, ...]]
    processor: ClassVar[Mapping[str, Mapping[str, Any]] | None] = None
    """What makes inputs of text, images and sound (see ``processing``); None where there is nothing of the kind."""

    @classmethod
    def path(cls) -> Path:
        """The file that states this skill."""
        return Path(str(sys.modules[cls.__module__].__file__)).resolve()

    @classmethod
    def sha256(cls) -> str:
        """Digest of that file's bytes, in hexadecimal: results are evidence while the file is still this."""
        return _digest(cls.path())

    def load(
        self,
        hardware: str = "cpu",
        head: str | None = None,
        checkpoint: str | None = None,
        dtype: str = "fp32",
        *,
        trust_remote_code: bool = False,
    ) -> Endpoint:
        """The architecture as something to call: real inputs in, named outputs out.

        Args:
            hardware: where it is to run.
            head: name of a class; the primary head if None.
            checkpoint: id on the hub or local folder, of which weights (safetensors only), config, and tokenizer or
                processor are taken; without one it is the tiny model with random weights, and the processor that the
                skill declares.
            dtype: fp32, fp16 or bf16, or ``default`` for the precision that the hardware takes by itself (OpenVINO).
            trust_remote_code: whether code that lies beside the weights may run.

        Raises:
            harness.endpoint.EndpointError: with a sentence on what is wrong and what to do.
        """
        from harness.endpoint import load

        return load(type(self), hardware, head, checkpoint, dtype, trust_remote_code=trust_remote_code)

    @classmethod
    def main(cls, arguments: Sequence[str] | None = None) -> int:
        """Run this skill's cells as ``python -m skills.hf_…`` does.

        Returns:
            0 if all passed or failed as expected, 1 if any other failed, 2 for wrong usage, 3 if some could not be run here,
            10 if what is expected is out of date.
        """
        from harness.command import main

        return main(cls, arguments)


@cache
def _digest(path: Path) -> str:
    from hashlib import sha256

    return sha256(path.read_bytes()).hexdigest()
