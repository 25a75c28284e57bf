"""The commands: each parses its arguments, calls the rooms that do the work, prints what they answer, and no more.

Everything else is imported when a command runs, so that `invoke --list` costs nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from invoke import Context, Exit, task

from commands import comparison, runs
from commands.arguments import Pairing
from commands.environments import ENVIRONMENTS
from commands.errors import FAILED, sentences
from commands.releases import Options, given, installed, prepared

if TYPE_CHECKING:
    from generator.summary import Summary

ROOT = Path(__file__).resolve().parent

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
    """Generate skills from the installed transformers; give one of --model, --tier, --batch and --all, or a --plugin.

    A skill that fails a stage is not written, the one that was there stays, and the others go on.
    Exit codes: 0 all is well; 1 a skill failed, was edited by hand, or has drifted; 2 wrong usage; 130 interrupted.
    """
    with sentences("generate", plugin):
        modes = {
            "check": check,
            "dry-run": dry_run,
            "force": force,
            "prune": prune,
            "into": into,
            "json": json,
            "plugin": plugin,
            "no-rows": no_rows,
            "trust-remote-code": trust_remote_code,
        }
        _move(transformers, "generate", {"model": model, "tier": tier, "batch": batch, "all": all_, **modes})
        from generator import command
        from generator.selection import Selection, SelectionError, count, tiers

        asked = Selection(
            models=tuple(model),
            tiers=() if tier is None else tiers(tier),
            batch=None if batch is None else count(batch),
            everything=all_,
            packages=() if check or prune else tuple(plugin),
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
        folder = runs.skills_here(into)
        if no_rows and folder.resolve() == ROOT / "skills":
            raise SelectionError("--no-rows never writes into skills/; give another folder by --into, or none.")
        if into is None and folder.name != os.path.relpath(folder, ROOT):
            print(f"transformers {installed()} is not the pinned release: its skills go to {folder}.", file=sys.stderr)
        _show(command.generate(asked, options, folder), as_json=json)


@task(iterable=["plugin"], help={"plugin": PLUGIN, "transformers": RELEASE, "json": JSON})
def missing(_context: Context, plugin: list[str], transformers: str | None = None, json: bool = False) -> None:
    """List the architectures that have no skill, by tier, and the tracked names that stand for none.

    Exit codes: 0 the list was printed, be it empty or long; 1 the skills or the catalogue cannot be read.
    """
    with sentences("missing", plugin):
        _move(transformers, "missing", {"plugin": plugin, "json": json})
        from generator import command

        print(command.missing(runs.skills_here(), as_json=json))


@task(iterable=["plugin"], help={"plugin": PLUGIN, "transformers": RELEASE, "json": JSON})
def validate(_context: Context, plugin: list[str], transformers: str | None = None, json: bool = False) -> None:
    """Put every skill on disk through all stages of validation.

    Exit codes: 0 all are valid; 1 one failed, was edited, is missing, or was not generated; 130 interrupted.
    """
    with sentences("validate", plugin):
        _move(transformers, "validate", {"plugin": plugin, "json": json})
        from generator import command

        _show(command.validate(runs.skills_here()), as_json=json)


@task(
    klass=Pairing,
    iterable=["plugin"],
    help={
        "model": "an architecture by any of its names; without it, the counts, or all that differs",
        "diff": "what changed from one release to another: --diff 5.17.0 5.23.0, or 5.17.0..5.23.0",
        "keep": "with --diff: keep what was read of both in reports/facts, for the ledger and for who has neither",
        "plugin": PLUGIN,
        "transformers": RELEASE,
        "json": JSON,
    },
)
def catalog(  # noqa: PLR0917  # invoke passes options by position
    _context: Context,
    plugin: list[str],
    model: str | None = None,
    diff: tuple[str, ...] = (),
    keep: bool = False,
    transformers: str | None = None,
    json: bool = False,
) -> None:
    """Show what the installed transformers has: the row of one model, or how many there are of what; or how two differ.

    Exit codes: 0 it was printed; 1 the catalogue cannot be read; 2 no model or release answers to the name.
    """
    with sentences("catalog", plugin):
        if diff or keep:
            print(
                comparison.shown(
                    diff, model, as_json=json, keeping=keep, beside=[*plugin, *filter(None, [transformers])]
                )
            )
            return
        _move(transformers, "catalog", {"plugin": plugin, "model": model, "json": json})
        from generator import command

        text, why = command.catalog(model, as_json=json)
        if why:
            print(why, file=sys.stderr)
        print(text)


@task(iterable=["plugin"], help={"plugin": PLUGIN, "transformers": RELEASE, "json": JSON})
def report(_context: Context, plugin: list[str], transformers: str | None = None, json: bool = False) -> None:
    """Write the reports from the results under reports/; a cell that failed is in them, and is no failure of this.

    Exit codes: 0 the reports were written; 1 they were not, or some of the results cannot be read; 2 a file under
    expected/ is wrong.
    """
    with sentences("report", plugin):
        _move(transformers, "report", {"plugin": plugin, "json": json})
        outcome = runs.update()
        print(runs.as_json(outcome) if json else outcome.text)
        if outcome.damage:
            raise Exit(code=FAILED)


@task(
    help={
        "from": "the earlier side: a run's id or how it begins, previous (the default), last-green, a day, a folder or a file",
        "to": "the later side, said likewise (default: last)",
        "format": "text, markdown or json (default: text)",
    },
)
def diff(_context: Context, from_: str = "previous", to: str = "last", format: str = "text") -> None:  # noqa: A002
    """Compare two runs, of whatever releases and machines: what broke, is fixed, fails otherwise, is new, or was not run.

    Exit codes: 0 nothing is worse than it was; 1 something broke, or fails otherwise, that expected/ does not know; 2 wrong
    usage; 3 nothing of that, but something has no result, or fell with its machine.
    """
    with sentences("diff"):
        from commands import history

        found = history.compared(from_, to)
        print(history.shown(found, format))
        if found.broken or found.incomplete:
            raise Exit(code=FAILED if found.broken else history.INCOMPLETE)


@task(
    iterable=["model", "plugin"],
    help={
        "model": MODEL,
        "plugin": PLUGIN,
        "tier": TIER,
        "hardware": f"{', '.join(ENVIRONMENTS)}; several with commas (default: cpu)",
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

    Exit codes: 0 every skill was generated and every cell asked for passed, or failed as expected/ says; 1 another
    failure; 2 wrong usage, or a wrong file under expected/; 3 some cells could not be run here; 10 expected/ is out of
    date; of several, the first of 1, 3 and 10; 130 interrupted.
    """
    with sentences("sweep", plugin):
        which = {"model": model, "plugin": plugin, "tier": tier}
        _move(transformers, "sweep", {**which, "hardware": hardware, "no-venv": no_venv})
        from generator import command
        from generator.selection import Selection, tiers

        asked = Selection(models=tuple(model), tiers=() if tier is None else tiers(tier))
        chosen, expected = runs.hardware(hardware), runs.expected_here()
        generated = command.generate(asked, command.Options(), runs.skills_here())
        _print(generated.text())
        modules = runs.intact() & {line.file.removesuffix(".py") for line in generated.lines}
        ended = [runs.run(name, asked.tiers, modules, expected, no_venv=no_venv) for name in chosen if modules]
        _print(runs.update(expected).text)
        for one in ended:
            _print("\n".join([*runs.causes(one.failures), one.text]))
        if not generated.ok or not ended:
            raise Exit("sweep: not every skill that was asked for was generated; see above.", code=FAILED)
        if not all(one.passed for one in ended):
            raise Exit("sweep: not everything that was asked for is as expected; see above.", code=runs.worst(ended))


