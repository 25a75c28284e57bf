"""Reads the facts of the installed transformers: configs by importing them, which runs no model, and the signatures of
models from their files as text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from generator.catalog import library
from generator.catalog.library import Library
from generator.catalog.row import Catalog, Row
from generator.facts.record import Facts, HeadFacts, TypeFacts

__all__ = ["LONGEST", "read", "spelled"]

LONGEST = 160
"""Characters of a default that are kept; what is longer is a table, and only whether it changed is of interest."""


def read(catalog: Catalog) -> Facts:
    """The facts of the installed transformers, whose catalogue this is; what plugins add is left out.

    Raises:
        ImportError: transformers or torch cannot be imported.
    """
    facts = library.read()
    from transformers import PretrainedConfig

    every = {name: spelled(value) for name, value in library.fields(PretrainedConfig).items()}
    return Facts(
        release=catalog.transformers,
        every=every,
        pipelines=dict(catalog.pipeline_tasks),
        types={name: _type(row, every, facts) for name, row in catalog.rows.items() if row.package is None},
    )


def _type(row: Row, every: Mapping[str, str], facts: Library) -> TypeFacts:
    own = {name: spelled(value) for name, value in facts.entries[row.model_type].fields.items()}
    heads = {}
    for head in row.heads:
        found = facts.models.public(head.class_name)
        inputs = {} if found is None else facts.models.signature(found)
        heads[head.class_name] = HeadFacts(head.mappings, head.pipelines, inputs)
    return TypeFacts(
        state=row.state,
        of=row.of,
        family=row.family,
        config_class=row.config_class,
        config={name: value for name, value in own.items() if every.get(name) != value},
        heads=heads,
    )


def spelled(value: object) -> str:
    """A default as Python writes it, the same in each process and for lists and tuples, which releases exchange at will."""
    text = _spelled(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}... (sha256 {_mark(text)})"


def _spelled(value: object) -> str:
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_spelled(item) for item in value)}]"
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(_spelled(item) for item in value))}}}"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_spelled(key)}: {_spelled(item)}' for key, item in value.items())}}}"
    # The repr of anything else may hold an address, or run code of its own.
    return f"<{value.__name__ if isinstance(value, type) else type(value).__name__}>"


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
