"""The plugin, by pytest's own command line: ids, options, outcomes, records, and what happens when a worker dies."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

from tests.harness.conftest import Furnish, rows

DEVICES = """
import os
from harness.hardware import register
from harness.hardware.cpu import Cpu

class Dying(Cpu):
    name = "dying"
    def prepare(self, *args, **kwargs):
        os.abort()

class Hanging(Cpu):
    name = "hanging"
    def prepare(self, *args, **kwargs):
        while True:
            pass

class Raising(Cpu):
    name = "raising"
    def prepare(self, *args, **kwargs):
        raise RuntimeError("the device is on fire")

class Absent(Cpu):
    name = "absent"
    def probe(self, dtype=None):
        return "it was never built"

class Warning(Cpu):
    name = "warning"
    def prepare(self, *args, **kwargs):
        import warnings
        warnings.warn_explicit("an old spelling", DeprecationWarning, "array.py", 1, module="numpy.array")
        return super().prepare(*args, **kwargs)

for device in (Dying, Hanging, Raising, Absent, Warning):
    register(device())
"""


@pytest.fixture
def project(furnish: Furnish) -> pytest.Pytester:
    """A folder with two skills."""
    return furnish(DEVICES, "hf_bert.py", "hf_gpt2.py")


def ids(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if "::" in line]


def records(project: pytest.Pytester) -> dict[str, dict[str, Any]]:
    return {row["cell"]: row for row in rows(project.path / "runs")}


def test_test_ids_are_the_cell_ids_and_the_primary_head_is_the_default(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("--collect-only", "-q", "skills", "--check=forward,parity")
    assert ids(result) == [
        "skills/hf_bert.py::bert/BertForMaskedLM/cpu/fp32/forward",
        "skills/hf_bert.py::bert/BertForMaskedLM/cpu/fp32/parity",
        "skills/hf_gpt2.py::gpt2/GPT2LMHeadModel/cpu/fp32/forward",
        "skills/hf_gpt2.py::gpt2/GPT2LMHeadModel/cpu/fp32/parity",
    ]


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["skills", "--head=all"], 15 + 9),
        (["skills", "--model=GPT-2"], 9),
        (["skills", "--model=BertForSequenceClassification", "--head=BertForSequenceClassification"], 7),
        (["skills", "--model=bert", "--model=gpt2", "--check=build"], 2),
        (["skills", "--tier=high"], 0),
        (["skills/hf_bert.py", "--hardware=cpu,cuda", "--dtype=fp32,bf16", "--check=parity"], 4),
        (["skills/hf_bert.py::bert/BertForSequenceClassification/cuda/bf16/parity"], 1),
        (["skills/hf_bert.py::bert/BertForMaskedLM/cpu/fp32/build"], 1),
    ],
)
def test_options_and_ids_select_cells(project: pytest.Pytester, options: list[str], count: int) -> None:
    result = project.runpytest_subprocess("--collect-only", "-q", *options)
    assert len(ids(result)) == count, result.stdout.str()


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--model=brt", "no skill is called 'brt'. The nearest are bert"),
        ("--model=../../etc/passwd", "no skill is called"),
        ("--check=party", "no check is called 'party'. Known: parity"),
        ("--hardware=gpu", "no hardware is called 'gpu'"),
        ("--dtype=fp8", "no dtype is called 'fp8'"),
        ("--tier=top", "invalid choice: 'top'"),
        ("--pins=torch", "--pins: it is no JSON object"),
        ("--run=../x", "--run: '../x' is no id of a run"),
    ],
)
def test_a_wrong_option_is_answered_in_a_sentence(project: pytest.Pytester, option: str, words: str) -> None:
    result = project.runpytest_subprocess("skills", option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{words.replace('[', '[[]')}*"])
    assert "Traceback" not in result.stderr.str()


def test_collecting_skills_imports_no_framework(project: pytest.Pytester) -> None:
    project.makeconftest(
        "import sys\ndef pytest_collection_finish(session):\n"
        "    print('loaded', len(session.items), [name for name in ('torch', 'transformers', 'numpy') if name in sys.modules])"
    )
    result = project.runpytest_subprocess("skills", "--collect-only", "-s", "--head=all")
    assert result.ret == pytest.ExitCode.OK
    assert "loaded 24 []" in result.stdout.lines


def test_a_run_leaves_records_and_a_fingerprint(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess(
        *("skills", "--model=bert", "--check=build,forward,parity", "--results=runs", "--run=20260102T030405Z-0a1b2c"),
        '--pins={"torch": "2.13.0"}',
    )
    result.assert_outcomes(passed=3)
    found = records(project)
    assert {row["status"] for row in found.values()} == {"passed"}
    assert {row["run"] for row in found.values()} == {"20260102T030405Z-0a1b2c"}
    [path] = project.path.glob("runs/20260102T030405Z-0a1b2c/environment-*.json")
    facts = json.loads(path.read_text())
    assert {row["environment"] for row in found.values()} == {facts["id"]}
    assert facts["pins"] == {"torch": "2.13.0"}
    assert "--model=bert" in facts["command"]


def test_without_a_device_cells_are_skipped_recorded_and_told_in_a_sentence(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("skills", "--model=bert", "--hardware=absent", "--results=runs")
    result.assert_outcomes(skipped=8)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["absent: unavailable: it was never built. None of its 8 cells ran, and none passed."])
    assert {row["status"] for row in records(project).values()} == {"unavailable"}


def test_cuda_without_a_device_is_an_error_where_it_is_required(project: pytest.Pytester) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    result = project.runpytest_subprocess("skills", "--model=bert", "--hardware=cuda", "--require-hardware")
    result.assert_outcomes(failed=8)
    assert result.ret == 3
    result.stdout.fnmatch_lines(["cuda: unavailable: *CUDA*. None of its 8 cells ran, and none passed."])


def test_a_worker_that_dies_or_hangs_leaves_its_record_and_the_rest_goes_on(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess(
        *("skills/hf_bert.py", "--check=forward", "--hardware=dying,hanging,raising,cpu", "--results=runs"),
        *("-n", "1", "--timeout=3"),
    )
    result.assert_outcomes(passed=1, failed=3)
    found = {cell.split("/")[2]: row for cell, row in records(project).items()}
    assert {name: row["status"] for name, row in found.items()} == {
        "dying": "crashed",
        "hanging": "timed_out",
        "raising": "failed",
        "cpu": "passed",
    }
    assert (found["dying"]["reason"], found["dying"]["stage"]) == ("the process was ended by SIGABRT", "prepare")
    assert found["hanging"]["reason"] == "Timeout (>3.0s) from pytest-timeout."
    assert (found["raising"]["stage"], "on fire" in found["raising"]["reason"]) == ("prepare", True)
    assert {row["model_type"] for row in found.values()} == {"bert"}
    assert len({row["environment"] for row in found.values()}) == 1
    result.stdout.fnmatch_lines(
        ["*bert/BertForMaskedLM/raising/fp32/forward: failed: RuntimeError: the device is on fire*"]
    )


def test_a_time_limit_that_kills_the_process_leaves_a_record(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess(
        *("skills/hf_bert.py", "--check=forward", "--hardware=hanging", "--results=runs"),
        *("-n", "1", "--timeout=2", "--timeout-method=thread"),
    )
    assert result.ret == 1
    assert [row["status"] for row in records(project).values()] == ["timed_out"]


def test_an_error_in_a_worker_is_no_success_and_what_it_left_is_not_run(project: pytest.Pytester) -> None:
    project.makeconftest(
        DEVICES
        + "def pytest_runtest_protocol(item):\n    if item.name.endswith('forward'): raise RuntimeError('the harness broke')"
    )
    options = ("skills/hf_bert.py", "--check=forward", "--hardware=absent", "--results=runs")
    result = project.runpytest_subprocess(*options, "-n", "1")
    assert result.ret != 0
    assert [row["status"] for row in records(project).values()] == ["not_run"]


def test_a_session_that_stops_early_says_what_was_not_run(project: pytest.Pytester) -> None:
    options = ("skills/hf_bert.py", "--check=build,forward", "--hardware=absent", "--results=runs")
    result = project.runpytest_subprocess(*options, "--require-hardware", "-x")
    assert result.ret == 3
    assert [row["status"] for row in records(project).values()] == ["unavailable", "not_run"]


def test_one_skill_stays_on_one_worker(project: pytest.Pytester) -> None:
    project.runpytest_subprocess("skills", "--check=build,forward", "--hardware=absent", "--results=runs", "-n", "2")
    writers = {
        path.stem: {json.loads(line)["model_type"] for line in path.read_text().splitlines()}
        for path in project.path.glob("runs/*/gw*.jsonl")
    }
    assert sorted(map(sorted, writers.values())) == [["bert"], ["gpt2"]]


def test_a_skill_that_is_only_imported_is_not_run_twice(project: pytest.Pytester) -> None:
    project.makepyfile(**{"skills/hf_other": "from skills.hf_bert import Bert\n"})
    result = project.runpytest_subprocess("--collect-only", "-q", "skills", "--check=build")
    assert len(ids(result)) == 2


def test_other_tests_run_as_ever(project: pytest.Pytester) -> None:
    project.makepyfile(test_plain="def test_one(): pass\n")
    project.runpytest_subprocess("test_plain.py").assert_outcomes(passed=1)


def test_what_a_library_warns_of_is_no_verdict(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess(
        "skills/hf_bert.py", "--hardware=warning", "--check=forward", "--head=primary", "-W", "error"
    )
    result.assert_outcomes(passed=1)


def test_cells_run_without_pytests_own_plugin_for_warnings(project: pytest.Pytester) -> None:
    options = ("skills/hf_bert.py", "--check=build", "--head=primary", "--strict-markers", "-p", "no:warnings")
    project.runpytest_subprocess(*options).assert_outcomes(passed=1)
