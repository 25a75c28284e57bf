"""Which evidence counts for a cell: fresh before stale, newest before older; not how it is shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from harness.results.record import STATUSES, Record, environment_of
from harness.results.store import canonical
from harness.results.verdicts import Expectations
from reporting.evidence import Environment, Evidence, judged, moment, worse

__all__ = ["Freshness", "Ledger", "Standing"]


@dataclass(frozen=True)
class Standing:
    """What is known of one cell."""

    evidence: Evidence
    stale: str | None
    """Why the evidence no longer counts; None while it does."""

    @property
    def record(self) -> Record:
        """The record that stands for the cell."""
        return self.evidence.record

    @property
    def status(self) -> str:
        """The record's verdict, or ``stale``; never ``passed`` on evidence that does not count."""
        return "stale" if self.stale else self.record.verdict

    @property
    def passed(self) -> bool:
        """Whether the cell is green."""
        return self.status == "passed"

    @property
    def rank(self) -> tuple[int, int]:
        """Sorts cells, the worst first: what cannot be read may be anything; then fresh ones as in STATUSES, with
        stale ones before those that never ran."""
        if self.evidence.unreadable:
            return (-1, 0)
        if self.stale is None:
            return (STATUSES.index(self.record.verdict), 0)
        return (STATUSES.index("not_run"), STATUSES.index(self.record.status) - len(STATUSES))

    @property
    def reason(self) -> str:
        """Why it is not green, in a sentence; empty where the record does not say."""
        return self.record.reason or self.record.signature or self.known

    @property
    def known(self) -> str:
        """What was expected of it, and where it is not so, what has become of that; empty where nothing was."""
        return "" if self.stale else self.record.known or ""

    @property
    def day(self) -> str:
        """Day on which the evidence was made, ``2026-11-23``."""
        digits = re.sub(r"\D", "", self.record.started)[:8] or moment(self.record)[:8]
        try:
            return date.fromisoformat(digits).isoformat()
        except ValueError:
            return "undated"


class Freshness:
    """Whether evidence was made with the skill and the versions of today."""

    def __init__(self, skills: Mapping[str, str], pins: Mapping[str, Mapping[str, str]]) -> None:
        """``skills``: digest of each skill file by model type; ``pins``: version by distribution, by hardware."""
        self._skills = skills
        self._pins = pins
        self._environments: dict[tuple[str, Environment | None], str | None] = {}

    def why_stale(self, evidence: Evidence) -> str | None:
        """Why the evidence does not count today; None if it does.

        What cannot be read is never stale: nothing shows that it is outdated, so it must not be passed over.
        """
        if evidence.unreadable:
            return None
        record = evidence.record
        digest = self._skills.get(record.model_type)
        if digest is None:
            return "no such skill today"
        if digest != record.skill_sha256:
            return "the skill has changed since"
        key = (record.hardware, evidence.environment)
        if key not in self._environments:
            self._environments[key] = self._why_other_environment(record.hardware, evidence.environment)
        return self._environments[key]

    def _why_other_environment(self, hardware: str, environment: Environment | None) -> str | None:
        if environment is None:
            return "its environment is not known"
        pins = self._pins.get(hardware) or self._pins.get(environment_of(hardware))
        if not pins:
            return f"no versions are pinned for {hardware}"
        for distribution, pin in sorted(pins.items()):
            version = environment.versions.get(canonical(distribution))
            if version is None:
                return f"made without {distribution}, where {pin} is pinned"
            # A pin without a local part admits any build of that version (PEP 440): 2.13.0 is also 2.13.0+cpu.
            if version != pin and version.partition("+")[0] != pin:
                return f"made with {distribution} {version}, where {pin} is pinned"
        return None


class Ledger:
    """The evidence of every cell, one piece at a time; keeps of each cell only what can still matter."""

    def __init__(self, freshness: Freshness, expectations: Expectations | None = None) -> None:
        self._freshness = freshness
        self._expectations = expectations or Expectations()
        self._shown: dict[str, Evidence] = {}
        self._newest: dict[str, Evidence] = {}

    def add(self, item: Evidence) -> None:
        """Take a piece of evidence into account."""
        cell = item.record.cell
        self._shown[cell] = self._better(self._shown.get(cell), item, self._claim)
        self._newest[cell] = self._better(self._newest.get(cell), item, self._speaks)

    def standings(self) -> list[Standing]:
        """Each cell once, by id."""
        return [
            Standing(judged(item, self._expectations), self._freshness.why_stale(item))
            for _, item in sorted(self._shown.items())
        ]

    def kept(self) -> list[Evidence]:
        """What must be kept so that the same standings come of it, and of a later pin or skill the best that can:
        of each cell the evidence shown, and the newest if that is another."""
        kept = []
        for cell, item in sorted(self._shown.items()):
            newest = self._newest[cell]
            kept += [item] if newest.key == item.key else sorted((item, newest), key=lambda one: one.key)
        return [judged(item, self._expectations) for item in kept]

    def _claim(self, evidence: Evidence) -> int:
        return 2 * self._speaks(evidence) + (self._freshness.why_stale(evidence) is None)

    @staticmethod
    def _speaks(evidence: Evidence) -> bool:
        # A machine without the device says nothing of the model, so it hides no evidence of one that has it.
        return evidence.record.status != "unavailable"

    @staticmethod
    def _better(held: Evidence | None, item: Evidence, claim: Callable[[Evidence], int]) -> Evidence:
        if held is None:
            return item
        if held.key == item.key:
            return worse(held, item)
        return max(held, item, key=lambda one: (claim(one), one.key))
