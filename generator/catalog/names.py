"""From what people call a model to its row: model types, class names, titles, tracked names, checkpoint ids. Every guess says
that it is one; what is no model gets an answer in a sentence."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from generator.catalog import history
from generator.catalog.row import Catalog, Row
from generator.catalog.spelling import LONGEST, printable, squash
from generator.catalog.tiers import TrackedName, tracked

__all__ = ["Answer", "Resolution", "UnavailableModelError", "UnknownModelError", "answer", "find", "resolve"]

LIST = "Run: invoke catalog"


class UnknownModelError(ValueError):
    """A name that is no architecture; the message is one printable line for the user."""


class UnavailableModelError(UnknownModelError):
    """A model that other releases have and the installed one lacks: an answer, where an unknown name is a mistake."""

    def __init__(self, model_type: str, when: str, release: str) -> None:
        super().__init__(f"catalog: {model_type} is unavailable in transformers {release} ({when})")
        self.model_type = model_type
        self.reason = f"unavailable ({when})"


@dataclass(frozen=True)
class Resolution:
    """What a name stands for."""

    model_type: str
    """Key of the row."""
    why: str | None = None
    """Why, where the name is not a spelling of the type; a sentence without its full stop."""


@dataclass(frozen=True)
class Answer:
    """What the installed transformers makes of a tracked name."""

    name: TrackedName
    """The row of the tracked list."""
    model_type: str | None
    """The architecture behind it, where the installed release has it."""
    sentence: str
    """The answer, without its full stop."""


def resolve(text: str, catalog: Catalog) -> Resolution:
    """The architecture that a name stands for; aliases give the architecture that they are aliases of.

    Raises:
        UnknownModelError: it stands for none, or for more than one.
    """
    found = find(text, catalog)
    row = catalog.rows[found.model_type]
    if row.state == "architecture":
        return found
    if row.state == "alias" and row.of is not None:
        return Resolution(row.of, f"{row.model_type} is an alias of {row.of}: {row.reason}")
    if row.state == "component":
        raise UnknownModelError(
            f"catalog: {row.model_type} is a component of {row.of}, not a model that is loaded by itself. "
            f"Run: invoke catalog --model {row.of}"
        )
    raise UnknownModelError(f"catalog: {row.model_type} cannot be built: {row.reason}. {LIST}")


def find(text: str, catalog: Catalog) -> Resolution:
    """The row that a name stands for, whatever its state.

    Raises:
        UnknownModelError: it stands for none, or for more than one.
    """
    name = _admit(text)
    if name in catalog.rows:
        return Resolution(name)
    if "/" in name:
        return _checkpoint(name, catalog)
    index = _index(catalog)
    if name in index.exact:
        return Resolution(index.exact[name])
    for level in index.levels:
        types = level.get(squash(name), ())
        if len(types) == 1:
            return Resolution(types[0])
        if types:
            raise UnknownModelError(
                f"catalog: {printable(name)} can mean {_listed(types)}. Run it again with one of them."
            )
    listed = index.tracked.get(squash(name))
    if listed is not None:
        found = _answer(listed, catalog)
        if found.model_type is not None:
            return Resolution(found.model_type, found.sentence)
        if listed.model_type is not None:  # of a removed one the list itself says more
            _refuse_absent(listed.model_type, catalog)
        raise UnknownModelError(f"catalog: {found.sentence}. {LIST}")
    _refuse_absent(name, catalog)
    raise UnknownModelError(f"catalog: no model is called {printable(name)}. {_nearest(name, catalog)}. {LIST}")


def _refuse_absent(name: str, catalog: Catalog) -> None:
    other = history.absence(name, catalog.transformers)
    if other is not None and other[0] not in catalog.rows:
        raise UnavailableModelError(*other, catalog.transformers)


def answer(name: str, catalog: Catalog) -> Answer:
    """The answer for a name of the tracked list.

    Raises:
        KeyError: the list has no such name.
    """
    return _answer(tracked()[name], catalog)


@dataclass(frozen=True)
class _Index:
    """Spellings, squashed, of one catalogue."""

    exact: dict[str, str]
    """Class name, letter for letter -> model type; before any other, since Emu3TextModel is not emu3_text_model."""
    levels: tuple[dict[str, tuple[str, ...]], ...]
    """Spelling -> model types, the surest kind of spelling first."""
    tracked: dict[str, TrackedName]
    """Spelling -> row of the tracked list."""
    spellings: dict[str, tuple[str, str]]
    """Every spelling of an architecture or a tracked name -> as it is written, and the type it leads to."""


def _admit(text: str) -> str:
    """The name, if it can be one at all."""
    if not text.isascii() or not text.isprintable():
        raise UnknownModelError(
            f"catalog: {printable(text)} is no model name, for it has unprintable or non-ASCII characters. {LIST}"
        )
    name = text.strip()
    if not name:
        raise UnknownModelError(f"catalog: an empty name is no model. {LIST}")
    if len(name) > LONGEST:
        raise UnknownModelError(f"catalog: {printable(name)} is no model name, for it is longer than any. {LIST}")
    if name.startswith("-"):
        raise UnknownModelError(
            f"catalog: {printable(name)} is an option where the name of a model was expected. Run: invoke --help"
        )
    if ".." in name or "\\" in name or name.startswith(("/", ".", "~")) or name.count("/") > 1 or name.endswith("/"):
        raise UnknownModelError(f"catalog: {printable(name)} is a path where the name of a model was expected. {LIST}")
    return name


@functools.lru_cache(maxsize=4)
def _built(digest: str, catalog: _ByIdentity) -> _Index:
    del digest
    rows = catalog.value.rows.values()
    own = _level((row.model_type, row.model_type) for row in rows)
    classes = _level(
        (name, row.model_type) for row in rows for name in (row.config_class, row.config_class.removesuffix("Config"))
    )
    heads = _level(
        (head.class_name, catalog.value.owners.get(head.class_name, row.model_type))
        for row in rows
        for head in row.heads
    )
    files = _level(
        (name, row.model_type) for row in rows if row.state == "architecture" for name in (row.title, row.module)
    )
    levels = tuple(_preferred(level, catalog.value) for level in (own, classes, heads, files))
    names = {squash(row.name): row for row in tracked().values()}
    architectures = [row for row in rows if row.state == "architecture"]
    spellings: dict[str, tuple[str, str]] = {}
    for row in architectures:
        spellings[squash(row.model_type)] = row.model_type, row.model_type
    for spelling, listed in names.items():
        spellings.setdefault(spelling, (listed.name, listed.model_type or listed.name))
    for row in architectures:
        for head in row.heads:
            spellings.setdefault(squash(head.class_name), (head.class_name, row.model_type))
    exact = {
        head.class_name: catalog.value.owners.get(head.class_name, row.model_type) for row in rows for head in row.heads
    }
    return _Index(exact, levels, names, spellings)


class _ByIdentity:
    """A catalogue as a key of a cache: equal only to itself."""

    def __init__(self, value: Catalog) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByIdentity) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


def _index(catalog: Catalog) -> _Index:
    return _built(catalog.digest, _ByIdentity(catalog))


def _level(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    level: dict[str, list[str]] = {}
    for name, model_type in pairs:
        types = level.setdefault(squash(name), [])
        if model_type not in types:
            types.append(model_type)
    return level


def _preferred(level: dict[str, list[str]], catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """Where an architecture shares a spelling with its own aliases or components, it is the one meant."""
    chosen = {}
    for spelling, types in level.items():
        standing = [name for name in types if catalog.rows[name].state == "architecture"]
        chosen[spelling] = tuple(standing if len(standing) == 1 else types)
    return chosen


def _answer(row: TrackedName, catalog: Catalog) -> Answer:
    if row.model_type is None:
        present = [name for name in catalog.rows if row.removed_in is not None and squash(name) == squash(row.name)]
        return Answer(row, present[0] if present else None, row.note or row.kind)
    note = row.note or f"{row.name} is {row.model_type}"
    found: Row | None = catalog.rows.get(row.model_type)
    if found is None:
        return Answer(row, None, f"{note}, which transformers {catalog.transformers} does not have")
    return Answer(row, row.model_type, note)


def _checkpoint(name: str, catalog: Catalog) -> Resolution:
    """The architecture of a checkpoint id: by the reference checkpoints, else by the type names in the repository's name."""
    named = [
        row.model_type
        for row in catalog.architectures()
        if row.checkpoint is not None and row.checkpoint.lower() == name.lower()
    ]
    if len(named) == 1:
        return Resolution(named[0], f"{name} is the reference checkpoint of {named[0]}")
    guesses = _read(name.partition("/")[2], catalog)
    if named:
        agreed = {model_type: spelling for model_type, spelling in guesses.items() if model_type in named}
        if len(agreed) == 1:
            return Resolution(*_guessed(name, agreed))
        raise UnknownModelError(
            f"catalog: {printable(name)} is the reference checkpoint of {_listed(named)}. Run it again with one of them."
        )
    if len(guesses) == 1:
        return Resolution(*_guessed(name, guesses))
    if guesses:
        raise UnknownModelError(
            f"catalog: {printable(name)} names {_listed(list(guesses))}, and nothing says which of them it is. "
            "Run it again with the model_type of its config.json."
        )
    raise UnknownModelError(
        f"catalog: nothing in {printable(name)} is the name of a model. {_nearest(name.partition('/')[2], catalog)}. "
        "Run it again with the model_type of its config.json."
    )


