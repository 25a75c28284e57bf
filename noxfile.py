"""Sessions: the tests, the linters, and one run of the skills a hardware, each in an environment of its own.

What runs where, with which exact versions, is the table ENVIRONMENTS; the sessions only call. Not the place for
anything that knows a skill, a check or a result.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import nox

__all__ = ["ENVIRONMENTS", "Environment"]

nox.needs_version = ">=2026.10"
nox.options.sessions = ["lint", "tests"]
# pip, not uv: builds of torch come from wherever pip is told to look, local folders included.
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = True

ROOT = Path(__file__).parent
RUNS = "reports/runs"


@dataclass(frozen=True)
class Environment:
    """What must be installed for skills to run on a hardware."""

    hardware: str
    """Name of the hardware, as ``--hardware`` of the harness knows it."""
    packages: tuple[str, ...]
    """Exact requirements; evidence of a run counts only while these are what it ran with."""
    jobs: int | None = None
    """Worker processes at a time; None for one a core."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Environment variables on top of those that every skill run gets."""

    @property
    def session(self) -> str:
        """Name of the Nox session that runs it."""
        return f"test_{self.hardware}"

    @property
    def pins(self) -> dict[str, str]:
        """Version by distribution."""
        return dict(requirement.split("==") for requirement in self.packages)


LIBRARIES = ("transformers==5.23.0", "numpy==2.4.6", "safetensors==0.8.0", "scipy==1.17.1")

ENVIRONMENTS: dict[str, Environment] = {
    environment.hardware: environment
    for environment in (
        Environment("cpu", ("torch==2.13.0", *LIBRARIES)),
        # One worker: two would share the device's memory, and neither's peak or latency would be its own.
        Environment("cuda", ("torch==2.13.0", *LIBRARIES), jobs=1),
    )
}
"""Hardware by name: the only place where the versions that skills run with are written down."""

HYGIENE = {
    "HF_HUB_OFFLINE": "1",  # a skill that would download weights is wrong, and must say so
    "OMP_NUM_THREADS": "1",  # workers share the cores; more threads than cores make every figure noise
    "TOKENIZERS_PARALLELISM": "false",
}


