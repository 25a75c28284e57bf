"""From results to the files under ``reports/``: reads the evidence, writes the reports and what they were made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from harness.results.record import STATUSES
from harness.results.verdicts import Expectations
from reporting import archive, census, compatibility, coverage, inventory, matrix, provenance, runs
from reporting.evidence import Damage, Evidence
from reporting.files import ReportError, alone, write
from reporting.markdown import plain
from reporting.standing import Freshness, Ledger, Standing

__all__ = ["Outcome", "ReportError", "update"]

TEMPLATES = Path(__file__).parent.parent / "templates" / "reports"

_TOLERABLE = {*STATUSES[STATUSES.index("known_failure") :], "stale"}
_SILENT = STATUSES.index("known_failure")


@dataclass(frozen=True)
class Outcome:
    """What an update of the reports found."""

    text: str
    """A few lines for the terminal."""
    ok: bool
    """Whether the results are readable, and no cell of today is worse than a known failure."""
    readable: bool
    """Whether no result that would count is lost to damage. What is merely repeated or outdone loses nothing."""
    counts: Mapping[str, int]
    """Cells by status, the worst first, with ``stale`` for those whose evidence no longer counts."""
    damage: tuple[Damage, ...]
    """What among the results cannot be taken as it lies."""
    written: tuple[Path, ...]
    """Files whose content changed."""


def update(
    reports: Path,
    skills: Path,
    pins: Mapping[str, Mapping[str, str]],
    catalogue: Sequence[Mapping[str, Any]],
    *,
    expected: Iterable[str] | None = None,
    expectations: Expectations | None = None,
    release: str = "",
    since: Mapping[str, Any] | None = None,
    elsewhere: Mapping[str, tuple[str, str]] | None = None,
    remember: bool = False,
) -> Outcome:
    """Make ``coverage.md``, ``compatibility.md``, ``ledger.md`` and ``results/*.parquet`` in ``reports`` say what is known today.

    Evidence is what lies in ``reports/results`` and under ``reports/runs``, taken together. It is fresh while the
    skill's file is byte for byte the one that it was made with and its environment held the pinned versions. Equal
    evidence, skills, pins and catalogue give equal bytes; files whose content would not change are not touched.

    Args:
        reports: directory of the reports, made if it is missing.
        skills: directory of the skill files and their ``manifest.json``.
        pins: version by distribution, by hardware; of those that have no result when others do, only the names are told.
        catalogue: the rows of the catalogue, as ``reporting.inventory.architecture`` takes them.
        expected: ids of all cells that today's skills have on the hardware of ``pins``, so that what a narrow run
            left out is named; without it, only heads without any result are.
        expectations: what is known to fail; without any, nothing is.
        release: the release of transformers that the catalogue and the skills are of.
        since: what changed in that release since an earlier one, as ``generator.facts.listing.difference_rows`` tells it;
            None where nothing of an earlier one is known.
        elsewhere: hardware that does not take this release: the one that it has, and a link to the report of that, or
            empty text where there is none.
        remember: whether ``skills.json`` beside the reports keeps which skills they stand on, for a release whose skills are
            not committed: those that are not in their folder are then as they were last.

    Raises:
        ReportError: the committed results cannot be read, or a file cannot be written; then none was.
    """
    rows = [inventory.architecture(row) for row in catalogue]
    results = reports / "results"
    with alone(reports):
        memory = reports / "skills.json"
        shelf = inventory.skills(skills, rows, memory if remember else None)
        ledger = Ledger(Freshness(shelf.digests, pins), expectations)
        archived = _archived(results)
        damage = [*shelf.damage, *_collect(reports, archived, ledger)]
        expected = None if expected is None else sorted(expected)
        standings = matrix.asked(ledger.standings(), rows, expected)
        damage += provenance.remembered(standings, damage)
        ran = {cell.record.hardware for cell in standings}
        hardware = [*(name for name in pins if name in ran or not ran), *sorted(ran - set(pins))]
        lines = matrix.lines(rows, shelf, standings, hardware, expected)
        shared: dict[str, Any] = {"runs": provenance.sources(standings), "release": release}
        shared["damage"] = provenance.consequences(standings, damage)
        shared["idle"] = [name for name in pins if name not in hardware]
        matches = compatibility.view(lines, hardware) | {"elsewhere": elsewhere or {}} | shared
        contents: dict[Path, bytes | None] = {
            reports / "coverage.md": _render("coverage.md.mako", coverage.view(lines, rows, hardware) | shared),
            reports / "compatibility.md": _render("compatibility.md.mako", matches),
            reports / "ledger.md": _render("ledger.md.mako", census.view(catalogue, since) | {"release": release}),
        }
        contents |= {memory: inventory.memory(shelf)} if remember else {}
        kept = archive.grouped(ledger.kept())
        contents |= {results / f"{name}.parquet": None for name in archived.keys() - kept.keys()}
        # Another release of DuckDB may write the same rows in other bytes: only other rows are a change.
        changed = {name: items for name, items in kept.items() if items != archived.get(name)}
        contents |= {results / f"{name}.parquet": archive.render(items) for name, items in changed.items()}
        written = write(contents)
    return _outcome(lines, standings, damage, written)


def _archived(results: Path) -> dict[str, list[Evidence]]:
    try:
        return archive.load(results)
    except archive.ArchiveError as error:
        raise ReportError(str(error)) from error


def _collect(reports: Path, archived: Mapping[str, Iterable[Evidence]], ledger: Ledger) -> list[Damage]:
    damage: list[Damage] = []
    paths = runs.runs(reports / "runs")
    here = {path.name for path in paths}
    for item in chain.from_iterable(archived.values()):
        # While a run lies here, its lines say themselves whether they can be read: one may have been mended.
        if not (item.unreadable and item.record.run in here):
            ledger.add(item)
    for path in paths:
        run = runs.read(path)
        damage += run.damage
        for item in run.evidence:
            ledger.add(item)
    return damage


def _render(name: str, view: Mapping[str, Any]) -> bytes:
    return str(_templates().get_template(name).render_unicode(**view)).encode()


@cache
def _templates() -> Any:
    from mako.lookup import TemplateLookup

    return TemplateLookup(
        [str(TEMPLATES)],
        strict_undefined=True,
        default_filters=["text"],
        imports=["from reporting.markdown import Markdown, code, listing, table, text"],
    )


def _outcome(
    lines: Sequence[matrix.Line], standings: Sequence[Standing], damage: Sequence[Damage], written: tuple[Path, ...]
) -> Outcome:
    found = Counter(cell.status for cell in standings)
    order = [*STATUSES[:-1], "stale", STATUSES[-1]]
    counts = {status: found[status] for status in order if found[status]}
    lost = [cell for cell in standings if cell.evidence.unreadable]
    bad = sum(count for status, count in counts.items() if status not in _TOLERABLE)
    taints = [item for item in damage if item.taints]
    return Outcome(
        text=_text(lines, counts, damage),
        ok=not (bad or lost or taints),
        readable=not (lost or taints),
        counts=counts,
        damage=tuple(damage),
        written=written,
    )


def _text(lines: Sequence[matrix.Line], counts: Mapping[str, int], damage: Sequence[Damage]) -> str:
    known = [line for line in lines if line.architecture.state == "architecture"]
    said = []
    for name in dict.fromkeys(name for line in known for name in line.squares):
        shares = []
        for tier in matrix.TIERS:
            squares = [line.squares[name] for line in known if line.architecture.tier == tier]
            if any(square.cells for square in squares):
                shares.append(f"{sum(square.passed for square in squares)} of {len(squares)} {tier}")
        said.append(f"{plain(name)}: {', '.join(shares) + ' passed' if shares else 'never ran'}")
    cells = ", ".join(f"{count} {status}" for status, count in counts.items())
    said.append(f"cells: {cells or 'none'}")
    said += [f"damage: {plain(item.where)}: {plain(item.what)}" for item in damage[:5]]
    said += [f"damage: {len(damage) - 5} more, named in the reports"] if len(damage) > 5 else []
    bad = [(line, name) for line in lines for name, square in line.squares.items() if square.rank[0] < _SILENT]
    said += [
        f"{plain(line.architecture.model_type)} on {plain(name)}: {line.squares[name].text}" for line, name in bad[:20]
    ]
    said += [f"{len(bad) - 20} more, in the reports"] if len(bad) > 20 else []
    return "\n".join(said)
