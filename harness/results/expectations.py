"""What is known to fail: the rows of ``expected/<hardware>.toml``, read and held to their schema.

What they make of a record is ``harness.results.verdicts``'s to say.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.results.record import environment_of
from harness.results.signatures import same
from harness.results.store import canonical

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

__all__ = ["PARTS", "Expectation", "ExpectationError", "Names", "files", "of_hardware", "rows", "schema"]

SCHEMA = Path(__file__).parents[2] / "expected" / "schema.json"

PARTS = ("model", "head", "hardware", "dtype", "check")
"""What the parts of a cell's id name."""

_ROW = re.compile(r"^[ \t]*\[\[\s*expected\s*\]\]", re.MULTILINE)


class ExpectationError(ValueError):
    """A file of expected states that cannot be taken as it is; the message is the user's sentence."""


@dataclass(frozen=True)
class Names:
    """What rows may name. Of what is empty here, every name is taken as it comes."""

    heads: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Heads by model type."""
    hardware: Collection[str] = ()
    """Hardware, without devices and routes: what a file may be called."""
    dtypes: Collection[str] = ()
    checks: Collection[str] = ()
    distributions: Collection[str] = ()
    """What a window may bound the version of."""

    def of(self, part: str, models: Iterable[str]) -> Collection[str]:
        """The names that a part of a cell's id may have; of heads, those of these models. Whose rows stand in which file says
        which hardware there may be."""
        known: dict[str, Collection[str]] = {"model": self.heads, "dtype": self.dtypes, "check": self.checks}
        return {head for model in models for head in self.heads[model]} if part == "head" else known.get(part, ())


@dataclass(frozen=True)
class Expectation:
    """One row: what a cell, or each of several, is known to end with on one axis."""

    cell: str
    """Id of the cell, each of its parts a name or a pattern (``fnmatch``)."""
    axis: str
    """``runs``, ``matches`` or ``speed``."""
    status: str
    """How it ends on that axis."""
    blame: str
    """The reason class, under ``class`` in the file."""
    text: str
    """Why, in a sentence."""
    signature: str
    """Signature of the failure; ``…`` stands for anything."""
    expires: date
    """The last day that it holds for."""
    issue: str | None = None
    """Link."""
    window: Mapping[str, SpecifierSet] = field(default_factory=dict)
    """Versions that it holds for, by distribution."""
    file: str = ""
    """The file that it stands in, for people."""

    def covers(self, cell: str) -> bool:
        """Whether it speaks of the cell."""
        parts, patterns = cell.split("/"), self.cell.split("/")
        return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))

    def admits(self, versions: Mapping[str, str]) -> bool:
        """Whether these versions, by distribution, are in its window; one that is not installed is in none."""
        return all(name in versions and of.contains(versions[name], True) for name, of in self.window.items())

    def explains(self, status: str, signature: str | None) -> bool:
        """Whether it is this that was expected."""
        return status == self.status and same(self.signature, signature)


def of_hardware(folder: Path, hardware: str) -> Path:
    """The file that a hardware's rows stand in, those of its devices and routes among them."""
    return folder / f"{environment_of(hardware)}.toml"


def files(folder: Path, hardware: Iterable[str] | None = None) -> list[Path]:
    """The files that there are, or those for these hardwares."""
    asked = None if hardware is None else {of_hardware(folder, name) for name in hardware}
    return [file for file in sorted(folder.glob("*.toml")) if asked is None or file in asked]


