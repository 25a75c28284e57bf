"""A Mako lexer that gives every ``${...}`` the rule of the Python context in which it stands.

It parses as Mako does, lets the walk find each expression's place, and wraps the expression in a ``Site``. What the
contexts are and how values are written into them is decided elsewhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mako import parsetree
from mako.lexer import Lexer

from generator.rendering.sites import Site
from generator.rendering.sources import Sources
from generator.rendering.structure import Run, structure
from generator.rendering.walk import Group, Walk

__all__ = ["IMPORTS", "ContextLexer"]

IMPORTS = ("from generator.rendering.sites import Place, Site, Style",)
"""What the compiled module of a template needs; its sites are written into it as source."""

_ROOT = Path(__file__).resolve().parents[2]


class ContextLexer(Lexer):
    """For ``Template(..., lexer_cls=ContextLexer, imports=IMPORTS, default_filters=())``.

    Parsing raises ``ContextError`` for a template whose expressions do not all have one safe place.
    """

    def parse(self) -> Any:
        """Mako's tree of the template, every expression wrapped."""
        tree = super().parse()
        where = _shown(self.filename)
        nodes = structure(tree.nodes)
        walk = Walk(where, Sources(where, tree.nodes))
        walk.template(nodes, self.text.rstrip().count("\n") + 1)
        sites: list[Site] = []
        # From the back, so that the places of earlier runs in the same list stay what they are.
        for run in sorted(walk.runs, key=lambda run: run.start, reverse=True):
            run.container[run.start : run.stop] = [
                node for step in run.plan if step != "" for node in [self._node(step, run, where, sites)]
            ]
        if sites:
            lines = "\n".join(f"_site_{number} = {site!r}" for number, site in enumerate(sites))
            tree.nodes.append(
                parsetree.Code(f"{lines}\n", True, source=self.text, lineno=1, pos=0, filename=self.filename)
            )
        return tree

    def _node(self, step: str | Group, run: Run, where: str, sites: list[Site]) -> Any:
        if isinstance(step, str):
            first = run.container[run.start]
            return parsetree.Text(step, **first.exception_kwargs)
        texts = tuple(node.text.strip() for node in step.nodes)
        node = parsetree.Expression(
            ", ".join(f"({node.text})" for node in step.nodes), "", **step.nodes[0].exception_kwargs
        )
        node.escapes = f"_site_{len(sites)}"
        node.escapes_code.args = [node.escapes]
        sites.append(Site(where, step.line, texts, step.place, step.pieces, step.before))
        return node


def _shown(filename: str | None) -> str:
    """The template's file as people would name it: from the repository's root, where it lies there."""
    if filename is None:
        return "<template>"
    path = Path(filename)
    return str(path.relative_to(_ROOT)) if path.is_relative_to(_ROOT) else str(path)
