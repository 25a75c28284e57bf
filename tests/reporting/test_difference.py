"""Two runs compared: what became of each cell, what fell together, and that no text of theirs is more than words."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from house import House
from hypothesis import HealthCheck, given, settings
from test_markdown import HOSTILE, kinds

from harness.results.signatures import signature
from reporting.archive import render
from reporting.difference import Difference, compare
from reporting.evidence import Evidence
from reporting.history import HistoryError, Source, find, sources
from reporting.listing import FORMATS
from reporting.pairs import cells, is_green

A, B, C = "20261101T120000Z-aaaaaa", "20261102T120000Z-bbbbbb", "20261103T120000Z-cccccc"


def runs(house: House) -> list[Source]:
    return sources([house.reports / "runs"])


def between(house: House, **options: object) -> Difference:
    before, after = runs(house)[:2]
    return compare(before, after, **options)  # type: ignore[arg-type]


def failing(house: House, run: str, model_type: str, reason: str, status: str = "failed", **facts: object) -> None:
    record = house.record(run, model_type, status=status, reason=reason, signature=signature(reason), **facts)
    house.results(run, record)


def counted(difference: Difference) -> dict[str, int]:
    return {kind: count for kind, count in difference.counts.items() if count}


def test_each_cell_is_of_one_kind(house: House) -> None:
    for name in ("green", "falls", "leaves", "stops"):
        house.results(A, house.record(A, name))
    for name, reason in (("mends", "a 1"), ("stays", "shape (1, 2)"), ("turns", "no kernel"), ("waits", "b")):
        failing(house, A, name, reason)
    for name in ("green", "mends", "comes"):
        house.results(B, house.record(B, name))
    failing(house, B, "falls", "out of range")
    failing(house, B, "stays", "shape (3, 4)")
    failing(house, B, "turns", "no memory")
    failing(house, B, "known", "as ever", judged="known_failure", expected="met")
    failing(house, B, "waits", "b", judged="known_failure", expected="met")
    failing(house, B, "stops", "no device", status="unavailable")
    found = between(house, stated=lambda: {f"{name}/{name.upper()}Model" for name in ("green", "falls", "stops")})
    kinds_of = {
        pair.cell.split("/")[0]: kind
        for kind, groups in found.groups.items()
        for group in groups
        for pair in group.pairs
    }
    assert kinds_of == {
        "falls": "broke",
        "mends": "fixed",
        "stays": "failing",
        "waits": "failing",
        "turns": "changed",
        "known": "new",
        "comes": "new",
        "leaves": "removed",
        "stops": "not_run",
    }
    assert (found.same, found.broken, found.incomplete) == (1, True, True)


def test_two_runs_of_the_same_differ_in_nothing(house: House) -> None:
    for run in (A, B):
        house.results(run, *(house.record(run, name) for name in ("bert", "gptj")))
        failing(house, run, "llama", f"took {run[6:8]} seconds")
    found = between(house)
    assert counted(found) == {"failing": 1}
    assert not found.broken
    assert not found.incomplete
    assert "1 still failing; 2 passed on both sides" in FORMATS["text"](found)


def test_a_failure_that_is_expected_now_is_not_broken(house: House) -> None:
    house.results(A, house.record(A, "bert"))
    failing(house, B, "bert", "as they say", judged="known_failure", expected="met")
    found = between(house)
    assert (counted(found), found.broken) == ({"known": 1}, False)


def test_one_cause_is_one_line_with_its_count(house: House) -> None:
    for number in range(300):
        house.results(A, house.record(A, f"m{number}"))
        if number % 3:
            house.results(B, house.record(B, f"m{number}"))
        else:
            failing(house, B, f"m{number}", f"missing key {number}")
    found = between(house)
    [group] = found.groups["broke"]
    assert (len(group.pairs), len(group.architectures), group.signature) == (100, 100, "missing key N")
    assert found.incidents == ()


def test_the_last_attempt_counts_the_worse_of_two_and_flakes_are_named(house: House) -> None:
    house.results(A, house.record(A, "bert"), house.record(A, "gptj"))
    failing(house, B, "bert", "once", attempt=1)
    house.results(B, house.record(B, "bert", attempt=2))
    house.results(B, house.record(B, "gptj"))
    failing(house, B, "gptj", "and yet")
    found = between(house)
    assert [pair.cell.split("/")[0] for group in found.groups["broke"] for pair in group.pairs] == ["gptj"]
    assert {cell.split("/")[0] for cell in found.flaky} == {"bert", "gptj"}


@pytest.mark.parametrize("workers", [2, 1])
def test_what_falls_with_its_worker_is_an_incident_and_no_regression(house: House, workers: int) -> None:
    for number in range(100):
        house.results(A, house.record(A, f"m{number}"))
        file = f"gw{number % workers}.jsonl"
        down = number % workers == workers - 1 and number > 5
        status = {"status": "crashed", "reason": "the disk is full"} if down else {}
        house.results(B, house.record(B, f"m{number}", **status), file=file)
    found = between(house)
    [incident] = found.incidents
    assert incident.where == f"worker gw{workers - 1}"
    assert (counted(found), found.broken, found.incomplete) == ({}, False, True)
    assert len(incident.pairs) == 94 // workers
    assert "Ask about the machine" in FORMATS["text"](found)


def test_what_falls_everywhere_alike_is_no_incident(house: House) -> None:
    for number in range(100):
        house.results(A, house.record(A, f"m{number}"))
        status = {"status": "failed", "reason": "no such key"} if number % 5 == 0 else {}
        house.results(B, house.record(B, f"m{number}", **status), file=f"gw{number % 2}.jsonl")
    found = between(house)
    assert (counted(found), found.incidents) == ({"broke": 20}, ())


def test_an_architecture_of_another_name_is_compared_with_itself(house: House) -> None:
    house.results(A, house.record(A, "old", head="OldForCausalLM"), house.record(A, "old", head="OldModel"))
    house.results(B, house.record(B, "new", head="NewForCausalLM"))
    failing(house, B, "new", "lost", head="NewModel")
    found = between(house, renamed={"old": "new", "gone": "elsewhere"})
    assert found.renamed == {"old": "new"}
    assert (counted(found), found.same) == ({"broke": 1}, 1)
    assert "Renamed: old -> new" in FORMATS["text"](found)


def test_what_differs_of_the_environments_is_told(house: House) -> None:
    house.environment(A, versions={"transformers": "5.17.0", "torch": "2.13.0"})
    house.environment(B, versions={"transformers": "5.23.0", "torch": "2.13.0"}, git="def5678")
    for run in (A, B):
        house.results(run, house.record(run, "bert"))
    assert between(house).versions == {"transformers": ("5.17.0", "5.23.0"), "revision": ("abc1234", "def5678")}


def test_damage_is_named_and_the_rest_is_compared(house: House) -> None:
    house.results(A, house.record(A, "bert"))
    path = house.results(B, house.record(B, "bert"))
    newer = json.dumps({**vars(house.record(B, "gptj")), "schema": 99})
    path.write_text(path.read_text() + newer + "\n" + '{"cell": "torn')
    found = between(house)
    assert found.same == 1
    assert found.damage == (f"{path}: 2 of its lines are no results, and were passed over",)
    assert found.incomplete


def test_committed_results_are_compared_with_a_run(house: House) -> None:
    kept = house.root / "cpu.parquet"
    kept.write_bytes(render([Evidence(house.record(A, "bert"), None)]))
    failing(house, B, "bert", "gone")
    [run] = runs(house)
    found = compare(find(str(kept), []), run)
    assert counted(found) == {"broke": 1}


def test_words_mean_runs(house: House) -> None:
    house.results(A, house.record(A, "bert"))
    failing(house, B, "bert", "gone")
    house.results(C, house.record(C, "bert"))
    (house.reports / "runs" / "20261104T120000Z-dddddd").mkdir()
    known = runs(house)
    assert [run.name for run in known] == [A, B, C]
    last = find("last", known)
    tests = {"last-green": lambda run: is_green(run) and cells(run) & cells(last)}
    assert [find(word, known, before=last, tests=tests).name for word in ("previous", "last-green")] == [B, A]
    assert [find(word, known).name for word in ("last", B, B[:10], "2026-11-02", "20261103")] == [C, B, B, B, C]
    assert find(str(house.reports / "runs" / A), []).files == known[0].files


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("202611", "begins the id of 3 runs"),
        ("20261102T120000Z-bbbbbc", f"The nearest are {B}"),
        ("lasst", "The nearest are last"),
        ("2025-01-01", f"no run began by 2025-01-01. The oldest is {A}"),
        ("", "no run, day or file of results is called ''"),
        ("../../etc", "no run, day or file"),
    ],
)
def test_a_word_that_means_none_is_answered_in_a_sentence(house: House, word: str, words: str) -> None:
    for run in (A, B, C):
        house.results(run, house.record(run, "bert"))
    with pytest.raises(HistoryError) as caught:
        find(word, runs(house))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_where_there_are_no_runs_it_says_how_to_make_one(house: House) -> None:
    with pytest.raises(HistoryError, match="there is no last run here"):
        find("last", runs(house))
    with pytest.raises(HistoryError, match="Run: nox -s test_cpu"):
        find("whatever", runs(house))


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=HOSTILE)
def test_no_text_of_a_result_is_more_than_words(tmp_path_factory: pytest.TempPathFactory, words: str) -> None:
    said = []
    for reason in (words, "harmless"):
        house = House(tmp_path_factory.mktemp("house"))
        for run, status in ((A, "passed"), (B, "failed")):
            record = house.record(run, "bert", status=status)
            house.results(run, replace(record, reason=reason, signature=reason) if status == "failed" else record)
        found = between(house)
        assert "\x1b" not in FORMATS["text"](found)
        assert json.loads(FORMATS["json"](found))["counts"]["broke"] == 1
        said.append(set(kinds(FORMATS["markdown"](found))))
    assert said[0] <= said[1]


def test_an_empty_side_has_nothing(tmp_path: Path) -> None:
    file = tmp_path / "gw0.jsonl"
    file.write_text("")
    found = compare(Source("one", (file,)), Source("other", (file,)))
    assert (counted(found), found.same, found.damage) == ({}, 0, ())
