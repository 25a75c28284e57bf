"""The pytest plugin: skills are collected as their cells, and each cell's record decides its outcome.

It only connects pytest and pytest-xdist to the engine: what a cell does and what its record says is the engine's.
A cell that passed is a pass; one that fails as expected is an expected failure; one that is unavailable is a skip unless
the hardware is required; everything else is a failure. ``harness.rulings`` says what exit code comes of them.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.cells import ASKED, Cell, Selection, SelectionError, cells
from harness.checks import CHECKS
from harness.distribution import Controller, allow_restarts
from harness.expected import beside, expectations
from harness.hardware import UnknownHardwareError, hardware
from harness.reporter import Reporter
from harness.results.expectations import ExpectationError
from harness.results.store import RUN, new_run
from harness.results.verdicts import Expectations, sentence
from harness.rulings import Rulings, told
from harness.selection import PATTERN, UnknownModelError, find, of_packages, select
from harness.skill import Skill

__all__ = ["CellItem"]

SELECTION = pytest.StashKey[Selection]()
FILES = pytest.StashKey[set[Path] | None]()
REPORTER = pytest.StashKey[Reporter]()

TIERS = ("critical", "high", "medium", "long-tail")


class CellFailedError(Exception):
    """A cell that did not pass; the message is all that a reader needs."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of a run over skills."""
    group = parser.getgroup("skills", "skills: which cells to run, and where results go")
    many: dict[str, Any] = {"action": "append", "default": []}
    group.addoption("--hardware", metavar="NAME[,NAME]", help="where to run (default: cpu)", **many)
    group.addoption("--tier", choices=TIERS, help="only skills of this tier")
    group.addoption("--model", metavar="NAME", help="only this skill, by any spelling; repeatable", **many)
    group.addoption("--package", metavar="NAME", help="only skills of this package's models; repeatable", **many)
    group.addoption("--head", default="primary", metavar="primary|all|CLASS", help="which heads (default: primary)")
    group.addoption("--check", metavar="NAME[,NAME]", help=f"only these checks: {', '.join(CHECKS)}", **many)
    group.addoption("--dtype", metavar="NAME[,NAME]", help=f"{', '.join(ASKED)} (default: fp32)", **many)
    group.addoption("--seed", type=int, default=0, metavar="N", help="of weights and inputs (default: 0)")
    group.addoption("--exact", action="store_true", help="also measure how far the numbers are from float64's")
    group.addoption("--references", type=Path, metavar="DIR", help="share the CPU's numbers there with other hardware")
    group.addoption("--results", type=Path, metavar="DIR", help="write records below DIR, in a folder for the run")
    group.addoption("--run", metavar="ID", help="id of the run (default: the time and six random digits)")
    group.addoption(
        "--expected", type=Path, metavar="DIR", help="what is known to fail (default: expected/ of the skills' project)"
    )
    group.addoption("--require-hardware", action="store_true", help="fail cells whose hardware is not here")
    group.addoption("--pins", default="{}", metavar="JSON", help="versions that the session pinned, for the record")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Refuse wrong options in a sentence, before anything is collected."""
    # Skills lie beside each other under names that no default pattern of pytest's finds.
    if PATTERN not in config.getini("python_files"):
        config.addinivalue_line("python_files", PATTERN)
    # Cells carry it also where pytest's own plugin for warnings, which knows it, is switched off.
    config.addinivalue_line("markers", "filterwarnings(warning): which warnings are errors in a cell")
    try:
        config.stash[SELECTION] = _selection(config)
        for name in config.stash[SELECTION].hardware:
            hardware(name)
        config.stash[FILES] = _files(config)
        if (run := config.option.run) is not None and not RUN.fullmatch(run):
            raise SelectionError(f"--run: {run[:80]!r} is no id of a run. It looks like {new_run()}")
        _one_at_a_time(config)
        pins = dict(json.loads(config.option.pins))
        expected = _expectations(config)
    except (ExpectationError, SelectionError, UnknownHardwareError, UnknownModelError) as error:
        raise pytest.UsageError(str(error)) from error
    except (ValueError, TypeError) as error:
        raise pytest.UsageError(f"--pins: it is no JSON object ({error})") from error
    reporter = Reporter(config, config.stash[SELECTION].hardware, pins, expected)
    config.stash[REPORTER] = reporter
    config.pluginmanager.register(reporter, "skillmatrix-reporter")
    if reporter.worker is None:
        rulings = Rulings(reporter)
        config.pluginmanager.register(Controller(reporter, rulings), "skillmatrix-controller")
        config.pluginmanager.register(rulings, "skillmatrix-rulings")
        allow_restarts(config)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Import the frameworks before the first cell's time limit and duration begin: they are then its own."""
    if isinstance(item, CellItem):
        item.config.stash[REPORTER].engine.warm_up(item.cell.hardware)
    return (yield)


