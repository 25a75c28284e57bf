"""Expected states by the real command lines, pytest's and a skill's: what is shown, recorded and exited with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.harness.conftest import Furnish, rows

ENGINE = """
import os
from harness.engines.local import Engine, blank
from harness.hardware import register
from harness.hardware.cpu import Cpu
from harness.session import FellBackError

class Fire(Cpu):
    name = "fire"

class Absent(Cpu):
    name = "absent"
    def probe(self, dtype=None):
        return "it was never built"

register(Fire())
register(Absent())

ends = {
    "build": ("passed", None),
    "forward": ("failed", "RuntimeError: the device is on fire at %d degrees" % os.getpid()),
    "determinism": ("crashed", "the worker process died at 0x%x" % os.getpid()),
    "vacuity": ("unsupported", "it burns aten::unfold"),
}

def execute(self, cell):
    if cell.hardware == "absent":
        return blank(cell, "unavailable", "it was never built")
    if cell.check.name == "parity":
        os.abort()
    return blank(cell, *ends[cell.check.name])

# What a model would do is not asked here: only what becomes of it.
Engine.execute, Engine.warm_up = execute, lambda *args: None
"""

FIRE = "RuntimeError: the device is on fire at N degrees"

RUN = "20261127T100000Z-abcdef"


def expect(project: Path, hardware: str, *several: dict[str, str]) -> None:
    """Write what is expected of BERT's primary head on a hardware, one row a check."""
    standard = {"axis": "runs", "status": "failed", "class": "device", "text": "it burns", "signature": FIRE}
    text = ""
    for row in several:
        cell = f"bert/BertForMaskedLM/{hardware}/fp32/{row.pop('check', 'forward')}"
        values = {"cell": cell, **standard, "issue": "https://example.org/1", "expires": "9000-01-01"} | row
        text += "[[expected]]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
    (project / "expected").mkdir(exist_ok=True)
    (project / "expected" / f"{hardware}.toml").write_text(text)


@pytest.fixture
def project(furnish: Furnish) -> pytest.Pytester:
    """A folder with one skill."""
    return furnish(ENGINE, "hf_bert.py")


def run(project: pytest.Pytester, hardware: str, *options: str, checks: str = "forward") -> pytest.RunResult:
    where = ("--results=reports/runs", f"--run={RUN}")
    return project.runpytest_subprocess("skills", f"--hardware={hardware}", f"--check={checks}", *where, *options)


def records(project: pytest.Pytester) -> dict[str, dict[str, Any]]:
    return {row["check"]: row for row in rows(project.path / "reports/runs")}


def test_a_known_failure_is_shown_recorded_and_no_error(project: pytest.Pytester) -> None:
    expect(
        project.path,
        "fire",
        {"check": "forward"},
        {"check": "determinism", "status": "crashed", "signature": "the worker process died at ADDRESS"},
        {"check": "vacuity", "status": "unsupported", "signature": "… aten::unfold"},
        {"check": "parity", "status": "crashed", "signature": "the process was ended by SIGABRT"},
    )
    result = run(project, "fire", "-rx", "-n", "1", checks="build,forward,determinism,vacuity,parity")
    result.assert_outcomes(passed=1, xfailed=4)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["*XFAIL*forward - *known_failure: RuntimeError: *; known as device: it burns https://example.org/1*"]
    )
    assert "fire: 4 known_failure, 1 passed" in result.stdout.lines
    assert result.stdout.lines[-1] == "exit code 0: 5 passed, or failed as expected."
    row = records(project)["forward"]
    assert (row["status"], row["judged"], row["expected"]) == ("failed", "known_failure", "met")
    assert row["known"] == "device: it burns https://example.org/1"
    assert records(project)["parity"]["judged"] == "known_failure"


