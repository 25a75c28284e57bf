"""Heads that could not be built where their skill was written: nothing runs, and nothing is green."""

from __future__ import annotations

import pytest

from harness.cells import Selection, cells
from harness.engines.local import Engine
from harness.skill import Head, Skill


def unsettled(*requires: str) -> type[Skill]:
    """A skill as the generator writes it without a library."""
    head = Head(
        "BertModel",
        mappings=("MODEL_MAPPING",),
        primary=True,
        unsettled="needs a library",
        inputs={},
        outputs={},
        parameters=0,
    )
    facts = {"model_type": "bert", "family": "encoder-only", "tier": "critical", "requires": requires, "heads": (head,)}
    return type("Unsettled", (Skill,), {**facts, "__module__": __name__})


@pytest.mark.parametrize(
    ("skill", "status", "words"),
    [
        (unsettled("no-such-library"), "unavailable", "no-such-library"),
        (unsettled(), "not_run", "invoke generate --model bert"),
    ],
)
def test_no_cell_of_an_unsettled_head_is_green(skill: type[Skill], status: str, words: str) -> None:
    records = list(Engine().run(cells(skill, Selection())))
    assert records
    for record in records:
        assert (record.status, record.runs) == (status, status)
        assert words in str(record.reason)
