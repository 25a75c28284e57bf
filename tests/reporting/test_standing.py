"""Which evidence stands for a cell."""

from __future__ import annotations

from typing import Any

import pytest
from house import PINS, VERSIONS, House

from harness.results.record import Record
from reporting.decoding import environment
from reporting.evidence import Environment, Evidence
from reporting.standing import Freshness, Ledger, Standing

OLD, NEW = "20261120T120000Z-aaaaaa", "20261123T120000Z-bbbbbb"


def where(run: str, **versions: str) -> Environment:
    return environment({"id": "e1", "versions": VERSIONS | versions}, run)


def stand(house: House, *evidence: Evidence, pins: Any = PINS) -> Standing:
    """What stands for the only cell; by any order of arrival, and again from what is kept."""
    digests = {"gptj": house.digest("gptj")}

    def one(items: tuple[Evidence, ...]) -> tuple[Standing, tuple[Evidence, ...]]:
        ledger = Ledger(Freshness(digests, pins))
        for item in items:
            ledger.add(item)
        [standing] = ledger.standings()
        return standing, tuple(ledger.kept())

    standing, kept = one(evidence)
    assert one(tuple(reversed(evidence)))[0] == standing
    assert one(kept) == (standing, kept)
    return standing


def given_(house: House, run: str, **facts: Any) -> Evidence:
    return Evidence(house.record(run, "gptj", **facts), where(run))


def stale(house: House, run: str, **facts: Any) -> Evidence:
    return given_(house, run, skill_sha256="another", **facts)


def status(standing: Standing) -> tuple[str, str]:
    return standing.status, standing.record.run


def test_the_newest_fresh_result_stands(furnished: House) -> None:
    assert status(stand(furnished, given_(furnished, OLD), given_(furnished, NEW, status="failed"))) == ("failed", NEW)
    assert status(stand(furnished, given_(furnished, OLD, status="failed"), given_(furnished, NEW))) == ("passed", NEW)


def test_fresh_evidence_is_not_hidden_by_newer_stale_evidence(furnished: House) -> None:
    standing = stand(furnished, given_(furnished, OLD, status="failed"), stale(furnished, NEW))
    assert status(standing) == ("failed", OLD)


def test_without_fresh_evidence_the_newest_stands_as_stale(furnished: House) -> None:
    standing = stand(furnished, stale(furnished, OLD, status="failed"), stale(furnished, NEW))
    assert status(standing) == ("stale", NEW)
    assert not standing.passed
    assert standing.stale == "the skill has changed since"
    assert standing.day == "2026-11-23"


def test_a_machine_without_the_device_hides_no_verdict(furnished: House) -> None:
    missing = given_(furnished, NEW, status="unavailable")
    assert status(stand(furnished, given_(furnished, OLD), missing)) == ("passed", OLD)
    assert status(stand(furnished, stale(furnished, OLD), missing)) == ("stale", OLD)
    assert status(stand(furnished, missing)) == ("unavailable", NEW)


def test_the_last_attempt_of_the_newest_run_stands(furnished: House) -> None:
    first, second = (given_(furnished, NEW, status=status, attempt=n) for n, status in ((1, "crashed"), (2, "passed")))
    standing = stand(furnished, given_(furnished, OLD, attempt=9), first, second)
    assert (status(standing), standing.record.attempt) == (("passed", NEW), 2)


def test_an_unreadable_line_stands_before_all_that_is_older_and_is_not_green(furnished: House) -> None:
    lost = Evidence(furnished.record(NEW, "gptj", status="not_run", skill_sha256=""), None, unreadable="there: why")
    assert status(stand(furnished, given_(furnished, OLD), lost)) == ("not_run", NEW)
    assert status(stand(furnished, given_(furnished, "20261124T000000Z-c"), lost))[0] == "passed"


def test_runs_are_ordered_by_the_time_in_their_id_or_else_by_their_results(furnished: House) -> None:
    named = given_(furnished, "mine", started="2026-11-22T00:00:00+00:00", status="failed")
    assert status(stand(furnished, given_(furnished, OLD), named))[1] == "mine"
    assert status(stand(furnished, given_(furnished, NEW), named))[1] == NEW


@pytest.mark.parametrize(
    ("versions", "why"),
    [
        ({}, None),
        ({"torch": "2.13.0"}, None),
        ({"numpy": "9"}, None),
        ({"torch": "2.13.1"}, "made with torch 2.13.1, where 2.13.0 is pinned"),
        ({"torch": "2.13.0rc1"}, "made with torch 2.13.0rc1, where 2.13.0 is pinned"),
        ({"transformers": "5.22.0"}, "made with transformers 5.22.0, where 5.23.0 is pinned"),
    ],
)
def test_evidence_is_fresh_only_with_the_pinned_versions(
    furnished: House, versions: dict[str, str], why: str | None
) -> None:
    item = Evidence(furnished.record(NEW, "gptj"), where(NEW, **versions))
    assert stand(furnished, item).stale == why


@pytest.mark.parametrize("pins", [{}, {"cpu": {}}, {"cuda": PINS["cuda"]}])
def test_evidence_of_a_hardware_without_pins_is_stale(furnished: House, pins: Any) -> None:
    assert stand(furnished, given_(furnished, NEW), pins=pins).stale == "no versions are pinned for cpu"


def test_pins_and_installed_names_are_compared_as_the_index_does(furnished: House) -> None:
    raw = {"id": "e1", "versions": {"OpenVINO_Tokenizers": "1.0"}}
    item = Evidence(furnished.record(NEW, "gptj"), environment(raw, NEW))
    assert stand(furnished, item, pins={"cpu": {"openvino.tokenizers": "1.0"}}).stale is None
    assert stand(furnished, item, pins={"cpu": {"torch": "1.0"}}).stale == "made without torch, where 1.0 is pinned"


def test_evidence_of_an_unknown_environment_or_a_vanished_skill_is_stale(furnished: House) -> None:
    unknown = Evidence(furnished.record(NEW, "gptj"), None)
    assert stand(furnished, unknown).stale == "its environment is not known"
    ledger = Ledger(Freshness({}, PINS))
    ledger.add(given_(furnished, NEW))
    assert [item.stale for item in ledger.standings()] == ["no such skill today"]


def test_a_day_that_is_none_is_undated(furnished: House) -> None:
    record: Record = furnished.record("mine", "gptj", started="2026-99-99")
    assert Standing(Evidence(record, None), None).day == "undated"
