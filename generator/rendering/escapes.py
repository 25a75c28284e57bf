"""How a value is written in each lexical context of Python, so that reading it back gives the value.

Nothing is dropped, replaced or guessed, but for the hyphens of a name, which become underscores in an identifier.
What a context cannot hold is an ``UnholdableError``.
"""

from __future__ import annotations

import keyword
import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

__all__ = [
    "CODE",
    "Style",
    "UnholdableError",
    "comment",
    "dotted",
    "keywords",
    "literal",
    "name",
    "names",
    "text",
    "word",
]

_DEEPEST = 40
"""Levels of nesting that a literal may have: CPython's tokenizer ends at 200 brackets, of which a level takes two."""

_DIRECTIVE = re.compile(
    r"coding[:=]"
    r"|\A\#!"
    r"|\#\s*(?:type|fmt|yapf|isort|pylint|pyright|mypy|ruff|flake8|pragma)\s*:"
    r"|\#\s*(?:noqa|nosec|nopep8|noinspection)\b",
    re.IGNORECASE,
)
"""Comments that Python or a tool obeys: encoding (PEP 263), types (PEP 484), formatters, linters, coverage."""


class UnholdableError(ValueError):
    """A value that its context cannot hold; the message says why, without the value."""


@dataclass(frozen=True)
class Style:
    """The string, or the replacement field of one, that a value is written into."""

    quote: str = ""
    """What closes the string; empty for a literal in code."""
    raw: bool = False
    """No escape sequences."""
    binary: bool = False
    """A bytes literal."""
    formatted: str = ""
    """``text`` or ``spec`` of an f-string; empty for other strings."""
    forbidden: str = ""
    """Quotes of the f-strings in whose replacement fields this stands; before Python 3.12 they cannot be used in
    there, and neither can a backslash."""
    backslash_may_end: bool = False
    """In a raw string: an odd number of backslashes at the value's end changes nothing after it."""


CODE = Style()
"""Code outside of strings."""


def literal(value: object, style: Style = CODE, *, power: bool = False) -> str:
    """Python source of a value: None, bool, int, float, str, bytes, and tuples, lists, dicts, sets and frozensets.

    Sets are sorted, dicts keep their order; the floats without a literal become ``float("nan")``, ``float("inf")``.

    Raises:
        UnholdableError: another type (subclasses included), or nested too deeply.
    """
    source = _literal(value, style.forbidden, 0)
    # "{{" would be a brace in the text of an f-string; "-1 ** 2" is -(1 ** 2).
    return f"({source})" if (style.forbidden and source[0] == "{") or (power and source[0] == "-") else source


def name(value: object) -> str:
    """A bare identifier; hyphens become underscores.

    Raises:
        UnholdableError: not a string; not an identifier, a keyword, or one that Python would read as another.
    """
    return _checked(_string_of(value).replace("-", "_"))


def names(value: object) -> str:
    """One identifier, or those of a list or tuple with commas between them.

    Raises:
        UnholdableError: as ``name``, or there is none.
    """
    if not isinstance(value, list | tuple):
        return name(value)
    if not value:
        raise UnholdableError("it is an empty list of names")
    return ", ".join(name(item) for item in value)


def dotted(value: object) -> str:
    """The path of a module: identifiers with dots between them; hyphens become underscores.

    Raises:
        UnholdableError: as ``name``, for each part.
    """
    return ".".join(name(part) for part in _string_of(value).split("."))


def keywords(value: object) -> str:
    """The items of a dict as keyword arguments: ``shape=(2, 3), low=0``; an empty dict as ``**{}``.

    Raises:
        UnholdableError: not a dict, a key that is no identifier, a value without a literal.
    """
    if type(value) is not dict:
        raise UnholdableError(f"it is {_kind(value)} where keyword arguments take a dict")
    return ", ".join(f"{_checked(_string_of(key))}={literal(item)}" for key, item in value.items()) or "**{}"


