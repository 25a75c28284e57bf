"""Which architectures a command was asked for; turns names, tiers and counts into rows of the catalogue."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from generator.catalog import Catalog, Resolution, Row, UnavailableModelError, resolve
from generator.spec import TIERS


class SelectionError(ValueError):
    """A selection that means nothing; the message is one sentence for people."""


@dataclass(frozen=True)
class Selection:
    """What a command was asked for."""

    models: tuple[str, ...] = ()
    """Names of architectures, in any spelling."""
    tiers: tuple[str, ...] = ()
    """Tiers; with ``batch`` they bound it."""
    batch: int | None = None
    """How many of those that have no skill yet."""
    everything: bool = False
    """Every architecture."""
    packages: tuple[str, ...] = ()
    """Packages of which every architecture is asked for, where nothing else is."""

    @property
    def given(self) -> bool:
        """Whether anything was asked for at all."""
        return bool(self.models or self.tiers or self.everything or self.packages) or self.batch is not None

    def rows(self, catalog: Catalog, generated: Collection[str]) -> tuple[list[Row], list[str]]:
        """The rows asked for, the most urgent tier first, each once, and sentences on names that stood for others.

        Args:
            catalog: where to look.
            generated: model types that have a skill, which a batch passes over.

        Raises:
            SelectionError: it asks for nothing, or for two things at once.
            UnknownModelError: a name that stands for no architecture.
        """
        ways = [bool(self.models), bool(self.tiers) and self.batch is None, self.batch is not None, self.everything]
        if self.packages and not any(ways):
            return [row for row in catalog.architectures() if row.package in self.packages], []
        if sum(ways) != 1:
            raise SelectionError("give one of --model NAME, --tier TIER, --batch N (with --tier or not) or --all.")
        if self.models:
            return _named(self.models, catalog)
        rows = [row for row in catalog.architectures() if not self.tiers or row.tier in self.tiers]
        if self.batch is not None:
            rows = [row for row in rows if row.model_type not in generated][: self.batch]
        return rows, []


def tiers(text: str) -> tuple[str, ...]:
    """The tiers of a list with commas.

    Raises:
        SelectionError: a tier that does not exist.
    """
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in names:
        if name not in TIERS:
            raise SelectionError(f"--tier {name[:60]!r}: there is no such tier; the tiers are {', '.join(TIERS)}.")
    return names


def count(text: str) -> int:
    """The positive number that an option was given.

    Raises:
        SelectionError: it is none.
    """
    if not (text.isascii() and text.isdigit()) or int(text[:9]) < 1:
        raise SelectionError(f"--batch {text[:60]!r}: is not a number from 1 up; it says how many skills to generate.")
    return int(text[:9])


def _named(names: Sequence[str], catalog: Catalog) -> tuple[list[Row], list[str]]:
    resolutions: list[Resolution] = []
    notes: dict[str, None] = {}
    for name in names:
        try:
            found = resolve(name, catalog)
        except UnavailableModelError as error:
            notes[f"{error.model_type}: {error.reason}; transformers {catalog.transformers} has no such model."] = None
            continue
        resolutions.append(found)
        if found.why:
            notes[f"{found.why}."] = None
    return [catalog.rows[name] for name in dict.fromkeys(found.model_type for found in resolutions)], list(notes)
