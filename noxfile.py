"""Sessions: the tests, the linters, the reports, and one run of the skills a hardware, each in an environment of its own.

They only call. What is installed for a hardware is the table ``commands.environments.ENVIRONMENTS``; what a run of
skills does is ``commands.hardware``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nox

# Nox may be installed anywhere, and reads this file by its path.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from commands import hardware, sessions
from commands.environments import ENVIRONMENTS, HYGIENE

nox.needs_version = ">=2026.10"
nox.options.sessions = ["lint", "tests"]
# pip, not uv: builds of torch come from wherever pip is told to look, local folders included.
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = True


@nox.session
def tests(session: nox.Session) -> None:
    """Run the project's own tests; what follows -- goes to pytest."""
    sessions.install(session, "-e", ".[generate,run,dev]")
    # By file: what the tests of a file share, they should build once.
    sessions.python(session, "pytest", "-n", "2", "--dist", "loadfile", *session.posargs, env=HYGIENE)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, formatting, types and the borders between the rooms."""
    sessions.install(session, "-e", ".[run,dev]")
    sessions.python(session, "ruff", "check", ".")
    sessions.python(session, "black", "--check", "--quiet", "--diff", ".")
    sessions.python(session, "mypy")
    # Its module does nothing when run with -m, and says so with exit code 0.
    session.run("lint-imports", external=session.venv_backend == "none")


@nox.session(default=False)
def report(session: nox.Session) -> None:
    """Write the reports from the results that lie here."""
    # The reports stand on the catalogue, which asks the installed transformers.
    sessions.install(session, *ENVIRONMENTS["cpu"].packages, "-e", ".")
    sessions.python(session, "invoke", "report")


for environment in ENVIRONMENTS.values():
    hardware.register(environment)
