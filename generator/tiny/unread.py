"""Arguments that a method declares and never looks at: there is nothing to ask of them, and they are not fed."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any

__all__ = ["unread"]

_TALK = ("warn", "warning", "warning_once", "warning_advice", "info", "debug")
"""Methods of a logger: an argument that only leads to one of them is not looked at."""


def unread(method: Any) -> frozenset[str]:
    """Names of optional parameters that the method's code does not read, but perhaps to warn that it does not.

    CPM-Ant's attention mask is one, "for the pipeline"; RWKV's another. None where the source cannot be read, or reads
    its arguments all at once.
    """
    function = inspect.unwrap(method)
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return frozenset()
    definition = tree.body[0]
    if not isinstance(definition, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return frozenset()
    read = {name for statement in definition.body for name in _read(statement)}
    if read & {"locals", "vars"}:
        return frozenset()
    parameters = inspect.signature(function).parameters.values()
    return frozenset(item.name for item in parameters if item.default is not item.empty and item.name not in read)


def _read(node: ast.AST) -> Iterator[str]:
    """Names whose value the code uses."""
    if isinstance(node, ast.If) and not node.orelse and all(_talks(statement) for statement in node.body):
        return
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield node.id
    for child in ast.iter_child_nodes(node):
        yield from _read(child)


def _talks(statement: ast.stmt) -> bool:
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in _TALK
