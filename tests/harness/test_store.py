"""Records and fingerprints on disk."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cells import Cell
from harness.checks import CHECKS
from harness.engines.local import blank
from harness.results.record import SCHEMA, from_row, to_line
from harness.results.store import RUN, Writer, environment, new_run, recorded
from tests.harness.architectures.hf_bert import Bert

CELL = Cell(Bert, Bert.heads[0], "cpu", "fp32", CHECKS["parity"])


def test_a_record_comes_back_as_it_was_written() -> None:
    record = replace(blank(CELL, "failed", 'a "quoted"\nreason\u2028'), metrics={"rel_max": 0.5, "worst_output": "x"})
    line = to_line(record)
    assert "\n" not in line
    assert from_row(json.loads(line)) == record


def test_what_is_no_json_number_is_written_as_text() -> None:
    record = replace(blank(CELL, "failed", "x"), metrics={"a": float("nan"), "b": float("inf"), "c": -float("inf")})
    assert json.loads(to_line(record))["metrics"] == {"a": "nan", "b": "inf", "c": "-inf"}


def test_a_line_is_on_the_disk_before_the_file_is_closed_and_writers_append(tmp_path: Path) -> None:
    with Writer(tmp_path / "run", "gw0") as writer:
        writer.write(blank(CELL, "passed", None))
        assert len(writer.path.read_text().splitlines()) == 1
    with Writer(tmp_path / "run", "gw0") as writer:
        writer.write(blank(CELL, "failed", "x"))
    assert [json.loads(line)["status"] for line in writer.path.read_text().splitlines()] == ["passed", "failed"]


def test_half_a_line_is_no_record(tmp_path: Path) -> None:
    line = to_line(blank(CELL, "timed_out", "x"))
    (tmp_path / "gw0.jsonl").write_text(line)
    assert not recorded(tmp_path, CELL.id)
    (tmp_path / "gw1.jsonl").write_text(line + "\n")
    assert recorded(tmp_path, CELL.id)
    assert not recorded(tmp_path, CELL.id.replace("bert", "roberta"))


def test_an_environment_is_named_by_what_it_holds(tmp_path: Path) -> None:
    one, same = environment({"cpu": {"cpu": "A"}}, pins={"torch": "2.13.0"}), environment({"cpu": {"cpu": "A"}}, seed=3)
    other = environment({"cpu": {"cpu": "B"}})
    assert one.id == same.id != other.id
    assert {"torch", "transformers", "pytest"} <= set(one.versions)
    path = one.write(tmp_path / "run")
    first = path.read_bytes()
    assert path.name == f"environment-{one.id}.json"
    assert json.loads(first)["pins"] == {"torch": "2.13.0"}
    same.write(tmp_path / "run")
    assert path.read_bytes() == first
    assert [item.name for item in (tmp_path / "run").iterdir()] == [path.name]


def test_run_ids_are_times_and_differ() -> None:
    runs = {new_run() for _ in range(20)}
    assert len(runs) == 20
    assert all(RUN.fullmatch(run) for run in runs)


@pytest.mark.parametrize(
    "row", [{"schema": 3}, {"schema": True}, {"schema": 2}, {"schema": 1}, {"schema": 1, "cell": "x", "what": 1}]
)
def test_a_row_that_is_no_record_is_refused(row: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"schema|argument|missing"):
        from_row(row)


def test_a_record_of_the_first_schema_is_one_that_nobody_has_judged_with_a_signature_of_today() -> None:
    row = json.loads(to_line(blank(CELL, "failed", "ValueError: no file at /home/me/x.pt")))
    older = {name: value for name, value in row.items() if name not in {"judged", "expected", "known"}}
    record = from_row(older | {"schema": 1, "signature": "as it was made then"})
    assert (record.schema, record.judged, record.verdict) == (SCHEMA, None, "failed")
    assert record.signature == "ValueError: no file at PATH"


def test_a_cell_knows_the_file_that_states_its_skill() -> None:
    import hashlib

    record = blank(CELL, "passed", None)
    assert record.cell == "bert/BertForMaskedLM/cpu/fp32/parity"
    assert record.skill_sha256 == hashlib.sha256(Bert.path().read_bytes()).hexdigest()
