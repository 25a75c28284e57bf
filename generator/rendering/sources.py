"""The Python inside a template: which of it calls template text, and what it must not touch.

Only ``${...}`` may write, and only by its rule; so filters, buffers and Mako's writer are out of reach here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from mako import parsetree

from generator.rendering.errors import ContextError

__all__ = ["Sources"]

_HOLDERS = frozenset({"self", "next", "parent", "local", "caller"})
_WRITERS = frozenset({"context", "capture"})
_ATTRIBUTES: dict[type, frozenset[str]] = {
    parsetree.InheritTag: frozenset({"file"}),
    parsetree.IncludeTag: frozenset({"file", "args"}),
    parsetree.NamespaceTag: frozenset({"file", "name"}),
    parsetree.PageTag: frozenset({"args"}),
    parsetree.DefTag: frozenset({"name"}),
    parsetree.BlockTag: frozenset({"name", "args"}),
}


class Sources:
    """What the expressions, control lines, blocks and tags of one template may hold."""

    def __init__(self, where: str, nodes: list[Any]) -> None:
        self.where = where
        self._defs: set[str] = set()
        self._holders = set(_HOLDERS)
        self._known: dict[int, str] = {}
        self._collect(nodes)

    def expression(self, node: Any) -> str:
        """``call`` for a call of template text, ``value`` for all else.

        Raises:
            ContextError: filters, or an expression that reaches around its rule.
        """
        if id(node) not in self._known:
            self._known[id(node)] = self._expression(node)
        return self._known[id(node)]

    def control(self, node: Any) -> None:
        """Hold a control line to values."""
        text = re.sub(r"^elif\b", "if", node.text.strip())
        if text.startswith("except"):
            text = f"try: pass\n{text}"
        match = re.match(r"(?s)(.*?:)\s*(?:#.*)?$", text)
        if re.match(r"(?:try|else|finally)\b", text) and not text.startswith("try: pass"):
            return
        self._hold(self._parsed(f"{match.group(1) if match else text} pass", node, "exec"), node, None)

    def block(self, node: Any) -> set[str]:
        """Hold a Python block to values; the statements by which it leaves the template's flow."""
        tree = self._parsed(node.text, node, "exec")
        self._hold(tree, node, None)
        return set(_leaves(tree))

    def tag(self, node: Any) -> None:
        """Hold a tag to those, and those attributes, by which no text escapes its rule."""
        allowed = _ATTRIBUTES.get(type(node))
        if allowed is None:
            self._refuse(node, f"<%{node.keyword}> is not for templates of Python")
        for name in sorted(set(node.attributes) - allowed):
            self._refuse(node, f"{name}= of <%{node.keyword}> is not for templates of Python")
        if "${" in node.attributes.get("file", ""):
            self._refuse(node, f"the file of <%{node.keyword}> must be a plain name, so that digests can follow it")

    def _collect(self, nodes: list[Any]) -> None:
        for node in nodes:
            if isinstance(node, parsetree.DefTag | parsetree.BlockTag):
                self._defs.add(node.funcname)
                self._collect(node.nodes)
            elif isinstance(node, parsetree.NamespaceTag):
                self._holders.add(node.name)

    def _expression(self, node: Any) -> str:
        if node.escapes:
            self._refuse(node, f"${{{node.text}|{node.escapes}}} has filters, which would change what its rule wrote")
        # Mako itself would take statements here, or nothing.
        if not node.text.strip():
            self._refuse(node, "${} holds no expression")
        root = self._parsed(f"({node.text})", node, "eval").body
        called = root.func if isinstance(root, ast.Call) and self._is_text(root.func) else None
        self._hold(root, node, called)
        return "call" if called is not None else "value"

    def _is_text(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Attribute):
            return isinstance(node.value, ast.Name) and node.value.id in self._holders and node.attr != "attr"
        return isinstance(node, ast.Name) and node.id in self._defs

    def _hold(self, tree: ast.AST, node: Any, called: ast.AST | None) -> None:
        read = {
            id(child.value)
            for child in ast.walk(tree)
            if isinstance(child, ast.Attribute) and (child.attr == "attr" or child is called)
        }
        for child in ast.walk(tree):
            if isinstance(child, ast.Name):
                if child.id in _WRITERS or child.id.startswith("__M_"):
                    self._refuse(node, f"{child.id} writes without a rule; templates write by ${{...}} only")
                if (child.id in self._holders and id(child) not in read) or (
                    child.id in self._defs and child is not called
                ):
                    self._refuse(node, f"{child.id} is template text; it can only be called, by itself, in ${{...}}")
            elif isinstance(child, ast.Attribute) and child.attr == "context":
                self._refuse(node, "a namespace's context writes without a rule; templates write by ${...} only")

    def _parsed(self, text: str, node: Any, mode: str) -> Any:
        try:
            return ast.parse(text.strip() if mode == "eval" else text, mode=mode)
        except SyntaxError as error:
            self._refuse(node, f"{text.strip()!r} is not Python: {error.msg}")

    def _refuse(self, node: Any, what: str) -> NoReturn:
        raise ContextError(self.where, node.lineno, f"{what}.")


def _leaves(tree: ast.AST, *, in_loop: bool = False) -> Iterator[str]:
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(child, ast.Return):
            yield "return"
        elif isinstance(child, ast.Break | ast.Continue) and not in_loop:
            yield "break"
        yield from _leaves(child, in_loop=in_loop or isinstance(child, ast.For | ast.While))
