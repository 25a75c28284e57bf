"""The walk through a template along every path that it can take, with the lexical contexts that hold there.

At each point it keeps the set of states that paths can bring there. All must have the same things open, and give each
expression the same place; otherwise the template is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from mako import parsetree

from generator.rendering.contexts import State, UnlexableError, scan, token_after
from generator.rendering.errors import ContextError
from generator.rendering.places import Place, after, describe, end_of_block, place_of, start_of_block
from generator.rendering.sources import Sources
from generator.rendering.structure import Attempt, Choice, Chunk, Loop, Mark, Node, Region, Run

__all__ = ["Group", "Walk"]

_BARE = frozenset({State()})
_WORD = re.compile(r"\w+")
_LINE = re.compile(r"[^\r\n]*")


@dataclass(frozen=True)
class Group:
    """Expressions that are written together."""

    line: int
    nodes: tuple[Any, ...]
    place: Place
    pieces: tuple[str | None, ...] = ()
    before: str = ""


class Walk:
    """One template's walk; ``runs`` hold the plans when it is done."""

    def __init__(self, where: str, sources: Sources) -> None:
        self.where = where
        self.runs: list[Run] = []
        self._sources = sources
        self._exits: list[set[State]] = []
        self._attempts: list[frozenset[State]] = []

    def template(self, nodes: Sequence[Node], last_line: int) -> None:
        """Walk a whole template.

        Raises:
            ContextError: a path on which an expression has no single, safe place.
        """
        self._end(self._sequence(nodes, _BARE), last_line)

    def _sequence(self, nodes: Sequence[Node], states: frozenset[State]) -> frozenset[State]:
        for node in nodes:
            if isinstance(node, Run):
                states = self._run(node, states)
            elif isinstance(node, Mark):
                states = self._mark(node.node, states)
            elif isinstance(node, Choice):
                states = self._choice(node, states)
            elif isinstance(node, Loop):
                states = self._loop(node, states)
            elif isinstance(node, Attempt):
                states = self._attempt(node, states)
            else:
                states = self._region(node, states)
        return states

    def _choice(self, node: Choice, states: frozenset[State]) -> frozenset[State]:
        ends: set[State] = set() if node.exhaustive else set(states)
        for test, branch in zip(node.tests, node.branches, strict=True):
            self._boundary(states, test.lineno)
            self._control(test, states)
            ends |= self._boundary(self._sequence(branch, states), test.lineno)
        return self._join(ends, node.line, "the branches of this block end in different contexts")

    def _loop(self, node: Loop, states: frozenset[State]) -> frozenset[State]:
        self._boundary(states, node.line)
        while True:
            self._control(node.test, states)
            self._exits.append(set())
            ends = self._boundary(self._sequence(node.body, states), node.line)
            exits = self._exits.pop()
            joined = self._join(states | ends | exits, node.line, "a pass of this loop ends where it did not begin")
            if joined == states:
                break
            states = joined
        ends = self._boundary(self._sequence(node.otherwise, states), node.line)
        return self._join(ends | exits, node.line, "the else of this loop ends in another context than its body")

    def _attempt(self, node: Attempt, states: frozenset[State]) -> frozenset[State]:
        self._boundary(states, node.line)
        for test in node.tests:
            self._control(test, states)
        self._attempts.append(states)
        ends = set(self._boundary(self._sequence(node.body, states), node.line))
        self._attempts.pop()
        for keyword, branch in node.branches:
            begin = frozenset(ends) if keyword == "finally" else states
            reached = self._boundary(self._sequence(branch, begin), node.line)
            ends = set(reached) if keyword == "finally" else ends | reached
            self._join(ends, node.line, "the branches of this block end in different contexts")
        return frozenset(ends)

    def _region(self, node: Region, states: frozenset[State]) -> frozenset[State]:
        self._sources.tag(node.node)
        line = node.node.lineno
        inline = isinstance(node.node, parsetree.BlockTag)
        exits, attempts = self._exits, self._attempts
        self._boundary(states, line)
        if inline:
            states = self._stand_alone(states, line)
        self._exits, self._attempts = [], []
        self._end(self._sequence(node.body, _BARE), line)
        self._exits, self._attempts = exits, attempts
        return states

    def _mark(self, node: Any, states: frozenset[State]) -> frozenset[State]:
        self._boundary(states, node.lineno)
        if isinstance(node, parsetree.Code) and not node.ismodule:
            self._may_raise(states, node.lineno)
            leaves = self._sources.block(node)
            if leaves & {"break", "continue"} and self._exits:
                self._exits[-1] |= states
            if "return" in leaves:
                self._end(states, node.lineno)
        elif isinstance(node, parsetree.Tag):
            self._sources.tag(node)
            if isinstance(node, parsetree.IncludeTag):
                return self._stand_alone(states, node.lineno)
        return states

    def _run(self, run: Run, states: frozenset[State]) -> frozenset[State]:
        outcomes = [self._path(run, state) for state in sorted(states, key=repr)]
        plan = outcomes[0][0]
        for other, _ in outcomes[1:]:
            for one, two in zip(plan, other, strict=False):
                if one != two:
                    group = one if isinstance(one, Group) else two
                    self._refuse(
                        group.line if isinstance(group, Group) else run.container[run.start].lineno,
                        "the context of this expression depends on the branch or the pass that was taken before it",
                    )
        if run not in self.runs:
            self.runs.append(run)
        run.plan = plan
        return frozenset(state for _, state in outcomes)

    def _path(self, run: Run, state: State) -> tuple[tuple[str | Group, ...], State]:
        """What a run becomes, and where it ends, for one state at its beginning."""
        plan: list[str | Group] = []
        items: list[Chunk | Any] = list(run.items)
        while items:
            item = items.pop(0)
            if isinstance(item, Chunk):
                try:
                    state, held = scan(state, item.text, hold=bool(items))
                except UnlexableError as error:
                    self._refuse(item.line(error.offset), error.what)
                plan.append(item.text[: len(item.text) - len(held)])
                if not held:
                    continue
                pieces: list[str | Any] = [held]
            else:
                pieces = [item]
                if self._sources.expression(item) == "call":
                    state = next(iter(self._stand_alone(frozenset({state}), item.lineno)))
                    plan.append(Group(item.lineno, (item,), Place("call")))
                    continue
            group, state = self._group(pieces, items, state)
            if group.place.rule == "keywords":
                self._strip_stars(plan, group.line)
            plan.append(group)
        return tuple(plan), state

    def _group(self, pieces: list[Any], items: list[Any], state: State) -> tuple[Group, State]:
        """The expressions that are written together with those in ``pieces``; takes them from ``items``."""
        in_comment = state.top.kind == "comment"
        if in_comment or state.top.is_code:
            self._gather(pieces, items, _LINE if in_comment else _WORD)
        nodes = tuple(piece for piece in pieces if not isinstance(piece, str))
        line = nodes[0].lineno
        for node in nodes:
            if self._sources.expression(node) == "call":
                self._refuse(node.lineno, "a call of template text must stand alone on its line")
        self._may_raise(frozenset({state}), line)
        rest = items[0].text if items and isinstance(items[0], Chunk) else ""
        glued = len(pieces) > 1 and not in_comment
        if glued and isinstance(pieces[0], str) and pieces[0][0].isdigit():
            self._refuse(line, "an expression touches a number")
        try:
            token = token_after(rest, in_brackets=len(state.frames) > 1)
            place = place_of(state, token, glued=glued, following=rest[:1])
        except UnlexableError as error:
            self._refuse(line, error.what)
        before = state.top.text if in_comment else ""
        state = after(state, place)
        if not (glued or in_comment):
            return Group(line, nodes, place), state
        shape = tuple(piece if isinstance(piece, str) else None for piece in pieces)
        return Group(line, nodes, Place("comment" if in_comment else "word"), shape, before), state

    def _gather(self, pieces: list[Any], items: list[Any], pattern: re.Pattern[str]) -> None:
        while items:
            if not isinstance(items[0], Chunk):
                pieces.append(items.pop(0))
                continue
            match = pattern.match(items[0].text)
            length = match.end() if match else 0
            if match and length:
                pieces.append(match.group())
            if length < len(items[0].text):
                items[0] = items[0].drop(length)
                return
            items.pop(0)

    def _strip_stars(self, plan: list[str | Group], line: int) -> None:
        # In "f(**${arguments})" the stars belong to the hole: what is written are the arguments.
        before = plan[-1] if plan else ""
        if not isinstance(before, str) or not before.rstrip().endswith("**"):
            self._refuse(line, "the stars of keyword arguments must stand directly before their expression")
        plan[-1] = before.rstrip()[:-2]

    def _stand_alone(self, states: Iterable[State], line: int) -> frozenset[State]:
        if self._attempts:
            self._refuse(
                line, "a block, an include or a call of template text in a % try could leave half of it behind"
            )
        for state in states:
            try:
                start_of_block(state)
            except UnlexableError as error:
                self._refuse(line, error.what)
        return frozenset({State(previous="ended")})

    def _boundary(self, states: frozenset[State], line: int) -> frozenset[State]:
        for state in states:
            if state.tail or state.top.kind == "comment":
                what = "a comment" if state.top.kind == "comment" else f"a token ({state.tail})"
                self._refuse(line, f"a control line, Python block or tag splits {what}; end the line or put a space")
        return states

    def _may_raise(self, states: frozenset[State], line: int) -> None:
        if any(not states <= allowed for allowed in self._attempts):
            self._refuse(line, "what can fail in a % try must stand where the try's context began")

    def _control(self, line: Any, states: frozenset[State]) -> None:
        self._may_raise(states, line.lineno)
        self._sources.control(line)

    def _end(self, states: frozenset[State], line: int) -> None:
        for state in states:
            try:
                end_of_block(state)
            except UnlexableError as error:
                self._refuse(line, f"a template, block or def must end in code with nothing open, and {error.what}")

    def _join(self, states: Iterable[State], line: int, what: str) -> frozenset[State]:
        joined = frozenset(states)
        shapes = {state.frames: describe(state) for state in sorted(joined, key=repr)}
        if len(shapes) > 1:
            self._refuse(line, f"{what}: {' and '.join(shapes.values())}")
        return joined

    def _refuse(self, line: int, what: str) -> NoReturn:
        raise ContextError(self.where, line, f"{what}.")
