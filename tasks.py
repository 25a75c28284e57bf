"""The commands: each parses its arguments, calls the rooms that do the work, prints what they answer, and no more.

Everything else is imported when a command runs, so that `invoke --list` costs nothing.
"""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from invoke import Context, Exit, task

if TYPE_CHECKING:
    from generator.summary import Summary
    from reporting import Outcome, Verdict

ROOT = Path(__file__).resolve().parent
FAILED, MISUSED, INTERRUPTED = 1, 2, 130
"""Exit codes beside 0; options that invoke itself does not know end with 1, by invoke's own rule."""

MODEL = "an architecture by any of its names: gpt-j, GPTJForCausalLM, EleutherAI/gpt-j-6b; repeatable"
FOLDER = MODEL.replace("; repeatable", ", or a local folder with its config.json; repeatable")
TIER = "critical, high, medium or long-tail; several with commas"
PLUGIN = "a package that registers architectures with transformers' Auto classes; repeatable"
RELEASE = "another release of transformers, which gets an environment, skills and reports of its own: 5.10.0"
JSON = "print JSON for scripts, and nothing else, on standard output"


@task(
    iterable=["model", "plugin"],
    help={
        "model": FOLDER,
        "plugin": PLUGIN,
        "tier": TIER,
        "batch": "the next N architectures that have no skill, the most urgent tier first; --tier bounds it",
        "all": "every architecture",
        "check": "write nothing; print how the skills on disk differ from what would be generated now",
        "dry-run": "write nothing; say what would be written",
        "force": "overwrite skills that were edited by hand; the edits are lost",
        "prune": "remove skills whose type is no longer an architecture",
        "into": "folder for the skills (default: skills/, or build/transformers-X.Y.Z/skills for another release)",
        "transformers": RELEASE,
        "no-rows": "by the rules alone, no row of exceptions, into build/no-rows/skills in place of skills/",
        "trust-remote-code": "run the code that lies in a folder given to --model, here and wherever its skill runs",
        "json": JSON,
    },
)
def generate(  # noqa: PLR0917  # invoke passes options by position
    _context: Context,
    model: list[str],
    plugin: list[str],
    tier: str | None = None,
    batch: str | None = None,
    all_: bool = False,
    check: bool = False,
    dry_run: bool = False,
    force: bool = False,
    prune: bool = False,
    into: str | None = None,
    transformers: str | None = None,
    no_rows: bool = False,
    trust_remote_code: bool = False,
    json: bool = False,
) -> None:
    """Generate skills from the installed transformers; give one of --model, --tier, --batch and --all.

    A skill that fails a stage is not written, the one that was there stays, and the others go on.
    Exit codes: 0 all is well; 1 a skill failed, was edited by hand, or has drifted; 2 wrong usage; 130 interrupted.
    """
    with _sentences("generate", plugin):
        modes = {
            "check": check,
            "dry-run": dry_run,
            "force": force,
            "prune": prune,
            "into": into,
            "json": json,
            "plugin": plugin,
        }
        _move(transformers, "generate", {"model": model, "tier": tier, "batch": batch, "all": all_, **modes})
        from generator import command
        from generator.selection import Selection, SelectionError, count, tiers

        asked = Selection(
            models=tuple(model),
            tiers=() if tier is None else tiers(tier),
            batch=None if batch is None else count(batch),
            everything=all_,
        )
        options = command.Options(
            check=check,
            dry_run=dry_run,
            force=force,
            prune=prune,
            no_rows=no_rows,
            trust_remote_code=trust_remote_code,
        )
        if no_rows and into is None:
            into = os.path.relpath(ROOT / "build" / "no-rows" / "skills")
        folder = _skills(into)
        if no_rows and folder.resolve() == ROOT / "skills":
            raise SelectionError("--no-rows never writes into skills/; give another folder by --into, or none.")
        if into is None and folder.name != os.path.relpath(folder, ROOT):
            print(f"transformers {_installed()} is not the pinned release: its skills go to {folder}.", file=sys.stderr)
        _show(command.generate(asked, options, folder), as_json=json)


@task(iterable=["plugin"], help={"plugin": PLUGIN, "transformers": RELEASE, "json": JSON})
def missing(_context: Context, plugin: list[str], transformers: str | None = None, json: bool = False) -> None:
    """List the architectures that have no skill, by tier, and the tracked names that stand for none.

    Exit codes: 0 the list was printed, be it empty or long; 1 the skills or the catalogue cannot be read.
    """
    with _sentences("missing", plugin):
        _move(transformers, "missing", {"plugin": plugin, "json": json})
        from generator import command

        print(command.missing(_skills(), as_json=json))


@task(iterable=["plugin"], help={"plugin": PLUGIN, "transformers": RELEASE, "json": JSON})
def validate(_context: Context, plugin: list[str], transformers: str | None = None, json: bool = False) -> None:
    """Put every skill on disk through all stages of validation.

    Exit codes: 0 all are valid; 1 one failed, was edited, is missing, or was not generated; 130 interrupted.
    """
    with _sentences("validate", plugin):
        _move(transformers, "validate", {"plugin": plugin, "json": json})
        from generator import command

        _show(command.validate(_skills()), as_json=json)


