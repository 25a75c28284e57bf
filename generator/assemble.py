"""SkillSpecs from rows of the catalogue and their tiny models; kept by content, built on every core when they are not."""

from __future__ import annotations

import hashlib
import importlib.metadata
import multiprocessing
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from generator import cache, plugins, processors, tiny
from generator.quiet import quiet
from generator.spec import SkillSpec, from_json, to_json
from generator.tiny import TinyError, libraries

if TYPE_CHECKING:
    from generator.catalog import Catalog, Row

__all__ = ["TinyError", "specs"]

FEW = 4
"""Architectures up to which one process is faster than starting another: each start imports torch anew."""


def specs(rows: Sequence[Row], catalog: Catalog, *, by_rules_alone: bool = False) -> Iterator[SkillSpec | TinyError]:
    """The spec of each row, or why there is none, in the order of the rows; each is given out as soon as it is there.

    Torch is imported only for rows whose spec is not in the cache. A spec depends on the row, on the release that
    the catalogue describes, on torch, on the optional libraries that are installed and on the code of the tiny builder. With ``by_rules_alone`` no
    exception of ``tiny.rows`` is made.
    """
    tools = (importlib.metadata.version("torch"), _optional(), "by rules alone" if by_rules_alone else "")
    release = cache.key(catalog.transformers, *tools, _builder_digest())
    known = {row.model_type: _known(row, release) for row in rows}
    fresh = [row for row in rows if known[row.model_type] is None]
    built = _build_all(fresh, by_rules_alone)
    for row in rows:
        spec = known[row.model_type] or next(built)
        # What lacks a library that the row does not name would stay so when the library is there.
        if known[row.model_type] is None and isinstance(spec, SkillSpec) and spec.requires == row.requires:
            cache.write(_place(row, release), to_json(spec))
        yield spec


def _build_all(rows: Sequence[Row], by_rules_alone: bool) -> Iterator[SkillSpec | TinyError]:
    workers = min(os.cpu_count() or 1, len(rows) // FEW)
    if workers < 2 and not by_rules_alone:
        yield from map(_build, rows)
        return
    from generator.tiny import rows as exceptions

    start = exceptions.ignored if by_rules_alone else None  # in processes of its own, so that this one keeps them
    spawn = multiprocessing.get_context("spawn")
    remaining = list(rows)
    while remaining:
        done = 0
        with ProcessPoolExecutor(max(workers, 1), mp_context=spawn, initializer=start) as pool:
            for future in [pool.submit(_build, row) for row in remaining]:
                try:
                    built = future.result()
                except BrokenExecutor:  # a process was killed, over one of those that are not done; which, nobody says
                    break
                done += 1
                yield built
        if done < len(remaining):
            with ProcessPoolExecutor(1, mp_context=spawn, initializer=start) as pool:
                yield _built_alone(pool, remaining[done])
        remaining = remaining[done + 1 :]


def _built_alone(pool: ProcessPoolExecutor, row: Row) -> SkillSpec | TinyError:
    try:
        return pool.submit(_build, row).result()
    except BrokenExecutor:
        return TinyError(
            f"{row.model_type}: the process that built it was killed; there may be too little memory for it"
        )


@quiet()
def _build(row: Row) -> SkillSpec | TinyError:
    # One thread a process: the tensors are tiny, and the processes share the cores.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import torch
    import transformers

    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()  # warnings about the odd configs that are made on purpose
    try:
        model = tiny.build(row)
        processor = processors.declare(row, model.config, model.heads)
        heads = processors.made(processors.served(model.heads, processor), processor)
    except TinyError as error:
        library = libraries.asked(error.__cause__)
        if library is None or library in row.requires:
            return error
        # The catalogue could not read it from the code; the library says it by itself.
        return _build(replace(row, requires=tuple(sorted({*row.requires, library}))))
    except Exception as error:  # noqa: BLE001  # one architecture's surprise is told with its name, and keeps no other
        return TinyError(f"{row.model_type}: {type(error).__name__}: {' '.join(str(error).split())[:300]}")
    return SkillSpec(
        model_type=row.model_type,
        module=row.module,
        class_name=row.class_name,
        title=row.title,
        family=row.family,
        tier=row.tier,
        modalities=row.modalities,
        checkpoint=row.checkpoint,
        requires=row.requires,
        config_class=row.config_class,
        config=model.config,
        facts=model.facts,
        heads=heads,
        transformers=importlib.metadata.version("transformers"),
        sources={**row.sources, "config": "rules over the default config, then rows", "heads": "one run on the cpu"},
        package=row.package,
        processor=processor,
        of=row.of,
    )


def _known(row: Row, release: str) -> SkillSpec | None:
    text = cache.read(_place(row, release))
    return None if text is None else from_json(text)


def _place(row: Row, release: str) -> Path:
    needed = {library: libraries.installed(library) for library in row.requires}
    plugin = "" if row.package is None else plugins.fingerprint(row.package)
    return cache.directory() / "specs" / f"{row.module}-{cache.key(release, repr(row), repr(needed), plugin)}.json"


def _optional() -> str:
    """Versions of the libraries that transformers can do without: processors and some models are built only with them."""
    names = {
        re.split(r"[^\w.\-]", line, maxsplit=1)[0].lower() for line in importlib.metadata.requires("transformers") or ()
    }
    return " ".join(f"{name}=={libraries.installed(name)}" for name in sorted(names))


def _builder_digest() -> str:
    """Digest of the code that a spec depends on besides its row."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(
        [
            here / "assemble.py",
            here / "configuration.py",
            here / "modalities.py",
            here / "spec.py",
            *(here / "tiny").rglob("*.py"),
            *(here / "processors").rglob("*.py"),
            *(here.parent / "processing").rglob("*.py"),
        ]
    ):
        digest.update(path.read_bytes())
    return digest.hexdigest()
