"""Where a pytest process's cells are run and their records go; the plugin has one, in every worker."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter, defaultdict
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness import memory
from harness.engines.local import Engine, blank
from harness.flight_recorder import Recorder
from harness.hardware import hardware
from harness.results.store import Writer, environment, installed, new_run
from harness.results.verdicts import Expectations, remedy

if TYPE_CHECKING:
    from harness.cells import Cell
    from harness.results.record import Record

__all__ = ["Reporter"]


class Reporter:
    """Runs cells by an engine made for the first of them, and writes each record as it comes."""

    def __init__(
        self,
        config: pytest.Config,
        hardware_names: tuple[str, ...],
        pins: dict[str, Any],
        expectations: Expectations | None = None,
    ) -> None:
        self.config = config
        self.hardware = hardware_names
        self.pins = pins
        self.expectations = expectations or Expectations()
        shared = getattr(config, "workerinput", {})
        self.worker: str | None = shared.get("workerid")
        """Name of the xdist worker; None in a process that is none."""
        self.run_id: str = shared.get("skillmatrix_run") or config.option.run or new_run()
        self.command: list[str] = shared.get("skillmatrix_command") or sys.argv
        self.statuses: dict[str, Counter[str]] = defaultdict(Counter)
        """Statuses of the cells reported, by hardware."""
        self._engine: Engine | None = None
        self._writer: Writer | None = None
        self._limit: float | None = None
        self._recorder: Recorder | None = None
        if self.worker is not None:
            memory.bound(shared["workercount"])
            self._recorder = Recorder(Path(shared["skillmatrix_wrecks"]), self.worker)

    @property
    def seed(self) -> int:
        """Of weights, inputs and random state."""
        return int(self.config.option.seed)

    @property
    def folder(self) -> Path | None:
        """Folder of the run; None if nothing is to be written."""
        results: Path | None = self.config.option.results
        return None if results is None else self.config.invocation_params.dir / results / self.run_id

    @property
    def engine(self) -> Engine:
        """The engine of this process; a worker shares the cores with others, and takes one thread."""
        if self._engine is None:
            identity, folder = "", self.folder
            if folder is not None:
                names = self.hardware
                devices = {name: hardware(name).describe() for name in names}
                facts = environment(devices, seed=self.seed, pins=self.pins, command=self.command)
                facts.write(folder)
                identity = facts.id
                self._writer = Writer(folder, self.worker or "main")
            option = self.config.option
            shared = None if option.references is None else self.config.invocation_params.dir / option.references
            self._engine = Engine(
                self.run_id,
                identity,
                self.seed,
                threads=1 if self.worker else None,
                tell=None if self._recorder is None else self._recorder.at,
                folder=folder,
                exact=option.exact,
                references=shared,
            )
        return self._engine

    def run(self, cell: Cell) -> Record:
        """Run a cell and write its record, also when a time limit ends it."""
        engine, recorder = self.engine, self._recorder
        try:
            with contextlib.nullcontext() if recorder is None else recorder.recording(cell.id, self._limit):
                record = engine.execute(cell)
        except pytest.fail.Exception as error:
            # pytest-timeout's signal arrives as a failure in the midst of the check.
            if "Timeout" not in str(error):
                raise
            words = str(error).splitlines()[0]
            record = replace(
                blank(cell, "timed_out", words, run=self.run_id, environment=engine.environment, seed=self.seed),
                stage=engine.stage,
            )
        return self.write(record)

    def write(self, record: Record) -> Record:
        """The record as judged by what is expected, appended if results are wanted."""
        judged = self.judged(record)
        if self._writer is not None:
            self._writer.write(judged)
        return judged

    def judged(self, record: Record) -> Record:
        """The record as judged by what is expected of it, with the versions that are installed here."""
        return self.expectations.judge(record, self._versions if self.expectations.rows else {})

    @cached_property
    def _versions(self) -> dict[str, str]:
        return installed()

    @property
    def required(self) -> bool:
        """Whether what is unavailable here was to be run in any case."""
        return bool(self.config.getoption("--require-hardware"))

    @property
    def remedy(self) -> str:
        """What to do where ``expected/`` does not say what this run found."""
        return remedy(self.folder)

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_timeout_set_timer(self, settings: Any) -> None:
        """Learn the time limit; pytest-timeout sets its own timer after this."""
        self._limit = settings.timeout

    def close(self) -> None:
        """Make sure that all records are on the disk."""
        if self._writer is not None:
            self._writer.close()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count statuses, of all workers where this is the controller."""
        told = dict(report.user_properties)
        if report.when in ("call", "???") and "cell" in told:
            self.statuses[str(told["hardware"])][str(told["status"])] += 1

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Nothing written may be lost."""
        self.close()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """One line a hardware; a hardware that is not here is said to be so, in a sentence."""
        if not self.statuses:
            return
        terminalreporter.section("cells")
        for name, counts in sorted(self.statuses.items()):
            if set(counts) == {"unavailable"}:
                reason = hardware(name).probe() or "a library that the skills need is not installed"
                line = f"{name}: unavailable: {reason}. None of its {counts.total()} cells ran, and none passed."
            else:
                line = f"{name}: " + ", ".join(f"{count} {status}" for status, count in counts.most_common())
            terminalreporter.write_line(line)
        if self.folder is not None:
            terminalreporter.write_line(f"records: {self.folder}")