@task(
    iterable=["plugin"],
    help={
        "model": "an architecture by any of its names; without it, the counts",
        "plugin": PLUGIN,
        "transformers": RELEASE,
        "json": JSON,
    },
)
def catalog(
    _context: Context, plugin: list[str], model: str | None = None, transformers: str | None = None, json: bool = False
) -> None:
    """Show what the installed transformers has: the row of one model, or how many there are of what.

    Exit codes: 0 it was printed; 1 the catalogue cannot be read; 2 no model answers to the name.
    """
    with _sentences("catalog", plugin):
        _move(transformers, "catalog", {"plugin": plugin, "model": model, "json": json})
        from generator import command

        text, why = command.catalog(model, as_json=json)
        if why:
            print(why, file=sys.stderr)
        print(text)


@task(iterable=["plugin"], help={"plugin": PLUGIN, "transformers": RELEASE, "json": JSON})
def report(_context: Context, plugin: list[str], transformers: str | None = None, json: bool = False) -> None:
    """Write the reports from the results under reports/; a cell that failed is in them, and is no failure of this.

    Exit codes: 0 the reports were written; 1 they were not, or some of the results cannot be read.
    """
    with _sentences("report", plugin):
        _move(transformers, "report", {"plugin": plugin, "json": json})
        outcome = _report()
        print(_as_json(outcome) if json else outcome.text)
        if outcome.damage:
            raise Exit(code=FAILED)


@task(
    iterable=["model", "plugin"],
    help={
        "model": MODEL,
        "plugin": PLUGIN,
        "tier": TIER,
        "hardware": "cpu or cuda; several with commas (default: cpu)",
        "transformers": RELEASE,
        "no-venv": "run in the environment of this command, not in one that Nox makes for the hardware",
    },
)
def sweep(  # noqa: PLR0917  # invoke passes options by position
    _context: Context,
    model: list[str],
    plugin: list[str],
    tier: str | None = None,
    hardware: str = "cpu",
    transformers: str | None = None,
    no_venv: bool = False,
) -> None:
    """Generate skills, run all their cells on the hardware, and report; give --model or --tier.

    Exit codes: 0 every skill was generated and every cell asked for passed; 1 otherwise, a device that is not here
    included; 2 wrong usage; 130 interrupted.
    """
    with _sentences("sweep", plugin):
        which = {"model": model, "plugin": plugin, "tier": tier}
        _move(transformers, "sweep", {**which, "hardware": hardware, "no-venv": no_venv})
        from generator import command
        from generator.selection import Selection, tiers

        asked = Selection(models=tuple(model), tiers=() if tier is None else tiers(tier))
        chosen = _hardware(hardware)
        generated = command.generate(asked, command.Options(), _skills())
        _print(generated.text())
        modules = _intact() & {line.file.removesuffix(".py") for line in generated.lines}
        runs = [_run(name, asked.tiers, modules, no_venv=no_venv) for name in chosen if modules]
        _print(_report().text)
        for one in runs:
            _print("\n".join([*_grouped(one.failures), one.text]))
        if not generated.ok or not runs or not all(one.passed for one in runs):
            raise Exit("sweep: not everything that was asked for passed; see above.", code=FAILED)


@contextmanager
def _sentences(name: str, packages: Iterable[str] = ()) -> Iterator[None]:
    """Turn what a user can cause into its sentence on standard error and its exit code; let defects show themselves.

    Within it, and in every process started there, the architectures of ``packages`` are known.
    """
    from generator import plugins
    from generator.catalog import CatalogError, UnknownModelError
    from generator.catalog.ledger import LedgerError
    from generator.folders import FolderError
    from generator.publish import PublishError
    from generator.selection import SelectionError

    try:
        plugins.use(packages)
        yield
        sys.stdout.flush()
    except (SelectionError, UnknownModelError) as error:
        raise Exit(f"{name}: {error}" if isinstance(error, SelectionError) else str(error), code=MISUSED) from error
    except FolderError as error:
        raise Exit(f"{name}: {error}", code=FAILED) from error
    except (CatalogError, LedgerError, PublishError, plugins.PluginError) as error:
        raise Exit(str(error), code=FAILED) from error
    except ModuleNotFoundError as error:
        needed = f"{name}: {error.name} is not installed. {name} cannot work without it."
        raise Exit(f"{needed} Run: {sys.executable} -m pip install -e '.[generate]'", code=FAILED) from error
    except BrokenPipeError as error:
        # Whoever read the output has left, as `head` does; what Python still holds of it must go somewhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise Exit(code=FAILED) from error
    except OSError as error:
        if error.errno not in {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR}:
            raise
        raise Exit(
            f"{name}: {error.filename}: {error.strerror}. Nothing half-written was left.", code=FAILED
        ) from error
    except KeyboardInterrupt as error:
        kept = "What was finished until then is kept, and nothing is half-written."
        raise Exit(f"{name}: interrupted. {kept} Run the same command again to go on.", code=INTERRUPTED) from error


