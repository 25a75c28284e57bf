"""How the tests of rendering read a rendered module back: side by side with the same template's harmless rendering."""

from __future__ import annotations

import ast
import math
from functools import cache
from typing import Any

from mako.template import Template

from generator.rendering.lexer import IMPORTS, ContextLexer

MARK = "zq7"
"""The harmless value: valid in every context, and found nowhere else in the tests' templates."""


@cache
def compiled(text: str) -> Template:
    """A template of Python, from its text."""
    return Template(  # noqa: S702 - the lexer is what is tested
        text, lexer_cls=ContextLexer, imports=list(IMPORTS), default_filters=[], strict_undefined=True
    )


def rendered(text: str, **values: object) -> str:
    """The module that a template gives for some values."""
    return compiled(text).render_unicode(**values)


def read_back(text: str, **values: object) -> list[Any]:
    """What the module says where the template's expressions stand, in the order of the syntax tree.

    The module must parse, and have the very tree of the harmless rendering everywhere else.
    """
    module = rendered(text, **values)
    module.encode("utf-8")
    harmless = ast.parse(rendered(text, **dict.fromkeys(values, MARK)))
    found: list[Any] = []
    _compare(harmless, ast.parse(module), found)
    return found


def same(one: Any, other: Any) -> bool:
    """Equal in type and value at every level, with NaN equal to itself and -0.0 unequal to 0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return (math.isnan(one) and math.isnan(other)) or (
            one == other and math.copysign(1, one) == math.copysign(1, other)
        )
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return same(list(one.items()), list(other.items()))
    if isinstance(one, set | frozenset):
        return _canonical(one) == _canonical(other)
    return bool(one == other)


def _canonical(value: Any) -> str:
    if isinstance(value, set | frozenset):
        return f"{type(value).__name__}({', '.join(sorted(map(_canonical, value)))})"
    return f"({', '.join(map(_canonical, value))})" if isinstance(value, tuple) else repr(value)


def _compare(harmless: Any, actual: Any, found: list[Any]) -> None:
    if isinstance(harmless, ast.Constant) and harmless.value == MARK:
        expression = compile(ast.Expression(actual), "<literal>", "eval")
        known = {"float": float, "set": set, "frozenset": frozenset}
        found.append(eval(expression, {"__builtins__": known}))  # noqa: S307 - what literals are made of, and no more
        return
    assert type(harmless) is type(actual), f"{ast.dump(harmless)} became {actual!r}"
    if isinstance(harmless, ast.AST):
        for name in harmless._fields:
            _compare(getattr(harmless, name), getattr(actual, name), found)
    elif isinstance(harmless, list):
        assert len(harmless) == len(actual), f"{[ast.dump(node) for node in actual]}"
        for one, other in zip(harmless, actual, strict=True):
            _compare(one, other, found)
    elif (
        isinstance(harmless, str | bytes) and (mark := MARK if isinstance(harmless, str) else MARK.encode()) in harmless
    ):
        before, after = harmless.split(mark)
        assert actual.startswith(before)
        assert actual[len(before) :].endswith(after)
        found.append(actual[len(before) : len(actual) - len(after)])
    else:
        assert harmless == actual
