"""What can go wrong between a template and a skill's text; messages name template, line, expression and value."""

from __future__ import annotations

__all__ = ["ContextError", "RenderError", "TemplateError"]


class TemplateError(ValueError):
    """A template that cannot be used or a value that it cannot take; the message is for people."""


class ContextError(TemplateError):
    """A template whose expressions have no single, safe lexical context; raised when it is compiled."""

    def __init__(self, where: str, line: int, what: str) -> None:
        super().__init__(f"{where}:{line}: {what}")
        self.where = where
        self.line = line
        self.what = what

    def __reduce__(self) -> tuple[type[ContextError], tuple[str, int, str]]:
        return type(self), (self.where, self.line, self.what)


class RenderError(TemplateError):
    """A value that its context cannot hold, or an expression that fails; raised when a skill is rendered."""

    def __init__(self, where: str, line: int, what: str) -> None:
        super().__init__(f"{where}:{line}: {what}")
        self.where = where
        self.line = line
        self.what = what

    def __reduce__(self) -> tuple[type[RenderError], tuple[str, int, str]]:
        return type(self), (self.where, self.line, self.what)