@nox.session
def tests(session: nox.Session) -> None:
    """Run the project's own tests; what follows -- goes to pytest."""
    _install(session, "-e", ".[generate,run,dev]")
    # By file: what the tests of a file share, they should build once.
    _python(session, "pytest", "-n", "2", "--dist", "loadfile", *session.posargs, env=HYGIENE)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, formatting, types and the borders between the rooms."""
    _install(session, "-e", ".[run,dev]")
    _python(session, "ruff", "check", ".")
    _python(session, "black", "--check", "--quiet", "--diff", ".")
    _python(session, "mypy")
    # Its module does nothing when run with -m, and says so with exit code 0.
    session.run("lint-imports", external=session.venv_backend == "none")


@nox.session(default=False)
def report(session: nox.Session) -> None:
    """Write the reports from the results that lie here."""
    _install(session, "-e", ".")
    _python(session, "invoke", "report")


def _hardware_session(environment: Environment) -> None:
    def run(session: nox.Session) -> None:
        _run_skills(session, environment)

    run.__doc__ = f"Run the skills on {environment.hardware} and update the reports; -- --help tells more."
    # Asking for help must not cost an environment, which Nox makes before it calls the session.
    backend = "none" if {"-h", "--help"} & set(sys.argv) else None
    nox.session(name=environment.session, default=False, tags=["hardware"], venv_backend=backend)(run)


for _environment in ENVIRONMENTS.values():
    _hardware_session(_environment)


def _run_skills(session: nox.Session, environment: Environment) -> None:
    arguments = _parser(environment).parse_args(session.posargs)
    variables = {**HYGIENE, **environment.variables}
    plugins = [f"--plugin={name}" for name in arguments.plugin]
    if session.venv_backend == "none":
        _require_pins(session, environment)
    _install(session, *environment.packages, "-e", ".[run]")
    run = arguments.run or f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid4().hex[:6]}"
    skills = _skills(session, arguments.model, plugins)
    reason = _unavailable(session, environment, variables)
    if reason:
        session.log(f"{reason} Recording its cells as unavailable.")
    options = [f"--hardware={environment.hardware}", f"--head={arguments.head}", f"--results={RUNS}", f"--run={run}"]
    options += [f"--pins={json.dumps(environment.pins)}"]
    options += [f"--tier={arguments.tier}"] if arguments.tier else []
    if not (arguments.all or arguments.tier or arguments.model):
        options += [f"--package={name}" for name in arguments.plugin]
    options += [f"--check={name}" for name in arguments.check]
    options += [f"--dtype={name}" for name in arguments.dtype]
    jobs = arguments.jobs or environment.jobs or min(os.cpu_count() or 1, len(arguments.model) or sys.maxsize)
    try:
        _python(session, "pytest", "-p", "harness.plugin", "-n", str(jobs), *options, *skills, env=variables)
    finally:
        _python(session, "invoke", "report", *plugins)
    if reason:
        end = session.error if arguments.require_hardware else session.skip
        end(f"{reason} Its cells are recorded as unavailable, which is not a pass.")


def _parser(environment: Environment) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"nox -s {environment.session} --",
        description=f"Run skills on {environment.hardware}, record every cell, and update the reports.",
        epilog="The session fails if any cell is not green, after the reports are updated; "
        "without the device it is skipped, and each cell is recorded as unavailable.",
        allow_abbrev=False,
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--all", action="store_true", help="every skill there is (the default)")
    which.add_argument("--tier", choices=("critical", "high", "medium", "long-tail"), help="the skills of one tier")
    which.add_argument(
        "--model", action="append", default=[], metavar="NAME", help="one skill, by any of its names; repeatable"
    )
    parser.add_argument(
        "--plugin",
        action="append",
        default=[],
        metavar="PACKAGE",
        help="a package with architectures of its own, whose skills are run where nothing else is asked for; repeatable",
    )
    parser.add_argument("--head", choices=("primary", "all"), default="all", help="which heads (default: all)")
    parser.add_argument("--check", action="append", default=[], metavar="NAME", help="only this check; repeatable")
    parser.add_argument("--dtype", action="append", default=[], metavar="NAME", help="only this dtype; repeatable")
    parser.add_argument("--run", metavar="ID", help="id of the run (default: the time and six random digits)")
    parser.add_argument(
        "--jobs",
        type=_positive,
        metavar="N",
        help=f"worker processes (default: {environment.jobs or 'one a core, no more than skills'})",
    )
    parser.add_argument("--require-hardware", action="store_true", help="fail, not skip, where there is no device")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of workers; give 1 or more")
    return int(text)


def _skills(session: nox.Session, names: Sequence[str], plugins: Sequence[str]) -> list[str]:
    if not names:
        return ["skills"]
    rows = [_ask(session, "invoke", "catalog", "--model", name, "--json", *plugins) for name in names]
    files = [f"skills/{json.loads(row)['module']}.py" for row in rows]
    for name, file in zip(names, files, strict=True):
        if not (ROOT / file).exists():
            session.error(f"{file}: {name} has no skill yet. Nothing was run. Run: invoke generate --model {name}")
    return files


def _unavailable(session: nox.Session, environment: Environment, variables: Mapping[str, str]) -> str | None:
    """Why the hardware cannot be used here, as a sentence; None if it can."""
    answer = _ask(session, "harness.hardware", environment.hardware, "--json", env=variables, success_codes=(0, 3))
    reason = json.loads(answer)[environment.hardware]
    return f"no {environment.hardware} here: {reason}." if reason else None


def _install(session: nox.Session, *requirements: str) -> None:
    """Install once: a second session over the same requirements and the same pyproject.toml costs nothing."""
    if session.venv_backend == "none":
        return
    wanted = hashlib.sha256(repr((requirements, (ROOT / "pyproject.toml").read_text())).encode()).hexdigest()
    stamp = Path(session.virtualenv.location) / "skillmatrix-installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    stamp.unlink(missing_ok=True)
    session.install(*requirements)
    stamp.write_text(wanted)


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


def _python(session: nox.Session, module: str, *arguments: str, env: Mapping[str, str] | None = None) -> None:
    session.run(_interpreter(session), "-m", module, *arguments, env=env, external=True)


def _ask(
    session: nox.Session,
    module: str,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    success_codes: Sequence[int] = (0,),
) -> str:
    """What a module prints on its standard output; on another exit code the session fails with it."""
    answer = session.run(
        _interpreter(session),
        *("-m", module, *arguments),
        env=env,
        external=True,
        silent=True,
        log=False,
        stderr=None,
        success_codes=success_codes,
    )
    return str(answer)


def _interpreter(session: nox.Session) -> str:
    # With --no-venv, whatever "python" is on the PATH need not be the one that holds Nox and the packages.
    return sys.executable if session.venv_backend == "none" else "python"
