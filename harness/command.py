"""A skill as a script: its cells run in a process of their own, and are told as a table or JSON, with an exit code."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cells import ASKED, Selection, SelectionError, cells
from harness.checks import CHECKS
from harness.engines import isolated
from harness.expected import beside, expectations
from harness.hardware import UnknownHardwareError, hardware
from harness.results.expectations import ExpectationError
from harness.results.record import Record, to_line
from harness.results.store import Writer, environment, installed, new_run
from harness.results.verdicts import exit_code, remedy, ruling, sentence, summary

if TYPE_CHECKING:
    from harness.skill import Skill

__all__ = ["main"]

LIMIT = 300.0
"""Seconds that a cell may take, as in a run over skills."""


def main(skill: type[Skill], arguments: Sequence[str] | None = None) -> int:
    """Run a skill's cells and print them; ``harness.results.verdicts`` has the exit codes."""
    parser = _parser(skill)
    options = parser.parse_args(arguments)
    try:
        selection = Selection(
            hardware=_names(options.hardware),
            dtypes=_names(options.dtype),
            head=options.head,
            checks=_names(options.check) if options.check else None,
        )
        chosen = list(cells(skill, selection))
        devices = {name: hardware(name) for name in selection.hardware}
        expected = expectations(beside(skill.path()), selection.hardware, [skill.path()])
    except (ExpectationError, SelectionError, UnknownHardwareError) as error:
        parser.error(str(error))
    if not chosen:
        parser.error(f"none of these checks applies to these heads of {skill.model_type}")
    run, print_as = new_run(), _as_json if options.json else _as_table
    folder, versions = None, installed() if expected.rows else {}
    if options.results is None:
        done = isolated.run(chosen, run=run, seed=options.seed, limit=options.timeout)
        records = [expected.judge(record, versions) for record in done]
    else:
        folder = options.results / run
        facts = environment({name: item.describe() for name, item in devices.items()}, seed=options.seed)
        facts.write(folder)
        done = isolated.run(
            chosen, run=run, environment=facts.id, seed=options.seed, limit=options.timeout, results=folder
        )
        with Writer(folder, "local") as writer:
            records = list(_written((expected.judge(record, versions) for record in done), writer))
    sys.stdout.write(print_as(records) + "\n")
    rulings = Counter(map(ruling, records))
    if code := exit_code(rulings):
        sys.stdout.flush()
        sys.stderr.write(f"exit code {code}: {summary(rulings, remedy(folder))}\n")
    return code


def _written(records: Iterable[Record], writer: Writer) -> Iterator[Record]:
    for record in records:
        writer.write(record)
        yield record


def _parser(skill: type[Skill]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m skills.{skill.path().stem}",
        description=f"Run the checks of {skill.model_type}: a tiny model with random weights, no download.",
        epilog="Exit code: 0 all passed or failed as expected/ says, 1 something else failed, 2 wrong usage, 3 something "
        "could not be run here, 10 expected/ is out of date; of several, the first of 1, 3 and 10.",
    )
    parser.add_argument("--hardware", default="cpu", metavar="NAME[,NAME]", help="where to run (default: cpu)")
    parser.add_argument("--head", default="all", metavar="primary|all|CLASS", help="which heads (default: all)")
    parser.add_argument("--check", default="", metavar="NAME[,NAME]", help=f"which checks: {', '.join(CHECKS)}")
    parser.add_argument("--dtype", default="fp32", metavar="NAME[,NAME]", help=f"{', '.join(ASKED)} (default: fp32)")
    parser.add_argument("--seed", type=int, default=0, help="of weights and inputs (default: 0)")
    parser.add_argument("--timeout", type=float, default=LIMIT, metavar="S", help=f"seconds a cell (default: {LIMIT})")
    parser.add_argument("--results", type=Path, metavar="DIR", help="also write the records below DIR, in a new run")
    parser.add_argument("--json", action="store_true", help="print the records as a JSON list")
    return parser


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _as_json(records: Sequence[Record]) -> str:
    return json.dumps([json.loads(to_line(record)) for record in records], indent=1)


def _as_table(records: Sequence[Record]) -> str:
    from tabulate import tabulate

    rows = [
        (record.head, record.hardware, record.dtype, record.check, record.verdict, _remark(record))
        for record in records
    ]
    return tabulate(rows, headers=("head", "hardware", "dtype", "check", "status", ""), maxcolwidths=[None] * 5 + [70])


def _remark(record: Record) -> str:
    if record.reason is not None or record.known is not None:
        return sentence(record).partition(": ")[2]
    figure = record.metrics.get("rel_max")
    return f"rel_max {figure:.1e}" if isinstance(figure, float) and figure else ""
