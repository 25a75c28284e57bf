"""The places of a compiled template where values go in: each applies its context's rule when the template runs.

The lexer writes sites into the compiled module as source, so they are plain data with a ``repr`` that evaluates.
"""

from __future__ import annotations

import reprlib
from dataclasses import dataclass

from generator.rendering import escapes
from generator.rendering.errors import RenderError
from generator.rendering.escapes import Style
from generator.rendering.places import Place

__all__ = ["Place", "Site", "Style"]

_CONTEXTS = {
    "literal": "code",
    "name": "an identifier",
    "names": "a list of identifiers",
    "dotted": "the path of a module",
    "keywords": "keyword arguments",
    "word": "a part of an identifier",
    "comment": "a comment",
    "call": "a call of template text",
}


@dataclass(frozen=True)
class Site:
    """One place, with what its errors must name."""

    where: str
    """The template's file."""
    line: int
    """Line of the first expression."""
    expressions: tuple[str, ...]
    """Source of the expressions, in order."""
    place: Place
    """The rule; ``word`` and ``comment`` join the values with ``pieces``."""
    pieces: tuple[str | None, ...] = ()
    """The template's own text around the values, which are None here."""
    before: str = ""
    """Text of the comment before the first value."""

    def __call__(self, *values: object) -> str:
        """The text that stands for the values.

        Raises:
            RenderError: the context cannot hold them.
        """
        try:
            return self._written(values)
        except escapes.UnholdableError as error:
            raise RenderError(self.where, self.line, self._message(values, str(error))) from None

    def _written(self, values: tuple[object, ...]) -> str:
        rule, style = self.place.rule, self.place.style
        if rule == "literal":
            return escapes.literal(values[0], style, power=self.place.power)
        if rule == "text":
            return escapes.text(values[0], style)
        if rule == "name":
            return escapes.name(values[0])
        if rule == "keywords":
            return escapes.keywords(values[0])
        if rule == "names":
            return escapes.names(values[0])
        if rule == "dotted":
            return escapes.dotted(values[0])
        if rule == "word":
            return escapes.word(self._parts(values))
        if rule == "comment":
            return escapes.comment(self.before, self._parts(values))
        if values[0] != "":
            raise escapes.UnholdableError("template text must be written where it is called, not returned")
        return ""

    def _parts(self, values: tuple[object, ...]) -> list[str | tuple[object]]:
        remaining = iter(values)
        return [piece if piece is not None else (next(remaining),) for piece in self.pieces]

    def _message(self, values: tuple[object, ...], reason: str) -> str:
        sources = ", ".join(f"${{{source}}}" for source in self.expressions)
        shown = ", ".join(_shown(value) for value in values)
        return f"{sources} is {shown}, which {self._context()} cannot hold: {reason}."

    def _context(self) -> str:
        style = self.place.style
        if self.place.rule != "text":
            inside = " in a replacement field" if style.forbidden else ""
            return _CONTEXTS[self.place.rule] + inside
        kind = {"": "a string", "text": "the text of an f-string", "spec": "a format spec"}[style.formatted]
        prefix = ("r" if style.raw else "") + ("b" if style.binary else "") + ("f" if style.formatted else "")
        return f"{kind} ({prefix}{style.quote})"


def _shown(value: object) -> str:
    try:
        return (
            ascii(value) if isinstance(value, str | bytes) and len(value) <= 200 else ascii(reprlib.repr(value))[1:-1]
        )
    except Exception as error:  # noqa: BLE001 - a value that cannot even be shown must not hide the message
        return f"a {type(value).__name__} that cannot be shown ({type(error).__name__})"
