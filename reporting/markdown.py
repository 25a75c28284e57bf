"""Foreign text made safe for Markdown: whatever a result says, it stays words. Not a renderer; the templates are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

__all__ = ["Markdown", "anchored", "code", "ended", "linked", "listing", "plain", "table", "text"]

LIMIT = 160
"""Characters of one foreign text that a report shows; the whole of it stays in the results."""

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)|\x9b[0-?]*[ -/]*[@-~]")
_PLAIN = re.compile(r"[A-Za-z0-9]+(?:[ ./,;()-]+[A-Za-z0-9]+|_[A-Za-z0-9]+)*")
_IDENTIFIER = re.compile(r"[A-Za-z0-9_./=:@+-]+(?: [A-Za-z0-9_./=:@+-]+)*")
_ANCHOR = re.compile(r"[A-Za-z0-9_.-]{1,160}")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co"})
_ENTITIES = {ord(mark): f"&#{ord(mark)};" for mark in "&<>|`\\*[]~$"}
# An underscore between two letters or digits opens no emphasis (CommonMark 6.2), so snake_case stays readable.
_UNDERSCORE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
# What would start a heading, a list, a quote or an underline, were the text ever the first of its block.
_BLOCK = re.compile(r"^(?:[#+=:-]|\d+(?=[.)](?:\s|$)))")
_ADDRESS = re.compile(r"https?://[A-Za-z0-9./?#=&%+,:~_-]{1,300}$")
_LINK = re.compile(r":(?=//)|(?<=www)\.|@|(?<=mailto):|(?<=xmpp):", re.IGNORECASE)


class Markdown(str):
    """Text that is Markdown already, and is not to be escaped again; joining or formatting it gives plain ``str``."""

    __slots__ = ()


def text(value: object, limit: int = LIMIT) -> Markdown:
    """``value`` as words on one line: no table border, markup, link or HTML comes of it, nor a control character.

    Runs of white space become one space, invisible characters ``\ufffd``, and past ``limit`` characters there is
    an ellipsis. Nothing at all gives an em dash, so that no cell of a table is empty.
    """
    if isinstance(value, Markdown):
        return value
    words = str(value)
    if len(words) <= limit and _PLAIN.fullmatch(words) and "www." not in words:
        return Markdown(_BLOCK.sub(_entity, words))
    words = plain(words, limit)
    words = _UNDERSCORE.sub("&#95;", _LINK.sub(_entity, _BLOCK.sub(_entity, words.translate(_ENTITIES), count=1)))
    return Markdown(words or "—")


def code(value: object) -> Markdown:
    """``value`` as a code span if it is an identifier, an id or a command, else as by ``text``.

    A code span has no escape for a backtick, and table cells read a backslash in it differently from one renderer
    to the next, so only characters that need none go in.
    """
    words = str(value)
    if len(words) <= LIMIT and _IDENTIFIER.fullmatch(words):
        return Markdown(f"`{words}`")
    return text(value)


def anchored(value: object) -> Markdown:
    """``value`` as by ``code``, with an anchor of its name that links can end with: ``ledger.md#gptj``."""
    words = str(value)
    return Markdown(f'<a id="{words}"></a>`{words}`') if _ANCHOR.fullmatch(words) else text(value)


def linked(value: object) -> Markdown:
    """``value`` as by ``code``, as a link to its anchor on the same page."""
    words = str(value)
    return Markdown(f"[`{words}`](#{words})") if _ANCHOR.fullmatch(words) else text(value)


def ended(value: object) -> Markdown:
    """``value`` as by ``text``, but for an address at its end, which becomes a link."""
    words = str(value)
    found = _ADDRESS.search(words)
    return text(words, 400) if found is None else Markdown(f"{text(words[: found.start()], 400)} [issue]({found[0]})")


def listing(values: Iterable[object]) -> Markdown:
    """All of the values, however many, with commas between."""
    return Markdown(", ".join(text(value) for value in values))


def table(columns: Sequence[object], rows: Iterable[Sequence[object]]) -> Markdown:
    """A table, each cell as by ``text``; columns of whole numbers are set right.

    Unlike tabulate's, columns are not padded: one long reason would rewrite every line, and the reports are read as
    differences too.
    """
    body = [list(row) for row in rows]
    right = [bool(body) and all(isinstance(row[number], int) for row in body) for number in range(len(columns))]
    rule = [Markdown("---:" if numbers else "---") for numbers in right]
    lines = ["| " + " | ".join(text(value) for value in row) + " |" for row in [columns, rule, *body]]
    return Markdown("\n".join(lines))


def plain(words: str, limit: int = LIMIT) -> str:
    """Foreign text on one line without a control character, for a terminal; at most ``limit`` characters."""
    # Cut before the slow part: a field may hold megabytes. The factor leaves room for white space that collapses.
    words = " ".join(_ANSI.sub("", words[: limit * 8]).split())
    words = "".join("\ufffd" if unicodedata.category(mark) in _INVISIBLE else mark for mark in words)
    return words if len(words) <= limit else words[: limit - 1].rstrip() + "…"


def _entity(match: re.Match[str]) -> str:
    return "".join(f"&#{ord(mark)};" for mark in match.group())
