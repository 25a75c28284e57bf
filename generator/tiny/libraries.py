"""Which of the optional libraries that an architecture needs are installed here; imports none of them."""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generator.catalog import Row

__all__ = ["installed", "missing"]


def missing(row: Row) -> str | None:
    """The libraries that the architecture needs and that are not installed here, in a few words; None if all are."""
    absent = [name for name in row.requires if not installed(name)]
    return f"needs {' and '.join(absent)}, not installed where this was written" if absent else None


def installed(library: str) -> str | None:
    """The version of a distribution that is installed here."""
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None
