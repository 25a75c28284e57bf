"""The session of a hardware: settle the release, install, find the skills, run them, update the reports."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import nox

from commands import plugins as packages
from commands import sessions
from commands.environments import HYGIENE, PINNED, Environment
from commands.options import other_release, parser
from commands.releases import no_release, not_found, refused, reports, skills
from generator import cache

__all__ = ["asked", "named", "register"]

BENCHMARK = "benchmark"
"""The check that times, of which there is one for each size."""

ROOT = Path(__file__).resolve().parent.parent


def register(environment: Environment) -> None:
    """Make the Nox session that runs the skills on a hardware."""

    def run(session: nox.Session, transformers: str | None = None) -> None:
        _run_skills(session, environment, transformers)

    run.__doc__ = f"Run the skills on {environment.hardware} and update the reports; -- --help tells more."
    release = other_release(environment, sys.argv)
    # Asking for help, or for what is no release, must not cost an environment, which Nox makes before it calls the
    # session; another release gets one of its own, named after it, by being a parameter.
    wrong = release and (no_release(release) or refused(environment, release))
    backend = "none" if {"-h", "--help"} & set(sys.argv) or wrong else None
    if release and backend is None:
        parameter = nox.param(release, id=f"transformers-{release}")
        nox.parametrize("transformers", [parameter])(run)
    nox.session(name=environment.session, default=False, tags=["hardware"], venv_backend=backend)(run)


def _run_skills(session: nox.Session, environment: Environment, transformers: str | None) -> None:
    arguments = parser(environment).parse_args(session.posargs)
    where = named(environment, arguments)
    variables = {**HYGIENE, **environment.variables}
    plugins = [f"--plugin={name}" for name in arguments.plugin]
    release = _settle_release(session, environment, arguments.transformers or transformers)
    environment = environment.of(release)
    if session.venv_backend == "none":
        _require_pins(session, environment)
    # Other releases are catalogued and rendered where they run: nothing else has them installed.
    sessions.install(session, *environment.packages, "-e", ".[run]" if release == PINNED else ".[run,render]")
    brought = [*([environment.package] if environment.package else []), *arguments.plugin]
    packages.install(session, environment, brought, arguments.plugin_from)
    if arguments.prepare:
        return
    run = arguments.run or f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid4().hex[:6]}"
    files = _files(session, release, arguments, plugins)
    if not files:
        session.skip(f"transformers {release} has none of what was asked for; that is no failure, and no pass.")
    reason = _unavailable(session, where, variables)
    if reason:
        session.log(f"{reason} Recording its cells as unavailable.")
    results = reports(release) / "runs"
    options = [f"--hardware={where}", f"--head={arguments.head}", f"--results={results}", f"--run={run}"]
    options += [f"--pins={json.dumps(environment.pins)}", f"--references={cache.directory() / 'references'}"]
    options += [f"--tier={arguments.tier}"] if arguments.tier else []
    if not (arguments.all or arguments.tier or arguments.model):
        options += [f"--package={name}" for name in arguments.plugin]
    checks = asked(arguments)
    options += [f"--check={name}" for name in checks]
    options += [f"--dtype={name}" for name in arguments.dtype]
    options += [f"--timeout={arguments.timeout}"] if arguments.timeout else []
    jobs = arguments.jobs or environment.jobs or min(os.cpu_count() or 1, len(arguments.model) or sys.maxsize)
    if any(name.startswith(BENCHMARK) for name in checks):
        jobs = 1  # what is timed runs alone
    red = None
    try:
        sessions.python(session, "pytest", "-p", "harness.plugin", "-n", str(jobs), *options, *files, env=variables)
    except nox.command.CommandFailed as failed:
        if (red := _meaning(failed.return_code)) is None:
            raise
    finally:
        sessions.python(session, "invoke", "report", *plugins)
    if reason:
        end = session.error if arguments.require_hardware else session.skip
        end(f"{reason} Its cells are recorded as unavailable, which is not a pass.")
    if red is not None:
        # Nox has one exit code for all that fails: which it was is at least the last thing that it says.
        session.error(red)


def asked(arguments: argparse.Namespace) -> list[str]:
    """The checks that are named, one at a size where that is given."""
    names = [name.strip() for item in arguments.check for name in item.split(",") if name.strip()]
    if arguments.size is None:
        return names
    return [*(name for name in names if name != BENCHMARK), f"{BENCHMARK}-{arguments.size}"]


def _meaning(code: int | None) -> str | None:
    """What an exit code of a run of cells means, in a sentence; None for another process's."""
    # The results know nothing of what a hardware needs: Nox's own environment has all that they import.
    from harness.results.verdicts import meaning

    words = None if code is None else meaning(code)
    return None if words is None else f"pytest ended with exit code {code}: {words}. The reports are updated."


