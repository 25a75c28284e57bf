"""The blocks of a parsed Mako template: runs of text, choices, loops, regions; Mako itself keeps a flat list.

It only groups nodes; which of them may stand where is the walk's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mako import parsetree
from mako.exceptions import SyntaxException

__all__ = ["Attempt", "Choice", "Chunk", "Loop", "Mark", "Node", "Region", "Run", "structure"]


@dataclass(frozen=True)
class Chunk:
    """A piece of the template's own text, which knows the lines it came from."""

    full: str
    """The text that it is a piece of."""
    origins: tuple[tuple[int, int], ...]
    """Offset in ``full`` and line in the template of each node that ``full`` was joined from."""
    start: int = 0
    """Where in ``full`` the piece begins; it goes on to the end."""

    @property
    def text(self) -> str:
        """The piece."""
        return self.full[self.start :]

    def drop(self, count: int) -> Chunk:
        """The piece without its first characters."""
        return Chunk(self.full, self.origins, self.start + count)

    def line(self, offset: int = 0) -> int:
        """Line of the template on which a character of the piece stands."""
        place = self.start + offset
        begin, line = next((origin for origin in reversed(self.origins) if origin[0] <= place), self.origins[0])
        return line + self.full.count("\n", begin, place)


@dataclass(eq=False)
class Run:
    """Text and expressions with nothing in between."""

    container: list[Any]
    """The list of Mako nodes that holds them."""
    start: int
    stop: int
    """Where they lie in the container, the end excluded."""
    items: tuple[Chunk | Any, ...]
    """Chunks and ``parsetree.Expression``, no two chunks side by side."""
    plan: tuple[Any, ...] = ()
    """What is to be written in their place; the walk fills it in."""


@dataclass(frozen=True)
class Mark:
    """A node that writes nothing by itself, or another template: Python blocks, comments, tags without a body."""

    node: Any


@dataclass(frozen=True)
class Choice:
    """``% if``, and ``% with`` as a choice of one."""

    line: int
    tests: tuple[Any, ...]
    """Control lines that the branches begin with."""
    branches: tuple[Sequence[Node], ...]
    exhaustive: bool
    """One of the branches is always taken."""


@dataclass(frozen=True)
class Loop:
    """``% for`` and ``% while``."""

    line: int
    test: Any
    body: Sequence[Node]
    otherwise: Sequence[Node]
    """After ``% else``."""


@dataclass(frozen=True)
class Attempt:
    """``% try``."""

    line: int
    tests: tuple[Any, ...]
    body: Sequence[Node]
    branches: tuple[tuple[str, Sequence[Node]], ...]
    """``except`` and ``finally``, in order."""


@dataclass(frozen=True)
class Region:
    """``<%def>`` and ``<%block>``."""

    node: Any
    body: Sequence[Node]


Node = Run | Mark | Choice | Loop | Attempt | Region


@dataclass
class _Open:
    """A control structure whose end has not come yet."""

    line: Any
    sections: list[tuple[Any, list[Node]]] = field(default_factory=list)

    def close(self) -> Node:
        tests = tuple(line for line, _ in self.sections)
        bodies = tuple(body for _, body in self.sections)
        keywords = tuple(line.keyword for line in tests)
        first = self.line.lineno
        if keywords[0] in ("for", "while"):
            return Loop(first, tests[0], bodies[0], [node for body in bodies[1:] for node in body])
        if keywords[0] == "try":
            return Attempt(first, tests, bodies[0], tuple(zip(keywords[1:], bodies[1:], strict=True)))
        return Choice(first, tests, bodies, exhaustive=keywords[0] == "with" or "else" in keywords)


def structure(nodes: list[Any]) -> Sequence[Node]:
    """The blocks of a list of Mako nodes. ``<%text>`` is replaced by its text in the list itself.

    Raises:
        SyntaxException: of Mako, for a branch outside of any block.
    """
    for position, node in enumerate(nodes):
        if isinstance(node, parsetree.TextTag) and not node.attributes:
            text = "".join(child.content for child in node.nodes)
            nodes[position] = parsetree.Text(text, **node.exception_kwargs)
    found: list[Node] = []
    stack: list[_Open] = []
    current = found
    position = 0
    while position < len(nodes):
        node = nodes[position]
        if isinstance(node, parsetree.Text | parsetree.Expression):
            run = _run(nodes, position)
            current.append(run)
            position = run.stop
            continue
        position += 1
        if isinstance(node, parsetree.ControlLine):
            if node.isend:
                closed = stack.pop().close()
                current = stack[-1].sections[-1][1] if stack else found
                current.append(closed)
                continue
            if node.is_primary:
                stack.append(_Open(node))
            elif not stack:
                raise SyntaxException(f"No block for keyword '{node.keyword}'", **node.exception_kwargs)
            current = []
            stack[-1].sections.append((node, current))
        elif isinstance(node, parsetree.DefTag | parsetree.BlockTag):
            current.append(Region(node, structure(node.nodes)))
        else:
            current.append(Mark(node))
    return found


def _run(nodes: list[Any], start: int) -> Run:
    items: list[Chunk | Any] = []
    stop = start
    while stop < len(nodes) and isinstance(nodes[stop], parsetree.Text | parsetree.Expression):
        node = nodes[stop]
        if isinstance(node, parsetree.Expression):
            items.append(node)
        elif items and isinstance(items[-1], Chunk):
            before = items[-1]
            items[-1] = Chunk(before.full + node.content, (*before.origins, (len(before.full), node.lineno)))
        elif node.content:
            items.append(Chunk(node.content, ((0, node.lineno),)))
        stop += 1
    return Run(nodes, start, stop, tuple(items))
