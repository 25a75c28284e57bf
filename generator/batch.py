"""A batch of skills from the catalogue's rows to the disk, and back: generated, rehearsed, compared, validated.

A skill that fails is not written and keeps no other from being; what each stage does is the stages' business.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from generator import cache, plugins, postprocess, publish, validation
from generator.finishing import Finished, Finisher, reason
from generator.publish import Entry, Publisher, Rehearsal, Shelf
from generator.spec import SkillSpec, to_json
from generator.summary import Line, Summary
from generator.validation.build import Builder, releases

if TYPE_CHECKING:
    from generator.catalog import Catalog, Row

CHUNK = 64
"""Skills that go through the stages together; what a chunk has finished is kept, whatever happens to the next."""


def generate(
    rows: Sequence[Row],
    catalog: Catalog,
    publisher: Publisher | Rehearsal,
    *,
    force: bool = False,
    by_rules_alone: bool = False,
    done: Callable[[str], None] = lambda _: None,
) -> Summary:
    """Generate the rows' skills and publish those that pass every stage; with a ``Rehearsal``, say what would happen.

    ``done`` is called with each model type when there is nothing more to do for it. An edited skill is left alone,
    but for ``force``. With ``by_rules_alone`` no exception of ``generator.tiny.rows`` is made.

    Raises:
        PublishError: the folder cannot be used, or a file cannot be written; what was published until then is kept.
    """
    lines: dict[str, Line] = {}
    with publisher, Finisher(catalog) as finisher, Builder() as builder:
        for chunk in _chunks(rows):
            specs = _specs(chunk, catalog, by_rules_alone=by_rules_alone)
            for line in _generate(chunk, specs, catalog, publisher, finisher=finisher, builder=builder, force=force):
                lines[line.model_type] = line
                done(line.model_type)
            publisher.checkpoint()
    return Summary(tuple(lines[row.model_type] for row in rows))


def prune(catalog: Catalog, publisher: Publisher | Rehearsal, *, force: bool = False) -> Summary:
    """Remove the skills whose type is no longer an architecture; edited ones only with ``force``.

    Raises:
        PublishError: the folder cannot be used, or a file cannot be removed.
    """
    pruned = "pruned" if isinstance(publisher, Publisher) else "would prune"
    lines = []
    with publisher:
        for line in obsolete(catalog, publisher.shelf):
            try:
                publisher.remove(publisher.shelf.entries[line.model_type], force=force)
                lines.append(Line(line.model_type, line.file, pruned, line.reason))
            except publish.EditedError as error:
                lines.append(Line(line.model_type, line.file, "edited", str(error)))
    return Summary(tuple(lines))


def obsolete(catalog: Catalog, shelf: Shelf) -> list[Line]:
    """Skills whose type is not, or no longer, an architecture of the installed transformers."""
    lines = []
    for name, entry in shelf.entries.items():
        row = catalog.rows.get(name)
        if entry.package not in (None, *plugins.active()):
            continue  # nothing is known of it while its package is not asked for
        if row is None or row.state != "architecture":
            why = f"{row.state}: {row.reason}" if row is not None else f"not in transformers {catalog.transformers}"
            lines.append(Line(name, entry.file, "obsolete", why))
    return lines


def check(
    rows: Sequence[Row], catalog: Catalog, folder: Path, *, done: Callable[[str], None] = lambda _: None
) -> Summary:
    """Compare what is on disk with what would be generated now, by rendering everything again.

    Raises:
        PublishError: the folder or its manifest cannot be read.
    """
    shelf = publish.read(folder)
    lines: list[Line] = []
    with Finisher(catalog) as finisher:
        for chunk in _chunks(rows):
            specs, errors = _specs(chunk, catalog)
            finished, refused = finisher.finish(specs)
            errors |= refused
            for row in chunk:
                name = row.model_type
                failed = name in errors
                lines.append(_failure(row, errors[name], shelf) if failed else _compare(finished[name], shelf))
                done(name)
    return Summary(tuple(lines))


def validate(
    entries: Sequence[Entry], catalog: Catalog, folder: Path, *, done: Callable[[str], None] = lambda _: None
) -> Summary:
    """Put what is on disk through every stage again, by its text alone.

    Raises:
        PublishError: the folder or its manifest cannot be read.
    """
    shelf = publish.read(folder)
    lines: dict[str, Line] = {}
    texts: dict[str, str] = {}
    missing, edited = shelf.missing, shelf.edited
    for entry in entries:
        name, file = entry.model_type, entry.file
        if entry in missing:
            lines[name] = Line(name, file, "missing", f"Run: invoke generate --model {name}")
            continue
        if entry in edited:
            lines[name] = Line(name, file, "edited", publish.edited(folder / file, name))
            continue
        try:
            text = (folder / file).read_bytes().decode()
            validation.static(text, name, catalog)
            texts[name] = text
        except (validation.ValidationError, UnicodeDecodeError) as error:
            lines[name] = Line(name, file, "failed", reason(error))
    for name in lines:
        done(name)
    with Builder() as builder:
        for name, refusal in builder.check(texts):
            file = shelf.entries[name].file
            lines[name] = Line(name, file, "failed", reason(refusal)) if refusal else Line(name, file, "valid")
            done(name)
    return Summary(tuple(lines[entry.model_type] for entry in entries))


def strangers(shelf: Shelf) -> Summary:
    """What lies in the folder of skills and was not generated; a file that pytest would take for a skill is not well."""
    lines = tuple(
        Line(
            name,
            name,
            "unknown",
            "looks like a skill, but was not generated; what it finds would count as evidence. "
            f"Run: mv {shelf.folder / name} somewhere else",
        )
        for name in shelf.unknown
        if name in shelf.files
    )
    others = tuple(
        f"{shelf.folder / name}: was not generated; left alone." for name in shelf.unknown if name not in shelf.files
    )
    return Summary(lines, others)


def _generate(
    rows: Sequence[Row],
    made: tuple[dict[str, SkillSpec], dict[str, str]],
    catalog: Catalog,
    publisher: Publisher | Rehearsal,
    *,
    finisher: Finisher,
    builder: Builder,
    force: bool,
) -> Iterator[Line]:
    written = "written" if isinstance(publisher, Publisher) else "would write"
    shelf = publisher.shelf
    by_name = {row.model_type: row for row in rows}
    specs, errors = made
    fresh = {}
    for name, spec in specs.items():
        if _is_current(spec, catalog, shelf):
            yield Line(name, shelf.entries[name].file, "unchanged")
        else:
            fresh[name] = spec
    finished, refused = finisher.finish(fresh)
    for name, refusal in (errors | refused).items():
        yield _failure(by_name[name], refusal, shelf)
    for name, verdict in builder.check({name: skill.text for name, skill in finished.items()}):
        entry, text = finished[name].entry, finished[name].text
        if verdict is not None:
            yield _failure(by_name[name], reason(verdict), shelf)
            continue
        try:
            changed = publisher.publish(entry, text, force=force)
        except publish.EditedError as edited:
            yield Line(name, entry.file, "edited", str(edited))
            continue
        cache.write(_memory(fresh[name], catalog), entry.sha256)
        yield Line(name, entry.file, written if changed else "unchanged", _unsettled(fresh[name]))


def _unsettled(spec: SkillSpec) -> str:
    """Which heads could not be built, with the first one's reason; empty where all are settled."""
    found = [(head.class_name, head.unsettled) for head in spec.heads if head.unsettled is not None]
    if not found:
        return ""
    return f"{len(found)} of {len(spec.heads)} heads unsettled, {found[0][0]} first: {found[0][1]}"


