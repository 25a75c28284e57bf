"""Runs cells in this process, one after the other, and says of each what came of it; it writes nothing but raw
samples."""

from __future__ import annotations

import contextlib
import gc
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from harness import failures, weights
from harness.hardware import hardware
from harness.references import References
from harness.results import samples
from harness.results.record import Record
from harness.results.store import now
from harness.session import Session, Subject

if TYPE_CHECKING:
    from pathlib import Path

    from harness.cells import Cell
    from harness.checks import Outcome
    from harness.flight_recorder import Wreck
    from harness.skill import Head, Skill

__all__ = ["Engine", "blank", "died"]


def blank(
    cell: Cell, status: str, reason: str | None, *, run: str = "", environment: str = "", seed: int = 0
) -> Record:
    """The record of a cell that did not come to an outcome of its own: all axes have its status."""
    return Record(
        cell=cell.id,
        run=run,
        model_type=cell.skill.model_type,
        head=cell.head.class_name,
        hardware=cell.hardware,
        dtype=cell.dtype,
        check=cell.check.name,
        primary=cell.head.primary,
        tier=cell.skill.tier,
        family=cell.skill.family,
        status=status,
        runs=status,
        matches=None,
        speed=None,
        stage=None,
        reason=reason,
        signature=failures.signature(reason),
        traceback=None,
        executed_on=None,
        started=now(),
        seed=seed,
        skill_sha256=cell.skill.sha256(),
        environment=environment,
    )


def died(record: Record, wreck: Wreck) -> Record:
    """The record of a cell, begun as ``blank``, whose process is gone."""
    return replace(
        record,
        status=wreck.status,
        runs=wreck.status,
        stage=wreck.stage,
        reason=wreck.reason,
        signature=failures.signature(wreck.reason),
        traceback=wreck.printed or None,
        seconds=round(wreck.seconds, 6),
    )


