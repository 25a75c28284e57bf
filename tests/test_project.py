"""What the project promises as a whole: its two commands, its pins, its borders, and a light start."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from commands.environments import ENVIRONMENTS, PINNED


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text())


def _exact(requirements: list[str]) -> dict[str, str]:
    return dict(item.split("==") for item in requirements if "==" in item)


def test_readme_gives_two_commands_and_continuous_integration_calls_the_second(root: Path) -> None:
    start = "python3.11 -m venv "
    commands = [line for line in (root / "README.md").read_text().splitlines() if line.startswith(start)]
    calls = [line for line in (root / ".ci/run").read_text().splitlines() if line.startswith(start)]
    assert len(commands) == 2
    assert calls == commands[1:]
    assert commands[0].endswith(" sweep --tier critical --hardware cpu")


def test_generator_reads_the_libraries_that_the_skills_run_with(project: dict[str, Any]) -> None:
    pins = _exact(project["project"]["optional-dependencies"]["generate"])
    # What takes one release alone, of its own, gets skills of that release.
    for environment in (item for item in ENVIRONMENTS.values() if item.takes(PINNED)):
        assert {name: environment.pins[name] for name in ("torch", "transformers")}.items() <= pins.items()


def test_formatters_are_pinned_alike_wherever_they_run(project: dict[str, Any]) -> None:
    extras = project["project"]["optional-dependencies"]
    generate, dev = _exact(extras["generate"]), _exact(extras["dev"])
    assert {name: dev[name] for name in ("black", "ruff")} == {name: generate[name] for name in ("black", "ruff")}


def test_readme_pins_a_nox_that_the_project_accepts(root: Path, project: dict[str, Any]) -> None:
    from packaging.requirements import Requirement

    nox = next(item for item in map(Requirement, project["project"]["dependencies"]) if item.name == "nox")
    pinned = re.findall(r"nox==([0-9.]+)", (root / "README.md").read_text())
    assert pinned
    assert all(nox.specifier.contains(version) for version in pinned)


def test_readme_examples_in_python_print_what_they_say(root: Path) -> None:
    """All of them, one after the other, in a process of their own; each line says what it prints in its comment."""
    blocks = re.findall(r"^```python\n(.*?)^```$", (root / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    code = "".join(blocks)
    wanted = re.findall(r"^print\(.*\)  # (.*)$", code, re.MULTILINE)
    assert len(wanted) == code.count("print(") > 0
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "import harness\n" + code],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines() == wanted


IMPORT_EVERYTHING = """
import importlib, pkgutil, sys
names = ["tasks", "noxfile"]
for room in ("commands", "generator", "harness", "processing", "reporting", "skills"):
    package = importlib.import_module(room)
    names += [module.name for module in pkgutil.walk_packages(package.__path__, f"{room}.")]
for name in names:
    importlib.import_module(name)
print(len(names), sorted({"torch", "transformers", "numpy"} & set(sys.modules)))
"""


def test_no_module_imports_a_framework_when_it_is_imported(root: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", IMPORT_EVERYTHING], cwd=root, capture_output=True, text=True, check=True
    )
    count, loaded = answer.stdout.split(maxsplit=1)
    assert int(count) > 20
    assert loaded.strip() == "[]"


@pytest.fixture
def rooms(root: Path, tmp_path: Path) -> Path:
    """A copy of the rooms, to break."""
    for name in ("commands", "generator", "harness", "processing", "reporting"):
        shutil.copytree(root / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", tmp_path)
    return tmp_path


def _borders(rooms: Path) -> subprocess.CompletedProcess[str]:
    lint = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([lint, "--no-logo", "--no-cache"], cwd=rooms, capture_output=True, text=True, check=False)


def test_borders_between_the_rooms_hold(rooms: Path) -> None:
    answer = _borders(rooms)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("generator", "import harness.inputs"),
        ("generator", "import reporting"),
        ("harness", "import generator.spec"),
        ("harness", "import reporting"),
        ("reporting", "import generator.spec"),
        ("reporting", "import harness.skill"),
        ("reporting", "import processing.parts"),
        ("processing", "import generator.spec"),
        ("processing", "import harness.skill"),
        ("processing", "import reporting"),
        ("generator", "import commands"),
        ("harness", "import commands.releases"),
        ("reporting", "import commands.environments"),
        ("processing", "import commands"),
    ],
)
def test_a_border_that_is_crossed_is_an_error(rooms: Path, room: str, line: str) -> None:
    (rooms / room / "intruder.py").write_text(line + "\n")
    answer = _borders(rooms)
    assert answer.returncode == 1
    assert f"{room}.intruder" in answer.stdout


@pytest.mark.parametrize(
    ("path", "generated"),
    [
        ("skills/hf_gptj.py", True),
        ("skills/manifest.json", True),
        ("reports/coverage.md", True),
        ("reports/results/cpu.parquet", True),
        ("reports/facts/5.22.0.json.gz", True),
        ("skills/__init__.py", False),
        ("README.md", False),
    ],
)
def test_generated_files_are_marked_for_git_hosts(root: Path, path: str, generated: bool) -> None:
    answer = subprocess.run(
        ["git", "check-attr", "linguist-generated", "--", path], cwd=root, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip().endswith(": true") is generated


def test_no_tracked_file_names_a_place_outside_the_project(root: Path) -> None:
    places = "/" + r"(work|root|opt)/[a-z.]+"
    answer = subprocess.run(
        ["git", "grep", "-nIE", places, "--", ".", ":!LICENSE"], cwd=root, capture_output=True, text=True, check=False
    )
    assert answer.stdout == ""
    assert answer.returncode == 1
