"""Which skill files a user means by the names that are given; it reads their text and imports none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

__all__ = ["PATTERN", "UnknownModelError", "declared", "find", "of_packages", "select"]

PATTERN = "hf_*.py"
"""Names of skill files."""


_MODEL = re.compile(r'^    model_type = "([^"]+)"', re.MULTILINE)
_HEAD = re.compile(r'\bHead\(\s*"([^"]+)"')


class UnknownModelError(ValueError):
    """No skill is called so; the message is the user's sentence."""


def find(places: Iterable[Path]) -> list[Path]:
    """Skill files at these places: files themselves, and those in folders at any depth."""
    found: set[Path] = set()
    for place in places:
        found |= set(place.rglob(PATTERN)) if place.is_dir() else {place} if place.match(PATTERN) else set()
    return sorted(path.resolve() for path in found)


def select(files: Sequence[Path], names: Iterable[str]) -> set[Path]:
    """The files of the skills that these names mean: a model type in any spelling, a head's class, a checkpoint.

    Raises:
        UnknownModelError: a name that no file answers to, with the nearest.
    """
    chosen: set[Path] = set()
    for name in names:
        spelled = _spelled(name)
        found = {path for path in files if spelled and _spelled(path.stem.removeprefix("hf_")) == spelled}
        stated = re.compile(rf'(?:\bHead\(\s*|\bcheckpoint = )"{re.escape(name)}"')
        found = found or {path for path in files if stated.search(path.read_text(encoding="utf-8"))}
        if not found:
            known = [path.stem.removeprefix("hf_") for path in files]
            near = get_close_matches(name, known, n=3, cutoff=0.4)
            hint = f"The nearest are {', '.join(near)}" if near else f"There are {len(known)} skills"
            raise UnknownModelError(f"no skill is called {name[:80]!r}. {hint}. Run: invoke generate --model NAME")
        chosen |= found
    return chosen


def of_packages(files: Sequence[Path], packages: Iterable[str]) -> set[Path]:
    """The files of the skills whose classes these packages register.

    Raises:
        UnknownModelError: a package that no file names.
    """
    chosen: set[Path] = set()
    for package in packages:
        stated = re.compile(rf'^    package = "{re.escape(package)}"', re.MULTILINE)
        found = {path for path in files if stated.search(path.read_text(encoding="utf-8"))}
        if not found:
            raise UnknownModelError(
                f"no skill is of the package {package[:80]!r}. Run: invoke generate --plugin {package[:80]} --model NAME"
            )
        chosen |= found
    return chosen


def declared(files: Iterable[Path]) -> dict[str, set[str]]:
    """The heads of each model type that these skills declare."""
    heads: dict[str, set[str]] = {}
    for path in files:
        text = path.read_text(encoding="utf-8")
        for model in _MODEL.findall(text):
            heads.setdefault(model, set()).update(_HEAD.findall(text))
    return heads


def _spelled(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
