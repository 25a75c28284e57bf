"""The verdict on a run, from which a sweep takes its exit code."""

from __future__ import annotations

import pytest
from house import House

from harness.results.record import STATUSES
from reporting import verdict
from reporting.judgement import Verdict

RUN = "20261123T120000Z-bbbbbb"
CELL = "gptj/GPTJModel/cpu/fp32/forward"


def judge(house: House, requested: list[str] | None = None) -> Verdict:
    return verdict(house.reports / "runs" / RUN, requested)


def test_a_run_passes_if_every_cell_did(furnished: House) -> None:
    furnished.results(RUN, furnished.record(RUN, "gptj"), furnished.record(RUN, "bert"))
    found = judge(furnished)
    assert (found.passed, found.counts, found.failures) == (True, {"passed": 2}, ())


@pytest.mark.parametrize("status", [status for status in STATUSES if status != "passed"])
def test_any_other_status_is_no_pass(furnished: House, status: str) -> None:
    furnished.results(RUN, furnished.record(RUN, "gptj", status=status), furnished.record(RUN, "bert"))
    found = judge(furnished)
    assert not found.passed
    assert found.failures == (f"{CELL}: {status}: it {status}",)
    assert list(found.counts) == [status, "passed"]


def test_nothing_at_all_is_no_pass(furnished: House) -> None:
    assert not judge(furnished).passed
    furnished.environment(RUN)
    assert not judge(furnished).passed
    assert not judge(furnished, []).passed


def test_a_cell_that_was_asked_for_and_left_no_record_is_no_pass(furnished: House) -> None:
    furnished.results(RUN, furnished.record(RUN, "bert"))
    found = judge(furnished, [CELL, "bert/BERTModel/cpu/fp32/forward"])
    assert not found.passed
    assert found.failures == (f"{CELL}: not_run: no record",)


def test_cells_that_were_not_asked_for_have_no_say(furnished: House) -> None:
    furnished.results(RUN, furnished.record(RUN, "bert", status="failed"), furnished.record(RUN, "gptj"))
    assert judge(furnished, [CELL]).passed


def test_the_last_attempt_decides(furnished: House) -> None:
    furnished.results(RUN, furnished.record(RUN, "gptj", status="crashed"), furnished.record(RUN, "gptj", attempt=2))
    assert judge(furnished).passed
    furnished.results(RUN, furnished.record(RUN, "gptj", status="failed", attempt=3))
    assert not judge(furnished).passed


def test_results_of_another_run_have_no_say(furnished: House) -> None:
    furnished.results(RUN, furnished.record("20261123T130000Z-cccccc", "gptj"))
    assert not judge(furnished, [CELL]).passed


@pytest.mark.parametrize("line", ["{", '{"cell": "gptj/GPTJModel/cpu/fp32/parity", "status', '{"cell": "x"}\n'])
def test_a_line_that_cannot_be_read_is_no_pass(furnished: House, line: str) -> None:
    file = furnished.results(RUN, furnished.record(RUN, "gptj"))
    with file.open("a") as stream:
        stream.write(line)
    found = judge(furnished)
    assert not found.passed
    assert f"cannot be read: runs/{RUN}/main.jsonl:2" in found.text


def test_a_missing_environment_is_no_pass(furnished: House) -> None:
    furnished.results(RUN, furnished.record(RUN, "gptj"), environment=False)
    assert not judge(furnished).passed
