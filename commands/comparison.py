"""Two releases compared: the facts of each from where they are, and else from an environment that has the release."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.releases import ReleaseError, installed, no_release, prepared

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from generator.facts import Difference, Facts

__all__ = ["KEPT", "compared", "facts", "keep", "pair", "shown", "since"]

ROOT = Path(__file__).resolve().parent.parent

KEPT = ROOT / "reports" / "facts"
"""Where the facts of releases are kept in git."""


def pair(words: Sequence[str]) -> tuple[str, str]:
    """Two different releases, from what was given to ``--diff``.

    Raises:
        ReleaseError: they are not two, or not releases, or one and the same.
    """
    example = "Run: invoke catalog --diff 5.17.0 5.23.0"
    if len(words) != 2:
        count = len(list(filter(None, words)))
        raise ReleaseError(f"--diff compares two releases, and {count} were given. {example}", 2)
    for word in words:
        if why := no_release(word):
            raise ReleaseError(f"--diff: {why}. {example}", 2)
    if words[0] == words[1]:
        raise ReleaseError(f"--diff: both are {words[0]}, which differs from itself in nothing. {example}", 2)
    return words[0], words[1]


def shown(
    words: Sequence[str], model: str | None, *, as_json: bool, keeping: bool = False, beside: Sequence[str] = ()
) -> str:
    """What ``--diff`` prints, and with ``keeping`` the facts of both are kept; ``beside`` are options that name another release or package, and do not go with it.

    Raises:
        ReleaseError: as ``pair``, or there is something beside it.
        ReleaseError, FactsError: as ``compared``.
    """
    from generator.facts.listing import difference_json, difference_text

    if beside:
        raise ReleaseError(
            "--diff names its releases and compares them alone; give it without --transformers and --plugin.", 2
        )
    before, after = pair(words)
    found = compared(before, after, model)
    if keeping:
        for path in keep(before, after):
            sys.stderr.write(f"{path.relative_to(ROOT)}: written.\n")
    return difference_json(found) if as_json else difference_text(found)


def compared(before: str, after: str, model: str | None = None) -> Difference:
    """What changed from one release to the other, in one type only if a model is given.

    Raises:
        ReleaseError: one of them cannot be had.
        SelectionError: neither release has the model.
        FactsError: facts that are kept cannot be read.
    """
    from generator.facts import compare, only

    old, new = facts(before), facts(after)
    found = compare(old, new)
    return found if model is None else only(found, old, new, model)


def since(release: str) -> Mapping[str, Any] | None:
    """What changed in the installed release since the newest one before it that is kept; None where none is.

    Raises:
        FactsError: what is kept cannot be read.
    """
    from generator.facts import compare, kept, previous
    from generator.facts.listing import difference_rows

    older = previous(KEPT, release)
    before = None if older is None else kept(KEPT, older)
    return None if before is None else difference_rows(compare(before, facts(release)))


def keep(*releases: str) -> list[Path]:
    """Keep the facts of these releases in git's reach, for reports and comparisons to come; the files that changed.

    Raises:
        ReleaseError, FactsError: as ``facts``.
    """
    from generator import facts as known

    return [KEPT / known.name(release) for release in releases if known.keep(facts(release), KEPT)]


def facts(release: str) -> Facts:
    """The facts of a release: of the installed one, kept, remembered, or read in an environment of its own.

    Raises:
        ReleaseError: the release cannot be had, or not be read.
        FactsError: its facts are kept, and cannot be read.
        CatalogError: it is the installed one, and cannot be read.
    """
    from generator import facts as known

    if release == _here():
        return known.of_installed()
    found = known.kept(KEPT, release) or known.remembered(release)
    if found is None:
        sys.stderr.write(
            f"transformers {release}: reading it once, in an environment of its own; this may take minutes.\n"
        )
        found = known.from_json(_read(release))
        known.remember(found)
    return found


def _here() -> str | None:
    """The installed release; None where there is none."""
    from importlib.util import find_spec

    return installed() if find_spec("transformers") else None


def _read(release: str) -> str:
    python = prepared(release)
    answer = subprocess.run(
        [python, "-m", "generator.facts"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        said = answer.stderr.strip().splitlines()[-1:]
        raise ReleaseError(
            f"transformers {release} cannot be read: {' '.join(said)}. Run: {python} -m generator.facts", 1
        )
    return answer.stdout
