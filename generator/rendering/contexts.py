"""Where in Python's grammar of tokens a piece of template text ends: a state machine over text, one chunk at a time.

It follows the tokens of Python 3.11, the oldest release supported, and knows nothing of Mako, of values or of what
is done with a context. It never changes text; text that it cannot follow is an ``UnlexableError``.
"""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, replace

__all__ = ["OPERANDS", "Frame", "State", "UnlexableError", "scan", "token_after"]

OPERANDS = ("operand", "string", "literal")
"""Values of ``State.previous`` after which another operand cannot stand."""

# A name after one of these is bound, imported or deleted, so that it can only be an identifier.
_NAMING = frozenset({"as", "class", "def", "del", "except", "for", "global", "import", "lambda", "nonlocal"})
_COMPOUND = frozenset(
    {"async", "class", "def", "elif", "else", "except", "finally", "for", "if", "try", "while", "with"}
)
_VALUES = frozenset({"None", "True", "False"})

_CODE = re.compile(
    r"""
      (?P<space>[ \t\f]+)
    | (?P<newline>\r\n|\r|\n)
    | (?P<comment>\#)
    | (?P<continuation>\\(?:\r\n|\r|\n))
    | (?P<string>(?:[rR]?[bB]|[bB]?[rR]|[fF][rR]?|[rR][fF]|[uU])?(?:\"\"\"|'''|"|'))
    | (?P<number>(?:0[xXoObB]\w+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?[jJ]?)\w*)
    | (?P<name>[^\W\d]\w*)
    | (?P<open>[(\[{])
    | (?P<close>[)\]}])
    | (?P<operator>\.\.\.|(?:\*\*|//|>>|<<)=?|!=|->|:=|==|<=|>=|[-+*/%&|^@]=|[-+*/%&|^~@<>=.,:;!])
    """,
    re.VERBOSE,
)
_PLAIN = re.compile(r"[^\\\"'{}\r\n]+")
_ESCAPE = re.compile(
    r"\\(?:\r\n|N\{[^{}]+\}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|[^NxuU0-7])", re.DOTALL
)
_BYTES_ESCAPE = re.compile(r"\\(?:\r\n|x[0-9a-fA-F]{2}|[0-7]{1,3}|[^x0-7])", re.DOTALL)
_RAW_ESCAPE = re.compile(r"\\(?:\r\n|.)", re.DOTALL)
_RAW_FORMATTED_ESCAPE = re.compile(r"\\(?:\r\n|[\\\"'\r\n]|(?=.))", re.DOTALL)
_UNFINISHED_ESCAPE = re.compile(r"\\(?:N(?:\{[^{}]*)?|x[0-9a-fA-F]?|u[0-9a-fA-F]{0,3}|U[0-9a-fA-F]{0,7})?")
_ENDED = "text follows a block or a call of one on its line; it must stand alone there"
_CLOSES = {")": "(", "]": "[", "}": "{"}
_BLANK = re.compile(r"(?:[ \t\f]|\\(?:\r\n|\r|\n))*")
_BLANK_IN_BRACKETS = re.compile(r"(?:[ \t\f\r\n]|\\(?:\r\n|\r|\n)|\#[^\r\n]*)*")


class UnlexableError(ValueError):
    """Template text that leaves no doubt that it, or what stands in it, cannot be Python."""

    def __init__(self, offset: int, what: str) -> None:
        super().__init__(what)
        self.offset = offset
        self.what = what


@dataclass(frozen=True)
class Frame:
    """One thing that has been opened and not closed."""

    kind: str
    """module, ``(``, ``[``, ``{``, string, field (of an f-string), spec (of a field) or comment."""
    role: str = ""
    """What the brackets are for, where it makes names of what stands in them: call, parameters, bases, names."""
    naming: str = ""
    """``for`` or ``lambda`` while their targets and parameters go on at this level."""
    prefix: str = ""
    """Letters before a string's quote, in lower case."""
    quote: str = ""
    """What closes a string."""
    docstring: bool = False
    """The string is a statement by itself."""
    text: str = ""
    """The comment so far, with its ``#``."""

    @property
    def is_code(self) -> bool:
        """Whether tokens stand here, rather than text."""
        return self.kind not in ("string", "spec", "comment")


