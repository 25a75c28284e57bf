"""How far numbers may be apart: one table by hardware, dtype and check, each row with the source of its figure.

The rows are ``tolerances.toml``, which ``invoke calibrate`` writes. All figures bound the largest absolute difference over
the largest absolute value of the reference, per output tensor.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["ANY", "FILE", "Key", "Tolerance", "ToleranceError", "read", "tolerance"]

FILE = Path(__file__).with_suffix(".toml")
"""The table."""

ANY = "*"
"""In the place of a hardware: every one without a row of its own."""

Key = tuple[str, str, str]
"""Hardware, dtype, check."""


class ToleranceError(LookupError):
    """The table cannot be read, or has no row for what is asked; the message is the user's sentence."""


@dataclass(frozen=True)
class Tolerance:
    """One row."""

    hardware: str
    dtype: str
    check: str
    rel_max: float
    """Bound of max|difference| / max|reference|; 0 asks for equal numbers."""
    source: str
    """Where the figure comes from."""
    calibration: Mapping[str, Any] = field(default_factory=dict)
    """What was measured for it, as ``commands.calibration`` wrote it; empty for a row that was not calibrated."""

    @property
    def key(self) -> Key:
        """What it is found by."""
        return self.hardware, self.dtype, self.check


def tolerance(hardware: str, dtype: str, check: str) -> Tolerance:
    """The row of the hardware, of that without its route or index (``openvino@trace``, ``cuda:1``), or the one for any.

    Another kind of device (``openvino:GPU``) has figures of its own.

    Raises:
        ToleranceError: there is none, or the table cannot be read.
    """
    table = read()
    for name in (hardware, re.sub(r"(:\d+)?(@.*)?$", "", hardware), ANY):
        if (name, dtype, check) in table:
            return table[name, dtype, check]
    raise ToleranceError(
        f"{FILE.name}: no row for {check} in {dtype} on {hardware}. What it compares could not be judged"
    )


@cache
def read(file: Path = FILE) -> Mapping[Key, Tolerance]:
    """The table by hardware, dtype and check.

    Raises:
        ToleranceError: it is no TOML, or a row lacks a field, has another, has a figure that bounds nothing, or is there
            twice.
    """
    try:
        rows = tomllib.loads(file.read_text(encoding="utf-8"))["tolerance"]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError) as error:
        raise _refused(file, f"cannot be read as a table of tolerances ({error})") from error
    table: dict[Key, Tolerance] = {}
    for number, raw in enumerate(rows, 1):
        row = _row(file, number, raw)
        if row.key in table:
            raise _refused(file, f"row {number} is there twice ({', '.join(row.key)})")
        table[row.key] = row
    return table


def _row(file: Path, number: int, raw: Any) -> Tolerance:
    known = {item.name for item in fields(Tolerance)}
    needed = known - {"calibration"}
    if not isinstance(raw, dict) or needed - set(raw) or set(raw) - known:
        raise _refused(
            file, f"row {number} must have {', '.join(sorted(needed))}, and no more than calibration besides"
        )
    bound, words = raw["rel_max"], [raw[name] for name in sorted(needed - {"rel_max"})]
    if not all(isinstance(word, str) and word.strip() for word in words):
        raise _refused(file, f"row {number} must have words for {', '.join(sorted(needed - {'rel_max'}))}")
    if isinstance(bound, bool) or not isinstance(bound, (int, float)) or not 0 <= bound < math.inf:
        raise _refused(file, f"row {number} has rel_max {bound!r}, which bounds nothing")
    if not isinstance(raw.get("calibration", {}), dict):
        raise _refused(file, f"row {number} has a calibration that is no table")
    return Tolerance(**{**raw, "rel_max": float(bound)})


def _refused(file: Path, what: str) -> ToleranceError:
    return ToleranceError(f"{file}: {what}. No number can be judged by it. Run: git checkout -- {file}")