class Engine:
    """Keeps what the cells of one head share, and lets go of it when the next head comes."""

    def __init__(
        self,
        run: str = "",
        environment: str = "",
        seed: int = 0,
        threads: int | None = None,
        *,
        tell: Callable[[str], object] | None = None,
        folder: Path | None = None,
        exact: bool = False,
        references: Path | None = None,
    ) -> None:
        """Args:
        run: id of the run, for the records.
        environment: id of the fingerprint, for the records.
        seed: of weights, inputs and random state.
        threads: for torch on the CPU; None leaves torch's own choice.
        tell: gets each stage of a cell as it begins.
        folder: of the run, where raw samples are kept; they are let go of if None.
        exact: whether parity also measures how far the numbers are from float64's.
        references: folder in which references are kept and found; None where each process computes its own.
        """
        self.run_id = run
        self.environment = environment
        self.seed = seed
        self.threads = threads
        self._tell = tell
        self._folder = folder
        self.exact = exact
        self.references = None if references is None else References(references)
        self._subject: Subject | None = None
        self._sessions: dict[tuple[str, str], Session] = {}
        self._warm = False
        self._probed: dict[tuple[str, str | None], str | None] = {}

    @property
    def stage(self) -> str | None:
        """Where the cell in hand stands; None before any model was asked for."""
        return None if self._subject is None else self._subject.stage

    def run(self, cells: Iterable[Cell]) -> Iterator[Record]:
        """One record a cell, as it is done."""
        for cell in cells:
            yield self.execute(cell)

    def execute(self, cell: Cell) -> Record:
        """Run one cell. Whatever its check raises becomes the record's failure, and nothing else does."""
        where = (cell.hardware, cell.dtype)
        record = blank(cell, "not_run", None, run=self.run_id, environment=self.environment, seed=self.seed)
        begun = time.perf_counter()
        if (reason := self._unavailable(*where)) is not None:
            return _with(record, begun, status="unavailable", runs="unavailable", reason=reason, stage="prepare")
        if cell.head.unsettled is not None:
            return _unsettled(record, cell, begun)
        self.warm_up()
        session = self._session(cell.skill, cell.head, where)
        try:
            outcome = cell.check.run(session)
        except Exception as error:  # noqa: BLE001, any error is this cell's result and is recorded with its traceback
            return _failure(record, session, error, begun)
        if outcome.samples and self._folder is not None:
            samples.keep(self._folder, cell.id, outcome.samples)
        return _verdict(record, cell, session, outcome, begun)

    def release(self) -> None:
        """Let go of the models.

        What outlives a collection is the libraries' code and classes; the next one need not walk through them again,
        which would take longer than building a model does.
        """
        self._subject = None
        self._sessions = {}
        gc.collect()
        gc.freeze()

    def _unavailable(self, name: str, dtype: str | None) -> str | None:
        """Why the hardware cannot be used, asked once."""
        if (name, dtype) not in self._probed:
            self._probed[name, dtype] = hardware(name).probe(dtype)
        return self._probed[name, dtype]

    def _session(self, skill: type[Skill], head: Head, where: tuple[str, str]) -> Session:
        subject = self._subject
        if subject is None or subject.head is not head or subject.skill is not skill:
            if subject is not None and subject.skill is not skill:
                self.release()
            self._subject, self._sessions = Subject(skill, head, self.seed, self._tell, self.references), {}
            subject = self._subject
        if where not in self._sessions:
            self._sessions[where] = Session(subject, hardware(where[0]), where[1], exact=self.exact)
        return self._sessions[where]

    def warm_up(self, name: str = "cpu") -> None:
        """Import torch and transformers, if this hardware is here; only the first call does anything.

        A cell that comes after it is not charged with the seconds that this takes.
        """
        if self._warm or self._unavailable(name, None) is not None:
            return
        self._warm = True
        # A check has no business on the network: everything is built from configs.
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        import torch
        import transformers.modeling_utils  # noqa: F401, the slowest of its imports
        from transformers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        if self.threads is not None:
            torch.set_num_threads(self.threads)
            with contextlib.suppress(RuntimeError):  # too late once any parallel work was done
                torch.set_num_interop_threads(self.threads)


def _unsettled(record: Record, cell: Cell, begun: float) -> Record:
    """The record of a head that could not be built where its skill was written: there is nothing to run."""
    try:
        weights.require(cell.skill)
    except weights.MissingLibraryError as error:
        return _with(record, begun, status="unavailable", runs="unavailable", reason=str(error), stage="resolve")
    remedy = f"Run: invoke generate --model {cell.skill.model_type}"
    return _with(record, begun, reason=f"the skill was written unsettled: {cell.head.unsettled}. {remedy}")


def _with(record: Record, begun: float, **changes: object) -> Record:
    changed = replace(record, seconds=round(time.perf_counter() - begun, 6), **changes)  # type: ignore[arg-type]
    return changed if "signature" in changes else replace(changed, signature=failures.signature(changed.reason))


def _failure(record: Record, session: Session, error: Exception, begun: float) -> Record:
    status = failures.status(error)
    return _with(
        record,
        begun,
        status=status,
        runs=status,
        matches=None,
        stage=session.stage,
        reason=failures.sentence(error),
        # Of all that it says: where the sentence is cut depends on the length of a path in it.
        signature=failures.signature(failures.words(error)),
        traceback=failures.tail(error),
        executed_on=session.executed_on,
    )


def _verdict(record: Record, cell: Cell, session: Session, outcome: Outcome, begun: float) -> Record:
    ended = outcome.status == "passed"
    compares = cell.check.axis == "matches"
    return _with(
        record,
        begun,
        status=outcome.status,
        runs="passed" if compares or ended else outcome.status,
        matches=outcome.status if compares else None,
        speed=outcome.status if cell.check.axis == "speed" else None,
        stage=None if ended else session.stage,
        reason=outcome.reason,
        executed_on=session.executed_on,
        metrics={**session.facts, **outcome.metrics},
    )
