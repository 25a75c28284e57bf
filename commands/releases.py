"""Releases of transformers: how they are spelled, where each one's skills, reports and environment lie, and what is run there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from commands.environments import PINNED, Environment

__all__ = [
    "ReleaseError",
    "given",
    "installed",
    "interpreter",
    "no_release",
    "not_found",
    "prepared",
    "refused",
    "reports",
    "skills",
]

ROOT = Path(__file__).resolve().parent.parent

OLDEST = (4, 57)
"""The oldest minor release that the catalogue can read."""

RELEASE = re.compile(r"(\d+)\.(\d+)\.\d+(?:(?:a|b|rc|\.dev|\.post)\d+)*")
"""How a release is spelled (PEP 440, all three numbers)."""

Options = Mapping[str, str | bool | Sequence[str] | None]
"""Options of a command by name; None and False for those that are not given, a list for one that is repeated."""


class ReleaseError(RuntimeError):
    """A release cannot be had; the message is the user's sentence."""

    def __init__(self, sentence: str, code: int) -> None:
        super().__init__(sentence)
        self.code = code
        """Exit code: 2 where it cannot be a release, 1 where it could."""


def no_release(text: str) -> str | None:
    """Why this cannot be a release to run, whatever the package index has; None if it can."""
    spelled = RELEASE.fullmatch(text)
    if not spelled:
        return f"{text!r} is not a release; spell it with three numbers, like {PINNED}"
    if (int(spelled[1]), int(spelled[2])) < OLDEST:
        return f"transformers {text} cannot be read; the oldest that can is {OLDEST[0]}.{OLDEST[1]}.0"
    return None


def refused(environment: Environment, release: str) -> str | None:
    """Why a hardware's packages cannot be had beside a release, though there is one; None if they can."""
    if environment.takes(release) or environment.before is None:
        return None
    before = ".".join(map(str, environment.before))
    return (
        f"{environment.hardware} takes transformers before {before} only, not {release}; "
        f"it has {environment.release} unless another is asked for"
    )


def not_found(release: str, answer: str) -> str:
    """Why there is no such release, out of pip's answer."""
    known = re.search(r"from versions: ([^)]+)\)", answer)
    if not known or known[1] == "none":
        said = answer.strip().splitlines()[-1:]
        return f"no package index could be asked for transformers {release}: {' '.join(said)}. Nothing was run."
    near = get_close_matches(release, [item.strip() for item in known[1].split(",")], n=3, cutoff=0)
    return f"there is no transformers {release}; the nearest are {', '.join(near)}. Nothing was run."


def skills(release: str) -> Path:
    """Where the skills of a release lie, relative to the project."""
    return Path("skills") if release == PINNED else Path("build", f"transformers-{release}", "skills")


def reports(release: str) -> Path:
    """Where the reports of a release lie, relative to the project."""
    return Path("reports") if release == PINNED else Path("reports", f"transformers-{release}")


def interpreter(release: str) -> Path:
    """Python of the environment that ``nox -s test_cpu -- --transformers RELEASE --prepare`` makes."""
    name = re.sub(r"[^\w-]", "-", f"test_cpu-transformers-{release}")
    return ROOT / os.environ.get("NOXENVDIR", ".nox") / name / "bin" / "python"


def installed() -> str:
    """The release of transformers here; the pinned one, which will be asked for in a sentence, where there is none."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("transformers")
    except PackageNotFoundError:
        return PINNED


def prepared(release: str, options: Sequence[str] = ()) -> Path:
    """Python of an environment with that release, which Nox makes where it is not there yet.

    Args:
        release: the release.
        options: further options of the session, such as packages that must be in the environment too.

    Raises:
        ReleaseError: there is no such release or package, or it cannot be had.
    """
    prepare = [sys.executable, "-m", "nox", "-s", "test_cpu", "--", f"--transformers={release}", "--prepare"]
    made = subprocess.run(
        [*prepare, *options],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if made.returncode:
        said = [line for line in made.stdout.splitlines() if "error:" in line or "aborted:" in line] or [made.stdout]
        sentence = re.sub(r"^.*?(?:error: argument --transformers: |aborted: )", "", said[0])
        raise ReleaseError(sentence, made.returncode)
    return interpreter(release)


def given(options: Options) -> list[str]:
    """Options as they are written on a command line; nothing for those that are not given."""
    return [item for name, value in options.items() for item in _given(name, value)]


def _given(name: str, value: str | bool | Sequence[str] | None) -> list[str]:
    if isinstance(value, bool):
        return [f"--{name}"] if value else []
    values = [value] if value is None or isinstance(value, str) else value
    return [f"--{name}={item}" for item in values if item is not None]