@task(
    help={
        "from": "a run: its id or how it begins, last, a day, its folder, or a file of reports/results",
        "hardware": "only the results on this hardware, with its devices and routes",
        "axis": "only this axis: runs, matches or speed",
        "class": "whose fault it is, for rows that are new or change: upstream-transformers, ours, …",
        "reason": "what is at fault, with its file and line, for rows that are new or change",
        "issue": "a link, for rows that are new or change",
        "dry-run": "write nothing; say what would be written",
        "prune": "also remove rows of the run's architectures that speak of none of its cells; for whole runs",
        "check": "write nothing; see whether the files are in order, and how many rows have expired",
    }
)
def expect(  # noqa: PLR0917  # invoke passes options by position
    _context: Context,
    from_: str | None = None,
    hardware: str | None = None,
    axis: str | None = None,
    class_: str | None = None,
    reason: str | None = None,
    issue: str | None = None,
    dry_run: bool = False,
    prune: bool = False,
    check: bool = False,
) -> None:
    """Make expected/ say what a run found: rows for what fails, none for what passes.

    Exit codes: 0 the files were written, or are in order; 1 they cannot be written; 2 wrong usage, or a file is wrong.
    """
    with sentences("expect"):
        from commands import expect as expecting

        if check:
            _print(expecting.check())
            return
        asked = expecting.Asked(from_, hardware, axis, class_, reason, issue, dry_run=dry_run, prune=prune)
        _print(expecting.expect(asked))


