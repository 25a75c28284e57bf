"""Two sets of results side by side: each cell's last attempts, read with DuckDB where they lie; it judges none of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.results.record import SCHEMA, STATUSES
from harness.results.signatures import signature
from reporting.history import Source

if TYPE_CHECKING:
    import duckdb

__all__ = ["Pair", "Pairs", "Result", "cells", "is_green", "read"]

_TAIL = re.compile(r"(?:For|With|Model|Decoder|Encoder|Backbone)\w*$")
"""What a model's class is for, after the name of its architecture."""

_FIELDS = ("status", "judged", "signature", "reason", "stage", "model_type", "head", "hardware", "primary")


@dataclass(frozen=True)
class Result:
    """What one side says of a cell: its last attempt, of two of those the worse."""

    status: str
    """As it was found."""
    judged: str | None
    signature: str | None
    reason: str | None
    stage: str | None
    model_type: str
    head: str
    hardware: str
    primary: bool
    writer: str
    """The file that it stands in: one a worker."""
    statuses: int
    """How many different statuses its attempts had."""

    @property
    def verdict(self) -> str:
        """The status in the light of what was expected."""
        return self.judged or self.status


@dataclass(frozen=True)
class Pair:
    """What both sides say of a cell; None of a side that has no result of it, which is at most one."""

    cell: str
    """Its id on the later side, or on the earlier one where it is not on the later."""
    before: Result | None
    after: Result | None

    @property
    def shown(self) -> Result:
        """The result that tells more: of the later side, if that is not green."""
        there = [side for side in (self.after, self.before) if side is not None]
        return next((side for side in there if side.status != "passed"), there[0])


@dataclass(frozen=True)
class Pairs:
    """Both sides."""

    differing: tuple[Pair, ...]
    """Cells that did not pass on both."""
    same: int
    """How many passed on both."""
    passed: Mapping[tuple[str, str], int]
    """How many of the cells that passed on the earlier side a ``worker`` (the file of its results) of the later one had, and
    each ``hardware``."""
    flaky: tuple[str, ...]
    """Cells whose attempts on the later side did not all end alike."""
    renamed: Mapping[str, str]
    """Architectures that go by another name on the later side, as far as both sides have them."""
    damage: tuple[str, ...]
    """Lines that are no results, in sentences."""


def read(before: Source, after: Source, renamed: Mapping[str, str]) -> Pairs:
    """Both sides, side by side; ``renamed`` are architectures by the earlier side's names."""
    import duckdb

    with duckdb.connect() as connection:
        damage = [*_read(connection, "earlier", before), *_read(connection, "later", after)]
        names = _rename(connection, renamed)
        differing, same = _pairs(connection)
        passed = _passed_before(connection)
        flaky = connection.execute("SELECT cell FROM later WHERE statuses > 1 ORDER BY cell").fetchall()
    return Pairs(differing, same, passed, tuple(row[0] for row in flaky), names, tuple(damage))


def is_green(source: Source) -> bool:
    """Whether something passed in a run, and nothing else came of it but what was expected."""
    import duckdb

    with duckdb.connect() as connection:
        if _read(connection, "run", source):
            return False
        found = connection.execute("SELECT DISTINCT coalesce(result.judged, result.status) FROM run").fetchall()
    verdicts = {row[0] for row in found}
    return "passed" in verdicts and verdicts <= {"passed", "known_failure"}


def cells(source: Source) -> set[str]:
    """Ids of the cells that there are results of."""
    import duckdb

    with duckdb.connect() as connection:
        _read(connection, "run", source)
        return {row[0] for row in connection.execute("SELECT cell FROM run").fetchall()}


