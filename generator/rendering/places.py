"""Which rule the place of an expression calls for, given the lexical context and the token that follows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from generator.rendering.contexts import OPERANDS, State, UnlexableError
from generator.rendering.escapes import CODE, Style

__all__ = ["Place", "after", "end_of_block", "place_of", "start_of_block"]

_LISTS = ("imported", "global", "nonlocal")
_AUGMENTED = frozenset({"+=", "-=", "*=", "/=", "//=", "%=", "@=", "&=", "|=", "^=", ">>=", "<<=", "**=", ":="})
_PRIMARY = ("(", "[", ".")


@dataclass(frozen=True)
class Place:
    """Where an expression stands."""

    rule: str
    """literal, name, names, dotted, keywords, text, comment, or call."""
    style: Style = CODE
    """How the string is written, or what forbids quotes around a literal."""
    power: bool = False
    """A literal raised to a power: a negative one needs brackets."""


def place_of(state: State, lexeme: str, *, glued: bool, following: str) -> Place:
    """The place of an expression.

    Args:
        state: before the expression, and before any word that it is glued to.
        lexeme: that follows, in code.
        glued: the expression is one part of a word.
        following: the next character of the template, in strings; empty where it is not known.

    Raises:
        UnlexableError: no value could stand here.
    """
    top = state.top
    if top.kind == "comment":
        return Place("comment")
    if not top.is_code:
        return _in_string(state, following)
    if state.previous == "ended":
        raise UnlexableError(0, "an expression follows a block or a call of one on its line; it must stand alone there")
    if state.previous in OPERANDS:
        raise UnlexableError(0, "an expression follows another operand with no operator between them")
    if state.previous == "conversion":
        raise UnlexableError(0, "the conversion of a replacement field cannot be an expression")
    rule = _named(state, lexeme)
    if glued:
        if rule == "keywords":
            raise UnlexableError(0, "keyword arguments cannot be a part of a word")
        return Place("name")
    if rule != "literal":
        return Place(rule)
    return Place("literal", _field(state), power=lexeme in ("**", "**="))


def after(state: State, place: Place) -> State:
    """The state after an expression at that place."""
    if not state.top.is_code:
        return replace(state, tail="")
    literal = place.rule in ("literal", "keywords") and not place.power
    return replace(state, previous="literal" if literal else "operand", tail="expression")


def start_of_block(state: State) -> State:
    """The state in which a block, a def's call or an included template begins.

    Raises:
        UnlexableError: one cannot stand here.
    """
    if len(state.frames) > 1 or state.previous != "start" or state.tail:
        raise UnlexableError(0, "a block, an include or a call of template text must stand where a statement begins")
    return State()


def end_of_block(state: State) -> None:
    """Hold what a template, a block or a def ends in to be code, with nothing open.

    Raises:
        UnlexableError: something is open.
    """
    frames = state.frames[1:]
    if frames and (frames[0].kind != "comment"):
        raise UnlexableError(0, f"it ends inside {describe(state)}")


def describe(state: State) -> str:
    """The context in words, for messages."""
    top = state.top
    if top.kind == "module":
        return "code"
    if top.kind == "string":
        kind = "a docstring" if top.docstring and len(top.quote) == 3 else "a string"
        return f"{kind} that {top.prefix}{top.quote} opened"
    if top.kind in ("field", "spec"):
        return "a replacement field" if top.kind == "field" else "a format spec"
    return "a comment" if top.kind == "comment" else f"brackets that {top.kind!r} opened"


def _named(state: State, lexeme: str) -> str:
    """name, names, dotted or keywords where only those can stand; literal everywhere else."""
    top, previous, in_module = state.top, state.previous, len(state.frames) == 1
    in_list = state.statement in _LISTS and (in_module or top.role == "names")
    if in_list and previous not in ("as", "dot"):
        return "names"
    if in_module and (state.statement == "from" or (state.statement == "import" and previous != "as")):
        return "dotted"
    if previous in ("dot", "@", *_NAMING_TOKENS):
        return "name"
    if previous in ("element", "star", "doublestar") and (
        top.role in ("names", "parameters") or top.naming or (top.role == "bases" and previous == "element")
    ):
        return "name"
    if previous == "doublestar" and top.role in ("call", "bases"):
        return "keywords"
    return "name" if _targets(state, lexeme) else "literal"


_NAMING_TOKENS = ("as", "class", "def", "del", "except", "for", "global", "import", "lambda", "nonlocal")


def _targets(state: State, lexeme: str) -> bool:
    if lexeme in _PRIMARY or lexeme in _AUGMENTED or lexeme == "=":
        return True
    return lexeme == ":" and state.previous == "start" and len(state.frames) == 1


def _in_string(state: State, following: str) -> Place:
    own = state.strings[-1]
    if state.tail == "escape":
        raise UnlexableError(
            0, "an expression follows a backslash or stands inside an escape sequence; write it whole, as \\x00"
        )
    if state.tail == "quote":
        raise UnlexableError(0, "an expression follows a quote that may be part of the string's end; escape the quote")
    formatted = ("spec" if state.top.kind == "spec" else "text") if "f" in own.prefix else ""
    outer = state.frames[: state.frames.index(own)]
    return Place(
        "text",
        Style(
            quote=own.quote,
            raw="r" in own.prefix,
            binary="b" in own.prefix,
            formatted=formatted,
            forbidden="".join(frame.quote[0] for frame in outer if frame.kind == "string"),
            # In a raw string a backslash at the value's end reaches out to what follows it.
            backslash_may_end=bool(following) and following not in "\\\"'\r\n{}",
        ),
    )


def _field(state: State) -> Style:
    return Style(forbidden="".join(string.quote[0] for string in state.strings)) if state.in_field else CODE
