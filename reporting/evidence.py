"""Evidence: a record with the environment it was made in, and what is wrong with it. Data only; nothing is read here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from harness.results.record import STATUSES, Record
from harness.results.verdicts import Expectations

__all__ = ["Damage", "Environment", "Evidence", "judged", "moment", "worse"]

_RUN_STARTED = re.compile(r"(\d{8})T(\d{6})")


@dataclass(frozen=True)
class Environment:
    """Where and with what a run's records were made, as far as the reports need it."""

    id: str
    run: str
    """Run that the fingerprint lies with."""
    started: str = field(default="", hash=False)
    """UTC, ISO 8601."""
    python: str = field(default="", hash=False)
    platform: str = field(default="", hash=False)
    devices: str = field(default="", hash=False)
    """What each hardware said of itself."""
    revision: str = field(default="", hash=False)
    """Revision of the working tree."""
    command: str = field(default="", hash=False)
    versions: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Every installed distribution, by normalised name."""


@dataclass(frozen=True)
class Damage:
    """Something among the results that cannot be taken as it lies."""

    where: str
    """File and line, relative to the reports' directory."""
    what: str
    """What is wrong, and what became of it."""
    cell: str | None = None
    """Cell that it speaks of, where that can be read."""
    taints: bool = False
    """Whether results are missing because of it that no cell can be held to."""


@dataclass(frozen=True)
class Evidence:
    """One record with its environment."""

    record: Record
    environment: Environment | None
    """None where the run's fingerprint is missing or unreadable."""
    unreadable: str = ""
    """Where the line lies that cannot be read; the record then holds only what could be salvaged."""
    key: tuple[str, str, int, bool] = field(init=False, compare=False)
    """Sorts the evidence of one cell, the newest last; an unreadable line is newer than its readable twin."""

    def __post_init__(self) -> None:
        record = self.record
        object.__setattr__(self, "key", (moment(record), record.run, record.attempt, bool(self.unreadable)))


def moment(record: Record) -> str:
    """When the record's run began, as fourteen digits that sort by time: from the run's id, or else its own start."""
    if match := _RUN_STARTED.match(record.run):
        return match[1] + match[2]
    return re.sub(r"\D", "", record.started)[:14]


def worse(one: Evidence, other: Evidence) -> Evidence:
    """Of two that claim to be the same attempt, the one that is less to the model's credit."""

    if one.record == other.record:
        return one if one.environment is not None else other

    def rank(evidence: Evidence) -> tuple[bool, int, str]:
        # The last only makes the answer independent of the order of the arguments.
        return not evidence.unreadable, STATUSES.index(evidence.record.status), repr(evidence.record)

    return min(one, other, key=rank)


def judged(evidence: Evidence, expectations: Expectations) -> Evidence:
    """The evidence with its verdict by what is expected today, of the day and in the environment that it was made in."""
    versions = evidence.environment.versions if evidence.environment is not None else {}
    return replace(evidence, record=expectations.judge(evidence.record, versions))
