"""What an exception means for a cell: its status, one sentence, its signature, the end of its traceback."""

from __future__ import annotations

import re
import traceback

from harness.hardware import UnsupportedError
from harness.results.signatures import signature
from harness.session import FellBackError
from harness.weights import MissingLibraryError

__all__ = ["LINES", "mentions_memory", "sentence", "signature", "status", "tail", "words"]

LINES = 24
"""Lines of a traceback that a record keeps."""

LENGTH = 300
"""Characters of a reason."""

_MEMORY = re.compile(r"out of memory|can't allocate memory|not enough memory|bad_alloc", re.IGNORECASE)

_OPERATORS = re.compile(r"^Couldn't load custom C\+\+ ops")
"""What torchvision says beside a torch that its compiled operators were not built for."""


def status(error: BaseException) -> str:
    """The status that an exception gives its cell."""
    if isinstance(error, UnsupportedError):
        return "unsupported"
    # transformers raises ImportError for an optional library that the code asks for when it is called.
    if isinstance(error, (MissingLibraryError, ImportError)) or _OPERATORS.search(str(error)):
        return "unavailable"
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and mentions_memory(str(error))):
        return "out_of_memory"
    return "failed"


def mentions_memory(text: str) -> bool:
    """Whether the words are those of torch, C++ or a driver for a lack of memory."""
    return _MEMORY.search(text) is not None


def sentence(error: BaseException) -> str:
    """The exception in one sentence, as by ``words``, cut to what a record keeps."""
    text = words(error)
    return text if len(text) <= LENGTH else text[: LENGTH - 1] + "…"


def words(error: BaseException) -> str:
    """The first line of the exception that says something, with its class unless that is the house's."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else ""
    if not isinstance(error, (FellBackError, UnsupportedError, MissingLibraryError)):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return text


def tail(error: BaseException) -> str:
    """The last lines of the traceback."""
    lines = "".join(traceback.format_exception(error)).splitlines()
    return "\n".join(lines[-LINES:])