@task(
    iterable=["model", "from_"],
    help={
        "hardware": f"{', '.join(ENVIRONMENTS)}; several with commas (default: cpu)",
        "dtype": "fp32, fp16, bf16, default; several with commas (default: fp32)",
        "check": "checks that compare numbers; several with commas (default: parity)",
        "model": MODEL,
        "tier": TIER,
        "head": "primary, or all (default)",
        "seeds": "how many times, each with other weights and inputs (default: 3)",
        "from": "a run of an earlier calibration, in place of a new one; repeatable",
        "reason": "why a bound may become looser, or what is over today's bound may count; it is written into the table",
        "write": "write the bounds into harness/tolerances.toml; without it they are printed",
        "no-venv": "run in the environment of this command, not in one that Nox makes for the hardware",
    },
)
def calibrate(  # noqa: PLR0917  # invoke passes options by position
    _context: Context,
    model: list[str],
    from_: list[str],
    hardware: str = "cpu",
    dtype: str = "fp32",
    check: str = "parity",
    tier: str | None = None,
    head: str = "all",
    seeds: str = "3",
    reason: str | None = None,
    write: bool = False,
    no_venv: bool = False,
) -> None:
    """Measure how far numbers are apart, and show what bounds that proposes for the table of tolerances.

    Exit codes: 0 it was printed, or written; 1 nothing could be measured, or some of it is over today's bounds and
    no reason was given; 2 wrong usage; 130 interrupted.
    """
    with sentences("calibrate"):
        from commands import calibration
        from generator.selection import tiers

        chosen = () if tier is None else tiers(tier)
        asked = calibration.Asked(hardware, dtype, check, chosen, tuple(model), head, seeds, no_venv)
        _print(calibration.calibrate(asked, from_, reason=reason, writing=write))


def _show(summary: Summary, *, as_json: bool) -> None:
    _print(summary.json() if as_json else summary.text())
    if not summary.ok:
        raise Exit(code=FAILED)


def _print(text: str) -> None:
    # Nox and its pytest write to the same terminal: what comes first must also be seen first.
    print(text, flush=True)


def _move(release: str | None, command: str, options: Options) -> None:
    """Run the same command where another release is installed, if one is asked for; that one's exit code is this one's."""
    if release is None or release == installed():
        return
    python = prepared(release, given({"plugin": options["plugin"]}))
    done = subprocess.run([python, "-m", "invoke", command, *given(options)], check=False)
    raise Exit(code=done.returncode)
