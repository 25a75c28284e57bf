"""The controller's part under pytest-xdist: workers get the run's id, and a cell whose worker died gets its record."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.cells import Cell, of_file
from harness.engines.local import blank, died
from harness.flight_recorder import Listener, Wreck
from harness.results.store import Writer, recorded
from harness.results.verdicts import sentence
from harness.rulings import told
from harness.selection import PATTERN

if TYPE_CHECKING:
    from harness.reporter import Reporter
    from harness.results.record import Record
    from harness.rulings import Rulings

__all__ = ["Controller", "allow_restarts"]

RESTARTS = "100"
"""Workers that may die in a sweep."""


def allow_restarts(config: pytest.Config) -> None:
    """Let a sweep go on when cells kill their workers; xdist gives up after four for each worker."""
    if config.option.results is not None and getattr(config.option, "maxworkerrestart", RESTARTS) is None:
        config.option.maxworkerrestart = RESTARTS


class Controller:
    """Hooks that only pytest-xdist calls, and only in the controlling process."""

    def __init__(self, reporter: Reporter, rulings: Rulings) -> None:
        self.reporter = reporter
        self.rulings = rulings
        self._collected: set[str] = set()
        self._answered: set[str] = set()
        self._broken = False
        self._wrecks: tempfile.TemporaryDirectory[str] | None = None
        self._listeners: dict[str, Listener] = {}
        self._wreck: Wreck | None = None

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        """Remember what was collected: at the end every cell of it must have been reported."""
        self._collected |= {identity for identity in ids if self._is_cell(identity)}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The same, without pytest-xdist."""
        self._collected |= {item.nodeid for item in session.items if self._is_cell(item.nodeid)}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A report of any phase is an answer."""
        self._answered.add(report.nodeid)

    def pytest_internalerror(self) -> None:
        """An error of the harness or of pytest; pytest-xdist forgets one that a worker had, and exits with 0."""
        self._broken = True

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Cells that nobody answered for are ``not_run``, and neither they nor an internal error are a success."""
        if session.config.option.collectonly:
            return
        left = sorted(self._collected - self._answered)
        for nodeid in left:
            if (cell := self._cell(nodeid)) is not None:
                self.reporter.statuses[cell.hardware]["not_run"] += 1
                self._record(blank(cell, "not_run", "the session ended before its turn came"))
        self.rulings.lost(len(left))
        if self._wrecks is not None:
            self._wrecks.cleanup()
        if session.exitstatus == pytest.ExitCode.OK and (self._broken or left):
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR

    def _is_cell(self, nodeid: str) -> bool:
        path, _, identity = nodeid.partition("::")
        return Path(path).match(PATTERN) and identity.count("/") == 4

    def _cell(self, nodeid: str) -> Cell | None:
        path, _, identity = nodeid.partition("::")
        return of_file(self.reporter.config.rootpath / path, identity)

    def _record(self, record: Record) -> None:
        if (folder := self.reporter.folder) is not None:
            with Writer(folder, "controller") as writer:
                writer.write(
                    replace(record, run=self.reporter.run_id, environment=_environment(folder), seed=self.reporter.seed)
                )

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """All workers write into one run, and record the command that the user gave."""
        if self._wrecks is None:
            self._wrecks = tempfile.TemporaryDirectory(prefix="skillmatrix-", ignore_cleanup_errors=True)
        folder, name = Path(self._wrecks.name), node.workerinput["workerid"]
        self._listeners[name] = Listener(folder, name)
        node.workerinput["skillmatrix_wrecks"] = str(folder)
        node.workerinput["skillmatrix_run"] = self.reporter.run_id
        node.workerinput["skillmatrix_command"] = sys.argv

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object | None) -> None:
        """A worker is gone; of one that died, what it left behind."""
        listener = self._listeners.pop(node.gateway.id, None)
        if listener is not None and error is not None:
            self._wreck = listener.wreck(_exit_code(node))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """One skill on one worker: what its cells share is then made once. Other tests go where there is room."""
        if config.getoption("dist") != "load":
            return None
        from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

        class BySkill(LoadScopeScheduling):
            holding = False

            def _split_scope(self, nodeid: str) -> str:
                path = nodeid.partition("::")[0]
                return path if Path(path).match(PATTERN) else nodeid

            def _reschedule(self, node: Any) -> None:
                if not self.holding:
                    super()._reschedule(node)

            def remove_node(self, node: Any) -> str | None:
                # xdist 3.8 hands the test that killed a worker to the next one, until it runs out of workers.
                self.holding = True
                try:
                    crashed: str | None = super().remove_node(node)
                finally:
                    self.holding = False
                if crashed is not None:
                    self.workqueue[self._split_scope(crashed)][crashed] = True
                    for other in self.assigned_work:
                        self._reschedule(other)
                return crashed

        return BySkill(config, log)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """The worker that ran this cell is gone: say so in its place, and how it went."""
        wreck, self._wreck = self._wreck, None
        if (cell := self._cell(crashitem)) is None:
            return
        begun = blank(cell, "crashed", "the worker process died")
        record = self.reporter.judged(begun if wreck is None else died(begun, wreck))
        report.user_properties += told(record, required=self.reporter.required)
        report.longrepr = f"{cell.id}: {sentence(record)}\n{record.traceback or ''}"
        if record.verdict == "known_failure":
            report.outcome, report.wasxfail = "skipped", sentence(record)
        folder = self.reporter.folder
        if folder is None or not recorded(folder, cell.id):
            self._record(record)


def _exit_code(node: Any) -> int | None:
    """The exit code of a worker; None of one that another machine started, or that closed its pipe and lives on."""
    process = getattr(node.gateway._io, "popen", None)  # noqa: SLF001, execnet has no public way
    if process is None:
        return None
    try:
        return int(process.wait(timeout=10))
    except subprocess.TimeoutExpired:
        process.kill()
        return None


def _environment(folder: Path) -> str:
    """Id of the run's fingerprint, which the worker wrote before its first cell."""
    files = sorted(folder.glob("environment-*.json"))
    return files[0].stem.removeprefix("environment-") if files else ""
