"""Runs cells one after the other in a process of their own, so that a backend that ends it costs one cell and no more."""

from __future__ import annotations

import json
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import cells, memory
from harness.engines.local import Engine, blank, died
from harness.flight_recorder import Listener, Recorder
from harness.results.record import Record, from_row, to_line

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

__all__ = ["run"]


def run(
    chosen: Sequence[cells.Cell],
    *,
    run: str = "",
    environment: str = "",
    seed: int = 0,
    limit: float | None = None,
    results: Path | None = None,
) -> Iterator[Record]:
    """One record a cell, as it is done. After a cell that ended its process the rest run in a new one.

    Args:
        chosen: cells of skills that lie in files.
        run: id of the run, for the records.
        environment: id of the fingerprint, for the records.
        seed: of weights, inputs and random state.
        limit: seconds for each cell.
        results: folder of the run, where raw samples are kept.
    """
    waiting = deque(chosen)
    # Not forked: a forked copy of threads that torch or a driver has started hangs.
    context = get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="skillmatrix-") as name:
        folder, count = Path(name), 0
        while waiting:
            count += 1
            listener = Listener(folder, str(count))
            here, there = context.Pipe()
            arguments = (
                there,
                folder,
                str(count),
                {"run": run, "environment": environment, "seed": seed, "folder": results},
                limit,
            )
            child = context.Process(target=_serve, args=arguments, daemon=True)
            child.start()
            there.close()
            try:
                yield from _answers(here, waiting)
            finally:
                here.close()
                _end(child)
            if waiting:
                cell = waiting.popleft()
                begun = blank(cell, "crashed", None, run=run, environment=environment, seed=seed)
                yield died(begun, listener.wreck(child.exitcode))


def _answers(child: Connection, waiting: deque[cells.Cell]) -> Iterator[Record]:
    """Records until there is no cell left, or no child; the cell that it died of is then the first that waits."""
    while waiting:
        cell = waiting[0]
        try:
            child.send((str(cell.skill.path()), cell.id))
            record = from_row(json.loads(child.recv()))
        except (EOFError, ConnectionError):
            return
        waiting.popleft()
        yield record


def _end(child: BaseProcess) -> None:
    """It ends by itself when its pipe is closed, unless a backend holds it."""
    child.join(timeout=10)
    if child.is_alive():
        child.kill()
        child.join()


def _serve(parent: Connection, folder: Path, name: str, of: dict[str, Any], limit: float | None) -> None:
    """The child: cells by their ids in, records out, until the pipe is closed."""
    memory.bound(1)
    recorder = Recorder(folder, name)
    engine = Engine(of["run"], of["environment"], of["seed"], tell=recorder.at, folder=of["folder"])
    while True:
        try:
            path, identity = parent.recv()
        except EOFError:
            break
        cell = cells.of_file(Path(path), identity)
        if cell is None:
            raise LookupError(f"{path} states no cell {identity}")
        engine.warm_up(cell.hardware)
        with recorder.recording(identity, limit):
            record = engine.execute(cell)
        parent.send(to_line(record))