def word(parts: Iterable[str | tuple[object]]) -> str:
    """An identifier made of the template's own pieces (strings) and values (1-tuples), with hyphens as underscores.

    A value is a string or a whole number from 0, and ASCII: others could fuse with their neighbours when Python normalises the word.

    Raises:
        UnholdableError: a value that cannot be part of an identifier, or a whole that is none or is a keyword.
    """
    pieces = []
    for part in parts:
        piece = part if isinstance(part, str) else _part(part[0])
        if not isinstance(part, str) and re.fullmatch(r"\w*", piece, re.ASCII) is None:
            raise UnholdableError(
                "a part of an identifier may hold ASCII letters, digits, underscores and hyphens only"
            )
        pieces.append(piece)
    return _checked("".join(pieces))


def comment(before: str, parts: Iterable[str | tuple[object]]) -> str:
    """The rest of a comment that begins with ``before``: the template's own pieces and values (1-tuples).

    Raises:
        UnholdableError: a value that would end the comment or that cannot be seen in it, or that makes it one which Python
            or a tool obeys.
    """
    pieces, harmless = [], []
    for part in parts:
        piece = part if isinstance(part, str) else _plain(part[0])
        if not isinstance(part, str) and not piece.isprintable():
            raise UnholdableError("a comment may hold printable characters only, and no line break")
        pieces.append(piece)
        harmless.append(piece if isinstance(part, str) else "x")
    whole = "".join(pieces)
    found = len(_DIRECTIVE.findall(before + whole))
    if found > len(_DIRECTIVE.findall(before + "".join(harmless))):
        raise UnholdableError("it would turn the comment into one that Python or a tool obeys")
    return whole


def text(value: object, style: Style) -> str:
    """The inside of a string, as the style's kind of string must write it.

    Strings go into every kind but bytes beyond ASCII; bytes go into bytes; ints and floats are written out.

    Raises:
        UnholdableError: another type, or a character that this kind of string cannot write.
    """
    if style.binary:
        content = value.decode("latin-1") if type(value) is bytes else _plain(value)
        if type(value) is not bytes and not content.isascii():
            raise UnholdableError("a bytes literal holds ASCII only")
    else:
        content = _plain(value)
    if style.formatted == "spec" and ("{" in content or "}" in content):
        raise UnholdableError("a format spec cannot hold a brace")
    written = _raw(content, style) if style.raw else _escaped(content, style)
    if style.forbidden and ("\\" in written or any(mark in written for mark in style.forbidden)):
        raise UnholdableError("a replacement field cannot hold a backslash or its string's quote before Python 3.12")
    return written


def _literal(value: object, forbidden: str, depth: int) -> str:
    if depth > _DEEPEST:
        raise UnholdableError(f"it is nested deeper than {_DEEPEST} levels")
    kind = type(value)
    if kind is str or kind is bytes:
        return _quoted(value, forbidden) if forbidden else repr(value)
    if value is None or kind is bool:
        return repr(value)
    if kind is int:
        return _integer(value)
    if kind is float:
        return _float(value, forbidden)
    return _container(value, forbidden, depth + 1)


def _container(value: Any, forbidden: str, depth: int) -> str:
    kind = type(value)
    if kind is dict:
        pairs = (
            f"{_literal(key, forbidden, depth)}: {_literal(item, forbidden, depth)}" for key, item in value.items()
        )
        return f"{{{', '.join(pairs)}}}"
    if kind is tuple or kind is list:
        items = ", ".join([_literal(item, forbidden, depth) for item in value])
        if kind is list:
            return f"[{items}]"
        return f"({items},)" if len(value) == 1 else f"({items})"
    if kind is set or kind is frozenset:
        items = ", ".join(_ordered(value, forbidden, depth))
        if kind is set:
            return f"{{{items}}}" if items else "set()"
        return f"frozenset({{{items}}})" if items else "frozenset()"
    raise UnholdableError(f"{_kind(value)} has no literal")


def _ordered(value: set[Any] | frozenset[Any], forbidden: str, depth: int) -> list[str]:
    """The items' sources: numbers and strings in their own order, all else in that of the sources.

    Sets of sets have no total order, and NaN has no place in one.
    """
    kinds = {type(item) for item in value}
    natural = kinds == {str} or (
        kinds <= {int, bool, float} and not any(type(item) is float and math.isnan(item) for item in value)
    )
    if natural:
        return [_literal(item, forbidden, depth) for item in sorted(value)]
    pairs = sorted((type(item).__name__, _literal(item, forbidden, depth)) for item in value)
    return [source for _, source in pairs]


