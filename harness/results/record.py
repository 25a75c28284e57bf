"""The result record: one flat, versioned row a cell, which is all that reporting may know of the harness."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

from harness.results.signatures import signature

SCHEMA = 2
"""Version of the row; readers refuse a newer one and migrate older ones."""

AXES = ("runs", "matches", "speed")
"""The questions that a verdict answers, each for itself."""

STATUSES = (
    "crashed",
    "failed",
    "unexpected_pass",
    "timed_out",
    "out_of_memory",
    "vacuous",
    "unsupported",
    "known_failure",
    "unavailable",
    "not_run",
    "passed",
)
"""Every status, the worst first; only ``passed`` is green."""


def environment_of(hardware: str) -> str:
    """The hardware whose environment a device or a route of it runs in: ``openvino`` of ``openvino:GPU@trace``."""
    return re.split("[:@]", hardware, maxsplit=1)[0]


@dataclass(frozen=True)
class Record:
    """What one check said of one head on one hardware, once."""

    cell: str
    """Id that never changes: ``model_type/head/hardware/dtype/check``."""
    run: str
    """Id of the run: ``20261123T153000Z-1a2b3c``."""
    model_type: str
    head: str
    hardware: str
    dtype: str
    check: str
    primary: bool
    """Whether the head stands for the architecture."""
    tier: str
    family: str
    status: str
    """One of STATUSES: the worst of the axes, or why there is no verdict; as it was found, whatever was expected."""
    runs: str | None
    """Axis: did it run to its end; ``passed``, another status, or None when the check does not ask."""
    matches: str | None
    """Axis: do the numbers agree; as above."""
    speed: str | None
    """Axis: is it as fast as it was; as above."""
    stage: str | None
    """Where it ended when it did not pass: resolve, config, build, prepare, run, compare, collect."""
    reason: str | None
    """One sentence for people; None when passed."""
    signature: str | None
    """The reason with numbers, addresses and paths normalised: equal causes have equal signatures."""
    traceback: str | None
    """Tail of the traceback or of what a crashed worker printed."""
    executed_on: str | None
    """Device read back from the tensors or the compiled model, not the one asked for."""
    metrics: dict[str, float | int | str] = field(default_factory=dict)
    """Figures of the check, by name, with the unit in the name (``seconds``, ``bytes``) where they have one:
    rel_l2, max_abs, cosine, argmax_agreement, tolerance, parameters, peak_memory_bytes, …"""
    started: str = ""
    """UTC, ISO 8601."""
    seconds: float = 0.0
    """Wall time of the cell."""
    attempt: int = 1
    seed: int = 0
    skill_sha256: str = ""
    """Digest of the skill file's bytes: evidence is fresh only while the file is still this."""
    environment: str = ""
    """Id of the environment fingerprint in the run's ``environment.json``."""
    schema: int = SCHEMA
    judged: str | None = None
    """The status in the light of ``expected/``: ``known_failure``, ``unexpected_pass``, or as it was found; None until it was
    judged."""
    expected: str | None = None
    """What became of the expectation that decided: ``met``, ``passed``, ``changed`` or ``expired``; None where there was
    none."""
    known: str | None = None
    """What that expectation says, in a sentence with its reason class and its link."""

    @property
    def verdict(self) -> str:
        """The status as judged, or as it was found where nobody has judged it."""
        return self.judged or self.status


def to_line(record: Record) -> str:
    """The record as one line of JSON, without the newline; NaN and infinities as strings ``nan``, ``inf``, ``-inf``."""
    row = {name: _text(value) if isinstance(value, str) else value for name, value in vars(record).items()}
    row["metrics"] = {_text(name): _plain(value) for name, value in sorted(record.metrics.items())}
    return json.dumps(row, ensure_ascii=True, allow_nan=False)


def from_row(row: dict[str, Any]) -> Record:
    """The record of a decoded line.

    Raises:
        ValueError: a newer schema, an unknown status, or fields missing or unknown.
    """
    try:
        record = Record(**_migrated(row))
    except TypeError as error:
        raise ValueError(str(error).replace("Record.__init__() ", "")) from error
    if record.status not in STATUSES:
        raise ValueError(f"unknown status {record.status!r}")
    return record


def _migrated(row: dict[str, Any]) -> dict[str, Any]:
    """The row of an older schema as one of today's.

    Of 1, to which nothing was expected, and whose signatures were made by another rule.
    """
    schema = row.get("schema")
    if schema == SCHEMA and type(schema) is int:
        return row
    if schema != 1 or type(schema) is not int:
        raise ValueError(f"schema {schema!r} where this release reads up to {SCHEMA}")
    reason = row.get("reason")
    remade = {"signature": signature(reason)} if isinstance(reason, str) else {}
    return {**row, **remade, "schema": SCHEMA}


def _plain(value: float | int | str) -> float | int | str:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return _text(value) if isinstance(value, str) else value


def _text(words: str) -> str:
    """The words without halves of surrogate pairs, which a library's may hold, and which are no text to whoever reads them."""
    return words if words.isascii() else words.encode("utf-8", "replace").decode("utf-8")