def _specs(
    rows: Sequence[Row], catalog: Catalog, *, by_rules_alone: bool = False
) -> tuple[dict[str, SkillSpec], dict[str, str]]:
    from generator import assemble

    specs: dict[str, SkillSpec] = {}
    errors: dict[str, str] = {}
    for row, spec in zip(rows, assemble.specs(rows, catalog, by_rules_alone=by_rules_alone), strict=True):
        if isinstance(spec, SkillSpec):
            specs[row.model_type] = spec
        else:
            errors[row.model_type] = reason(spec)
    return specs, errors


def _compare(skill: Finished, shelf: Shelf) -> Line:
    entry = skill.entry
    name, file, path = entry.model_type, entry.file, shelf.folder / entry.file
    if shelf.has(entry):
        return Line(name, file, "unchanged")
    if not path.is_file():
        return Line(name, file, "missing", f"Run: invoke generate --model {name}")
    standing = path.read_bytes().decode(errors="backslashreplace")
    diff = "\n".join(
        difflib.unified_diff(
            standing.splitlines(), skill.text.splitlines(), f"{file} on disk", f"{file} as generated now", lineterm=""
        )
    )
    if name in shelf.entries and shelf.files[file] == shelf.entries[name].sha256:
        return Line(name, file, "drifted", f"Run: invoke generate --model {name}", diff)
    if shelf.files[file] == entry.sha256:
        return Line(name, file, "drifted", f"the manifest does not record it. Run: invoke generate --model {name}")
    return Line(name, file, "edited", publish.edited(path, name), diff)


def _failure(row: Row, why: str, shelf: Shelf) -> Line:
    file = f"{row.module}.py"
    kept = " The skill that was there is kept." if file in shelf.files else ""
    return Line(row.model_type, file, "failed", why + kept)


def _is_current(spec: SkillSpec, catalog: Catalog, shelf: Shelf) -> bool:
    entry = shelf.entries.get(spec.model_type)
    return (
        entry is not None
        and shelf.files.get(entry.file) == entry.sha256
        and cache.read(_memory(spec, catalog)) == entry.sha256
    )


def _memory(spec: SkillSpec, catalog: Catalog) -> Path:
    """Where it is kept which text came of this spec, by all that had a say in it."""
    from generator.rendering import template_sources

    tools = (*postprocess.tools(), *releases())
    key = cache.key("skill", to_json(spec), template_sources(spec), catalog.digest, _code(), *tools)
    return cache.directory() / "skills" / key


@lru_cache
def _code() -> bytes:
    here = Path(__file__).parent
    paths = [
        here / "finishing.py",
        here / "postprocess.py",
        *sorted(here.glob("rendering/*.py")),
        *sorted(here.glob("validation/*.py")),
    ]
    return b"\0".join(path.read_bytes() for path in paths)


def _chunks(rows: Sequence[Row]) -> Iterator[list[Row]]:
    remaining = iter(rows)
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk
