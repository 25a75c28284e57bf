"""Where the generator keeps what it can compute again, and how such a file is named, read and written.

It is not for skills, reports or results: deleting the directory at any time costs time and nothing else.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

__all__ = ["directory", "key", "read", "write"]

VARIABLE = "SKILLMATRIX_CACHE"
"""Environment variable that moves the cache."""


def directory() -> Path:
    """The cache directory: ``$SKILLMATRIX_CACHE``, or ``.cache`` in the repository; it may not exist yet."""
    chosen = os.environ.get(VARIABLE)
    return Path(chosen).expanduser() if chosen else Path(__file__).resolve().parent.parent / ".cache"


def key(*parts: str | bytes) -> str:
    """Twenty hex digits (80 bits of SHA-256) that differ whenever any part, or the split into parts, differs."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()[:20]


def read(path: Path) -> str | None:
    """The text that ``write`` left there; None where there is none or where it was cut short or altered."""
    try:
        raw = path.read_bytes()
    except OSError:
        return None
    head, separator, body = raw.partition(b"\n")
    if not separator or head != _seal(body):
        return None
    return body.decode("utf-8")


def write(path: Path, text: str) -> None:
    """Put ``text`` there in one step: a reader, in this process or another, sees all of it or what was there before.

    Raises:
        OSError: the directory cannot be written; what was there before is still there.
    """
    body = text.encode("utf-8")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_seal(body) + b"\n" + body)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _seal(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode("ascii")
