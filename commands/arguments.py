"""What invoke's own options cannot say: an option that takes two words."""

from __future__ import annotations

from typing import Any

from invoke import Argument, Task

__all__ = ["Pair", "Pairing"]


class Pair(Argument):
    """An option of two words, ``--diff A B``, or of one that holds both, ``--diff A..B``; its value is a tuple of words.

    Where words are missing the tuple is shorter, and never empty: what that means, the command says best.
    """

    @classmethod
    def of(cls, plain: Argument) -> Pair:
        """The same option as one of two words."""
        # Optional, as invoke has it, is an option that may end before it has all that it could take.
        return cls(names=plain.names, default=(), help=plain.help, optional=True, attr_name=plain.attr_name)

    def set_value(self, value: Any, cast: bool = True) -> None:
        """Take a word. While ``raw_value`` is None the parser hands over the next one."""
        if not isinstance(value, str):  # invoke's mark for an option that ended early
            self._value = self._value or ("",)
            return
        self._value = (*(self._value or ()), *value.split(".."))
        self.raw_value = value if len(self._value) > 1 else None


class Pairing(Task[Any]):
    """A task whose parameters with a tuple as default are options of two words."""

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """As invoke has them, but for those options."""
        plain = super().get_arguments(ignore_unknown_help)
        return [Pair.of(item) if item.kind is tuple else item for item in plain]
