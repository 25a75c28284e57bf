"""A vendor's hardware: a package of its own, installed, found by its entry point, and run like any other."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from commands import environments


@pytest.fixture(scope="module")
def installed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables of processes that have the package; pip builds it from its folder, as a vendor's users do."""
    site = tmp_path_factory.mktemp("site")
    folder = shutil.copytree(root / "tests" / "vendor" / "abacus", tmp_path_factory.mktemp("vendor") / "abacus")
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--target", str(site))
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(folder)], check=True)
    return {**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{root}"}


def _python(root: Path, variables: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=root, env=variables, capture_output=True, text=True, check=False)


def test_an_installed_package_is_a_hardware_that_passes_the_checks(root: Path, installed: dict[str, str]) -> None:
    assert json.loads(_python(root, installed, "-m", "harness.hardware", "abacus", "--json").stdout) == {"abacus": None}
    arguments = ("--hardware=abacus", "--head=primary", "--json")
    done = _python(root, installed, "-m", "tests.harness.architectures.hf_bert", *arguments)
    assert done.returncode == 0, done.stderr + done.stdout
    rows = json.loads(done.stdout)
    assert {row["check"] for row in rows} >= {"forward", "determinism", "masking", "parity"}
    assert {(row["status"], row["executed_on"]) for row in rows} == {("passed", "abacus:CPU")}
    assert {row["metrics"]["route"] for row in rows if "route" in row["metrics"]} == {"export"}


def test_it_has_a_session_whose_environment_has_the_package(root: Path, installed: dict[str, str]) -> None:
    assert re.search("^- test_abacus ", _python(root, installed, "-m", "nox", "--list").stdout, re.MULTILINE)
    program = "from commands.environments import ENVIRONMENTS as all; print(all['abacus'].package, all['abacus'].pins)"
    answer = _python(root, installed, "-c", program).stdout
    assert answer.startswith("abacus {'torch': ")
    assert "'skillmatrix-abacus': '1.0'" in answer


def test_no_package_takes_the_name_of_another_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("cpu", "thief:Cpu", "skillmatrix.hardware")
    monkeypatch.setattr(environments, "entry_points", lambda **_: [point])
    assert [item.package for item in environments._third_parties()] == ["thief"]
    assert environments.ENVIRONMENTS["cpu"].package is None
