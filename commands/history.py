"""Runs compared: which ones are meant, what the releases between them renamed, and how it is shown."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from commands import runs
from commands.comparison import KEPT
from commands.releases import installed

if TYPE_CHECKING:
    from reporting.difference import Difference

__all__ = ["INCOMPLETE", "compared", "shown"]

INCOMPLETE = 3
"""Exit code where nothing broke, and something that was asked before has no answer."""


def compared(earlier: str, later: str) -> Difference:
    """The difference of the runs that two words mean, of whatever release.

    Raises:
        HistoryError: one of them means none.
    """
    from reporting.difference import compare, environments
    from reporting.history import find
    from reporting.pairs import cells, is_green

    known = runs.known_runs()
    after = find(later, known)
    asked = cache(lambda: cells(after))
    tests = {
        "previous": lambda run: not asked().isdisjoint(cells(run)),
        "last-green": lambda run: is_green(run) and not asked().isdisjoint(cells(run)),
    }
    before = find(earlier, known, before=after, tests=tests)
    releases = [environments(side).get("transformers", "") for side in (before, after)]
    stated = runs.heads if releases[1] == installed() else None
    return compare(before, after, renamed=_renamed(*releases), stated=stated)


def _renamed(before: str, after: str) -> dict[str, str]:
    """Architectures that have another name in the later release, where the facts of both are kept."""
    from generator import facts

    if before == after:
        return {}
    kept = [facts.kept(KEPT, release) for release in (before, after) if release]
    if len(kept) < 2 or kept[0] is None or kept[1] is None:
        return {}
    return {one.before: one.after for one in facts.compare(kept[0], kept[1]).renamed}


def shown(difference: Difference, form: str) -> str:
    """The difference in one of the formats.

    Raises:
        SelectionError: there is no such format.
    """
    from generator.selection import SelectionError
    from reporting.listing import FORMATS

    if form not in FORMATS:
        raise SelectionError(f"--format {form[:40]!r}: there are {', '.join(FORMATS)}.")
    return FORMATS[form](difference)
