"""Where the expected states of a run lie, and the names that they may use; what they mean is ``harness.results``'s to say."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness import hardware
from harness.cells import ASKED
from harness.checks import CHECKS
from harness.results.expectations import Names, files, rows
from harness.results.verdicts import Expectations
from harness.selection import declared, find

__all__ = ["beside", "expectations", "names"]

FOLDER = "expected"


def beside(place: Path) -> Path | None:
    """The folder of expected states of the project that a skill's file, or a folder of them, lies in; None if it has none."""
    return next((above / FOLDER for above in place.resolve().parents if (above / FOLDER).is_dir()), None)


def expectations(
    folder: Path | None,
    hardware: Iterable[str] | None = None,
    skills: Iterable[Path] | None = (),
    distributions: Iterable[str] = (),
) -> Expectations:
    """What is expected on the hardware, or on all; nothing without a folder.

    Args:
        folder: of the files of expected states.
        hardware: names of hardware, with devices and routes or without.
        skills: files that are run, which rows may name beside those of the project that the folder lies in; None to take
            every name as it comes, where another process has looked at them.
        distributions: what windows may bound the version of; without any, a name that is not installed is in no window.

    Raises:
        harness.results.expectations.ExpectationError: a file cannot be taken as it is.
    """
    found = [] if folder is None else files(folder, hardware)
    if folder is None or not found:
        return Expectations()
    known = Names() if skills is None else names(folder, skills, distributions)
    return Expectations(row for file in found for row in rows(file, known))


def names(folder: Path, skills: Iterable[Path] = (), distributions: Iterable[str] = ()) -> Names:
    """Every name that rows in a folder may use: of the project's skills and of these, and of the harness."""
    return Names(
        heads=declared([*find([folder.resolve().parent / "skills"]), *skills]),
        hardware=hardware.names(),
        dtypes=ASKED,
        checks=tuple(CHECKS),
        distributions=frozenset(distributions),
    )
