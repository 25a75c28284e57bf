"""Rows of expected states as text: one file is changed row by row, and everything else in it stays as it was written.

A row is its ``[[expected]]`` with all that follows, and the comment right above it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from harness.results.expectations import Expectation, ExpectationError, Names, rows
from reporting.expecting import Change
from reporting.files import write

__all__ = ["rewritten", "save"]

_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*expected[ \t]*\]\]")

BEGINNING = """#:schema schema.json
# What is known to fail on {hardware}, and why: docs/expected.md says what a row means.
# From the results of a run: invoke expect --from RUN --hardware {hardware}
"""

FIELDS = ("cell", "axis", "status", "class", "text", "issue", "signature", "window", "expires")
"""Fields of a row in the order in which they are written."""


def rewritten(file: Path, changes: Sequence[Change]) -> str:
    """The text of the file after the changes; of one that is not there, the text that it should have.

    Raises:
        ExpectationError: its rows are written in a form that cannot be changed one by one.
    """
    present = rows(file, Names()) if file.exists() else []
    text = file.read_text(encoding="utf-8") if file.exists() else BEGINNING.format(hardware=file.stem)
    head, blocks = _blocks(text)
    if len(blocks) != len(present):
        raise ExpectationError(
            f"{file}: its rows are not all written as [[expected]] with a line for each field. They cannot be changed one by "
            "one, and nothing was. Run: git diff, and write them so"
        )
    kept: list[tuple[str, str]] = list(zip((row.cell for row in present), blocks, strict=True))
    after = {present.index(change.before): change for change in changes if change.before is not None}
    for number, change in after.items():
        kept[number] = (kept[number][0], "" if change.after is None else _changed(kept[number][1], change.after))
    for change in changes:
        if change.before is None and change.after is not None:
            place = next((number for number, (cell, _) in enumerate(kept) if cell > change.after.cell), len(kept))
            kept.insert(place, (change.after.cell, _written(change.after)))
    parts = [head.rstrip("\n"), *(block.strip("\n") for _, block in kept)]
    return "\n\n".join(part for part in parts if part) + "\n"


def save(texts: Iterable[tuple[Path, str]]) -> tuple[Path, ...]:
    """Give all files their texts, or none."""
    return write({file: text.encode() for file, text in texts})


def _blocks(text: str) -> tuple[str, list[str]]:
    """What comes before the first row, and each row."""
    lines = text.splitlines(keepends=True)
    begins: list[int] = []
    for number, line in enumerate(lines):
        if _HEADER.match(line):
            first = number
            while first and lines[first - 1].startswith("#"):
                first -= 1
            # What the file begins with speaks of the file.
            begins.append(first or number)
    places = [*begins, len(lines)]
    blocks = ["".join(lines[first:last]) for first, last in pairwise(places)]
    return "".join(lines[: places[0]]), blocks


def _values(row: Expectation) -> dict[str, Any]:
    window = {name: str(versions) for name, versions in row.window.items()}
    known = vars(row) | {"class": row.blame, "window": window or None}
    return {name: known[name] for name in FIELDS if known[name] is not None}


def _written(row: Expectation) -> str:
    import tomlkit

    table = tomlkit.table()
    for name, value in _values(row).items():
        table.add(name, _item(value))
    rows = tomlkit.aot()
    rows.append(table)
    return tomlkit.dumps(tomlkit.document().add("expected", rows))


def _changed(block: str, row: Expectation) -> str:
    """A row's text with other values; what stays the same stays as it was written, comments and all."""
    import tomlkit

    document = tomlkit.parse(block)
    table: Any = document["expected"][0]
    values = _values(row)
    for name in FIELDS:
        if name not in values:
            table.pop(name, None)
        elif name not in table or _plain(table[name]) != _plain(values[name]):
            table[name] = _item(values[name])
    return tomlkit.dumps(document)


def _item(value: Any) -> Any:
    import tomlkit

    if isinstance(value, dict):
        inline = tomlkit.inline_table()
        inline.update(value)
        return inline
    if isinstance(value, str):
        # As a literal where that reads better: signatures are full of quotation marks.
        literal = '"' in value and "'" not in value and value.isprintable()
        return tomlkit.string(value, literal=literal)
    return value


def _plain(value: Any) -> Any:
    plain = value.unwrap() if hasattr(value, "unwrap") else value
    return plain.isoformat() if isinstance(plain, date) else plain
