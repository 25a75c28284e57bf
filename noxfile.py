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
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from uuid import uuid4

import nox

__all__ = ["ENVIRONMENTS", "PINNED", "Environment", "interpreter", "reports", "skills"]

nox.needs_version = ">=2026.10"
nox.options.sessions = ["lint", "tests"]
# pip, not uv: builds of torch come from wherever pip is told to look, local folders included.
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = True

ROOT = Path(__file__).parent


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

    def of(self, release: str) -> Environment:
        """The same with another release of transformers."""
        packages = (
            item if item.partition("==")[0] != "transformers" else f"transformers=={release}" for item in self.packages
        )
        return replace(self, packages=tuple(packages))


LIBRARIES = ("transformers==5.23.0", "numpy==2.4.6", "safetensors==0.8.0", "pillow==13.0.0", "scipy==1.17.1")

ENVIRONMENTS: dict[str, Environment] = {
    environment.hardware: environment
    for environment in (
        Environment("cpu", ("torch==2.13.0", *LIBRARIES)),
        # One worker: two would share the device's memory, and neither's peak or latency would be its own.
        Environment("cuda", ("torch==2.13.0", *LIBRARIES), jobs=1),
    )
}
"""Hardware by name: the only place where the versions that skills run with are written down."""

PINNED = ENVIRONMENTS["cpu"].pins["transformers"]
"""The release that the committed skills and reports belong to."""

OLDEST = (4, 57)
"""The oldest minor release that the catalogue can read."""

RELEASE = re.compile(r"(\d+)\.(\d+)\.\d+(?:(?:a|b|rc|\.dev|\.post)\d+)*")
"""How a release is spelled (PEP 440, all three numbers)."""


def skills(release: str) -> Path:
    """Where the skills of a release lie, relative to the project."""
    return Path("skills") if release == PINNED else Path("build", f"transformers-{release}", "skills")


def reports(release: str) -> Path:
    """Where the reports of a release lie, relative to the project."""
    return Path("reports") if release == PINNED else Path("reports", f"transformers-{release}")


def interpreter(release: str) -> Path:
    """Python of the environment that ``nox -s test_cpu -- --transformers RELEASE --prepare`` makes."""
    name = re.sub(r"[^\w-]", "-", f"test_cpu-transformers-{release}")
    return ROOT / os.environ.get("NOXENVDIR", ".nox") / name / "bin" / "python"


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
    # The reports stand on the catalogue, which asks the installed transformers.
    _install(session, *ENVIRONMENTS["cpu"].packages, "-e", ".")
    _python(session, "invoke", "report")


def _hardware_session(environment: Environment) -> None:
    def run(session: nox.Session, transformers: str | None = None) -> None:
        _run_skills(session, environment, transformers)

    run.__doc__ = f"Run the skills on {environment.hardware} and update the reports; -- --help tells more."
    release = _other_release(sys.argv)
    # Asking for help, or for what is no release, must not cost an environment, which Nox makes before it calls the
    # session; another release gets one of its own, named after it, by being a parameter.
    backend = "none" if {"-h", "--help"} & set(sys.argv) or (release and _no_release(release)) else None
    if release and backend is None:
        parameter = nox.param(release, id=f"transformers-{release}")
        nox.parametrize("transformers", [parameter])(run)
    nox.session(name=environment.session, default=False, tags=["hardware"], venv_backend=backend)(run)


