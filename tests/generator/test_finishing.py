"""From spec to final text: what the facts say is what the text states, in whichever process it is finished."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator import finishing
from generator.finishing import Finisher, finish
from tests.generator.sample import SPEC, catalog, row

GPT2 = dataclasses.replace(SPEC, model_type="gpt2", module="hf_gpt2", class_name="GPT2")
WRONG = dataclasses.replace(SPEC, model_type="wrong", heads=(dataclasses.replace(SPEC.heads[0], pipelines=("fly",)),))
SPECS = {spec.model_type: spec for spec in (GPT2, WRONG, SPEC)}
CATALOG = catalog(row())


def test_processes_give_what_one_gives_in_the_order_of_the_specs(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = finish(SPECS, CATALOG)
    monkeypatch.setattr(finishing, "MANY", 2)
    monkeypatch.setattr(finishing, "PIECE", 1)
    with Finisher(CATALOG, workers=2) as finisher:
        together = finisher.finish(SPECS)
        assert finisher._pool is not None
        assert finisher.finish({"gptj": SPEC})[0] == {"gptj": alone[0]["gptj"]}
    assert together == alone
    assert [list(part) for part in together] == [["gptj"], ["gpt2", "wrong"]]
    assert together[1]["wrong"].startswith("pipeline: ")


@pytest.mark.parametrize(("workers", "count"), [(1, 100), (8, 2)])
def test_few_skills_or_one_core_start_no_process(workers: int, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(finishing, "finish", lambda specs, _: seen.append(len(specs)) or ({}, {}))
    with Finisher(CATALOG, workers=workers) as finisher:
        assert finisher.finish({str(number): SPEC for number in range(count)}) == ({}, {})
        assert finisher._pool is None
    assert seen == [count]


@settings(max_examples=20)
@given(text=st.text(), number=st.floats() | st.integers(), name=st.text(min_size=1))
def test_whatever_the_facts_say_the_final_text_states_exactly_that_or_is_refused(
    text: str, number: float, name: str
) -> None:
    head = dataclasses.replace(SPEC.heads[0], notes=(text,))
    spec = dataclasses.replace(
        SPEC,
        title=text,
        checkpoint=text,
        facts={"vocab_size": number},
        config={**SPEC.config, name: text},
        heads=(head, SPEC.heads[1]),
    )
    _, errors = finish({"gptj": spec}, CATALOG)
    # The structure stage has held the text to the spec; all that may go wrong is a value that no file can hold.
    assert not errors
