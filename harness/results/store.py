"""Records and environment fingerprints on disk: append-only JSON lines, one writer a file; it reads nothing back but
what a writer needs."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness.results.record import Record, from_row, to_line

__all__ = ["Environment", "Writer", "canonical", "environment", "installed", "new_run", "now", "recorded"]

RUN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")
"""What a run's id looks like."""


@dataclass(frozen=True)
class Environment:
    """What a run's results depend on beside the skills."""

    id: str
    """Digest of the versions, the platform and the devices: equal environments have equal ids."""
    versions: dict[str, str]
    """Every installed distribution."""
    python: str
    platform: str
    devices: dict[str, dict[str, str]]
    """What each hardware of the session says of itself."""
    git: str | None
    """Revision of the working tree, with ``+`` if files differ from it; None outside a repository."""
    seed: int
    pins: dict[str, Any]
    """Versions that the session pinned, as it was told."""
    command: list[str] = field(default_factory=list)
    started: str = ""

    def write(self, folder: Path) -> Path:
        """Put it into a run's folder, whole or not at all; an equal one that lies there stays."""
        path = folder / f"environment-{self.id}.json"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            draft = folder / f".{path.name}.{os.getpid()}"
            draft.write_text(json.dumps(asdict(self), indent=1, sort_keys=True) + "\n", encoding="utf-8")
            draft.replace(path)
        return path


def environment(
    devices: Mapping[str, Mapping[str, str]],
    *,
    seed: int = 0,
    pins: Mapping[str, Any] | None = None,
    command: Sequence[str] | None = None,
) -> Environment:
    """The fingerprint of this process."""
    versions = installed()
    told = {name: dict(facts) for name, facts in sorted(devices.items())}
    state = [sorted(versions.items()), platform.python_version(), platform.platform(), told]
    return Environment(
        id=sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:12],
        versions=dict(sorted(versions.items())),
        python=platform.python_version(),
        platform=platform.platform(),
        devices=told,
        git=_revision(),
        seed=seed,
        pins=dict(pins or {}),
        command=list(sys.argv if command is None else command),
        started=now(),
    )


def installed() -> dict[str, str]:
    """Version of every installed distribution."""
    return {
        canonical(name): item.version for item in importlib.metadata.distributions() if (name := item.metadata["Name"])
    }


def new_run() -> str:
    """A new run's id: when, and six random digits."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def now() -> str:
    """UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Writer:
    """Appends records to one file of a run. Each line is flushed, so that a crash loses none that was written."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{name}.jsonl"
        self._file = self.path.open("a", encoding="utf-8")

    def write(self, record: Record) -> None:
        """Append one record."""
        self._file.write(to_line(record) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Make sure that all lines are on the disk."""
        if not self._file.closed:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def recorded(folder: Path, cell: str) -> Record | None:
    """What a writer of this run has written of the cell; half-written lines count for nothing."""
    wanted = f'"cell": {json.dumps(cell)}'
    for path in sorted(folder.glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                if wanted in line and line.endswith("\n"):
                    return from_row(json.loads(line))
    return None


def canonical(name: str) -> str:
    """A distribution's name as PEP 503 spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _revision() -> str | None:
    git = ["git", "-C", str(Path(__file__).parent)]
    try:
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run(
            [*git, "status", "--porcelain", "--untracked-files=no"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")
