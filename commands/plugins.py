"""Packages with architectures of their own in a session's environment: installed there as they are installed here."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

if TYPE_CHECKING:
    import nox

    from commands.environments import Environment

__all__ = ["install", "source"]


def install(session: nox.Session, environment: Environment, packages: Sequence[str], given: Sequence[str]) -> None:
    """Install the packages of plugins, each once; the pinned versions stay, or pip says what contradicts them.

    Args:
        session: what has the environment; one without its own has what is installed where Nox runs.
        environment: the versions that must stay.
        packages: as they are named: acme_models, acme_models:register.
        given: folders, wheels or requirements for what is not installed where Nox runs.

    The session ends where a package is in none of these.
    """
    if session.venv_backend == "none":
        return
    wanted = {item: (["-e", str(Path(item).resolve())] if Path(item).is_dir() else [item], "") for item in given}
    wanted |= {package: found for package in packages if (found := source(package)) is not None}
    stamp = Path(session.virtualenv.location) / "skillmatrix-plugins.json"
    done = json.loads(stamp.read_text()) if stamp.exists() else {}
    for name, (requirement, contents) in wanted.items():
        digest = hashlib.sha256(repr((requirement, contents, environment.packages)).encode()).hexdigest()
        if done.get(name) != digest:
            session.install(*environment.packages, *requirement)
            done[name] = digest
            stamp.write_text(json.dumps(done))
    for package in packages:
        top = _top(package)
        code = f"from importlib.util import find_spec; print(find_spec({top!r}) is not None)"
        if not package.startswith("/") and "True" not in str(session.run("python", "-c", code, silent=True, log=False)):
            session.error(
                f"{environment.session}: plugin {package}: {top} is neither in this session's environment nor installed "
                "where Nox runs, so that nothing says what to install. Nothing was run. Run: nox -s "
                f"{environment.session} -- --transformers {environment.pins['transformers']} --plugin {package} "
                "--plugin-from a folder with its pyproject.toml, a wheel, or a requirement"
            )


def source(package: str) -> tuple[list[str], str] | None:
    """Arguments by which pip installs a package elsewhere as it is installed here, and what tells its contents apart.

    None for one that no distribution here has, such as one that only lies on Python's path.
    """
    names = importlib.metadata.packages_distributions().get(_top(package))
    if not names:
        return None
    found = importlib.metadata.distribution(names[0])
    origin = json.loads(found.read_text("direct_url.json") or "{}")
    url, contents = origin.get("url", ""), found.read_text("RECORD") or ""
    if url.startswith("file:"):
        path = url2pathname(urlsplit(url).path)
        return (["-e", path] if origin.get("dir_info", {}).get("editable") else [path]), contents
    if url:
        known = origin.get("vcs_info")
        return [f"{known['vcs']}+{url}@{known['commit_id']}" if known else url], contents
    return [f"{found.name}=={found.version}"], contents


def _top(package: str) -> str:
    return re.split(r"[.:]", package, maxsplit=1)[0]
