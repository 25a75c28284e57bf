"""A copy of the project beside packages of models that transformers does not know, and its real command lines."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parent / "packages"

PARTS = (
    "commands",
    "generator",
    "harness",
    "processing",
    "reporting",
    "templates",
    "skills/__init__.py",
    "tasks.py",
    "noxfile.py",
    "pyproject.toml",
)

_OUTSIDE = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


@dataclass(frozen=True)
class House:
    """A copy of the project, with skills and a cache of its own."""

    root: Path
    site: Path
    """A folder on the path of Python, in which a test may install packages."""

    @property
    def skills(self) -> Path:
        return self.root / "skills"

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=self.root,
            env={
                **_OUTSIDE,
                "SKILLMATRIX_CACHE": str(self.root / ".cache"),
                "PYTHONPATH": os.pathsep.join([str(self.site), str(PACKAGES)]),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def house(root: Path, tmp_path_factory: pytest.TempPathFactory) -> House:
    place = tmp_path_factory.mktemp("house")
    for part in PARTS:
        source, target = root / part, place / "house" / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    (place / "site").mkdir()
    return House(place / "house", place / "site")
