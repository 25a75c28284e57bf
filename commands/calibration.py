"""What bounds the numbers of a hardware: its checks run with several seeds, and the table of tolerances by what they show."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from invoke import Exit

from commands.environments import ENVIRONMENTS, HYGIENE
from commands.errors import FAILED, MISUSED
from commands.runs import hardware, reports_here, skills_here
from generator import cache

if TYPE_CHECKING:
    from commands.environments import Environment
    from commands.proposals import Proposal
    from reporting.evidence import Evidence

__all__ = ["KEPT", "Asked", "calibrate", "write"]

ROOT = Path(__file__).resolve().parent.parent

KEPT = cache.directory() / "calibrations"
"""Runs of calibrations: their cells have other seeds, and are no evidence for the reports."""


MOST = 100
"""Seeds in one calibration."""


@dataclass(frozen=True)
class Asked:
    """What is to be measured."""

    hardware: str = "cpu"
    """Names with commas."""
    dtypes: str = "fp32"
    checks: str = "parity"
    tiers: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    head: str = "all"
    seeds: str = "3"
    no_venv: bool = False


def calibrate(asked: Asked, runs: Sequence[str], *, reason: str | None, writing: bool) -> str:
    """Measure, or take runs that were measured before; what the figures propose, in words, and the table if it is written.

    Raises:
        Exit: nothing could be measured, or something was over today's bound without a reason; with the words.
        SelectionError: a hardware has no environment, or the seeds are no number.
    """
    from commands.proposals import proposals
    from harness.tolerances import FILE
    from reporting import archive
    from reporting.runs import read

    names = list(runs) or [run for name in hardware(asked.hardware) for run in _measure(name, asked)]
    if missing := [name for name in names if not (KEPT / name).is_dir()]:
        raise Exit(f"calibrate: there is no run {missing[0][:60]} in {os.path.relpath(KEPT)}.", code=MISUSED)
    found = [item for name in names for item in read(KEPT / name).evidence]
    recorded = [item for items in archive.load(reports_here() / "results").values() for item in items]
    rows = proposals(found, recorded, reason)
    words = [row.text() for row in rows]
    if not any(row.measured for row in rows):
        raise Exit("\n".join([*words, "calibrate: nothing was measured that could bound a number."]), code=FAILED)
    changed = [row for row in rows if row.bound is not None]
    if writing:
        # A row whose bound stays is told by what: it was measured, and not merely left alone.
        known = [row for row in rows if row.bound is not None or row.confirmed]
        write(known, found, names)
        words.append(f"{os.path.relpath(FILE)}: {len(changed)} bounds changed, {len(known)} rows written.")
    elif changed:
        again = "".join(f" --from {name}" for name in names) + (f" --reason {shlex.quote(reason)}" if reason else "")
        words.append(f"Nothing was written. Run: invoke calibrate{again} --write")
    else:
        words.append("Nothing is to change.")
    if over := [item for row in rows for item in row.over]:
        remedy = "They are failures; a looser bound needs a reason. Run: invoke calibrate --reason WHY"
        raise Exit("\n".join([*words, f"calibrate: {len(over)} figures are over their bounds. {remedy}"]), code=FAILED)
    return "\n".join(words)


def write(
    rows: Iterable[Proposal], measured: Sequence[Evidence], runs: Sequence[str], file: Path | None = None
) -> None:
    """Put the bounds of these rows into the table, each with what it was measured by; the rest stays as it is written."""
    import tomlkit

    from harness.tolerances import FILE
    from reporting import files

    file = file or FILE
    document = tomlkit.parse(file.read_text(encoding="utf-8"))
    table: Any = document["tolerance"]
    for row in rows:
        place = dict(zip(("hardware", "dtype", "check"), row.key, strict=True))
        entry = next((item for item in table if all(item[name] == value for name, value in place.items())), None)
        if entry is None:
            entry = tomlkit.table()
            entry.update(place)
            table.append(entry)
        entry.update({} if row.bound is None else {"rel_max": row.bound, "source": row.source})
        entry.update({"calibration": _provenance(row, measured, runs)})
    # A blank line between rows, which the library leaves to whoever adds one; a comment stays with the row below it.
    text = re.sub(r"^([^#\n].*)\n(?=\[)", r"\1\n\n", tomlkit.dumps(document), flags=re.MULTILINE)
    files.write({file: text.encode()})


def _provenance(row: Proposal, measured: Sequence[Evidence], runs: Sequence[str]) -> Mapping[str, Any]:
    """What a row was measured by: figures, seeds, runs, the machine and the versions that matter."""
    from harness.results.record import environment_of

    mine = [item for item in measured if (item.record.hardware, item.record.dtype, item.record.check) == row.key]
    places = {item.environment for item in mine if item.environment is not None}
    base = environment_of(row.key[0])
    pinned = ENVIRONMENTS[base].pins if base in ENVIRONMENTS else {}
    # Of what is pinned, what computes: the rest makes inputs.
    wanted = [name for name in pinned if name in {"torch", "transformers", base}]
    versions = {f"{name} {place.versions[name]}" for place in places for name in wanted if name in place.versions}
    exact = [item.to_float64 for item in row.measured if item.to_float64 is not None]
    return {
        "date": max(item.record.started for item in mine)[:10],
        "heads": len({item.head for item in row.measured}),
        "seeds": sorted({item.seed for item in row.measured}),
        "largest": _three(max(item.rel_max for item in row.measured)),
        "largest_of": max(row.measured, key=lambda item: item.rel_max).head,
        "median": _three(median(item.rel_max for item in row.measured)),
        **({"largest_to_float64": _three(max(exact))} if exact else {}),
        "recorded": len(row.recorded),
        "largest_recorded": _three(max((item.rel_max for item in row.recorded), default=0.0)),
        "machine": "; ".join(sorted({place.devices for place in places})),
        "versions": sorted(versions),
        "runs": list(runs),
    }


def _three(value: float) -> float:
    return float(f"{value:.3g}")


def _measure(name: str, asked: Asked) -> list[str]:
    """Run the checks on a hardware once a seed, each as a run of its own; the runs' names."""
    from generator.selection import SelectionError
    from harness.results.store import new_run

    if not (asked.seeds.isascii() and asked.seeds.isdigit()) or not 1 <= int(asked.seeds[:9]) <= MOST:
        raise SelectionError(f"--seeds {asked.seeds[:60]!r}: is not a number from 1 to {MOST}.")
    environment = ENVIRONMENTS[name]
    python = sys.executable if asked.no_venv else _python(environment)
    command = [python, "-m", "pytest", "-p", "harness.plugin", "-q", "-p", "no:cacheprovider"]
    command += ["-n", str(environment.jobs or os.cpu_count() or 1), f"--hardware={name}", f"--head={asked.head}"]
    command += [f"--dtype={asked.dtypes}", f"--check={asked.checks}", "--exact", f"--results={KEPT}"]
    command += [f"--model={model}" for model in asked.models]
    variables = {**os.environ, **HYGIENE, **environment.variables}
    made = []
    for seed in range(int(asked.seeds)):
        run = new_run()
        for which in [[f"--tier={tier}"] for tier in asked.tiers] or [[]]:
            options = [*which, f"--seed={seed}", f"--run={run}", str(skills_here())]
            ended = subprocess.run([*command, *options], cwd=ROOT, env=variables, check=False)
            # 0 and 1: every cell has its record, be it good or bad.
            if ended.returncode not in (0, 1):
                raise Exit("calibrate: the cells could not be run; see above.", code=FAILED)
        made.append(run)
    return made


def _python(environment: Environment) -> str:
    """Python of the hardware's own environment, which Nox makes where it is not there yet."""
    prepare = [sys.executable, "-m", "nox", "-s", environment.session, "--", "--prepare"]
    if subprocess.run(prepare, cwd=ROOT, check=False).returncode:
        raise Exit(f"calibrate: {environment.session} has no environment; see above.", code=FAILED)
    return str(ROOT / os.environ.get("NOXENVDIR", ".nox") / environment.session / "bin" / "python")
