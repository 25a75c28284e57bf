"""Signatures: what is left of a reason once all is taken out of it that differs between occurrences of one cause."""

from __future__ import annotations

import re

__all__ = ["LENGTH", "same", "signature"]

LENGTH = 500
"""Characters of a signature."""

CUT = "…"
"""Where a text was cut off; in a signature that is expected, it stands for anything."""

_NORMAL = (
    (re.compile(r"\x1b\[[0-9;]*[A-Za-z]"), ""),
    (re.compile(r"0x[0-9a-fA-F]+"), "ADDRESS"),
    # In quotation marks a path may hold anything; outside them it ends where a word does.
    (re.compile(r"(?<=['\"])/[^'\"\n]+(?=['\"])"), "PATH"),
    (re.compile(r"(?<!\w)(?:[A-Za-z]:)?(?:/[\w.+@-]+){2,}/?"), "PATH"),
    (re.compile(r"[\[(]\s*-?\d+(?:\s*,\s*-?\d+)*\s*,?\s*[\])]"), "SHAPE"),
    (re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?%?"), "N"),
    (re.compile(r"(?<![\w.])[-+]?(?:inf|nan)(?!\w)"), "N"),
    (re.compile(r"\s+"), " "),
)

_OPEN = {"[": "]", "(": ")", "{": "}"}


def signature(reason: str | None) -> str | None:
    """The reason without numbers, addresses, shapes, paths and colours; None of nothing.

    Where the reason was cut (``…``), so is the signature, before the literal or the word in which that was: how much of it
    there was room for depends on the length of the numbers and the paths before it.
    """
    if reason is None:
        return None
    whole = reason if len(reason) <= 16 * LENGTH else reason[: 16 * LENGTH] + CUT
    for pattern, name in _NORMAL:
        whole = pattern.sub(name, whole)
    parts = whole.split(CUT)
    whole = CUT.join([*(_ended(part) for part in parts[:-1]), parts[-1]]).strip()
    return whole if len(whole) <= LENGTH else _ended(whole[: LENGTH - 1]) + CUT


def same(expected: str, found: str | None) -> bool:
    """Whether a signature is the one that was expected, in which ``…`` stands for anything."""
    if found is None:
        return False
    first, *others = (part.strip() for part in expected.split(CUT))
    if not others:
        return expected == found
    if not found.startswith(first):
        return False
    place, last = len(first), others.pop()
    for part in others:
        if (place := found.find(part, place)) < 0:
            return False
        place += len(part)
    return found.endswith(last) and place <= len(found) - len(last)


def _ended(part: str) -> str:
    """A text that was cut, without the literal or else the word in which it was."""
    opened: list[tuple[str, int]] = []
    for place, mark in enumerate(part):
        if mark in _OPEN:
            opened.append((mark, place))
        elif opened and mark == _OPEN[opened[-1][0]]:
            opened.pop()
    if opened:
        return part[: opened[0][1] + 1]
    return part[: part.rfind(" ") + 1]
