"""Which skill files a name means."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cells import Selection, SelectionError, cells
from harness.selection import UnknownModelError, find, select
from tests.harness.architectures.hf_bert import Bert

HERE = Path(__file__).parent / "architectures"


@pytest.mark.parametrize("name", ["gpt2", "GPT-2", "gpt_2", "GPT2LMHeadModel"])
def test_every_spelling_means_one_file(name: str) -> None:
    assert {path.name for path in select(find([HERE]), [name])} == {"hf_gpt2.py"}


@pytest.mark.parametrize("name", ["brt", "../../etc/passwd", "", "--help", "text", "x" * 10_000, "\x00"])
def test_an_unknown_name_is_answered_in_a_sentence(name: str) -> None:
    with pytest.raises(UnknownModelError, match="no skill is called") as caught:
        select(find([HERE]), [name])
    assert len(str(caught.value)) < 300


def test_the_nearest_names_are_told() -> None:
    with pytest.raises(UnknownModelError, match="nearest are bert"):
        select(find([HERE]), ["brt"])


def test_a_file_is_found_by_itself_and_others_are_not_skills() -> None:
    assert find([HERE / "hf_bert.py"]) == [(HERE / "hf_bert.py").resolve()]
    assert find([HERE / "__init__.py"]) == []


def test_heads_are_selected_by_role_or_name() -> None:
    def heads(wanted: str) -> set[str]:
        return {cell.head.class_name for cell in cells(Bert, Selection(head=wanted))}

    assert heads("primary") == {"BertForMaskedLM"}
    assert heads("all") == {"BertForMaskedLM", "BertForSequenceClassification"}
    assert heads("BertForSequenceClassification") == {"BertForSequenceClassification"}
    with pytest.raises(SelectionError, match="Its heads: BertForMaskedLM"):
        heads("BertForMaskdLM")


def test_unknown_checks_and_dtypes_are_refused() -> None:
    with pytest.raises(SelectionError, match="Known: parity"):
        Selection(checks=("party",))
    with pytest.raises(SelectionError, match="no dtype"):
        Selection(dtypes=("fp8",))


def test_the_ids_of_a_head_are_stable() -> None:
    assert [cell.id for cell in cells(Bert, Selection(head="primary"))] == [
        f"bert/BertForMaskedLM/cpu/fp32/{check}"
        for check in (
            "build",
            "forward",
            "determinism",
            "vacuity",
            "masking",
            "batch_invariance",
            "round_trip",
            "parity",
        )
    ]
