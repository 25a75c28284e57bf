"""How far the rules carry by themselves: of all architectures of the installed transformers, how many have a primary head
that is built tiny and runs its forward with no row of ``generator.tiny.rows``. It is what an unseen release can expect.

    python -m benchmarks.generality [--model NAME ...]

Exit codes: 0 at least as many as the bound; 1 fewer.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

from tabulate import tabulate

BOUND = 0.90
"""Share of the architectures that the rules alone have to carry."""


def main() -> int:
    """Count, and print what was not carried with its reason."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generality", description=__doc__)
    parser.add_argument("--model", action="append", metavar="NAME", help="only this model type; repeatable")
    asked = parser.parse_args().model

    from generator import assemble, catalog
    from generator.spec import SkillSpec

    listing = catalog.load()
    rows = [row for row in listing.architectures() if not asked or row.model_type in asked]
    narrowed = [replace(row, heads=tuple(head for head in row.heads if head.primary)) for row in rows]
    failed, absent = [], []
    made = assemble.specs(narrowed, listing, by_rules_alone=True)
    for row, spec in zip(narrowed, made, strict=True):
        if not isinstance(spec, SkillSpec):
            failed.append((row.model_type, str(spec)[:160]))
        elif reason := spec.heads[0].unsettled:
            absent.append((row.model_type, reason))
    carried = len(rows) - len(failed) - len(absent)
    print(tabulate([*failed, *absent], headers=("not carried", "why")))
    share = carried / len(rows)
    print(
        f"\ntransformers {listing.transformers}: the rules alone carry {carried} of {len(rows)} architectures "
        f"({share:.1%}); {len(failed)} failed, {len(absent)} need a library that is not installed."
    )
    return 0 if share >= BOUND else 1


if __name__ == "__main__":
    sys.exit(main())
