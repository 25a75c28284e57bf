"""How a pytest process over cells ends: its exit code and its last line, from the verdicts of all workers.

The plugin registers it in the controlling process, after everything else that has a say at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from harness.results.verdicts import INCOMPLETE, exit_code, ruling, summary

if TYPE_CHECKING:
    from harness.reporter import Reporter
    from harness.results.record import Record

__all__ = ["Rulings", "told"]


class Rulings:
    """Counts what each cell would end the run with."""

    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter
        self.counts: Counter[int] = Counter()
        self._others = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the ruling on a cell; a test that is none of them fails as itself."""
        facts = dict(report.user_properties)
        if "ruling" not in facts:
            self._others = self._others or report.failed
        elif report.when in ("call", "???"):
            self.counts[int(str(facts["ruling"]))] += 1

    def lost(self, count: int) -> None:
        """Note cells that nobody answered for."""
        self.counts[INCOMPLETE] += count

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Give the process the exit code that the cells come to, when all else is said, and say so in the last line."""
        done = yield
        if not self.counts.total() or session.config.option.collectonly:
            return done
        settled = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        if session.exitstatus in settled and not self._others:
            session.exitstatus = exit_code(self.counts)
        terminal = session.config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:
            line = summary(self.counts, self.reporter.remedy)
            terminal.write_line(f"exit code {int(session.exitstatus)}: {line}")
        return done


def told(record: Record, *, required: bool) -> list[tuple[str, object]]:
    """What a report of pytest's carries of a judged record, for the controlling process."""
    status = ("status", record.verdict)
    return [("cell", record.cell), ("hardware", record.hardware), status, ("ruling", ruling(record, required=required))]
