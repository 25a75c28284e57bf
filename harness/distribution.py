"""The controller's part under pytest-xdist: workers get the run's id, and a cell whose worker died gets its record."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.cells import Cell, Selection, cells
from harness.engines.local import blank
from harness.results.store import Writer, recorded
from harness.selection import PATTERN
from harness.skill import Skill

if TYPE_CHECKING:
    from harness.reporter import Reporter

__all__ = ["Controller"]


class Controller:
    """Hooks that only pytest-xdist calls, and only in the controlling process."""

    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """All workers write into one run, and record the command that the user gave."""
        node.workerinput["skillmatrix_run"] = self.reporter.run_id
        node.workerinput["skillmatrix_command"] = sys.argv

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """One skill on one worker: what its cells share is then made once. Other tests go where there is room."""
        if config.getoption("dist") != "load":
            return None
        from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

        class BySkill(LoadScopeScheduling):
            def _split_scope(self, nodeid: str) -> str:
                path = nodeid.partition("::")[0]
                return path if Path(path).match(PATTERN) else nodeid

        return BySkill(config, log)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """The worker that ran this cell is gone: say so in its place, unless a time limit already has."""
        path, _, identity = crashitem.partition("::")
        folder = self.reporter.folder
        root = self.reporter.config.rootpath
        cell = _cell(root / path, identity)
        if cell is None:
            return
        status = "timed_out" if folder is not None and recorded(folder, identity) else "crashed"
        report.user_properties += [("cell", identity), ("hardware", cell.hardware), ("status", status)]
        self.reporter.statuses[cell.hardware][status] += 1
        if folder is not None and status == "crashed":
            words = str(report.longrepr or "").strip().splitlines()
            reason = words[0] if words else "the worker process died"
            with Writer(folder, "controller") as writer:
                writer.write(blank(cell, "crashed", reason, run=self.reporter.run_id, environment=_environment(folder)))


def _environment(folder: Path) -> str:
    """Id of the run's fingerprint, which the worker wrote before its first cell."""
    files = sorted(folder.glob("environment-*.json"))
    return files[0].stem.removeprefix("environment-") if files else ""


def _cell(path: Path, identity: str) -> Cell | None:
    """The cell of this id in a skill's file; the controller has collected nothing itself."""
    parts = identity.split("/")
    if len(parts) != 5 or not path.is_file():
        return None
    name = f"_crashed_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    selection = Selection((parts[2],), (parts[3],), parts[1], (parts[4],))
    for item in vars(module).values():
        if isinstance(item, type) and issubclass(item, Skill) and item.__module__ == name:
            return next(iter(cells(item, selection)), None)
    return None
