"""Raw runs: every whole record is read once, and everything else is named by file and line."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from house import House
from hypothesis import given
from hypothesis import strategies as st

from harness.results.record import to_line
from reporting import decoding
from reporting.evidence import Damage
from reporting.runs import Run, read

RUN = "20261123T120000Z-bbbbbb"
WHERE = f"runs/{RUN}/main.jsonl"


def run(house: House) -> Run:
    return read(house.reports / "runs" / RUN)


def append(house: House, content: bytes) -> None:
    with (house.reports / WHERE).open("ab") as stream:
        stream.write(content)


def altered(house: House, **facts: Any) -> bytes:
    """A line as written, but for some fields."""
    return json.dumps(json.loads(to_line(house.record(RUN, "bert"))) | facts).encode() + b"\n"


@pytest.fixture
def written(furnished: House) -> House:
    """A run of two results."""
    furnished.results(RUN, furnished.record(RUN, "gptj"), furnished.record(RUN, "gptj", "parity"))
    return furnished


def test_a_whole_run_has_no_damage(written: House) -> None:
    found = run(written)
    assert [item.record for item in found.evidence] == [
        written.record(RUN, "gptj"),
        written.record(RUN, "gptj", "parity"),
    ]
    assert found.damage == ()
    assert all(item.environment is not None for item in found.evidence)


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        ({"schema": 3}, "schema 3 is newer than the 2 that this release reads"),
        ({"schema": 0}, "schema 0 where this release reads up to 2"),
        ({"status": "green"}, "unknown status 'green'"),
        ({"status": None}, "unknown status None"),
        ({"status": ["passed"]}, "unknown status ['passed']"),
        ({"colour": "red"}, "unexpected keyword argument 'colour'"),
        ({"metrics": "fast"}, "not a value of its field: metrics"),
        ({"metrics": {"rel_l2": None}}, "not a value of its field: metrics"),
        ({"metrics": {"parameters": 10**400}}, "not a value of its field: metrics"),
        ({"seconds": "x"}, "not a value of its field: seconds"),
        ({"seconds": 10**400}, "not a value of its field: seconds"),
        ({"attempt": True}, "not a value of its field: attempt"),
        ({"attempt": 0}, "attempt 0"),
        ({"runs": "green"}, "not a value of its field: runs"),
        ({"reason": 5}, "not a value of its field: reason"),
        ({"judged": "green"}, "not a value of its field: judged"),
        ({"status": "failed", "judged": "passed"}, "judged as passed, though its status is failed"),
        ({"matches": "failed"}, "status passed, though an axis is failed"),
        ({"hardware": "cuda"}, "is not what its fields say"),
        ({"model_type": "gptj"}, "is not what its fields say"),
    ],
)
def test_a_line_that_is_no_record_is_named_and_its_cell_is_not_green(
    written: House, facts: dict[str, Any], what: str
) -> None:
    append(written, altered(written, **facts))
    found = run(written)
    [damage] = found.damage
    assert damage.where == f"{WHERE}:3"
    assert what in damage.what
    assert damage.cell == "bert/BERTModel/cpu/fp32/forward"
    last = found.evidence[-1]
    assert (last.record.cell, last.record.status) == (damage.cell, "not_run")
    assert last.unreadable.startswith(damage.where)
    assert len(found.evidence) == 3


@pytest.mark.parametrize(
    "line", [b'{"bad', b"\xff\xfe", b"[1]", b"5", b"null", b'"x"', b'{"a": NaN}', b"{}", b"[" * 100_000, b"\x00"]
)
def test_a_line_of_no_known_cell_taints_the_run(written: House, line: bytes) -> None:
    append(written, line + b"\n")
    append(written, altered(written))
    found = run(written)
    [damage] = found.damage
    assert (damage.where, damage.cell, damage.taints) == (f"{WHERE}:3", None, True)
    assert len(found.evidence) == 3, "the lines before and after it are read"


@given(cut=st.integers(1, 10_000))
def test_a_torn_last_line_is_never_a_pass(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    house = House(tmp_path_factory.mktemp("house"))
    house.results(RUN, house.record(RUN, "gptj"))
    whole = to_line(house.record(RUN, "bert")).encode()
    torn = whole[: cut % len(whole)]
    append(house, torn)
    found = run(house)
    statuses = {item.record.model_type: item.record.status for item in found.evidence}
    assert statuses.pop("gptj") == "passed"
    assert statuses in ({}, {"bert": "not_run"})
    if torn:
        [damage] = found.damage
        assert damage.what.startswith("torn last line")
        assert damage.taints == (not statuses)


def test_a_last_line_without_newline_is_whole_if_it_can_be_read(written: House) -> None:
    append(written, altered(written).rstrip(b"\n"))
    assert run(written).damage == ()
    assert len(run(written).evidence) == 3


def test_the_same_result_twice_is_counted_once(written: House) -> None:
    written.results(RUN, written.record(RUN, "gptj"), file="other.jsonl")
    found = run(written)
    assert len(found.evidence) == 2
    assert found.damage == (
        Damage(f"runs/{RUN}/other.jsonl:1", f"repeats {WHERE}:1; counted once", "gptj/GPTJModel/cpu/fp32/forward"),
    )


@pytest.mark.parametrize("first", ["passed", "failed"])
def test_of_two_that_contradict_each_other_the_worse_counts(furnished: House, first: str) -> None:
    second = {"passed": "failed", "failed": "passed"}[first]
    furnished.results(RUN, *(furnished.record(RUN, "gptj", status=status) for status in (first, second)))
    found = run(furnished)
    assert [item.record.status for item in found.evidence] == ["failed"]
    assert found.damage[0].what == f"the same attempt as {WHERE}:1, but another result; the worse counts"


def test_an_unreadable_line_is_not_outdone_by_a_readable_twin(furnished: House) -> None:
    furnished.results(RUN, furnished.record(RUN, "bert"))
    append(furnished, altered(furnished, status="green"))
    assert [item.record.status for item in run(furnished).evidence] == ["not_run"]


def test_a_missing_environment_is_named_once_with_how_much_hangs_on_it(furnished: House) -> None:
    furnished.results(RUN, furnished.record(RUN, "gptj"), furnished.record(RUN, "bert"), environment=False)
    found = run(furnished)
    [damage] = found.damage
    assert damage.where == f"{WHERE}:1"
    assert damage.what == "its environment e1 is missing, so 2 results count as stale"
    assert [item.environment for item in found.evidence] == [None, None]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff", b"{}", b'{"id": "e1"}', b'{"id": "e1", "versions": {"torch": 2}}', b'{"id": "e2", "versions": {}}'],
)  # fmt: skip
def test_an_unreadable_environment_is_named_and_vouches_for_nothing(written: House, content: bytes) -> None:
    file = written.environment(RUN)
    file.write_bytes(content)
    found = run(written)
    assert found.damage[0].where == f"runs/{RUN}/environment-e1.json"
    assert all(item.taints for item in found.damage)
    assert {item.environment for item in found.evidence} == {None}


def test_results_of_another_run_are_named_and_count_for_that_run(furnished: House) -> None:
    stray = furnished.record("20261101T000000Z-cccccc", "gptj")
    furnished.results(RUN, stray)
    found = run(furnished)
    assert found.evidence[0].record.run == "20261101T000000Z-cccccc"
    assert "belongs to run 20261101T000000Z-cccccc" in found.damage[0].what


def test_lone_surrogates_are_replaced_and_pairs_kept(furnished: House) -> None:
    record = furnished.record(
        RUN, "gptj", status="failed", reason="\ud83d and \U0001f600", metrics={"\udc00": "\ud800"}
    )
    back = decoding.record(to_line(record).encode())
    assert back.reason is not None
    assert back.reason.endswith(" and \U0001f600")
    assert not any("\ud800" <= mark <= "\udfff" for mark in back.reason + "".join(map(str, back.metrics.items())))


@given(text=st.text(st.characters(categories=None)))
def test_every_record_that_the_harness_writes_is_read_back(text: str) -> None:
    record = House(Path("nowhere")).record(RUN, "x", status="failed", reason=text, metrics={"nan": float("inf")})
    back = decoding.record(to_line(record).encode())
    assert dataclasses.replace(back, reason=None, metrics={}) == dataclasses.replace(record, reason=None, metrics={})
    assert back.metrics == {"nan": "inf"}