_MODULE = Frame("module")


@dataclass(frozen=True)
class State:
    """The lexical context at one point of a text."""

    frames: tuple[Frame, ...] = (_MODULE,)
    """All that is open, the outermost first."""
    previous: str = "start"
    """Token before this point, as far as it matters: ``start`` of a statement, ``element`` (after a bracket or a
    comma), operator, ``operand``, ``string``, ``literal`` (an expression of the template), ``dot``, ``star``,
    ``doublestar``, ``conversion``, ``ended`` (after a block: the line must end), or one of the words that name."""
    statement: str = ""
    """First word of the statement, where it is a keyword; ``imported`` past the ``import`` of a ``from``."""
    header: str = ""
    """Role of the next parenthesis after ``class`` or ``def``."""
    tail: str = ""
    """Token that touches this point and that more text could still change: word, number, operator, closed (string),
    quote, escape, expression."""

    @property
    def top(self) -> Frame:
        """The innermost frame."""
        return self.frames[-1]

    @property
    def strings(self) -> tuple[Frame, ...]:
        """The strings that are open, the outermost first."""
        return tuple(frame for frame in self.frames if frame.kind == "string")

    @property
    def in_field(self) -> bool:
        """Whether this is somewhere inside a replacement field of an f-string."""
        return any(frame.kind == "field" for frame in self.frames)

    def with_top(self, top: Frame, **changes: str) -> State:
        """This state with another innermost frame."""
        return replace(self, frames=(*self.frames[:-1], top), **changes)

    def push(self, frame: Frame, **changes: str) -> State:
        """This state inside one more frame."""
        return replace(self, frames=(*self.frames, frame), **changes)

    def pop(self, count: int = 1, **changes: str) -> State:
        """This state outside its innermost frames."""
        return replace(self, frames=self.frames[:-count], **changes)


def scan(state: State, text: str, *, hold: bool = False) -> tuple[State, str]:
    """The state after ``text``, and what of its end was held back.

    Args:
        hold: an expression follows, so that a word or number at the very end is not complete: it is not consumed
            but returned.

    Raises:
        UnlexableError: no Python could have this text in this state.
    """
    position = 0
    while position < len(text):
        top = state.top
        if top.kind == "comment":
            state, position = _comment(state, text, position)
        elif not top.is_code:
            state, position = _string(state, text, position)
        else:
            match = _CODE.match(text, position)
            if match is None:
                raise UnlexableError(position, f"{text[position]!r} cannot stand in code")
            if hold and match.lastgroup in ("name", "number") and match.end() == len(text):
                return state, match.group()
            state, position = _token(state, match)
    return state, ""


def token_after(text: str, *, in_brackets: bool) -> str:
    """The token that ``text`` begins with, after blanks; empty where the line, or the text, ends first."""
    blank = (_BLANK_IN_BRACKETS if in_brackets else _BLANK).match(text)
    match = _CODE.match(text, blank.end() if blank else 0)
    return match.group() if match and match.lastgroup not in ("newline", "comment") else ""


def _comment(state: State, text: str, position: int) -> tuple[State, int]:
    end = min((found for found in (text.find(mark, position) for mark in "\r\n") if found >= 0), default=-1)
    if end >= 0:
        return state.pop(tail=""), end
    return state.with_top(replace(state.top, text=state.top.text + text[position:]), tail=""), len(text)


def _string(state: State, text: str, position: int) -> tuple[State, int]:
    plain = _PLAIN.match(text, position)
    if plain:
        return replace(state, tail=""), plain.end()
    mark = text[position]
    if mark == "\\":
        return _escape(state, text, position)
    if mark in "\"'":
        return _quote(state, text, position)
    if mark in "{}":
        return _brace(state, text, position)
    if any(len(string.quote) == 1 for string in state.strings):
        raise UnlexableError(position, "the line ends inside a string that is not triple-quoted")
    return replace(state, tail=""), position + 1


