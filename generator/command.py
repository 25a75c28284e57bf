"""The generator's commands, from what was asked for to what became of it; printing and exit codes are tasks.py's."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from generator import batch, listing, plugins, publish
from generator.catalog import Catalog, UnavailableModelError, find, load
from generator.folders import named, trusted, variant
from generator.progress import bar
from generator.publish import Publisher, Rehearsal, Shelf
from generator.selection import Selection, SelectionError
from generator.summary import Summary, joined


@dataclass(frozen=True)
class Options:
    """How ``generate`` is to go about it."""

    check: bool = False
    """Compare with the disk, and write nothing."""
    dry_run: bool = False
    """Do all but write."""
    force: bool = False
    """Overwrite, and prune, what was edited by hand."""
    prune: bool = False
    """Remove skills whose type is no longer an architecture."""
    no_rows: bool = False
    """Make no exception for any model, as for a release that nobody has seen."""
    trust_remote_code: bool = False
    """Run the code that lies in the folders which are asked for."""

    def __post_init__(self) -> None:
        """Raises SelectionError for options that contradict each other."""
        if self.no_rows and (self.check or self.prune):
            raise SelectionError("--no-rows writes into a scratch folder; give it without --check and --prune.")
        if self.check and (self.dry_run or self.force or self.prune):
            raise SelectionError("--check writes nothing and forgives nothing; give it without the other modes.")


def generate(asked: Selection, options: Options, folder: Path) -> Summary:
    """Generate, rehearse or compare the skills that were asked for.

    Raises:
        SelectionError, UnknownModelError: what was asked for means nothing.
        PublishError: the folder cannot be used.
    """
    if not asked.given and not (options.check or options.prune):
        raise SelectionError("nothing was asked for; give --model NAME, --tier TIER, --batch N or --all.")
    shelf = publish.read(folder)
    if options.trust_remote_code:
        plugins.trust(trusted(asked.models))
    if options.check:
        return check(asked, shelf)
    catalog = load()
    publisher = Rehearsal(folder) if options.dry_run else Publisher(folder)
    parts = []
    if options.prune:
        parts.append(batch.prune(catalog, publisher, force=options.force))
    catalog = _with_folders(catalog, shelf)
    if asked.given:
        folders, others = named(asked.models, catalog)
        catalog = replace(catalog, rows=catalog.rows | folders)
        rows, notes = replace(asked, models=(*others, *folders)).rows(catalog, shelf.generated)
        with bar("generate", len(rows)) as done:
            summary = batch.generate(
                rows, catalog, publisher, force=options.force, by_rules_alone=options.no_rows, done=done
            )
        parts.append(Summary(summary.lines, tuple(notes)))
    if not options.prune:
        parts.append(Summary((), _obsolete(catalog, shelf)))
    return joined(parts)


def check(asked: Selection, shelf: Shelf) -> Summary:
    """Compare the skills that were asked for, or everything in the folder, with what would be generated now.

    Raises:
        SelectionError, UnknownModelError: what was asked for means nothing.
        PublishError: there is nothing to compare.
    """
    _use(shelf)
    catalog = _with_folders(load(), shelf)
    if asked.given:
        rows, notes = asked.rows(catalog, shelf.generated)
        parts = [Summary((), tuple(notes))]
    else:
        obsolete = batch.obsolete(catalog, shelf)
        gone = {line.model_type for line in obsolete}
        rows = [
            row
            for row in catalog.architectures()
            # A folder's skill cannot be made again without the folder.
            if row.model_type in shelf.entries and row.model_type not in gone and row.of is None
        ]
        parts = [Summary(tuple(obsolete)), batch.strangers(shelf)]
        if not rows:
            raise _nothing(shelf.folder)
    with bar("check", len(rows)) as done:
        return joined([batch.check(rows, catalog, shelf.folder, done=done), *parts])


def validate(folder: Path) -> Summary:
    """Put every skill in the folder through all stages.

    Raises:
        PublishError: there is none.
    """
    shelf = publish.read(folder)
    if not shelf.entries and not shelf.files:
        raise _nothing(folder)
    _use(shelf)
    catalog = _with_folders(load(), shelf)
    obsolete = batch.obsolete(catalog, shelf)
    gone = {line.model_type for line in obsolete}
    entries = [entry for name, entry in shelf.entries.items() if name not in gone]
    with bar("validate", len(entries)) as done:
        summary = batch.validate(entries, catalog, folder, done=done)
    return joined([summary, Summary(tuple(obsolete)), batch.strangers(shelf)])


def catalog(model: str | None, *, as_json: bool) -> tuple[str, str | None]:
    """A row or the counts, as text or JSON, and why the row is that of another name.

    Raises:
        UnknownModelError: nothing answers to the name.
    """
    known = load()
    if model is None:
        return (listing.counts_json(known) if as_json else listing.counts_text(known)), None
    try:
        resolution = find(model, known)
    except UnavailableModelError as error:
        facts = {"model_type": error.model_type, "state": "unavailable", "reason": error.reason}
        return (json.dumps(facts, indent=2) if as_json else f"{error.model_type}: {error.reason}"), None
    row = known.rows[resolution.model_type]
    return (listing.row_json(row) if as_json else listing.row_text(row)), resolution.why


def missing(folder: Path, *, as_json: bool) -> str:
    """What has no skill, as text or JSON.

    Raises:
        PublishError: the folder cannot be read.
    """
    known, generated = load(), publish.read(folder).generated
    return listing.missing_json(known, generated) if as_json else listing.missing_text(known, generated)


def _use(shelf: Shelf) -> None:
    """Ask for the packages that the skills on disk came from: they are judged by what those register."""
    plugins.trust(entry.package for entry in shelf.entries.values() if entry.package is not None)


def _with_folders(catalog: Catalog, shelf: Shelf) -> Catalog:
    """The catalogue with rows for the skills on disk that are named after a config folder."""
    bases = {entry.model_type: catalog.rows.get(entry.of) for entry in shelf.entries.values() if entry.of is not None}
    rows = {name: variant(base, name) for name, base in bases.items() if base is not None}
    return replace(catalog, rows=catalog.rows | rows)


def _obsolete(catalog: Catalog, shelf: Shelf) -> tuple[str, ...]:
    return tuple(
        f"{shelf.folder / line.file}: is obsolete, for {line.model_type} is {line.reason}. Run: invoke generate --prune"
        for line in batch.obsolete(catalog, shelf)
    )


def _nothing(folder: Path) -> publish.PublishError:
    return publish.PublishError(
        f"{folder}: holds no skill. What was not looked at is not well. Run: invoke generate --tier critical"
    )