def _other_release(arguments: Sequence[str]) -> str | None:
    """The release that these arguments ask for, if it is not the pinned one."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--transformers", nargs="?")
    release: str | None = parser.parse_known_args([item for item in arguments if item != "--"])[0].transformers
    return None if release == PINNED else release


def _no_release(text: str) -> str | None:
    """Why this cannot be a release to run, whatever the package index has; None if it can."""
    spelled = RELEASE.fullmatch(text)
    if not spelled:
        return f"{text!r} is not a release; spell it with three numbers, like {PINNED}"
    if (int(spelled[1]), int(spelled[2])) < OLDEST:
        return f"transformers {text} cannot be read; the oldest that can is {OLDEST[0]}.{OLDEST[1]}.0"
    return None


for _environment in ENVIRONMENTS.values():
    _hardware_session(_environment)


def _run_skills(session: nox.Session, environment: Environment, transformers: str | None) -> None:
    arguments = _parser(environment).parse_args(session.posargs)
    variables = {**HYGIENE, **environment.variables}
    plugins = [f"--plugin={name}" for name in arguments.plugin]
    release = _settle_release(session, environment, arguments.transformers or transformers)
    environment = environment.of(release)
    if session.venv_backend == "none":
        _require_pins(session, environment)
    # Other releases are catalogued and rendered where they run: nothing else has them installed.
    _install(session, *environment.packages, "-e", ".[run]" if release == PINNED else ".[run,render]")
    if arguments.prepare:
        return
    run = arguments.run or f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid4().hex[:6]}"
    files = _skills(session, release, arguments, plugins)
    if not files:
        session.skip(f"transformers {release} has none of what was asked for; that is no failure, and no pass.")
    reason = _unavailable(session, environment, variables)
    if reason:
        session.log(f"{reason} Recording its cells as unavailable.")
    results = reports(release) / "runs"
    options = [f"--hardware={environment.hardware}", f"--head={arguments.head}", f"--results={results}", f"--run={run}"]
    options += [f"--pins={json.dumps(environment.pins)}"]
    options += [f"--tier={arguments.tier}"] if arguments.tier else []
    if not (arguments.all or arguments.tier or arguments.model):
        options += [f"--package={name}" for name in arguments.plugin]
    options += [f"--check={name}" for name in arguments.check]
    options += [f"--dtype={name}" for name in arguments.dtype]
    jobs = arguments.jobs or environment.jobs or min(os.cpu_count() or 1, len(arguments.model) or sys.maxsize)
    try:
        _python(session, "pytest", "-p", "harness.plugin", "-n", str(jobs), *options, *files, env=variables)
    finally:
        _python(session, "invoke", "report", *plugins)
    if reason:
        end = session.error if arguments.require_hardware else session.skip
        end(f"{reason} Its cells are recorded as unavailable, which is not a pass.")


def _settle_release(session: nox.Session, environment: Environment, asked: str | None) -> str:
    """The release that this session is about; one that cannot be had ends it, and leaves nothing behind."""
    if session.venv_backend == "none":
        try:
            installed = importlib.metadata.version("transformers")
        except importlib.metadata.PackageNotFoundError:
            return asked or PINNED
        if asked and asked != installed:
            wanted = " ".join(environment.of(asked).packages)
            session.error(
                f"{environment.session}: transformers {installed} is installed where Nox runs, not {asked}. Nothing was "
                f"run. Run: {sys.executable} -m pip install {wanted} -e '.[run,render]'"
            )
        return installed
    release = asked or PINNED
    if release != PINNED and not _stamp(session).exists():
        answer = session.run_install(
            *("python", "-m", "pip", "install", "--dry-run", "--no-deps", f"transformers=={release}"),
            silent=True,
            log=False,
            success_codes=(0, 1),
        )
        if "Would install" not in str(answer):
            shutil.rmtree(session.virtualenv.location)
            session.error(f"{environment.session}: {_not_found(release, str(answer))}")
    return release


def _not_found(release: str, answer: str) -> str:
    """Why there is no such release, out of pip's answer."""
    known = re.search(r"from versions: ([^)]+)\)", answer)
    if not known or known[1] == "none":
        said = answer.strip().splitlines()[-1:]
        return f"no package index could be asked for transformers {release}: {' '.join(said)}. Nothing was run."
    near = get_close_matches(release, [item.strip() for item in known[1].split(",")], n=3, cutoff=0)
    return f"there is no transformers {release}; the nearest are {', '.join(near)}. Nothing was run."


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
    parser.add_argument(
        "--transformers",
        type=_release,
        metavar="X.Y.Z",
        help=f"a release other than {PINNED}: an environment, skills and reports of its own",
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
    parser.add_argument("--prepare", action="store_true", help="make the environment, and run nothing in it")
    parser.add_argument("--require-hardware", action="store_true", help="fail, not skip, where there is no device")
    return parser


def _release(text: str) -> str:
    if _no_release(text):
        raise argparse.ArgumentTypeError(_no_release(text))
    return text


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of workers; give 1 or more")
    return int(text)


def _skills(session: nox.Session, release: str, arguments: argparse.Namespace, plugins: Sequence[str]) -> list[str]:
    """Files and folders of the skills to run; those of a release other than the pinned one are made first."""
    folder = skills(release)
    ask = ("invoke", "catalog", "--json", *plugins)
    rows = [json.loads(_ask(session, *ask, "--model", name)) for name in arguments.model]
    for row in rows:
        if row["state"] == "unavailable":
            session.log(f"{row['model_type']}: {row['reason']}.")
    rows = [row for row in rows if row["state"] != "unavailable"]
    if arguments.model and not rows:
        return []
    if release != PINNED:
        which = [f"--model={row['model_type']}" for row in rows]
        which = which or [f"--tier={arguments.tier}" if arguments.tier else "--all"]
        # A skill that cannot be made is named in the reports, and keeps no other from running.
        _python(session, "invoke", "generate", *which, *plugins, success_codes=(0, 1))
    files = {row["model_type"]: folder / f"{row['module']}.py" for row in rows}
    for name, file in files.items():
        if not (ROOT / file).exists():
            session.error(f"{file}: {name} has no skill yet. Nothing was run. Run: invoke generate --model {name}")
    return [str(file) for file in files.values()] or [str(folder)]


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
    stamp = _stamp(session)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    stamp.unlink(missing_ok=True)
    session.install(*requirements)
    stamp.write_text(wanted)


def _stamp(session: nox.Session) -> Path:
    """What says that all of an environment is installed, and what."""
    return Path(session.virtualenv.location) / "skillmatrix-installed"


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


def _python(
    session: nox.Session,
    module: str,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    success_codes: Sequence[int] = (0,),
) -> None:
    session.run(_interpreter(session), "-m", module, *arguments, env=env, external=True, success_codes=success_codes)


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
