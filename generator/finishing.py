"""Specs to final texts that have passed every stage which needs no framework: rendered, formatted and validated in one
go, on every core where there are many. Nothing here builds a model or writes a skill."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from typing import TYPE_CHECKING

from generator import postprocess, publish, validation
from generator.publish import Entry
from generator.quiet import quiet
from generator.spec import SkillSpec

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from generator.catalog import Catalog

__all__ = ["Finished", "Finisher", "finish", "reason"]

MANY = 24
"""Skills from which on other processes pay for their start; one costs half a second, a skill a twentieth of one."""

PIECE = 12
"""Skills that a process gets at a time: each piece costs two ruff processes, and its end waits for the slowest."""


@dataclass(frozen=True)
class Finished:
    """A skill that is ready for the disk."""

    entry: Entry
    text: str


Outcome = tuple[dict[str, Finished], dict[str, str]]
"""By model type, the skills that are ready, and why the others are not."""


class Finisher:
    """One warm process a core, each with the catalogue and the templates, started when there is enough for them to do.

    Use it as a context manager; leaving it ends the processes.
    """

    def __init__(self, catalog: Catalog, workers: int | None = None) -> None:
        self._catalog = catalog
        self._workers = workers or len(os.sched_getaffinity(0))
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def finish(self, specs: Mapping[str, SkillSpec]) -> Outcome:
        """The specs' skills, the same whichever process each was finished in, in the order of the specs."""
        if self._workers < 2 or (len(specs) < MANY and self._pool is None):
            return finish(specs, self._catalog)
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self._workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(self._catalog,)
            )
        finished: dict[str, Finished] = {}
        errors: dict[str, str] = {}
        for ready, refused in self._pool.map(_finish, _pieces(specs)):
            finished |= ready
            errors |= refused
        return finished, errors


@quiet()
def finish(specs: Mapping[str, SkillSpec], catalog: Catalog) -> Outcome:
    """The specs' skills, finished in this process."""
    from generator.rendering import TemplateError, render

    errors: dict[str, str] = {}
    finished: dict[str, Finished] = {}
    rendered: dict[str, str] = {}
    for name, spec in specs.items():
        try:
            # The formatters would refuse it too, but would speak of what they made of it.
            text = render(spec)
            validation.parsed(text, name)
            rendered[name] = text
        except (TemplateError, validation.ValidationError) as error:
            errors[name] = reason(error)
    for name, final in postprocess.format_batch(rendered).items():
        if isinstance(final, postprocess.FormatError):
            errors[name] = reason(final)
            continue
        spec = specs[name]
        try:
            validation.static(final, name, catalog, spec)
        except validation.ValidationError as error:
            errors[name] = reason(error)
            continue
        sha256 = publish.digest(final.encode())
        entry = Entry(name, spec.module, sha256, spec.template, spec.transformers, spec.package, spec.of)
        finished[name] = Finished(entry, final)
    return finished, errors


def reason(error: Exception) -> str:
    """The error without the model type, which has a column of its own."""
    stage = getattr(error, "stage", None)
    return f"{stage}: {error.message}" if stage and hasattr(error, "message") else str(error)


def _pieces(specs: Mapping[str, SkillSpec]) -> Iterator[dict[str, SkillSpec]]:
    remaining = iter(specs.items())
    while piece := dict(islice(remaining, PIECE)):
        yield piece


_CATALOG: list[Catalog] = []
"""In a worker, the one catalogue that it was started with."""


def _begin(catalog: Catalog) -> None:
    # The parent answers ctrl-C for all.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _CATALOG.append(catalog)


def _finish(specs: dict[str, SkillSpec]) -> Outcome:
    return finish(specs, _CATALOG[0])
