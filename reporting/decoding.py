"""One line of raw results, and one environment fingerprint: read, held to their types, or refused with a reason."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from harness.results.record import AXES, SCHEMA, STATUSES, Record, from_row
from harness.results.store import canonical
from reporting.evidence import Environment

__all__ = ["UnfitError", "check", "environment", "record", "salvage"]

_TEXT: frozenset[type] = frozenset({str})
_OPTIONAL: frozenset[type] = frozenset({str, type(None)})
_KINDS: dict[str, frozenset[type]] = {
    **dict.fromkeys(("cell", "run", "model_type", "head", "hardware", "dtype", "check", "tier", "family"), _TEXT),
    **dict.fromkeys(("status", "started", "skill_sha256", "environment"), _TEXT),
    **dict.fromkeys(AXES, _OPTIONAL),
    **dict.fromkeys(("stage", "reason", "signature", "traceback", "executed_on"), _OPTIONAL),
    **dict.fromkeys(("judged", "expected", "known"), _OPTIONAL),
    **dict.fromkeys(("attempt", "seed"), frozenset({int})),
    "primary": frozenset({bool}),
    "seconds": frozenset({int, float}),
    "metrics": frozenset({dict}),
}
"""Types that each field of a record may have once it is read; exact ones, as the decoder of JSON makes them."""

_CELL = re.compile(r'"cell"\s*:\s*("(?:[^"\\]|\\.)*")')
_ATTEMPT = re.compile(r'"attempt"\s*:\s*(\d{1,9})\b')
_LAST = 10**9
"""Attempt of a line whose attempt cannot be read: it may be the last, so nothing of its run may hide it."""


class UnfitError(ValueError):
    """Whole, well-formed JSON that is not a record of this release."""


def _no_number(name: str) -> float:
    raise ValueError(f"not JSON: {name} is no number")


_DECODER = json.JSONDecoder(parse_constant=_no_number)


def record(line: bytes) -> Record:
    """The record on a line.

    Raises:
        UnfitError: it is JSON, but no record that can count: another schema, an unknown status, wrong fields.
        ValueError, RecursionError: it is not JSON, or not UTF-8.
    """
    try:
        row = _DECODER.decode(line.decode("utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg.removesuffix(' at')}, column {error.colno}") from error
    if not isinstance(row, dict):
        raise UnfitError("not a record")
    schema = row.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise UnfitError(f"schema {schema} is newer than the {SCHEMA} that this release reads; update skillmatrix")
    try:
        found = from_row(row)
    except (TypeError, ValueError) as error:
        raise UnfitError(str(error)) from error
    check(found)
    # JSON can spell half of a surrogate pair, which no file can hold.
    return _encodable(found) if b"\\ud" in line.lower() else found


def check(record: Record) -> None:
    """Hold each field of the record to its type, and the fields to one another.

    Raises:
        ValueError: naming the fields; a record that contradicts itself must not count.
    """
    row = vars(record)
    wrong = [name for name, kinds in _KINDS.items() if type(row[name]) not in kinds]
    wrong += [name for name in (*AXES, "judged") if row[name] is not None and row[name] not in STATUSES]
    if not wrong:
        figures = {"seconds": [record.seconds], "metrics": record.metrics.values()}
        wrong = [name for name, values in figures.items() if not all(map(_fits, values))]
    if wrong:
        raise UnfitError(f"not a value of its field: {', '.join(wrong)}")
    if not (0 < record.attempt <= _LAST) or abs(record.seed) >= 2**63:
        raise UnfitError(f"attempt {record.attempt} or seed {record.seed} out of range")
    fields = (record.model_type, record.head, record.hardware, record.dtype, record.check)
    if record.cell != "/".join(fields):
        raise UnfitError(f"cell {record.cell} is not what its fields say, {'/'.join(fields)}")
    axes = [axis for axis in (record.runs, record.matches, record.speed) if axis is not None]
    if record.status == "passed" and any(axis != "passed" for axis in axes):
        raise UnfitError(f"status passed, though an axis is {min(axes, key=STATUSES.index)}")
    if record.judged == "passed" and record.status != "passed":
        raise UnfitError(f"judged as passed, though its status is {record.status}")


def _fits(value: object) -> bool:
    """Whether a figure is one that JSON, Parquet and a report can all hold; the record spells infinities as words."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str) or (isinstance(value, int) and abs(value) < 2**63)


def salvage(line: bytes, run: str) -> Record | None:
    """What can be said of a line that cannot be read: which cell it spoke of. None if not even that."""
    words = line.decode("utf-8", "replace")
    match = _CELL.search(words)
    if match is None:
        return None
    try:
        cell = _clean(json.loads(match[1]))
    except ValueError:
        return None
    parts = cell.split("/", 4)
    if len(parts) != 5 or not parts[2]:
        return None
    attempt = _ATTEMPT.search(words)
    return Record(
        cell=cell, run=run, model_type=parts[0], head=parts[1], hardware=parts[2], dtype=parts[3], check=parts[4],
        primary=False, tier="", family="", status="not_run", runs=None, matches=None, speed=None, stage="collect",
        reason="its newest record is unreadable", signature="unreadable record", traceback=None, executed_on=None,
        attempt=int(attempt[1]) if attempt else _LAST,
    )  # fmt: skip


def _encodable(record: Record) -> Record:
    """The record with a replacement character for each lone surrogate."""
    changed: dict[str, Any] = {}
    for name, value in vars(record).items():
        if isinstance(value, str):
            changed[name] = _clean(value)
        elif isinstance(value, dict):
            changed[name] = {
                _clean(key): _clean(item) if isinstance(item, str) else item for key, item in value.items()
            }
    return replace(record, **changed)


def _clean(words: str) -> str:
    return words.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def environment(raw: object, run: str) -> Environment:
    """The fingerprint of a run from its decoded JSON.

    Raises:
        ValueError: it is not an object, or lacks its id or the installed versions.
    """
    if not isinstance(raw, dict):
        raise ValueError("not an object")
    name, versions = raw.get("id"), raw.get("versions")
    if not isinstance(name, str) or not name:
        raise ValueError("no id")
    if not isinstance(versions, dict) or not all(isinstance(version, str) for version in versions.values()):
        raise ValueError("no versions")

    return Environment(
        id=_clean(name),
        run=run,
        started=_words(raw.get("started")),
        python=_words(raw.get("python")),
        platform=_words(raw.get("platform")),
        devices=_devices(raw.get("devices")),
        revision=_words(raw.get("git")),
        command=_command(raw.get("command")),
        versions={canonical(_clean(name)): _clean(version) for name, version in sorted(versions.items())},
    )


def _devices(raw: object) -> str:
    """What the hardwares said of themselves, in one line."""
    if not isinstance(raw, dict):
        return _words(raw)
    told = {
        name: facts.values() if isinstance(facts, dict) else [facts] for name, facts in sorted(raw.items()) if facts
    }
    return "; ".join(f"{_words(name)}: {', '.join(map(_words, facts))}" for name, facts in told.items())


def _command(raw: object) -> str:
    """The command line, with the name of the program where its path would be: that is another on every machine."""
    if not isinstance(raw, list) or not raw:
        return _words(raw)
    program = PurePath(_words(raw[0]))
    name = program.parent.name if program.name == "__main__.py" else program.name
    return " ".join([name, *map(_words, raw[1:])])


def _words(value: object) -> str:
    if value is None:
        return ""
    return _clean(value if isinstance(value, str) else json.dumps(value, sort_keys=True))