def _escape(state: State, text: str, position: int) -> tuple[State, int]:
    own = state.strings[-1]
    if any(frame.kind == "field" for frame in state.frames[: state.frames.index(own)]):
        raise UnlexableError(position, "a replacement field cannot hold a backslash before Python 3.12")
    raw, binary, formatted = "r" in own.prefix, "b" in own.prefix, "f" in own.prefix
    raw_pattern = _RAW_FORMATTED_ESCAPE if formatted else _RAW_ESCAPE
    pattern = raw_pattern if raw else _BYTES_ESCAPE if binary else _ESCAPE
    match = pattern.match(text, position)
    if match is None and _UNFINISHED_ESCAPE.fullmatch(text, position):
        return replace(state, tail="escape"), len(text)
    if match is None or (formatted and match.group() in ("\\{", "\\}")):
        raise UnlexableError(position, "the escape sequence that begins here is not one of Python's")
    open_octal = not raw and match.end() == len(text) and re.fullmatch(r"\\[0-7]{1,2}", match.group())
    return replace(state, tail="escape" if open_octal else ""), match.end()


def _quote(state: State, text: str, position: int) -> tuple[State, int]:
    mark = text[position]
    *outer, own = state.strings
    if any(string.quote[0] == mark for string in outer):
        raise UnlexableError(position, "a replacement field cannot hold the quote of its string before Python 3.12")
    if mark != own.quote[0]:
        return replace(state, tail=""), position + 1
    if state.top.kind == "spec":
        raise UnlexableError(position, "the string ends inside a format spec")
    if text.startswith(own.quote, position):
        return state.pop(previous="string", tail="closed"), position + len(own.quote)
    pending = not text[position:].strip(mark)
    return replace(state, tail="quote" if pending else ""), position + 1


def _brace(state: State, text: str, position: int) -> tuple[State, int]:
    mark, in_spec = text[position], state.top.kind == "spec"
    if "f" not in state.strings[-1].prefix:
        return replace(state, tail=""), position + 1
    if not in_spec and text.startswith(mark * 2, position):
        return replace(state, tail=""), position + 2
    if mark == "{":
        return state.push(Frame("field"), previous="field", tail=""), position + 1
    if in_spec:
        return state.pop(2, tail=""), position + 1
    raise UnlexableError(position, "a single '}' stands in the text of an f-string")


def _token(state: State, match: re.Match[str]) -> tuple[State, int]:
    kind, lexeme, position = match.lastgroup or "", match.group(), match.start()
    if kind in ("space", "newline", "comment", "continuation"):
        return _blank(state, kind, lexeme, position), match.end()
    _hold_to_neighbours(state, kind, lexeme, position)
    if kind == "string":
        return _open_string(state, lexeme, position), match.end()
    if kind == "number":
        return replace(state, previous="operand", tail="number"), match.end()
    if kind == "name":
        return _name(state, lexeme), match.end()
    if kind == "open":
        return _open(state, lexeme), match.end()
    if kind == "close":
        return _close(state, lexeme, position), match.end()
    if state.top.kind == "field" and state.top.naming != "lambda" and lexeme[0] == ":":
        # ":=" at the top of a field is a format spec that begins with "=".
        return state.push(Frame("spec"), tail=""), position + 1
    return _operator(state, lexeme), match.end()


def _blank(state: State, kind: str, lexeme: str, position: int) -> State:
    if kind == "newline":
        if any(len(string.quote) == 1 for string in state.strings):
            raise UnlexableError(position, "the line ends inside a string that is not triple-quoted")
        return replace(state, tail="") if len(state.frames) > 1 else State()
    if kind == "space":
        return replace(state, tail="")
    if state.previous == "ended":
        raise UnlexableError(position, _ENDED)
    if state.in_field:
        raise UnlexableError(position, f"a replacement field cannot hold {lexeme[0]!r} before Python 3.12")
    return state.push(Frame("comment", text="#"), tail="") if kind == "comment" else replace(state, tail="")


