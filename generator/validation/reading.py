"""What a skill's text states, as plain data read from its syntax tree; a second witness beside the spec."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from generator.spec import HeadSpec


@dataclass(frozen=True)
class Reading:
    """A skill as its text has it."""

    model_type: str
    """Canonical key of the architecture."""
    class_name: str
    """Class of the skill."""
    template: str
    """Template named in the header, relative to ``templates/skills``."""
    attributes: dict[str, Any]
    """Every class attribute but ``heads``, by name."""
    heads: tuple[HeadSpec, ...]
    """The heads in their order; what a ``Head(...)`` leaves out has its default here."""

    @property
    def config(self) -> dict[str, Any]:
        """Arguments of the config class that all heads share."""
        config: dict[str, Any] = self.attributes["config"]
        return config

    @property
    def config_class(self) -> str:
        """Public config class of transformers."""
        return str(self.attributes["config_class"])
