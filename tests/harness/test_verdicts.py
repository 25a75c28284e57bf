"""Verdicts: an expectation is met, outdone, changed or expired, on its own axis and on no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet

from harness.cells import Cell
from harness.checks import CHECKS
from harness.engines.local import blank
from harness.results.expectations import Expectation
from harness.results.record import STATUSES, Record
from harness.results.verdicts import (
    AS_EXPECTED,
    INCOMPLETE,
    NEW_FAILURE,
    OUTDATED,
    SPARED,
    Expectations,
    exit_code,
    ruling,
    summary,
)
from tests.harness.architectures.hf_bert import Bert

CELL = Cell(Bert, Bert.heads[0], "cpu", "fp32", CHECKS["parity"])
VERSIONS = {"transformers": "5.23.0", "torch": "2.13.0+cpu"}
SIGNATURE = "it differs in logits by N"


def row(**facts: Any) -> Expectation:
    standard: dict[str, Any] = {
        "cell": CELL.id,
        "axis": "matches",
        "status": "failed",
        "blame": "upstream-transformers",
        "text": "it adds twice",
        "signature": SIGNATURE,
        "expires": date(2027, 5, 31),
        "issue": "https://example.org/1",
        "file": "expected/cpu.toml",
    }
    return Expectation(**(standard | facts))


def record(runs: str = "passed", matches: str | None = "failed", **facts: Any) -> Record:
    found = blank(CELL, matches if runs == "passed" and matches else runs, "it differs in logits by 1e-2")
    standard = {"runs": runs, "matches": matches, "started": "2026-11-27T10:00:00+00:00"}
    return replace(found, **(standard | facts))


def judged(found: Record, *several: Expectation, versions: Mapping[str, str] = VERSIONS) -> tuple[str, str | None, int]:
    after = Expectations(several).judge(found, versions)
    assert (after.status, after.runs, after.matches) == (
        found.status,
        found.runs,
        found.matches,
    ), "what was found stays"
    return after.verdict, after.expected, ruling(after)


def test_what_fails_as_expected_is_a_known_failure_that_says_why() -> None:
    after = Expectations([row()]).judge(record(), VERSIONS)
    assert (after.judged, after.expected) == ("known_failure", "met")
    assert after.known == "upstream-transformers: it adds twice https://example.org/1"
    assert ruling(after) == AS_EXPECTED


def test_without_a_row_everything_is_as_it_was_found() -> None:
    for status in STATUSES:
        assert judged(record(status, None))[:2] == (status, None)


@pytest.mark.parametrize(
    ("found", "expected", "verdict"),
    [
        (record(signature="it differs in pooler_output by N"), row(), ("failed", "changed", OUTDATED)),
        (record(matches="vacuous"), row(), ("vacuous", "changed", OUTDATED)),
        (record(signature=None), row(), ("failed", "changed", OUTDATED)),
        (record(), row(expires=date(2026, 11, 26)), ("failed", "expired", OUTDATED)),
        (record(), row(expires=date(2026, 11, 27)), ("known_failure", "met", AS_EXPECTED)),
        (record(started=""), row(), ("failed", "expired", OUTDATED)),
        (record(matches="passed"), row(), ("unexpected_pass", "passed", OUTDATED)),
        (record(matches="passed"), row(expires=date(2026, 1, 1)), ("unexpected_pass", "passed", OUTDATED)),
        (record(), row(signature="it differs in …"), ("known_failure", "met", AS_EXPECTED)),
    ],
)
def test_what_is_not_as_expected_is_red_and_says_which(
    found: Record, expected: Expectation, verdict: tuple[str, str, int]
) -> None:
    assert judged(found, expected) == verdict


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (record("crashed", None), ("crashed", None, NEW_FAILURE)),
        (record("unsupported", None), ("unsupported", None, NEW_FAILURE)),
        (record(speed="failed", matches="passed", status="failed"), ("failed", None, NEW_FAILURE)),
        (record(speed="failed", status="failed"), ("failed", None, NEW_FAILURE)),
    ],
)
def test_a_row_on_one_axis_hides_nothing_on_another(found: Record, verdict: tuple[str, None, int]) -> None:
    assert judged(found, row()) == verdict


def test_each_axis_has_its_own_row() -> None:
    slow = record(speed="failed", status="failed")
    assert judged(slow, row(), row(axis="speed"))[:2] == ("known_failure", "met")
    assert judged(record("crashed", None), row(axis="runs", status="crashed"))[:2] == ("known_failure", "met")


@pytest.mark.parametrize("status", ["unavailable", "not_run"])
def test_what_did_not_run_is_neither_expected_nor_unexpected(status: str) -> None:
    found = record(status, None)
    assert judged(found, row(), row(axis="runs")) == (status, None, INCOMPLETE)


def test_what_cannot_be_run_as_its_skill_says_may_be_expected() -> None:
    unsettled = record("not_run", None, signature="the skill was written unsettled: no natten")
    known = row(axis="runs", status="not_run", signature="the skill was written unsettled: …")
    assert judged(unsettled, known)[:2] == ("known_failure", "met")
    assert judged(record("not_run", None, signature="the session ended"), known) == ("not_run", None, INCOMPLETE)


def test_outside_its_window_a_row_says_nothing() -> None:
    bounded = row(window={"transformers": SpecifierSet(">=5.20,<5.24"), "torch": SpecifierSet("==2.13.0")})
    assert judged(record(), bounded)[0] == "known_failure"
    for versions in ({}, {**VERSIONS, "transformers": "5.24.0"}, {**VERSIONS, "torch": "2.14.0"}):
        assert judged(record(), bounded, versions=versions) == ("failed", None, NEW_FAILURE)
        assert judged(record(matches="passed"), bounded, versions=versions) == ("passed", None, AS_EXPECTED)


def test_of_several_rows_one_that_is_met_is_enough() -> None:
    other, old = row(signature="something else"), row(expires=date(2026, 1, 1))
    for several in ([other, row()], [row(), other], [old, row()]):
        assert judged(record(), *several)[:2] == ("known_failure", "met")
    assert judged(record(), other, old)[:2] == ("failed", "expired")


def test_rows_of_other_cells_say_nothing() -> None:
    for cell in ("bert/*/cpu/fp32/forward", "gpt2/*/*/*/*", "*/*/cuda/*/*"):
        assert judged(record(), row(cell=cell)) == ("failed", None, NEW_FAILURE)
    assert judged(record(), row(cell="b*/*/c?u/*/parity"))[0] == "known_failure"


def test_to_judge_again_is_to_judge_anew() -> None:
    first = Expectations([row()]).judge(record(), VERSIONS)
    assert Expectations().judge(first, VERSIONS) == replace(record(), judged="failed")


def test_a_status_that_no_axis_has_is_not_lost() -> None:
    assert judged(record(runs=None, matches=None, status="failed")) == ("failed", None, NEW_FAILURE)


@pytest.mark.parametrize(
    ("rulings", "code"),
    [
        ([], INCOMPLETE),
        ([AS_EXPECTED], 0),
        ([SPARED], 0),
        ([AS_EXPECTED, SPARED], 0),
        ([AS_EXPECTED, OUTDATED], 10),
        ([AS_EXPECTED, OUTDATED, INCOMPLETE], 3),
        ([AS_EXPECTED, OUTDATED, INCOMPLETE, NEW_FAILURE], 1),
    ],
)
def test_the_gravest_decides_the_exit_code(rulings: list[int], code: int) -> None:
    assert exit_code(Counter(rulings)) == code


def test_the_last_line_counts_what_there_was_and_names_the_command_where_rows_are_out_of_date() -> None:
    line = summary(Counter({AS_EXPECTED: 5, OUTDATED: 2, NEW_FAILURE: 1}), "invoke expect --from X")
    assert line == (
        "1 failed as nothing in expected/ says, 2 are not, or no longer, as expected/ says, "
        "5 passed, or failed as expected. Run: invoke expect --from X"
    )
    assert "Run:" not in summary(Counter({AS_EXPECTED: 5}), "R")
