"""A config's fields before and after shrinking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Fields", "is_list"]


@dataclass(frozen=True)
class Fields:
    """A config's fields before and after shrinking."""

    defaults: Mapping[str, Any]
    """Values of the default config."""
    small: Mapping[str, Any]
    """Arguments of the tiny config; what is not there keeps its default."""

    def get(self, *names: str) -> Any:
        """The tiny config's value of the first of these fields that is set."""
        for name in names:
            value = self.small.get(name, self.defaults.get(name))
            if value is not None:
                return value
        return None

    def has(self, *names: str) -> bool:
        """Whether the config declares all of these fields."""
        return all(name in self.defaults for name in names)


def is_list(value: object) -> bool:
    """Whether a field holds several values."""
    return isinstance(value, (list, tuple))
