"""Values read back from a syntax tree, never by running it; not for anything but what a skill may state."""

from __future__ import annotations

import ast
from typing import Any

_FLOATS = ("nan", "inf", "-inf")


class NotALiteralError(ValueError):
    """An expression that is not a plain value; says the line and the expression."""

    def __init__(self, node: ast.AST, why: str = "is not a plain value") -> None:
        shown = ast.unparse(node)
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        super().__init__(f"line {getattr(node, 'lineno', '?')}: {shown} {why}")


def value(node: ast.expr) -> Any:
    """The value of a literal: constants, containers of them, negative numbers, ``float("nan")`` and ``set()``.

    Raises:
        NotALiteralError: anything else, a dict that gives a key twice included.
    """
    match node:
        case ast.Constant():
            return node.value
        case ast.Tuple(elts=elements):
            return tuple(value(item) for item in elements)
        case ast.List(elts=elements):
            return [value(item) for item in elements]
        case ast.Dict():
            return _mapping(node)
        case ast.Set(elts=elements):
            return {value(item) for item in elements}
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            number = value(operand)
            if isinstance(number, bool) or not isinstance(number, (int, float, complex)):
                raise NotALiteralError(node)
            return -number
        case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=text)], keywords=[]) if text in _FLOATS:
            return float(text)
        case ast.Call(func=ast.Name(id="set"), args=[], keywords=[]):
            return set()
        case ast.Call(func=ast.Name(id="frozenset"), args=[], keywords=[]):
            return frozenset()
        case ast.Call(func=ast.Name(id="frozenset"), args=[ast.Set() as inner], keywords=[]):
            return frozenset(value(inner))
        case _:
            raise NotALiteralError(node)


def _mapping(node: ast.Dict) -> dict[Any, Any]:
    result = {}
    for key, item in zip(node.keys, node.values, strict=True):
        if key is None:
            raise NotALiteralError(node, "unpacks another mapping")
        name = value(key)
        if name in result:
            raise NotALiteralError(key, "is a key twice in the same dict")
        result[name] = value(item)
    return result