def _hold_to_neighbours(state: State, kind: str, lexeme: str, position: int) -> None:
    if state.previous == "ended":
        raise UnlexableError(position, _ENDED)
    if state.tail == "expression" and kind in ("name", "number", "string"):
        raise UnlexableError(position, f"{lexeme!r} touches the expression before it")
    if state.previous == "literal" and _rereads(kind, lexeme):
        raise UnlexableError(position, f"{lexeme!r} would change how the expression before it is read")


def _rereads(kind: str, lexeme: str) -> bool:
    if kind in ("string", "number") or lexeme in ("(", "[", ".", "=", ":=", "**"):
        return True
    if kind == "name":
        return not keyword.iskeyword(lexeme) or lexeme in _VALUES
    return kind == "operator" and len(lexeme) > 1 and lexeme[-1] == "=" and lexeme not in ("==", "!=", "<=", ">=")


def _open_string(state: State, lexeme: str, position: int) -> State:
    quote = lexeme.lstrip("rRbBfFuU")
    if state.tail in ("word", "closed"):
        raise UnlexableError(position, "a string touches the name or string before it; put a space between them")
    for string in state.strings:
        if string.quote[0] == quote[0] and (len(string.quote) == 1 or len(quote) == 3):
            raise UnlexableError(position, "a replacement field cannot hold the quote of its string before Python 3.12")
    prefix = lexeme[: -len(quote)].lower()
    statement = len(state.frames) == 1 and state.previous == "start"
    return state.push(Frame("string", prefix=prefix, quote=quote, docstring=statement), tail="")


def _name(state: State, word: str) -> State:
    # Words that open a statement, and the few that turn what follows them into names.
    at_module = len(state.frames) == 1
    statement, header, previous, top = state.statement, state.header, "operand", state.top
    if keyword.iskeyword(word) and word not in _VALUES:
        previous = word if word in _NAMING else "operator"
        if at_module and state.previous == "start":
            statement = word
        if at_module and word == "import":
            statement = "imported" if statement == "from" else "import"
        if word in ("class", "def"):
            header = "bases" if word == "class" else "parameters"
        if word in ("for", "lambda"):
            top = replace(top, naming=word)
        elif word == "in" and top.naming == "for":
            top = replace(top, naming="")
    return state.with_top(top, statement=statement, header=header, previous=previous, tail="word")


def _open(state: State, lexeme: str) -> State:
    role, header, top = "", state.header, state.top
    if lexeme == "(":
        names = state.previous in _NAMING or (
            state.previous in ("element", "star") and (top.role == "names" or top.naming == "for")
        )
        if header and state.previous == "operand":
            role, header = header, ""
        elif state.previous in OPERANDS:
            role = "call"
        elif names and state.previous != "lambda":
            role = "names"
    return state.push(Frame(lexeme, role=role), previous="element", header=header, tail="")


def _close(state: State, lexeme: str, position: int) -> State:
    if state.top.kind == "field" and lexeme == "}":
        return state.pop(tail="")
    if state.top.kind != _CLOSES[lexeme]:
        opened = "nothing is open" if state.top.kind == "module" else f"{state.top.kind!r} is open"
        raise UnlexableError(position, f"{lexeme!r} closes what is not open here: {opened}")
    return state.pop(previous="operand", tail="")


def _operator(state: State, lexeme: str) -> State:
    at_module, top = len(state.frames) == 1, state.top
    previous, tail = "operator", "operator"
    if lexeme == ",":
        previous, tail = "element", ""
    elif lexeme in (".", "..."):
        relative = state.statement == "from" and at_module
        previous = "dot" if lexeme == "." or relative else "operand"
    elif lexeme in ("*", "**") and state.previous in ("element", "for", "import", "lambda", "start"):
        previous = "star" if lexeme == "*" else "doublestar"
    elif lexeme == "@" and state.previous == "start":
        previous = "@"
    elif lexeme == "!" and top.kind == "field":
        previous = "conversion"
    elif lexeme == ";" and at_module:
        return State()
    elif lexeme == ":" and top.naming == "lambda":
        top = replace(top, naming="")
    elif lexeme == ":" and at_module and state.statement in _COMPOUND:
        return State(frames=(replace(top, naming=""),), tail=tail)
    return state.with_top(top, previous=previous, tail=tail)