def _one_at_a_time(config: pytest.Config) -> None:
    """Raises SelectionError where what is timed would run beside something else."""
    workers = getattr(config.option, "numprocesses", None) or 1
    timed = [name for name in config.stash[SELECTION].checks or () if CHECKS[name].alone]
    if workers > 1 and timed:
        raise SelectionError(
            f"{timed[0]}: {workers} workers side by side would each be timed while the others run. Run it with -n 1"
        )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the files of skills that were not asked for unread."""
    files = config.stash[FILES]
    if files is None or not collection_path.match(PATTERN):
        return None
    return None if collection_path.resolve() in files else True


def pytest_pycollect_makeitem(collector: pytest.Module | pytest.Class, name: str, obj: object) -> Any:
    """A skill becomes its cells. A class that is only imported into the module is not its skill."""
    del name
    if not (isinstance(obj, type) and issubclass(obj, Skill)) or obj is Skill:
        return None
    if obj.__module__ != getattr(collector.obj, "__name__", None):
        return []
    config = collector.config
    return [CellItem.from_parent(collector, name=cell.id, cell=cell) for cell in _wanted(obj, config)]


class CellItem(pytest.Item):
    """A cell as a test; its name is the cell's id."""

    def __init__(self, *, cell: Cell, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cell = cell
        # What libraries warn of on the way is no verdict on a model, which cannot mend them; of the harness's own it is one.
        self.add_marker(pytest.mark.filterwarnings("ignore", "error:::harness"))

    def runtest(self) -> None:
        """Run it and keep its record; a failure of the cell is one of the test."""
        reporter = self.config.stash[REPORTER]
        record = reporter.run(self.cell)
        self.user_properties += told(record, required=reporter.required)
        if record.verdict == "passed":
            return
        words = sentence(record)
        if record.verdict == "known_failure":
            pytest.xfail(words)
        if record.verdict == "unavailable" and not reporter.required:
            pytest.skip(words)
        where = f" (while: {record.stage})" if record.stage else ""
        remedy = f"Run: {reporter.remedy}" if record.expected in ("passed", "changed", "expired") else None
        raise CellFailedError("\n".join(filter(None, (f"{record.cell}: {words}{where}", remedy, record.traceback))))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The cell's own words, without the harness's frames."""
        if isinstance(excinfo.value, CellFailedError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the skill lies, and the cell."""
        return self.path, 0, self.cell.id


def _wanted(skill: type[Skill], config: pytest.Config) -> Iterator[Cell]:
    """The cells that the options select, and those that an argument names by their ids."""
    selection, tier = config.stash[SELECTION], config.getoption("--tier")
    chosen = [] if tier not in (None, skill.tier) else list(_some_cells(skill, selection))
    known = {cell.id for cell in chosen}
    for identity in sorted(_named(config) - known):
        parts = identity.split("/")
        if len(parts) == 5 and parts[0] == skill.model_type:
            one = Selection((parts[2],), (parts[3],), parts[1], (parts[4],))
            chosen += list(_some_cells(skill, one))
    yield from chosen


def _some_cells(skill: type[Skill], selection: Selection) -> Iterable[Cell]:
    # A head's name selects in one skill; the others simply have no such head.
    try:
        return list(cells(skill, selection))
    except SelectionError:
        return []


def _selection(config: pytest.Config) -> Selection:
    option = config.option
    return Selection(
        hardware=_split(option.hardware) or ("cpu",),
        dtypes=_split(option.dtype) or ("fp32",),
        head=option.head,
        checks=_split(option.check) or None,
    )


def _expectations(config: pytest.Config) -> Expectations:
    """What is known to fail where the skills run; the names in it are looked at once, by the controlling process."""
    files = find(_places(config))
    folder: Path | None = config.option.expected
    if folder is None:
        folder = beside(files[0]) if files else None
    elif not (folder := config.invocation_params.dir / folder).is_dir():
        raise ExpectationError(f"--expected: {folder} is no folder. What is known to fail is read from it")
    where = {
        *config.stash[SELECTION].hardware,
        *(cell.split("/")[2] for cell in _named(config) if cell.count("/") == 4),
    }
    return expectations(folder, where, None if hasattr(config, "workerinput") else files)


def _named(config: pytest.Config) -> set[str]:
    """The ids that arguments name."""
    return {argument.partition("::")[2] for argument in config.args if "::" in argument}


def _places(config: pytest.Config) -> list[Path]:
    """The files and folders that the arguments name."""
    return [config.invocation_params.dir / argument.partition("::")[0] for argument in config.args]


def _split(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for value in values for name in value.split(",") if name.strip()))


def _files(config: pytest.Config) -> set[Path] | None:
    """The files of the skills that ``--model`` and ``--package`` name; None for all."""
    if not config.option.model and not config.option.package:
        return None
    files = find(_places(config))
    chosen = select(files, config.option.model) if config.option.model else set(files)
    return chosen & of_packages(files, config.option.package) if config.option.package else chosen
