"""The sessions through Nox's own command line, and the table that they are made from."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import noxfile


def _nox(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nox", *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_every_package_of_the_table_is_pinned_exactly() -> None:
    for environment in noxfile.ENVIRONMENTS.values():
        assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9.]*", package) for package in environment.packages)
        assert len(environment.pins) == len(environment.packages)
        assert {"torch", "transformers"} <= environment.pins.keys()


def test_list_has_a_session_for_each_hardware_and_runs_none_of_them_unasked(root: Path) -> None:
    lines = _nox(root, "--list").stdout.splitlines()
    listed = {line.split()[1]: line[0] for line in lines if line[:2] in ("* ", "- ")}
    assert listed == {"tests": "*", "lint": "*", "report": "-", "test_cpu": "-", "test_cuda": "-"}
    assert listed.keys() > {environment.session for environment in noxfile.ENVIRONMENTS.values()}


@pytest.mark.parametrize("hardware", noxfile.ENVIRONMENTS)
def test_help_of_a_session_costs_no_environment(root: Path, tmp_path: Path, hardware: str) -> None:
    answer = _nox(root, "--envdir", str(tmp_path / "nox"), "-s", f"test_{hardware}", "--", "--help")
    assert answer.returncode == 0
    assert f"usage: nox -s test_{hardware} --" in answer.stdout
    options = ("--tier", "--model", "--all", "--head", "--check", "--dtype", "--require-hardware", "--run", "--jobs")
    assert all(option in answer.stdout for option in options)
    assert not (tmp_path / "nox").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--tier", "criticall"], "invalid choice: 'criticall'"),
        (["--tier", "high", "--model", "gpt-j"], "not allowed with argument --tier"),
        (["--jobs", "0"], "'0' is not a number of workers"),
        (["--jobs", "many"], "'many' is not a number of workers"),
        (["--mod", "gpt-j"], "unrecognized arguments: --mod"),
        (["gpt-j"], "unrecognized arguments: gpt-j"),
    ],
)
def test_arguments_that_make_no_sense_are_one_sentence_and_no_run(root: Path, arguments: list[str], words: str) -> None:
    answer = _nox(root, "--no-venv", "-s", "test_cpu", "--", *arguments)
    assert answer.returncode == 2
    assert words in answer.stdout.splitlines()[-1]
    assert "Traceback" not in answer.stdout
