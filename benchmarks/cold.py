"""Every skill from its spec to the disk, in a process of its own: what ``invoke generate --all`` does beside the catalogue,
the tiny models and the build stage, all of which are cached by content.

    python -m benchmarks.cold SPECS FOLDER
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from generator import batch, catalog
from generator.finishing import Finisher
from generator.publish import Publisher
from generator.spec import SkillSpec, from_json, to_json

if TYPE_CHECKING:
    from generator.catalog import Catalog, Row

__all__ = ["keep", "specs"]

BESIDE = {
    "model_type",
    "family",
    "tier",
    "modalities",
    "checkpoint",
    "requires",
    "transformers",
    "config_class",
    "config",
}
"""Attributes of a skill that its spec has a field for; the others are ``facts`` of its family."""


def specs(folder: Path, known: Catalog) -> list[SkillSpec]:
    """The specs of the skills that lie in a folder, read from their texts, since the texts state all of them."""
    rows = {row.module: row for row in known.architectures()}
    return [_spec(path.read_text(), rows[path.stem]) for path in sorted(folder.glob("hf_*.py")) if path.stem in rows]


def _spec(text: str, row: Row) -> SkillSpec:
    from generator.validation import structure

    stated = structure.check(text, ast.parse(text), row.model_type)
    return SkillSpec(
        **{name: getattr(row, name) for name in ("model_type", "module", "class_name", "title", "family", "tier")},
        **{name: getattr(row, name) for name in ("modalities", "checkpoint", "requires", "config_class", "sources")},
        config=stated.config,
        facts={name: value for name, value in stated.attributes.items() if name not in {*BESIDE, "processor"}},
        heads=stated.heads,
        transformers=stated.attributes["transformers"],
        processor=stated.attributes.get("processor"),
    )


def keep(found: list[SkillSpec], path: Path) -> None:
    """Write specs where ``main`` reads them."""
    path.write_text("\n".join(map(to_json, found)))


def main() -> int:
    """Finish and publish the specs; exit code 1 if one was refused."""
    source, folder = map(Path, sys.argv[1:])
    known = catalog.load()
    remaining = iter([from_json(line) for line in source.read_text().splitlines()])
    refused: dict[str, str] = {}
    with Publisher(folder) as publisher, Finisher(known) as finisher:
        for chunk in _chunks(remaining):
            ready, errors = finisher.finish({spec.model_type: spec for spec in chunk})
            for skill in ready.values():
                publisher.publish(skill.entry, skill.text)
            publisher.checkpoint()
            refused |= errors
    sys.stderr.write("".join(f"{name}: {why}\n" for name, why in refused.items()))
    return int(bool(refused))


def _chunks(remaining: Iterator[SkillSpec]) -> Iterator[list[SkillSpec]]:
    while chunk := list(islice(remaining, batch.CHUNK)):
        yield chunk


if __name__ == "__main__":
    raise SystemExit(main())