def _guessed(name: str, found: dict[str, str]) -> tuple[str, str]:
    model_type, spelling = next(iter(found.items()))
    note = tracked()[spelling].note if spelling in tracked() else None
    return model_type, note or f"guessed from {spelling} in {name}; its config.json is what decides"


def _read(repository: str, catalog: Catalog) -> dict[str, str]:
    """Architectures whose names stand in the repository's name, with the spelling; of names within names the longest."""
    index = _index(catalog)
    tokens = [squash(token) for token in re.split(r"[^0-9A-Za-z]+", repository) if token]
    spans: list[tuple[int, int, str, str]] = []
    for start in range(len(tokens)):
        for end in range(start + 1, min(len(tokens), start + 6) + 1):
            spelling = "".join(tokens[start:end])
            types = [name for name in index.levels[0].get(spelling, ()) if catalog.rows[name].state == "architecture"]
            listed = index.tracked.get(spelling)
            if len(types) == 1:
                spans.append((start, end, types[0], types[0]))
            elif listed is not None and (found := _answer(listed, catalog).model_type) is not None:
                spans.append((start, end, found, listed.name))
    longest = [
        span
        for span in spans
        if not any(other[0] <= span[0] and span[1] <= other[1] and other[:2] != span[:2] for other in spans)
    ]
    return {model_type: spelling for _, _, model_type, spelling in longest}


def _nearest(name: str, catalog: Catalog) -> str:
    """The three nearest names of different models, in a sentence; names that stand in the name as words come first."""
    spellings = _index(catalog).spellings
    near = {model_type: model_type for model_type in _read(name, catalog)}
    close = difflib.get_close_matches(squash(name), spellings, n=20, cutoff=0.6)
    if len(close) < 3:  # nothing near: the nearest types will do, since going through every class takes long
        types = [spelling for spelling, (written, model_type) in spellings.items() if written == model_type]
        close += difflib.get_close_matches(squash(name)[:40], types, n=3, cutoff=0.0)
    for spelling in close:
        written, model_type = spellings[spelling]
        near.setdefault(model_type, written)
    return f"The nearest are {', '.join(list(near.values())[:3])}"


def _listed(types: Iterable[str]) -> str:
    names = sorted(types)
    shown = names[:5] + ([f"{len(names) - 5} more"] if len(names) > 5 else [])
    return f"{', '.join(shown[:-1])} or {shown[-1]}"