def _read(connection: duckdb.DuckDBPyConnection, name: str, source: Source) -> Iterable[str]:
    """Make a table of the last attempt of each cell, and say what lines are no results."""
    kinds = {**dict.fromkeys(_FIELDS, "VARCHAR"), "primary": "BOOLEAN", "cell": "VARCHAR"}
    kinds |= {"attempt": "BIGINT", "schema": "BIGINT"}
    parts = []
    lines = [str(file) for file in source.files if file.suffix == ".jsonl" and file.stat().st_size]
    if lines:
        connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE raw AS SELECT * FROM read_json($files, format = 'newline_delimited',
            columns = {kinds}, ignore_errors = true, filename = true, maximum_object_size = 67108864)""",  # noqa: S608, ours
            {"files": lines},
        )
        parts.append("raw")
    for number, file in enumerate(file for file in source.files if file.suffix == ".parquet"):
        held = {row[0] for row in connection.execute("DESCRIBE FROM read_parquet(?)", [str(file)]).fetchall()}
        chosen = ", ".join(f'"{key}"' if key in held else f'NULL::{kind} AS "{key}"' for key, kind in kinds.items())
        sql = f"CREATE OR REPLACE TEMP TABLE kept{number} AS SELECT {chosen}, filename FROM read_parquet(?, filename = true)"  # noqa: S608
        connection.execute(sql, [str(file)])
        parts.append(f"kept{number}")
    union = " UNION ALL BY NAME ".join(f"SELECT * FROM {part}" for part in parts)  # noqa: S608, the names are ours
    empty = (
        "SELECT "
        + ", ".join(f'NULL::{kind} AS "{key}"' for key, kind in kinds.items())
        + ", '' AS filename WHERE false"
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE everything AS {union or empty}")
    fit = f"cell IS NOT NULL AND schema BETWEEN 1 AND {SCHEMA} AND list_contains($statuses, status)"
    values = ", ".join(f'"{key}" := "{key}"' for key in _FIELDS)
    # Of two that claim to be the same attempt the worse counts, as in the reports.
    connection.execute(
        f"""CREATE OR REPLACE TABLE {name} AS
        SELECT cell, count(DISTINCT status) AS statuses,
               arg_max(struct_pack({values}, schema := schema, writer := parse_filename(filename, true)),
                       attempt * 100 - list_position($statuses, status)) AS result
        FROM everything WHERE {fit} GROUP BY cell""",  # noqa: S608, the names are the record's
        {"statuses": list(STATUSES)},
    )
    unfit = connection.execute(
        f"SELECT filename, count(*) FROM everything WHERE ({fit}) IS NOT TRUE GROUP BY ALL ORDER BY ALL",  # noqa: S608
        {"statuses": list(STATUSES)},
    ).fetchall()
    return [f"{file}: {count} of its lines are no results, and were passed over" for file, count in unfit]


def _rename(connection: duckdb.DuckDBPyConnection, renamed: Mapping[str, str]) -> dict[str, str]:
    """Give cells of the earlier side the ids that they have on the later one; the renamings that came up."""
    came = {}
    for old, new in renamed.items():
        heads = {
            side: {row[0] for row in connection.execute(
                f"SELECT DISTINCT result.head FROM {side} WHERE result.model_type = ?", [name]  # noqa: S608, ours
            ).fetchall()}
            for side, name in (("earlier", old), ("later", new))
        }  # fmt: skip
        if not heads["earlier"] or not heads["later"]:
            continue
        came[old] = new
        for head, other in _same_heads(heads["earlier"], heads["later"]).items():
            connection.execute(
                """UPDATE earlier SET cell = $new || '/' || $other || substr(cell, length($old || '/' || $head) + 1)
                WHERE result.model_type = $old AND result.head = $head""",
                {"old": old, "new": new, "head": head, "other": other},
            )
    return came


def _same_heads(before: Iterable[str], after: Iterable[str]) -> dict[str, str]:
    """Classes that are for the same under the names of two architectures."""
    tails = {tail[0]: name for name in after if (tail := _TAIL.search(name))}
    return {name: tails[tail[0]] for name in before if (tail := _TAIL.search(name)) is not None and tail[0] in tails}


def _pairs(connection: duckdb.DuckDBPyConnection) -> tuple[tuple[Pair, ...], int]:
    """Cells that are not green on both sides, and how many are."""
    green = "earlier.result.status = 'passed' AND later.result.status = 'passed' AND later.result.judged IS NOT DISTINCT FROM earlier.result.judged"
    join = "FROM earlier FULL JOIN later USING (cell)"
    wanted = "cell, earlier.result, earlier.statuses, later.result, later.statuses"
    rows = connection.execute(f"SELECT {wanted} {join} WHERE ({green}) IS NOT TRUE ORDER BY cell").fetchall()
    [[count]] = connection.execute(f"SELECT count(*) {join} WHERE {green}").fetchall()
    return tuple(Pair(row[0], _result(row[1], row[2]), _result(row[3], row[4])) for row in rows), count


def _passed_before(connection: duckdb.DuckDBPyConnection) -> Mapping[tuple[str, str], int]:
    """How many cells that passed on the earlier side a worker of the later one had, and each hardware."""
    rows = connection.execute("""SELECT coalesce(later.result.writer, ''), earlier.result.hardware, count(*)
        FROM earlier LEFT JOIN later USING (cell) WHERE earlier.result.status = 'passed' GROUP BY ALL""").fetchall()
    counts: Counter[tuple[str, str]] = Counter()
    for writer, hardware, count in rows:
        counts["worker", writer] += count
        counts["hardware", hardware] += count
    return counts


def _result(fields: Mapping[str, Any] | None, statuses: int | None) -> Result | None:
    if fields is None:
        return None
    facts = {key: fields[key] for key in (*_FIELDS, "writer")}
    if fields["schema"] == 1 and facts["reason"] is not None:  # whose signatures were made by another rule
        facts["signature"] = signature(facts["reason"])
    return Result(**facts, statuses=statuses or 1)
