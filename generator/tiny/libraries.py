"""Which of the optional libraries that an architecture needs are installed here; imports none of them."""

from __future__ import annotations

import importlib.metadata
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generator.catalog import Row

__all__ = ["asked", "installed", "missing"]

_REQUIRED = re.compile(r"requires the (\S+) library but it was not found")


def missing(row: Row) -> str | None:
    """The libraries that the architecture needs and that are not installed here, in a few words; None if all are."""
    absent = [name for name in row.requires if not installed(name)]
    return f"needs {' and '.join(absent)}, not installed where this was written" if absent else None


def asked(error: BaseException | None) -> str | None:
    """The library that is not installed here and that an error of transformers says is required; None for other errors."""
    found = _REQUIRED.search(str(error)) if isinstance(error, ImportError) else None
    return found[1] if found and installed(found[1]) is None else None


def installed(library: str) -> str | None:
    """The version of a distribution that is installed here."""
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None