def _show(summary: Summary, *, as_json: bool) -> None:
    _print(summary.json() if as_json else summary.text())
    if not summary.ok:
        raise Exit(code=FAILED)


def _print(text: str) -> None:
    # Nox and its pytest write to the same terminal: what comes first must also be seen first.
    print(text, flush=True)


def _move(release: str | None, command: str, options: Mapping[str, str | bool | list[str] | None]) -> None:
    """Run the same command where another release is installed, if one is asked for; that one's exit code is this one's."""
    if release is None or release == _installed():
        return
    from noxfile import interpreter

    prepare = [sys.executable, "-m", "nox", "-s", "test_cpu", "--", f"--transformers={release}", "--prepare"]
    made = subprocess.run(
        prepare,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if made.returncode:
        said = [line for line in made.stdout.splitlines() if "error:" in line or "aborted:" in line] or [made.stdout]
        raise Exit(
            f"{command}: {re.sub(r'^.*?(?:error: argument --transformers: |aborted: )', '', said[0])}",
            code=made.returncode,
        )
    given = [item for name, value in options.items() for item in _given(name, value)]
    done = subprocess.run([interpreter(release), "-m", "invoke", command, *given], check=False)
    raise Exit(code=done.returncode)


def _given(name: str, value: str | bool | list[str] | None) -> list[str]:
    """An option as it is written on a command line; nothing for one that was not given."""
    if isinstance(value, bool):
        return [f"--{name}"] if value else []
    values = value if isinstance(value, list) else [value]
    return [f"--{name}={item}" for item in values if item is not None]


def _installed() -> str:
    """The release of transformers here; the pinned one, which will be asked for in a sentence, where there is none."""
    from importlib.metadata import PackageNotFoundError, version

    from noxfile import PINNED

    try:
        return version("transformers")
    except PackageNotFoundError:
        return PINNED


def _skills(into: str | None = None) -> Path:
    """Folder of the skills of the installed release, or the one that was asked for; relative, as people would type it."""
    from noxfile import skills

    if into is not None:
        return Path(into)
    return Path(os.path.relpath(ROOT / skills(_installed())))


def _reports() -> Path:
    """Folder of the reports of the installed release."""
    from noxfile import reports

    return Path(os.path.relpath(ROOT / reports(_installed())))


def _report() -> Outcome:
    from dataclasses import asdict

    from generator import catalog
    from noxfile import ENVIRONMENTS
    from reporting import ReportError, update

    release = _installed()
    pins = {name: environment.of(release).pins for name, environment in ENVIRONMENTS.items()}
    rows = [asdict(row) for row in catalog.load().rows.values()]
    try:
        return update(_reports(), _skills(), pins, rows, expected=_cells(_intact(), pins), release=release)
    except ReportError as error:
        raise Exit(str(error), code=FAILED) from error


def _as_json(outcome: Outcome) -> str:
    from dataclasses import asdict
    from json import dumps

    damage = [asdict(item) for item in outcome.damage]
    return dumps({"ok": outcome.ok, "counts": dict(outcome.counts), "damage": damage}, indent=2)


def _hardware(text: str) -> list[str]:
    from generator.selection import SelectionError
    from noxfile import ENVIRONMENTS

    names = list(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in names:
        if name not in ENVIRONMENTS:
            raise SelectionError(f"--hardware {name[:60]!r}: has no environment; there are {', '.join(ENVIRONMENTS)}.")
    return names


def _run(hardware: str, tiers: Iterable[str], modules: set[str], *, no_venv: bool) -> Verdict:
    """Run skills by one Nox session a tier, or one for these modules, all as one run; its verdict."""
    from harness.results.store import new_run
    from reporting import verdict

    run = new_run()
    for which in [[f"--tier={tier}"] for tier in tiers] or [[f"--model={name}" for name in sorted(modules)]]:
        command = [sys.executable, "-m", "nox", *(["--no-venv"] if no_venv else []), "-s", f"test_{hardware}"]
        command += ["--", f"--transformers={_installed()}"]
        # Its exit code is 0 where there is no device: what counts is what the run has records of.
        subprocess.run([*command, *which, f"--run={run}"], cwd=ROOT, check=False)
    return verdict(_reports() / "runs" / run, _cells(modules, [hardware]))


def _grouped(failures: Iterable[str]) -> Iterator[str]:
    """One sentence for all cells that did not pass for the same reason, such as a device that is not here."""
    cells: dict[str, list[str]] = {}
    for cell, _, reason in (failure.partition(": ") for failure in failures):
        cells.setdefault(reason, []).append(cell)
    for reason, ids in cells.items():
        yield f"{ids[0]}{f' and {len(ids) - 1} more' if len(ids) > 1 else ''}: {reason}"


def _intact() -> set[str]:
    """Modules of the skills that are as they were generated; no other is imported here."""
    from generator import publish

    shelf = publish.read(_skills())
    return {entry.module for entry in shelf.entries.values() if shelf.has(entry)}


def _cells(modules: Iterable[str], hardware: Iterable[str]) -> set[str]:
    """Ids of all cells that these skills have on the hardware."""
    from harness.cells import stated

    folder = _skills()
    return stated((folder / f"{name}.py" for name in modules), hardware)
