"""From a run to what is expected: finds the results, asks what they change, and writes it or says it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from hashlib import sha256
from typing import TYPE_CHECKING

from commands.runs import EXPECTED, ROOT, expected_here, known_runs, skills_here

if TYPE_CHECKING:
    from harness.results.verdicts import Expectations
    from reporting.evidence import Evidence
    from reporting.expecting import Change

__all__ = ["Asked", "check", "expect"]


@dataclass(frozen=True)
class Asked:
    """What ``invoke expect`` was asked for."""

    source: str | None
    """A run, as ``reporting.history.find`` knows it: an id, ``last``, a folder, a file of committed results."""
    hardware: str | None = None
    axis: str | None = None
    blame: str | None = None
    text: str | None = None
    issue: str | None = None
    dry_run: bool = False
    prune: bool = False


def expect(asked: Asked) -> str:
    """Make the files under ``expected/`` say what a run found; what was done, for the terminal.

    Raises:
        SelectionError: what was asked for makes no sense.
        HistoryError: there is no such run.
        ExpectationError: a file cannot be taken as it is, or not be changed row by row.
    """
    from harness.results.record import AXES, environment_of
    from reporting.expecting import Triage, changes
    from reporting.rows import rewritten, save

    _sensible(asked)
    known = expected_here()
    evidence, passed_over = _evidence(asked)
    hardware = sorted({environment_of(item.record.hardware) for item in evidence})
    texts, said = [], []
    for name in hardware:
        file = EXPECTED / f"{name}.toml"
        of_it = [item for item in evidence if environment_of(item.record.hardware) == name]
        rows = [row for row in known.rows if row.file == f"{file.parent.name}/{file.name}"]
        made = changes(
            of_it,
            rows,
            AXES if asked.axis is None else (asked.axis,),
            Triage(asked.blame, asked.text, asked.issue),
            prune=asked.prune,
        )
        said += [_line(change) for change in made]
        said.append(f"{file.relative_to(ROOT)}: {_counted(made, len(rows))}")
        if made:
            texts.append((file, rewritten(file, made)))
    if passed_over:
        said.append(f"passed over: {passed_over} results of skills that have changed since")
    if asked.dry_run:
        said.append("nothing was written")
    else:
        save(texts)
        said += _untriaged(expected_here())
    return "\n".join(said)


def check() -> str:
    """How many rows there are in each file, and how many of them have expired; they are in order if this ends well.

    Raises:
        ExpectationError: a file cannot be taken as it is.
    """
    today = datetime.now(UTC).date()
    lines = []
    known = expected_here()
    for file in dict.fromkeys(row.file for row in known.rows):
        of_it = [row for row in known.rows if row.file == file]
        lines.append(f"{file}: {len(of_it)} rows, {sum(row.expires < today for row in of_it)} expired")
    return "\n".join([*(lines or ["expected/: no rows"]), *_untriaged(known)])


def _sensible(asked: Asked) -> None:
    """Refuse what makes no sense, before anything is read."""
    from generator.selection import SelectionError
    from harness import hardware
    from harness.results.expectations import schema
    from harness.results.record import AXES

    fields = schema()["$defs"]["row"]["properties"]
    if not asked.source:
        raise SelectionError("give --from RUN, an id under reports/runs, or --check")
    for option, value, there in (
        ("hardware", asked.hardware, hardware.names()),
        ("axis", asked.axis, AXES),
        ("class", asked.blame, fields["class"]["enum"]),
    ):
        if value is not None and value not in there:
            near = get_close_matches(value, there, n=3, cutoff=0.4) or there
            raise SelectionError(f"--{option} {value[:60]!r}: there is none; the nearest are {', '.join(near)}")
    if asked.text is not None and not asked.text.strip():
        raise SelectionError("--reason is empty; say what is at fault, with its file and line")
    if asked.issue is not None and not re.search(fields["issue"]["pattern"], asked.issue):
        raise SelectionError(f"--issue {asked.issue[:80]!r} is no link; it begins with https://")


def _evidence(asked: Asked) -> tuple[list[Evidence], int]:
    """The last word on each cell that was asked for, and how many of them are of skills that have changed since."""
    from generator.selection import SelectionError
    from harness.results.record import environment_of

    last: dict[str, Evidence] = {}
    for item in _results(str(asked.source)):
        cell, where = item.record.cell, environment_of(item.record.hardware)
        if not item.unreadable and asked.hardware in (None, where) and (cell not in last or last[cell].key < item.key):
            last[cell] = item
    if not last:
        on = f" on {asked.hardware}" if asked.hardware else ""
        raise SelectionError(f"--from {str(asked.source)[:80]!r} has no result{on}; nothing was written")
    skills = {sha256(path.read_bytes()).hexdigest() for path in skills_here().glob("hf_*.py")}
    fresh = [item for item in last.values() if item.record.skill_sha256 in skills]
    if not fresh:
        raise SelectionError(f"--from {str(asked.source)[:80]!r} ran other skills than today's; run them again first")
    return fresh, len(last) - len(fresh)


def _results(source: str) -> Iterable[Evidence]:
    """All that a run, or a file of committed results, holds."""
    from generator.selection import SelectionError
    from reporting import archive, history, runs

    found = history.find(source, known_runs())
    if found.files[0].suffix == ".parquet":
        try:
            return [item for file in found.files for item in archive.load_file(file)]
        except archive.ArchiveError as error:
            raise SelectionError(f"--from: {error}") from error
    run = runs.read(found.files[0].parent)
    if tainted := [item for item in run.damage if item.taints]:
        raise SelectionError(f"--from {source[:80]!r}: {tainted[0].where}: {tainted[0].what}; mend it or move it away")
    return [item for item in run.evidence if item.record.run == run.path.resolve().name]


def _line(change: Change) -> str:
    row = change.after or change.before
    sign = "+" if change.before is None else "-" if change.after is None else "~"
    what = "" if row is None else f"{row.cell}  {row.axis}  {row.status}: {row.signature}"
    return f"{sign} {what[:200]}  ({change.why})"


def _counted(made: Sequence[Change], before: int) -> str:
    def count(kind: Callable[[Change], bool]) -> int:
        return sum(map(kind, made))

    new = count(lambda change: change.before is None)
    gone = count(lambda change: change.after is None)
    changed = len(made) - new - gone
    return f"{new} rows new, {changed} changed, {gone} removed, {before - changed - gone} as they were"


def _untriaged(expectations: Expectations) -> Iterator[str]:
    """A line where somebody has still to look."""
    left = [row for row in expectations.rows if row.blame == "untriaged"]
    if left:
        yield f"{len(left)} rows are untriaged, {left[0].cell} first: say in class, text and issue what is at fault"
