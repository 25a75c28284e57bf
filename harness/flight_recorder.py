"""What outlives a process that runs cells: which cell it was at, how far that had come, and the last that was printed.

A process that a backend ends (a segmentation fault, ``_exit``, a kernel out of memory) can tell nothing any more, and one
that writes without end must not fill a disk. So another process keeps the last of what is printed, at the other end of a
FIFO, and each stage is written to a file before it begins. Nothing in here needs the interpreter's lock when it matters:
faulthandler writes and ends the process from a thread of C.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import re
import secrets
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness import memory
from harness.failures import LINES, mentions_memory

__all__ = ["Listener", "Recorder", "Wreck"]

KEPT = 1 << 16
"""Bytes of what was printed that are kept."""

WIDTH = 400
"""Characters of a printed line that a record keeps."""

DUMP = re.compile("Fatal Python error: |^Timeout \\(")
"""How what faulthandler writes begins; what was printed before it may have no end of line."""

BEGINNING = b"\x1e"
"""Before the id of a cell, in the stream (ASCII's record separator)."""

LATE = 1.2
"""Share of the time limit after which a cell is ended that did not let pytest-timeout's signal end it: code that never
returns to Python handles none."""


@dataclass(frozen=True)
class Wreck:
    """A process that is gone, at the moment when it went."""

    cell: str | None
    """Id of the cell that it was at."""
    stage: str | None
    """Where that stood."""
    seconds: float
    """How long it had taken."""
    limit: float | None
    """Seconds that it had; None without a limit."""
    printed: str
    """The last lines that were printed meanwhile, by whatever wrote to the process's standard output or error."""
    code: int | None
    """The process's exit code, a signal's number below zero; None where that is not known."""
    starved: bool
    """Whether the kernel has ended a process for its memory since the listener began."""

    @property
    def status(self) -> str:
        """``timed_out``, ``out_of_memory`` or ``crashed``."""
        if self.limit is not None and self.seconds >= self.limit and self.code in (1, None):
            return "timed_out"
        if mentions_memory(self.printed) or (self.code == -signal.SIGKILL and self.starved):
            return "out_of_memory"
        return "crashed"

    @property
    def reason(self) -> str:
        """One sentence for people."""
        if self.status == "timed_out":
            return f"Timeout (>{self.limit}s): it did not return, and its process was ended"
        if self.code is None:
            ended = "the process died"
        elif self.code < 0:
            ended = f"the process was ended by {signal.Signals(-self.code).name}"
        else:
            ended = f"the process exited with code {self.code} in the midst of the cell"
        return f"{ended}, out of memory" if self.status == "out_of_memory" else ended


class Recorder:
    """The part in the process that runs cells."""

    def __init__(self, folder: Path, name: str) -> None:
        """Args:
        folder: of a ``Listener`` of this name, which must be there already.
        name: of the process.
        """
        self._stream = os.open(folder / f"{name}.fifo", os.O_WRONLY | os.O_CLOEXEC)
        self._state = os.open(folder / f"{name}.json", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._now: dict[str, object] = {}

    @contextlib.contextmanager
    def recording(self, cell: str, limit: float | None = None) -> Iterator[None]:
        """Keep what is printed, and end the process if it takes much longer than ``limit`` seconds."""
        self._now = {"cell": cell, "stage": None, "since": time.time(), "limit": limit}
        self._write()
        os.write(self._stream, BEGINNING + cell.encode() + b"\n")
        faulthandler.enable(self._stream)  # anew each time: pytest points it elsewhere
        kept = [os.dup(number) for number in (1, 2)]
        _flush()
        for number in (1, 2):
            os.dup2(self._stream, number)
        if limit is not None:
            faulthandler.dump_traceback_later(limit * LATE, exit=True, file=self._stream)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
            _flush()
            for number, copy in zip((1, 2), kept, strict=True):
                os.dup2(copy, number)
                os.close(copy)

    def at(self, stage: str) -> None:
        """Note where the cell stands."""
        if self._now.get("stage") != stage:
            self._now["stage"] = stage
            self._write()

    def _write(self) -> None:
        line = json.dumps(self._now).encode()
        os.pwrite(self._state, line, 0)
        os.ftruncate(self._state, len(line))


class Listener:
    """The part in a process that outlives it."""

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / f"{name}.fifo"
        self._state = folder / f"{name}.json"
        self._starved = memory.ended_by_kernel()
        os.mkfifo(self._path, 0o600)
        # Also for writing: without any writer it would have an end, and opening it would wait for one.
        self._stream = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        self._kept = b""
        self._mark: bytes | None = None
        self._heard = threading.Event()
        threading.Thread(target=self._listen, name=f"listener of {name}", daemon=True).start()

    def wreck(self, code: int | None) -> Wreck:
        """What is left of the process, which must be gone; its exit code is known to whoever started it."""
        self._drain()
        try:
            now = json.loads(self._state.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # it died before its first cell
            now = {}
        return Wreck(
            cell=now.get("cell"),
            stage=now.get("stage"),
            seconds=time.time() - now.get("since", time.time()),
            limit=now.get("limit"),
            printed=_last_lines(self._kept),
            code=code,
            starved=memory.ended_by_kernel() > self._starved,
        )

    def _drain(self) -> None:
        """Wait until all that was written has been read: what is written now comes after it."""
        self._mark = secrets.token_bytes(16)
        self._heard.clear()
        os.write(self._stream, self._mark)
        self._heard.wait()

    def _listen(self) -> None:
        while True:
            self._kept = (self._kept + os.read(self._stream, KEPT))[-KEPT:]
            if self._mark is not None and self._mark in self._kept:
                self._kept = self._kept.replace(self._mark, b"")
                self._mark = None
                self._heard.set()


def _last_lines(kept: bytes) -> str:
    text = kept.rpartition(BEGINNING)[2] if BEGINNING in kept else kept
    lines = text.decode(errors="replace").splitlines()[1 if BEGINNING in kept else 0 :]
    # faulthandler puts the innermost calls first, and below them those that every cell has in common.
    dump = next((place for place, line in enumerate(lines) if DUMP.search(line)), len(lines))
    end = max(dump - LINES // 2, 0) + LINES if dump < len(lines) else len(lines)
    return "\n".join(line[:WIDTH] for line in lines[max(end - LINES, 0) : end])


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        # A backend may have closed them.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