def _settle_release(session: nox.Session, environment: Environment, asked: str | None) -> str:
    """The release that this session is about; one that cannot be had ends it, and leaves nothing behind."""
    if session.venv_backend == "none":
        try:
            installed = importlib.metadata.version("transformers")
        except importlib.metadata.PackageNotFoundError:
            return asked or environment.release
        if why := refused(environment, installed):
            session.error(f"{environment.session}: {why}. Nothing was run. Run: nox -s {environment.session}")
        if asked and asked != installed:
            wanted = " ".join(environment.of(asked).packages)
            session.error(
                f"{environment.session}: transformers {installed} is installed where Nox runs, not {asked}. Nothing was "
                f"run. Run: {sys.executable} -m pip install {wanted} -e '.[run,render]'"
            )
        return installed
    release = asked or environment.release
    if release != environment.release and not sessions.stamp(session).exists():
        answer = session.run_install(
            *("python", "-m", "pip", "install", "--dry-run", "--no-deps", f"transformers=={release}"),
            silent=True,
            log=False,
            success_codes=(0, 1),
        )
        if "Would install" not in str(answer):
            shutil.rmtree(session.virtualenv.location)
            session.error(f"{environment.session}: {not_found(release, str(answer))}")
    return release


def _files(session: nox.Session, release: str, arguments: argparse.Namespace, plugins: Sequence[str]) -> list[str]:
    """Files and folders of the skills to run; those of a release other than the pinned one are made first."""
    folder = skills(release)
    ask = ("invoke", "catalog", "--json", *plugins)
    rows = [json.loads(sessions.ask(session, *ask, "--model", name)) for name in arguments.model]
    for row in rows:
        if row["state"] == "unavailable":
            session.log(f"{row['model_type']}: {row['reason']}.")
    rows = [row for row in rows if row["state"] != "unavailable"]
    if arguments.model and not rows:
        return []
    if release != PINNED:
        which = [f"--model={row['model_type']}" for row in rows]
        which = which or ([f"--tier={arguments.tier}"] if arguments.tier else [])
        which = which or ([] if plugins and not arguments.all else ["--all"])
        # A skill that cannot be made is named in the reports, and keeps no other from running.
        sessions.python(session, "invoke", "generate", *which, *plugins, success_codes=(0, 1))
    files = {row["model_type"]: folder / f"{row['module']}.py" for row in rows}
    for name, file in files.items():
        if not (ROOT / file).exists():
            session.error(f"{file}: {name} has no skill yet. Nothing was run. Run: invoke generate --model {name}")
    return [str(file) for file in files.values()] or [str(folder)]


def named(environment: Environment, arguments: argparse.Namespace) -> str:
    """The hardware as the harness knows it, with the device and the route that are asked for."""
    device = f":{arguments.device}" if arguments.device else ""
    return environment.hardware + device + (f"@{arguments.route}" if arguments.route else "")


def _unavailable(session: nox.Session, where: str, variables: Mapping[str, str]) -> str | None:
    """Why the hardware cannot be used here, as a sentence; None if it can."""
    answer = sessions.ask(session, "harness.hardware", where, "--json", env=variables, success_codes=(0, 3))
    reason = json.loads(answer)[where]
    return f"no {where} here: {reason}." if reason else None


def _require_pins(session: nox.Session, environment: Environment) -> None:
    """Without an environment of its own the session runs in Nox's, which must hold what the table asks for."""
    remedy = f"Run: {sys.executable} -m pip install {' '.join(environment.packages)} -e '.[run]'"
    for name, pin in environment.pins.items():
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            session.error(f"{environment.session}: {name} is not installed where Nox runs. {remedy}")
        if version.partition("+")[0] != pin:
            session.warn(
                f"{environment.session}: {name} is {version}, not {pin}; what this run finds will be stale. {remedy}"
            )
