"""What every session does: install once, run a module with the session's Python, ask one for an answer."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import nox

__all__ = ["ask", "install", "python", "stamp"]

ROOT = Path(__file__).resolve().parent.parent


def install(session: nox.Session, *requirements: str) -> None:
    """Install once: a second session over the same requirements and the same pyproject.toml costs nothing."""
    if session.venv_backend == "none":
        return
    wanted = hashlib.sha256(repr((requirements, (ROOT / "pyproject.toml").read_text())).encode()).hexdigest()
    done = stamp(session)
    if done.exists() and done.read_text() == wanted:
        return
    done.unlink(missing_ok=True)
    session.install(*requirements)
    done.write_text(wanted)


def stamp(session: nox.Session) -> Path:
    """What says that all of an environment is installed, and what."""
    return Path(session.virtualenv.location) / "skillmatrix-installed"


def python(
    session: nox.Session,
    module: str,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    success_codes: Sequence[int] = (0,),
) -> None:
    """Run a module with the session's Python; on another exit code the session fails with it."""
    session.run(_interpreter(session), "-m", module, *arguments, env=env, external=True, success_codes=success_codes)


def ask(
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
