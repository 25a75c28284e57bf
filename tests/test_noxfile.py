"""The sessions through Nox's own command line, and the table that they are made from."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from commands import releases
from commands.environments import ENVIRONMENTS, PINNED
from commands.hardware import named
from commands.options import other_release, parser


def _nox(cwd: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nox", *arguments],
        cwd=cwd,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_every_package_of_the_table_is_pinned_exactly() -> None:
    for environment in ENVIRONMENTS.values():
        assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9.]*", package) for package in environment.packages)
        assert len(environment.pins) == len(environment.packages)
        assert {"torch", "transformers"} <= environment.pins.keys()


def test_list_has_a_session_for_each_hardware_and_runs_none_of_them_unasked(root: Path) -> None:
    lines = _nox(root, "--list").stdout.splitlines()
    listed = {line.split()[1]: line[0] for line in lines if line[:2] in ("* ", "- ")}
    sessions = {environment.session: "-" for environment in ENVIRONMENTS.values()}
    assert listed == {"tests": "*", "lint": "*", "report": "-", **sessions}
    assert {"test_cpu", "test_cuda", "test_rocm", "test_xpu", "test_mps", "test_openvino"} < sessions.keys()


@pytest.mark.parametrize("hardware", ENVIRONMENTS)
def test_help_of_a_session_costs_no_environment(root: Path, tmp_path: Path, hardware: str) -> None:
    answer = _nox(root, "--envdir", str(tmp_path / "nox"), "-s", f"test_{hardware}", "--", "--help")
    assert answer.returncode == 0
    assert f"usage: nox -s test_{hardware} --" in answer.stdout
    options = ("--tier", "--model", "--all", "--head", "--check", "--dtype", "--require-hardware", "--run", "--jobs")
    assert all(option in answer.stdout for option in options)
    assert not (tmp_path / "nox").exists()


@pytest.mark.parametrize(
    ("hardware", "words", "where"),
    [
        ("cpu", ["--attention", "sdpa"], "cpu@sdpa"),
        ("cuda", ["--device", "1", "--attention", "sdpa"], "cuda:1@sdpa"),
        ("rocm", [], "rocm"),
        ("openvino", ["--device", "GPU", "--route", "trace"], "openvino:GPU@trace"),
        ("optimum", ["--device", "GPU"], "optimum:GPU"),
        ("compile", ["--backend", "openvino"], "compile:openvino"),
    ],
)
def test_devices_and_ways_are_part_of_the_hardwares_name(hardware: str, words: list[str], where: str) -> None:
    environment = ENVIRONMENTS[hardware]
    assert named(environment, parser(environment).parse_args(words)) == where


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--tier", "criticall"], "invalid choice: 'criticall'"),
        (["--tier", "high", "--model", "gpt-j"], "not allowed with argument --tier"),
        (["--jobs", "0"], "'0' is not a number of workers"),
        (["--jobs", "many"], "'many' is not a number of workers"),
        (["--mod", "gpt-j"], "unrecognized arguments: --mod"),
        (["gpt-j"], "unrecognized arguments: gpt-j"),
        (["--transformers", "5.10"], "'5.10' is not a release; spell it with three numbers"),
        (["--transformers", "../5.10.0"], "'../5.10.0' is not a release"),
        (["--transformers", "4.30.2"], "transformers 4.30.2 cannot be read; the oldest that can is 4.57.0"),
    ],
)
def test_arguments_that_make_no_sense_are_one_sentence_and_no_run(root: Path, arguments: list[str], words: str) -> None:
    answer = _nox(root, "--no-venv", "-s", "test_cpu", "--", *arguments)
    assert answer.returncode == 2
    assert words in answer.stdout.splitlines()[-1]
    assert "Traceback" not in answer.stdout


def test_another_release_is_told_apart_by_its_packages_and_its_folders() -> None:
    pinned = ENVIRONMENTS["cpu"]
    other = pinned.of("5.10.0")
    assert other.pins == {**pinned.pins, "transformers": "5.10.0"}
    assert pinned.of(PINNED) == pinned
    assert {releases.skills(PINNED), releases.reports(PINNED)} == {Path("skills"), Path("reports")}
    assert releases.skills("5.10.0") == Path("build/transformers-5.10.0/skills")
    assert releases.reports("5.10.0") == Path("reports/transformers-5.10.0")


def test_a_hardware_may_have_a_release_of_its_own_and_take_only_older_ones() -> None:
    environment = ENVIRONMENTS["optimum"]
    assert (environment.release, environment.pins["transformers"]) == ("5.5.4", "5.5.4")
    assert environment.of("4.57.6").release == "4.57.6"
    taken = {release: environment.takes(release) for release in ("4.57.6", "5.5.4", "5.6.0", "5.10.0", PINNED, "6.0.0")}
    assert taken == {"4.57.6": True, "5.5.4": True, "5.6.0": False, "5.10.0": False, PINNED: False, "6.0.0": False}
    assert all(other.takes(PINNED) for name, other in ENVIRONMENTS.items() if name != "optimum")


def test_its_own_release_needs_no_asking_and_gets_no_environment_beside_its_own() -> None:
    own, pinned = ENVIRONMENTS["optimum"], ENVIRONMENTS["cpu"]
    for arguments in (["--", "--transformers", "5.5.4"], ["--", "--transformers=5.5.4"], ["--", "--tier", "high"]):
        assert other_release(own, arguments) is None
    assert other_release(pinned, ["--", "--transformers", "5.5.4"]) == "5.5.4"
    assert other_release(own, ["--", "--transformers", PINNED]) == PINNED


def test_a_release_that_a_hardware_does_not_take_is_a_sentence_and_costs_no_environment(
    root: Path, tmp_path: Path
) -> None:
    answer = _nox(root, "--envdir", str(tmp_path / "nox"), "-s", "test_optimum", "--", "--transformers", PINNED)
    assert answer.returncode == 2
    assert f"optimum takes transformers before 5.6 only, not {PINNED}" in answer.stdout.splitlines()[-1]
    assert not (tmp_path / "nox").exists()
    answer = _nox(root, "--no-venv", "-s", "test_optimum", "--", "--model", "bert")
    assert answer.returncode == 1
    assert f"before 5.6 only, not {PINNED}" in answer.stdout
    assert "Nothing was run. Run: nox -s test_optimum" in answer.stdout


def test_what_is_no_release_costs_no_environment(root: Path, tmp_path: Path) -> None:
    answer = _nox(root, "--envdir", str(tmp_path / "nox"), "-s", "test_cpu", "--", "--transformers", "latest")
    assert answer.returncode == 2
    assert "'latest' is not a release" in answer.stdout.splitlines()[-1]
    assert not (tmp_path / "nox").exists()


def test_a_release_that_no_index_has_is_a_sentence_and_leaves_no_environment(root: Path, tmp_path: Path) -> None:
    # No index at all: the same answer whether this machine has a network or not.
    variables = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}
    answer = _nox(
        root, "--envdir", str(tmp_path / "nox"), "-s", "test_cpu", "--", "--transformers", "77.0.0", **variables
    )
    assert answer.returncode == 1
    assert "could be asked for transformers 77.0.0" in answer.stdout.splitlines()[-1]
    assert [path.name for path in (tmp_path / "nox").iterdir() if path.is_dir()] == []


def test_the_nearest_releases_are_those_that_the_index_has() -> None:
    answer = "ERROR: Could not find a version that satisfies the requirement x (from versions: 5.9.0, 5.10.1, 5.10.2)"
    assert "the nearest are 5.10.1" in releases.not_found("5.10.11", answer)


def test_without_an_environment_of_its_own_only_what_is_installed_can_be_asked_for(root: Path) -> None:
    answer = _nox(root, "--no-venv", "-s", "test_cpu", "--", "--transformers", "5.0.0")
    assert answer.returncode == 1
    assert f"transformers {PINNED} is installed where Nox runs, not 5.0.0" in answer.stdout
    assert "Traceback" not in answer.stdout


@pytest.fixture
def checkout(root: Path, tmp_path: Path) -> Path:
    """A copy of the project without its results, whose skills and reports a test may spoil."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in names.split("\0"):
        if not name or name.startswith("reports/"):
            continue
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        if (root / name).exists():
            shutil.copy2(root / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def cache(root: Path) -> str:
    """The project's own cache: what the catalogue says does not depend on where it is asked."""
    return os.environ.get("SKILLMATRIX_CACHE", str(root / ".cache"))


def _skills_session(checkout: Path, cache: str, hardware: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Without devices, so that a machine that has them gives the same answer.
    return _nox(
        checkout,
        *("--no-venv", "-s", f"test_{hardware}", "--", *arguments),
        PYTEST_ADDOPTS="-p no:hypothesispytest",  # seconds, for what skills never use
        SKILLMATRIX_CACHE=cache,
        CUDA_VISIBLE_DEVICES="",
    )


def _line(checkout: Path, model_type: str) -> str:
    """The line of an architecture in the compatibility report."""
    lines = (checkout / "reports/compatibility.md").read_text().splitlines()
    return next(line for line in lines if re.match(rf"\| *`?{model_type}`? *\|", line))


ONE = ("--model", "GPT-J", "--head", "primary", "--check", "build")


def test_a_run_without_an_environment_of_its_own_ends_in_the_reports(checkout: Path, cache: str) -> None:
    answer = _skills_session(checkout, cache, "cpu", *ONE, "--run", "20260101T000000Z-abcdef")
    assert answer.returncode == 0, answer.stdout
    assert list((checkout / "reports/runs/20260101T000000Z-abcdef").glob("*.jsonl"))
    assert "20260101T000000Z-abcdef" in (checkout / "reports/compatibility.md").read_text()


def test_a_failed_cell_fails_the_session_after_the_reports_are_updated(checkout: Path, cache: str) -> None:
    skill = checkout / "skills/hf_gptj.py"
    skill.write_text(re.sub(r"parameters=\d+", "parameters=1", skill.read_text()))
    answer = _skills_session(checkout, cache, "cpu", *ONE)
    assert answer.returncode == 1, answer.stdout
    assert "failed" in _line(checkout, "gptj")


@pytest.mark.parametrize(("arguments", "code", "word"), [((), 0, "skipped"), (("--require-hardware",), 1, "aborted")])
def test_without_a_device_the_session_is_skipped_and_nothing_is_green(
    checkout: Path, cache: str, arguments: tuple[str, ...], code: int, word: str
) -> None:
    answer = _skills_session(checkout, cache, "cuda", *ONE, *arguments)
    assert answer.returncode == code, answer.stdout
    assert "no cuda here: " in answer.stdout
    assert word in answer.stdout.splitlines()[-1]
    assert "unavailable" in _line(checkout, "gptj")


def test_an_unknown_model_is_answered_with_the_nearest_and_nothing_runs(checkout: Path, cache: str) -> None:
    answer = _skills_session(checkout, cache, "cpu", "--model", "gptjj")
    assert answer.returncode == 1
    assert "gptj" in answer.stdout
    assert "Traceback" not in answer.stdout
    assert not (checkout / "reports/runs").exists()


def test_a_model_without_a_skill_is_answered_with_the_command_that_writes_it(checkout: Path, cache: str) -> None:
    (checkout / "skills/hf_gptj.py").unlink()
    answer = _skills_session(checkout, cache, "cpu", "--model", "gpt-j")
    assert answer.returncode == 1
    assert "Run: invoke generate --model gptj" in answer.stdout
    assert not (checkout / "reports/runs").exists()


def test_a_session_says_last_what_kind_of_red_it_was(checkout: Path, cache: str) -> None:
    row = {"cell": "gptj/*/cpu/fp32/build", "axis": "runs", "status": "failed", "class": "ours", "text": "it is wrong"}
    lines = [f'{name} = "{value}"' for name, value in (row | {"signature": "…", "expires": "9000-01-01"}).items()]
    with (checkout / "expected/cpu.toml").open("a") as file:
        file.write("\n".join(["", "[[expected]]", *lines, ""]))
    answer = _skills_session(checkout, cache, "cpu", *ONE)
    assert answer.returncode == 1, answer.stdout
    assert "Run: invoke expect --from 2" in answer.stdout
    assert "unexpected_pass" in _line(checkout, "gptj")
    said = "pytest ended with exit code 10: cells are not, or no longer, as expected/ says. The reports are updated."
    assert said in answer.stdout.splitlines()[-2] + answer.stdout.splitlines()[-1]