def _quoted(value: Any, forbidden: str) -> str:
    content = value if type(value) is str else value.decode("latin-1")
    mark = next((mark for mark in "'\"" if mark not in forbidden), None)
    ascii_enough = type(value) is str or content.isascii()
    if (
        mark
        and ascii_enough
        and content.isprintable()
        and not any(char in content for char in ("\\", mark, *forbidden))
    ):
        return f"{'' if type(value) is str else 'b'}{mark}{content}{mark}"
    raise UnholdableError("a replacement field cannot hold a backslash or its string's quote before Python 3.12")


def _integer(value: Any) -> str:
    try:
        return repr(value)
    except ValueError:  # past the interpreter's limit of decimal digits, which hexadecimal ones do not have
        return hex(value)


def _float(value: Any, forbidden: str) -> str:
    return repr(value) if math.isfinite(value) else f"float({_literal(repr(value), forbidden, 0)})"


def _checked(word_: str) -> str:
    if not word_.isidentifier():
        raise UnholdableError("it is not an identifier" if word_ else "an identifier cannot be empty")
    if keyword.iskeyword(word_) or word_ == "__debug__":
        raise UnholdableError("it is a keyword of Python")
    if not word_.isascii() and unicodedata.normalize("NFKC", word_) != word_:
        raise UnholdableError("Python would read it as another identifier, since it is not in the NFKC form")
    return word_


def _part(value: object) -> str:
    if type(value) is int and value >= 0:
        return _plain(value)
    return _string_of(value).replace("-", "_")


def _string_of(value: object) -> str:
    if not isinstance(value, str):
        raise UnholdableError(f"it is {_kind(value)} where an identifier takes a string")
    return str.__str__(value)


def _plain(value: object) -> str:
    if isinstance(value, str):
        return str.__str__(value)
    if type(value) is int or type(value) is float:
        try:
            return repr(value)
        except ValueError:
            raise UnholdableError("it has more decimal digits than Python converts") from None
    raise UnholdableError(f"it is {_kind(value)} where text takes a string or a number")


def _kind(value: object) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"


@lru_cache
def _table(style: Style) -> dict[int, str]:
    table = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 256 if style.binary else 128))}
    table |= {ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t", ord("\\"): "\\\\"}
    if len(style.quote) == 1:
        table[ord(style.quote)] = f"\\{style.quote}"
    if style.formatted == "text":
        table |= {ord("{"): "{{", ord("}"): "}}"}
    return table


def _escaped(content: str, style: Style) -> str:
    written = content.translate(_table(style))
    if not written.isascii() and not written.isprintable():
        written = "".join(char if char.isprintable() else _code_point(ord(char)) for char in written)
    if len(style.quote) == 3 and style.quote[0] in written:
        # A quote by itself can stay; at an end, or beside another, it could be part of the string's end.
        mark = style.quote[0]
        written = re.sub(rf"\A{mark}|{mark}\Z|(?<={mark}){mark}|{mark}(?={mark})", rf"\\{mark}", written)
    return written


def _code_point(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _raw(content: str, style: Style) -> str:
    triple, mark = len(style.quote) == 3, style.quote[0]
    allowed = "\t\n" if triple else "\t"
    # Bytes come here as Latin-1, whose upper half would be printable.
    if not all(char.isprintable() or char in allowed for char in content) or (style.binary and not content.isascii()):
        raise UnholdableError("a raw string cannot hold a character that needs an escape sequence")
    if not triple and mark in content:
        raise UnholdableError("a raw string cannot hold its own quote")
    if triple and (style.quote in content or content.endswith(mark)):
        raise UnholdableError("a raw string cannot hold what would close it")
    backslashes = len(content) - len(content.rstrip("\\"))
    if backslashes % 2 and not style.backslash_may_end:
        raise UnholdableError("a raw string cannot end in a backslash")
    return content.replace("{", "{{").replace("}", "}}") if style.formatted == "text" else content
