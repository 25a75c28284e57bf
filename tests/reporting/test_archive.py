"""The committed results: what is put in comes out, in the same bytes each time, and damage to them is an error."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from house import VERSIONS, House
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.results.record import from_row, to_line
from reporting import archive
from reporting.decoding import environment
from reporting.evidence import Evidence

RUN = "20261123T120000Z-bbbbbb"
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def evidence(house: House, run: str = RUN, **facts: Any) -> Evidence:
    record = from_row(json.loads(to_line(house.record(run, "gptj", **facts))))
    return Evidence(record, environment({"id": "e1", "versions": VERSIONS}, run))


def rendered(items: Iterable[Evidence]) -> dict[str, bytes]:
    return {name: archive.render(of) for name, of in archive.grouped(items).items()}


def written(directory: Path, *items: Evidence) -> Path:
    for name, content in rendered(items).items():
        (directory / f"{name}.parquet").write_bytes(content)
    return directory


def loaded(directory: Path) -> list[Evidence]:
    return [item for of in archive.load(directory).values() for item in of]


@settings(max_examples=15)
@given(
    words=WORDS,
    figure=st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**62), 2**62) | WORDS,
    seconds=st.floats(0, 1e6),
)
def test_what_is_put_in_comes_out(
    tmp_path_factory: pytest.TempPathFactory, words: str, figure: Any, seconds: float
) -> None:
    house = House(tmp_path_factory.mktemp("house"))
    facts = {"status": "failed", "reason": words, "traceback": words, "seconds": seconds, "seed": 2**40}
    item = evidence(house, head=words, check=words, metrics={words: figure}, **facts)
    unknown = dataclasses.replace(evidence(house), environment=None, unreadable=words)
    written(house.root, item, unknown)
    assert sorted(loaded(house.root), key=lambda one: one.key) == sorted((item, unknown), key=lambda one: one.key)


def test_equal_evidence_gives_equal_bytes_in_any_order(house: House) -> None:
    items = [evidence(house, check=f"check{n}", hardware=("cpu", "cuda")[n % 2]) for n in range(300)]
    first = rendered(items)
    assert rendered(reversed(items)) == first
    assert sorted(first) == ["cpu", "cuda"]
    directory = house.root
    written(directory, *items)
    assert rendered(loaded(directory)) == first


def test_anybody_can_query_them(house: House) -> None:
    directory = written(house.root, evidence(house, metrics={"rel_l2": 0.5}))
    columns = "cell, status, (metrics->>'rel_l2')::DOUBLE, fingerprint->'versions'->>'torch'"
    [row] = duckdb.read_parquet(f"{directory}/*.parquet").project(columns).fetchall()
    assert row == ("gptj/GPTJModel/cpu/fp32/forward", "passed", 0.5, "2.13.0+cpu")


@pytest.mark.parametrize("hardware", ["../../etc/passwd", "/abs", "a b", "..", "", "x" * 400, "C:\\x", "\x00", "é"])
def test_a_hardware_of_any_name_has_a_file_in_the_folder(house: House, hardware: str) -> None:
    item = evidence(house, hardware=hardware)
    [name] = rendered([item])
    assert (house.root / name).parent == house.root
    assert not name.startswith(".")
    written(house.root, item)
    assert loaded(house.root) == [item]


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


@pytest.mark.parametrize(
    "spoil",
    [
        cut,
        lambda content: content[:0],
        lambda content: b"version https://git-lfs.github.com/spec/v1\n" + content[:0],
        lambda content: content[:100] + b"\xff" * 200 + content[300:],
        lambda content: b"<<<<<<< HEAD\n" + content,
    ],
)
def test_a_broken_file_is_an_error_that_says_how_to_get_it_back(house: House, spoil: Any) -> None:
    file = written(house.root, evidence(house)) / "cpu.parquet"
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(archive.ArchiveError) as caught:
        archive.load(house.root)
    assert str(caught.value).startswith(f"{file}: cannot be read as results: ")
    assert str(caught.value).endswith(f"Run: git checkout -- {file}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1 AS a",
        "SELECT * REPLACE ('green' AS status) FROM old",
        "SELECT * REPLACE (3 AS schema) FROM old",
        "SELECT * REPLACE ('failed' AS runs) FROM old",
        "SELECT * REPLACE ('{' AS metrics) FROM old",
        "SELECT * REPLACE ('{}' AS fingerprint) FROM old",
        "SELECT * EXCLUDE (status) FROM old",
        "SELECT * REPLACE (NULL AS cell) FROM old",
    ],
)
def test_a_file_of_other_rows_is_an_error_too(house: House, query: str) -> None:
    file = written(house.root, evidence(house)) / "cpu.parquet"
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE old AS SELECT * FROM read_parquet(?)", [str(file)])
        connection.execute(f"COPY ({query}) TO '{file}' (FORMAT parquet)")
    with pytest.raises(archive.ArchiveError, match="cannot be read as results"):
        archive.load(house.root)


def test_a_file_from_before_anything_was_expected_is_read(house: House) -> None:
    file = written(house.root, evidence(house)) / "cpu.parquet"
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE new AS SELECT * FROM read_parquet(?)", [str(file)])
        older = "SELECT * EXCLUDE (judged, expected, known) REPLACE (1 AS schema) FROM new"
        connection.execute(f"COPY ({older}) TO '{file}' (FORMAT parquet)")
    found = archive.load(house.root)["cpu"]
    assert [item.record.cell for item in found] == [evidence(house).record.cell]
    assert {item.record.judged for item in found} == {None}