def test_what_is_not_as_expected_has_an_exit_code_of_its_own_and_names_the_command(project: pytest.Pytester) -> None:
    expect(
        project.path,
        "fire",
        {"check": "build"},
        {"check": "forward", "signature": "RuntimeError: the device is drowned"},
        {"check": "determinism", "status": "crashed", "signature": "…", "expires": "2026-01-31"},
    )
    result = run(project, "fire", checks="build,forward,determinism")
    result.assert_outcomes(failed=3)
    assert result.ret == 10
    command = f"Run: invoke expect --from {RUN}"
    changed = "expected/fire.toml expects failed on runs with the signature RuntimeError: the device is drowned"
    expired = "expected/fire.toml expected it until 2026-01-31: device: it burns https://example.org/1"
    result.stdout.fnmatch_lines(
        [
            "*/build: unexpected_pass: expected/fire.toml expects failed on runs: device: it burns *",
            command,
            f"*/forward: failed: RuntimeError: *; {changed}",
            command,
            f"*/determinism: crashed: the worker *; {expired}",
            command,
        ]
    )
    assert result.stdout.lines[-1] == f"exit code 10: 3 are not, or no longer, as expected/ says. {command}"
    found = {check: row["expected"] for check, row in records(project).items()}
    assert found == {"build": "passed", "forward": "changed", "determinism": "expired"}


def test_a_row_on_one_axis_hides_no_failure_on_another_and_a_new_failure_decides(project: pytest.Pytester) -> None:
    expect(project.path, "fire", {"check": "determinism", "axis": "matches"}, {"check": "build"})
    result = run(project, "fire", checks="build,determinism,vacuity")
    assert result.ret == 1
    assert result.stdout.lines[-1].startswith("exit code 1: 2 failed as nothing in expected/ says, 1 are not, ")


def test_expected_failures_that_pytest_is_told_to_run_as_others_are_no_passes(project: pytest.Pytester) -> None:
    expect(project.path, "fire", {})
    run(project, "fire", "--runxfail").assert_outcomes(failed=1)


def test_a_device_that_is_not_here_is_neither_and_is_told_apart(project: pytest.Pytester) -> None:
    expect(project.path, "absent", {})
    result = run(project, "absent")
    assert result.ret == 0
    assert result.stdout.lines[-1] == "exit code 0: 1 are unavailable here, which is no pass."
    required = run(project, "absent", "--require-hardware")
    assert required.ret == 3
    assert required.stdout.lines[-1] == "exit code 3: 1 could not be run here."


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"axis": "macthes"}, "*expected/absent.toml:1: there is no axis 'macthes'. The nearest are matches.*"),
        ({"owner": "me"}, "*expected/absent.toml:1: there is no field 'owner'.*"),
        (
            {"cell": "brt/*/absent/fp32/forward"},
            "*expected/absent.toml:1: there is no model 'brt'. The nearest are bert.*",
        ),
        ({"cell": "bert/BertForMaskdLM/absent/fp32/forward"}, "*there is no head 'BertForMaskdLM'.*BertForMaskedLM*"),
        ({"cell": "bert/*/absent/fp32/forwrd"}, "*there is no check 'forwrd'. The nearest are forward, backward.*"),
        ({"expires": "tomorrow"}, "*expires 'tomorrow', which is no day*"),
    ],
)
def test_a_row_that_is_wrong_is_an_error_of_usage_and_nothing_is_run(
    project: pytest.Pytester, row: dict[str, str], words: str
) -> None:
    expect(project.path, "absent", row)
    result = run(project, "absent")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([words])
    assert "Traceback" not in result.stderr.str()
    assert not (project.path / "reports").exists()


def test_another_folder_may_be_named_and_must_be_there(project: pytest.Pytester) -> None:
    expect(project.path, "absent", {"axis": "macthes"})
    assert run(project, "absent", "--expected=skills").ret == 0
    missing = run(project, "absent", "--expected=nowhere")
    assert missing.ret == pytest.ExitCode.USAGE_ERROR
    missing.stderr.fnmatch_lines(["*--expected: *nowhere is no folder*"])
