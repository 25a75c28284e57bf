"""The compact results that are committed: of each cell the evidence that counts, one Parquet file a hardware.

They hold all that the Markdown reports are made of, so that a clone without the raw runs makes the same ones.
"""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.results.record import Record, from_row
from reporting.decoding import check
from reporting.evidence import Environment, Evidence

__all__ = ["ArchiveError", "grouped", "load", "load_file", "render", "stem"]

_NUMBERS = {"attempt": "BIGINT", "seed": "BIGINT", "schema": "BIGINT", "seconds": "DOUBLE", "primary": "BOOLEAN"}
_COLUMNS = {
    **{item.name: _NUMBERS.get(item.name, "VARCHAR") for item in dataclasses.fields(Record)},
    "unreadable": "VARCHAR",
    "fingerprint": "VARCHAR",
}
"""The record's fields by name, ``metrics`` as a JSON object, then where a line lies that could not be read, and
the environment as a JSON object (NULL if unknown). Query with DuckDB: ``SELECT * FROM 'reports/results/*.parquet'``."""


class ArchiveError(Exception):
    """Committed results that cannot be read; the message is the user's sentence."""


def load(directory: Path) -> dict[str, list[Evidence]]:
    """The evidence kept in each file of ``directory``, by the file's name without the suffix.

    Raises:
        ArchiveError: a file is not what ``render`` writes; results would be lost if it were passed over.
    """
    return {file.stem: load_file(file) for file in sorted(directory.glob("*.parquet"))}


def grouped(evidence: Iterable[Evidence]) -> dict[str, list[Evidence]]:
    """The evidence that each file is to hold, in the order of its rows, by the file's name without the suffix."""
    files: dict[str, list[Evidence]] = {}
    for item in sorted(evidence, key=lambda one: (one.record.cell, one.key)):
        files.setdefault(stem(item.record.hardware), []).append(item)
    return files


def stem(hardware: str) -> str:
    """Name of the file of a hardware, whatever it is called: letters, digits, dots and dashes stay."""
    return re.sub(r"[^A-Za-z0-9._-]", lambda mark: f"%{ord(mark[0]):x}", hardware).lstrip(".")[:80] or "unnamed"


def load_file(file: Path) -> list[Evidence]:
    """The evidence kept in one file.

    Raises:
        ArchiveError: as ``load``.
    """
    import duckdb

    try:
        with duckdb.connect() as connection:
            # A fingerprint is thousands of times in a file and kilobytes long, so it is fetched once, under its digest.
            prints = connection.execute(
                "SELECT DISTINCT md5(fingerprint), fingerprint FROM read_parquet(?) WHERE fingerprint IS NOT NULL",
                [str(file)],
            ).fetchall()
            # A file of an older schema lacks what has been added since.
            held = {row[0] for row in connection.execute("DESCRIBE FROM read_parquet(?)", [str(file)]).fetchall()}
            columns = [name for name in _COLUMNS if name in held]
            chosen = ", ".join("md5(fingerprint)" if name == "fingerprint" else f'"{name}"' for name in columns)
            rows = connection.execute(f"SELECT {chosen} FROM read_parquet(?)", [str(file)]).fetchall()  # noqa: S608
        environments = {digest: Environment(**json.loads(text)) for digest, text in prints}
        return [_evidence(dict(zip(columns, row, strict=True)), environments) for row in rows]
    except (duckdb.Error, ValueError, TypeError, KeyError) as error:
        raise ArchiveError(
            f"{file}: cannot be read as results: {str(error).partition(chr(10))[0]}. The reports would lose what it "
            f"holds, so nothing was written. Run: git checkout -- {shlex.quote(str(file))}"
        ) from error


def _evidence(row: dict[str, Any], environments: Mapping[str, Environment]) -> Evidence:
    digest, unreadable = row.pop("fingerprint"), row.pop("unreadable")
    row["metrics"] = json.loads(row["metrics"])
    record = from_row(row)
    check(record)
    return Evidence(record, None if digest is None else environments[digest], unreadable)


def render(evidence: Iterable[Evidence]) -> bytes:
    """The bytes of one file; equal evidence in equal order gives equal bytes."""
    import duckdb

    prints: dict[Environment | None, int] = {}
    with tempfile.TemporaryDirectory() as directory:
        rows, environments, file = (Path(directory) / name for name in ("rows", "environments", "parquet"))
        with rows.open("w", encoding="ascii") as stream:
            for number, item in enumerate(evidence):
                metrics = json.dumps(item.record.metrics, sort_keys=True, allow_nan=False)
                row = vars(item.record) | {"metrics": metrics, "unreadable": item.unreadable, "number": number}
                row["print"] = prints.setdefault(item.environment, len(prints))
                stream.write(json.dumps(row) + "\n")
        with environments.open("w", encoding="ascii") as stream:
            for environment, number in prints.items():
                text = environment and json.dumps(dataclasses.asdict(environment), sort_keys=True)
                stream.write(json.dumps({"print": number, "fingerprint": text}) + "\n")
        with duckdb.connect() as connection:
            # One thread: with more, the order and the size of the row groups would be the scheduler's.
            connection.execute("SET threads = 1")
            columns = {name: kind for name, kind in _COLUMNS.items() if name != "fingerprint"}
            connection.execute(
                f"""COPY (
                    SELECT {", ".join(f'"{name}"' for name in _COLUMNS)}
                    FROM read_json($rows, format = 'newline_delimited', columns = $columns)
                    JOIN read_json($environments, format = 'newline_delimited', columns = $prints) USING (print)
                    ORDER BY number
                ) TO $file (FORMAT parquet, COMPRESSION zstd)""",  # noqa: S608 the names are the record's
                {
                    "rows": str(rows),
                    "columns": {**columns, "number": "BIGINT", "print": "BIGINT"},
                    "environments": str(environments),
                    "prints": {"print": "BIGINT", "fingerprint": "VARCHAR"},
                    "file": str(file),
                },
            )
        return file.read_bytes()
