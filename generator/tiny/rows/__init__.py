"""What the rules cannot know: one row a fact, each with its reason; nothing here that a rule could give."""

from __future__ import annotations

from generator.tiny.rows.calls import CALLS
from generator.tiny.rows.language import LANGUAGE
from generator.tiny.rows.row import Row
from generator.tiny.rows.vision import VISION

__all__ = ["ROWS", "Row", "ignored", "of"]

ROWS: tuple[Row, ...] = (*LANGUAGE, *VISION, *CALLS)
"""All rows."""


def ignored() -> None:
    """Forget all rows for the rest of this process, so that what the rules alone give can be seen and counted."""
    global ROWS  # noqa: PLW0603  # what reads it reads it here
    ROWS = ()


def of(model_type: str, head: str) -> tuple[Row, ...]:
    """Rows for a head, those for the whole type first."""
    rows = [row for row in ROWS if row.model_type == model_type and (not row.heads or head in row.heads)]
    return tuple(sorted(rows, key=lambda row: bool(row.heads)))
