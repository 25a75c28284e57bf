"""Known failures in the reports: shown with their reason and their link, counted as what they are, and never green."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb
from house import House

from harness.results.expectations import Expectation
from harness.results.verdicts import Expectations
from reporting import verdict

RUN = "20261123T120000Z-bbbbbb"
CELL = "gptj/GPTJModel/cpu/fp32/forward"


def known(**facts: Any) -> Expectations:
    standard: dict[str, Any] = {
        "cell": CELL, "axis": "runs", "status": "failed", "blame": "upstream-transformers", "text": "it adds | twice",
        "signature": "it adds", "expires": date(2027, 5, 31), "issue": "https://example.org/1", "file": "expected/cpu.toml",
    }  # fmt: skip
    return Expectations([Expectation(**(standard | facts))])


def failed(house: House) -> None:
    record = house.record(RUN, "gptj", status="failed", reason="it adds", signature="it adds")
    house.results(RUN, record, house.record(RUN, "gptj", "parity"), house.record(RUN, "bert"))


def row(house: House, first: str, report: str = "compatibility") -> list[str]:
    found = [line.strip("| ").split(" | ") for line in house.read(report).splitlines() if line.startswith("|")]
    return next(cells for cells in found if cells[0] == first)


def test_a_known_failure_stays_shown_with_its_reason_and_link_and_is_no_pass(furnished: House) -> None:
    failed(furnished)
    outcome = furnished.update(expectations=known())
    assert outcome.ok
    assert outcome.counts == {"known_failure": 1, "passed": 2}
    assert row(furnished, "`gptj`")[2] == "known_failure 1/2: it adds"
    assert row(furnished, "known_failure (failed)")[1:6] == [
        "`cpu`",
        "1",
        "it adds",
        "upstream-transformers: it adds &#124; twice [issue](https://example.org/1)",
        "gptj",
    ]
    assert row(furnished, "critical", "coverage")[3:7] == ["2", "2", "1", "1"], "validated, ran, passed, known"
    assert row(furnished, "cpu", "coverage")[2:] == ["2", "1", "0", "1", "0", "0"]
    assert "known_failure: failed" in furnished.read("compatibility")


def test_what_was_found_and_what_it_was_judged_as_are_both_kept(furnished: House) -> None:
    failed(furnished)
    furnished.update(expectations=known())
    with duckdb.connect() as connection:
        query = "SELECT status, judged, expected, known FROM read_parquet(?) WHERE cell = ?"
        [kept] = connection.execute(query, [str(furnished.reports / "results/cpu.parquet"), CELL]).fetchall()
    assert kept == (
        "failed",
        "known_failure",
        "met",
        "upstream-transformers: it adds | twice https://example.org/1",
    )


def test_without_the_row_it_is_red_again_whatever_was_judged_before(furnished: House) -> None:
    failed(furnished)
    furnished.update(expectations=known())
    outcome = furnished.update()
    assert not outcome.ok
    assert row(furnished, "`gptj`")[2] == "failed 1/2: it adds"


def test_what_is_not_as_expected_is_red_and_says_why(furnished: House) -> None:
    failed(furnished)
    for facts, status, words in (
        (
            {"signature": "it subtracts"},
            "failed",
            "expected/cpu.toml expects failed on runs with the signature it subtracts",
        ),
        ({"expires": date(2026, 11, 22)}, "failed", "expected/cpu.toml expected it until 2026-11-22"),
        ({"cell": "bert/*/cpu/fp32/forward"}, "unexpected_pass (passed)", "expected/cpu.toml expects failed on runs"),
    ):
        outcome = furnished.update(expectations=known(**facts))
        assert not outcome.ok
        assert row(furnished, status)[4].startswith(words)
    assert row(furnished, "`bert`")[2].startswith("unexpected_pass 1/1: expected/cpu.toml expects failed on runs")


def test_a_stale_known_failure_is_stale(furnished: House) -> None:
    failed(furnished)
    furnished.skill("gptj", "changed")
    furnished.update(expectations=known())
    assert row(furnished, "`gptj`")[2].startswith("stale (failed ")


def test_a_run_is_judged_by_what_is_expected_and_comes_to_an_exit_code(furnished: House) -> None:
    failed(furnished)
    run = furnished.reports / "runs" / RUN
    assert verdict(run, None, known()).code == 0
    assert verdict(run, None, known()).failures == (
        f"{CELL}: known_failure: it adds; known as upstream-transformers: it adds | twice https://example.org/1",
    )
    assert verdict(run).code == 1
    assert verdict(run, [CELL, "bert/BERTModel/cpu/fp32/parity"], known()).code == 3
    outdated = verdict(run, None, known(signature="it subtracts"))
    assert outdated.code == 10
    assert outdated.text.endswith(
        f"exit code 10: 1 are not, or no longer, as expected/ says, 2 passed, or failed as expected. "
        f"Run: invoke expect --from {RUN}"
    )
