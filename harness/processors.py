"""Tokenizers, image processors and the like as a skill declares them (see ``processing``), of the classes that the
skill's package gives, and with the harness's own way to build a model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from harness import weights
from processing import parts

if TYPE_CHECKING:
    from harness.skill import Skill

__all__ = ["build"]


def build(skill: type[Skill], names: Iterable[str] | None = None) -> dict[str, Any]:
    """The named parts that the skill declares, or all of them; those whose library is not here are left out.

    Raises:
        harness.weights.UnknownClassError: the installed transformers has no such class.
        ImportError: a class asks for a library when it is made.
    """

    def public(name: str) -> Any:
        return weights.public_class(name, skill.package)

    def model(name: str, config: Any) -> Any:
        import torch

        torch.manual_seed(0)
        return weights.instantiate(public(name), config).eval()

    declared = skill.processor or {}
    return parts.build(declared, declared if names is None else names, public, model)
