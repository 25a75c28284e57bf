"""The runs that lie here, and which of them a word means: an id, ``last``, ``last-green``, a day, a file or a folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

__all__ = ["HistoryError", "Source", "find", "sources"]

WORDS = ("last", "previous", "last-green")
"""Words that mean a run by its place among the others."""

_DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})")
_SUFFIXES = (".jsonl", ".parquet")


class HistoryError(ValueError):
    """A word that means no run here; the message is the user's sentence."""


@dataclass(frozen=True)
class Source:
    """Results that are compared with others: a run, or files."""

    name: str
    files: tuple[Path, ...]
    """JSON lines or Parquet."""

    @property
    def environments(self) -> list[Path]:
        """The fingerprints that lie beside the results."""
        return sorted({path for file in self.files for path in file.parent.glob("environment-*.json")})


def sources(folders: Iterable[Path]) -> list[Source]:
    """The runs in these folders that hold results, the oldest first."""
    found = [_run(path) for folder in folders if folder.is_dir() for path in folder.iterdir() if path.is_dir()]
    return sorted((source for source in found if source.files), key=lambda source: source.name)


def find(
    word: str,
    runs: Sequence[Source],
    *,
    before: Source | None = None,
    tests: Mapping[str, Callable[[Source], bool]] | None = None,
) -> Source:
    """The source that a word means.

    Args:
        word: a run's id or how it begins; ``last``; ``previous`` or ``last-green``, of those older than ``before``; a day
            (2026-11-23), for the last run that began by its end; a run's folder, or a file of results.
        runs: what ``sources`` gave.
        before: a run that the one sought must be older than.
        tests: what a run must be to be meant by a word, by the word: that it has results of the same cells, say.

    Raises:
        HistoryError: there is no such run, or more than one.
    """
    path = Path(word)
    if path.is_dir() and (made := _run(path)).files:
        return made
    if path.suffix in _SUFFIXES and path.is_file():
        return Source(word, (path,))
    if word in WORDS:
        bound = None if word == "last" else before
        older = (run for run in reversed(runs) if bound is None or run.name < bound.name)
        test = (tests or {}).get(word)
        if (newest := next((run for run in older if test is None or test(run)), None)) is not None:
            return newest
        raise HistoryError(f"there is no {word} run here{f' before {bound.name}' if bound else ''}")
    if day := _DAY.fullmatch(word):
        begun = [run for run in runs if run.name[:8] <= "".join(day.groups())]
        if not begun:
            raise HistoryError(f"no run began by {word}. The oldest is {runs[0].name if runs else 'none'}")
        return begun[-1]
    found = [run for run in runs if run.name == word] or [run for run in runs if word and run.name.startswith(word)]
    if len(found) == 1:
        return found[0]
    if found:
        raise HistoryError(
            f"{word[:60]!r} begins the id of {len(found)} runs: {', '.join(run.name for run in found[:4])}"
        )
    near = get_close_matches(word, [*WORDS, *(run.name for run in runs)], n=3) or [run.name for run in runs[-3:]]
    hint = f"The nearest are {', '.join(near)}" if near else "There are none. Run: nox -s test_cpu -- --tier critical"
    raise HistoryError(f"no run, day or file of results is called {word[:120]!r}. {hint}")


def _run(path: Path) -> Source:
    return Source(path.name, tuple(sorted(path.glob("*.jsonl"))))
