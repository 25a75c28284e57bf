"""From skills to reports: runs of the skills on a hardware, what came of them, and the reports of it all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from invoke import Exit

from commands import comparison
from commands.environments import ENVIRONMENTS, PINNED
from commands.errors import FAILED
from commands.releases import installed, refused, reports, skills

if TYPE_CHECKING:
    from harness.results.verdicts import Expectations
    from reporting import Outcome, Verdict
    from reporting.history import Source

__all__ = [
    "as_json",
    "causes",
    "expected_here",
    "hardware",
    "heads",
    "intact",
    "known_runs",
    "reports_here",
    "run",
    "skills_here",
    "update",
    "worst",
]

ROOT = Path(__file__).resolve().parent.parent

EXPECTED = ROOT / "expected"
"""What is known to fail."""


def skills_here(into: str | None = None) -> Path:
    """Folder of the skills of the installed release, or the one that was asked for; relative, as people would type it."""
    return Path(into) if into is not None else Path(os.path.relpath(ROOT / skills(installed())))


def reports_here() -> Path:
    """Folder of the reports of the installed release."""
    return Path(os.path.relpath(ROOT / reports(installed())))


def known_runs() -> list[Source]:
    """The runs that lie here, of every release, the oldest first."""
    from reporting.history import sources

    return sources([ROOT / "reports" / "runs", *sorted(ROOT.glob("reports/transformers-*/runs"))])


def expected_here() -> Expectations:
    """What is known to fail, on all hardware.

    Raises:
        ExpectationError: a file under ``expected/`` cannot be taken as it is.
    """
    from harness.expected import expectations
    from harness.results.store import installed as distributions

    pinned = {name for environment in ENVIRONMENTS.values() for name in environment.pins}
    return expectations(EXPECTED, None, sorted(skills_here().glob("hf_*.py")), pinned | distributions().keys())


def update(expectations: Expectations | None = None) -> Outcome:
    """Write the reports of the installed release from the results that lie here; where they cannot be, say so and end."""
    from generator import catalog, plugins
    from reporting import ReportError
    from reporting import update as written

    release = installed()
    here = {name: environment for name, environment in ENVIRONMENTS.items() if environment.takes(release)}
    pins = {name: environment.of(release).pins for name, environment in here.items()}
    rows = [asdict(row) for row in catalog.load().rows.values()]
    since = comparison.since(release)
    expected = _cells(intact(), pins)
    known = expectations or expected_here()
    try:
        outcome = written(
            reports_here(),
            skills_here(),
            pins,
            rows,
            expected=expected,
            expectations=known,
            release=release,
            since=since,
            elsewhere={name: _elsewhere(name, release) for name in ENVIRONMENTS if name not in here},
            remember=release != PINNED,
        )
    except ReportError as error:
        raise Exit(str(error), code=FAILED) from error
    # So that the next release's ledger can say what is new in it; a package may add to what the release itself has.
    if release == PINNED and not plugins.active():
        comparison.keep(release)
    return outcome


def as_json(outcome: Outcome) -> str:
    """What an update of the reports found, for scripts."""
    damage = [asdict(item) for item in outcome.damage]
    return json.dumps({"ok": outcome.ok, "counts": dict(outcome.counts), "damage": damage}, indent=2)


def hardware(text: str) -> list[str]:
    """The hardware that a text with commas names, each once.

    Raises:
        SelectionError: one of them has no environment, or none with the installed release.
    """
    from generator.selection import SelectionError

    names = list(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in names:
        if name not in ENVIRONMENTS:
            raise SelectionError(f"--hardware {name[:60]!r}: has no environment; there are {', '.join(ENVIRONMENTS)}.")
        if why := refused(ENVIRONMENTS[name], installed()):
            own = ENVIRONMENTS[name].release
            raise SelectionError(f"--hardware {name}: {why}. Run: invoke sweep --hardware {name} --transformers {own}")
    return names


def run(
    hardware: str, tiers: Iterable[str], modules: set[str], expectations: Expectations, *, no_venv: bool
) -> Verdict:
    """Run skills by one Nox session a tier, or one for these modules, all as one run; its verdict."""
    from harness.results.store import new_run
    from reporting import verdict

    name = new_run()
    for which in [[f"--tier={tier}"] for tier in tiers] or [[f"--model={module}" for module in sorted(modules)]]:
        command = [sys.executable, "-m", "nox", *(["--no-venv"] if no_venv else []), "-s", f"test_{hardware}"]
        command += ["--", f"--transformers={installed()}"]
        # Its exit code is 0 where there is no device: what counts is what the run has records of.
        subprocess.run([*command, *which, f"--run={name}"], cwd=ROOT, check=False)
    return verdict(reports_here() / "runs" / name, _cells(modules, [hardware]), expectations)


def worst(verdicts: Iterable[Verdict]) -> int:
    """The exit code that several verdicts come to."""
    from collections import Counter

    from harness.results.verdicts import exit_code

    return exit_code(Counter(one.code for one in verdicts))


def causes(failures: Iterable[str]) -> Iterator[str]:
    """One sentence for all cells that did not pass for the same reason, such as a device that is not here."""
    cells: dict[str, list[str]] = {}
    for cell, _, reason in (failure.partition(": ") for failure in failures):
        cells.setdefault(reason, []).append(cell)
    for reason, ids in cells.items():
        yield f"{ids[0]}{f' and {len(ids) - 1} more' if len(ids) > 1 else ''}: {reason}"


def intact() -> set[str]:
    """Modules of the skills that are as they were generated; no other is imported here."""
    from generator import publish

    shelf = publish.read(skills_here())
    return {entry.module for entry in shelf.entries.values() if shelf.has(entry)}


def heads() -> set[str]:
    """``model_type/head`` of all heads that the skills here have."""
    return {cell.rpartition("/cpu/")[0] for cell in _cells(intact(), ["cpu"])}


def _elsewhere(hardware: str, release: str) -> tuple[str, str]:
    """The release that a hardware has in place of this one, and its report as a link from this one's, if there is one."""
    own = ENVIRONMENTS[hardware].release
    report = reports(own) / "compatibility.md"
    return own, os.path.relpath(report, reports(release)) if (ROOT / report).is_file() else ""


def _cells(modules: Iterable[str], hardware: Iterable[str]) -> set[str]:
    """Ids of all cells that these skills have on the hardware."""
    from harness.cells import stated

    folder = skills_here()
    return stated((folder / f"{name}.py" for name in modules), hardware)