def rows(file: Path, names: Names) -> list[Expectation]:
    """The rows of one file.

    Raises:
        ExpectationError: it cannot be read, or a row is not what the schema and ``names`` allow.
    """
    try:
        text = file.read_text(encoding="utf-8")
        content = json.loads(json.dumps(tomllib.loads(text), default=str))
    except OSError as error:
        raise _refused(str(file), f"cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise _refused(str(file), f"is not TOML: {_line(error)}") from error
    if names.hardware and file.stem not in names.hardware:
        raise _refused(str(file), _unknown("hardware", file.stem, names.hardware))
    lines = [text.count("\n", 0, found.start()) + 1 for found in _ROW.finditer(text)]
    for problem in _validator().iter_errors(content):
        raise _refused(_place(file, lines, problem.absolute_path), _problem(problem))
    made: list[Expectation] = []
    for number, row in enumerate(content.get("expected", ())):
        where = _place(file, lines, ["expected", number])
        expectation = _row(file, row, where)
        _known(expectation, names, where)
        if any(_alike(expectation, other) for other in made):
            raise _refused(where, f"says of {expectation.cell} on the axis {expectation.axis} what another row says")
        made.append(expectation)
    return made


def schema() -> Mapping[str, Any]:
    """The JSON schema of the files."""
    return _validator().schema  # type: ignore[no-any-return]


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    written = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return Draft202012Validator(written, format_checker=Draft202012Validator.FORMAT_CHECKER)


def _row(file: Path, row: Mapping[str, Any], where: str) -> Expectation:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        window = {canonical(name): SpecifierSet(versions) for name, versions in row.get("window", {}).items()}
    except InvalidSpecifier as error:
        raise _refused(where, f"has no versions in its window: {_line(error)}") from error
    values = {name: row[name] for name in ("cell", "axis", "status", "text", "signature")}
    return Expectation(
        **values,
        blame=row["class"],
        expires=date.fromisoformat(row["expires"]),
        issue=row.get("issue"),
        window=window,
        file=f"{file.parent.name}/{file.name}",
    )


def _known(row: Expectation, names: Names, where: str) -> None:
    """Hold a row to the names that there are."""
    parts = dict(zip(PARTS, row.cell.split("/"), strict=True))
    if not fnmatchcase(Path(row.file).stem, asked := environment_of(parts["hardware"])):
        raise _refused(where, f"speaks of {parts['hardware'][:60]}, whose rows stand in {asked[:60]}.toml")
    models = [name for name in names.heads if fnmatchcase(name, parts["model"])]
    for part, pattern in parts.items():
        known = names.of(part, models)
        if known and not any(fnmatchcase(name, pattern) for name in known):
            raise _refused(where, _unknown(part, pattern, known))
    for name in row.window:
        if names.distributions and name not in names.distributions:
            raise _refused(where, _unknown("distribution", name, names.distributions))


def _alike(row: Expectation, other: Expectation) -> bool:
    facts = ("cell", "axis", "status", "signature", "window")
    return all(getattr(row, name) == getattr(other, name) for name in facts)


def _place(file: Path, lines: list[int], path: Iterable[Any]) -> str:
    """The file with the line at which the row begins, where it can be told."""
    number = next((step for step in path if isinstance(step, int)), None)
    return f"{file}:{lines[number]}" if number is not None and number < len(lines) else str(file)


def _problem(error: Any) -> str:
    """What the schema has against a file, in this project's words where they are plainer."""
    value = error.instance
    if error.validator == "additionalProperties":
        allowed = error.schema["properties"]
        return _unknown("field", next(name for name in value if name not in allowed), allowed)
    name = str(error.absolute_path[-1]) if error.absolute_path else "the file"
    if error.validator == "enum":
        return _unknown(name, value, error.validator_value)
    if error.validator == "required":
        return f"lacks {', '.join(item for item in error.validator_value if item not in value)}"
    if name == "cell" and isinstance(value, str):
        return f"has the cell {value[:120]!r}, which is not model_type/head/hardware/dtype/check"
    if name == "expires" and isinstance(value, str):
        return f"expires {value[:60]!r}, which is no day; it looks like 2027-05-31"
    return f"has a wrong {name}: {_line(error.message)}"


def _unknown(what: str, name: object, known: Iterable[str]) -> str:
    near = get_close_matches(str(name), known, n=3, cutoff=0.4)
    there = sorted(known)
    hint = (
        f"The nearest are {', '.join(near)}" if near else f"There are {', '.join(there[:8])}{' …' * (len(there) > 8)}"
    )
    return f"there is no {what} {str(name)[:80]!r}. {hint}"


def _refused(where: str, what: str) -> ExpectationError:
    return ExpectationError(
        f"{where}: {what}. By a row that is not understood nothing can be judged. Mend it, then run: invoke expect --check"
    )


def _line(words: object) -> str:
    text = " ".join(str(words).split())
    return (text if len(text) <= 200 else text[:199] + "…").removesuffix(".")
