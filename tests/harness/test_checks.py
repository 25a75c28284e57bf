"""Every check passes on sound models; what makes each fail is in test_controls."""

from __future__ import annotations

import pytest

from harness.cells import Selection, cells
from harness.checks import CHECKS
from harness.engines.local import Engine
from harness.skill import Skill
from tests.harness.architectures.hf_bert import Bert
from tests.harness.architectures.hf_clip import CLIP
from tests.harness.architectures.hf_gpt2 import GPT2
from tests.harness.conftest import SKILLS, Ask


@pytest.mark.parametrize("skill", SKILLS, ids=lambda skill: skill.model_type)
def test_a_sound_model_passes_every_check_on_the_cpu(skill: type[Skill]) -> None:
    records = list(Engine(threads=1).run(cells(skill, Selection())))
    assert {record.cell: (record.status, record.reason) for record in records} == {
        record.cell: ("passed", None) for record in records
    }
    assert {record.executed_on for record in records if record.check != "build"} == {"cpu"}
    extra = {name for name, check in CHECKS.items() if check.extra}
    alone = {"batch_invariance"} if all(head.batch == 1 for head in skill.heads) else set()
    some = {"generation", "masking", "pipeline", "processor"}
    assert {record.check for record in records} >= set(CHECKS) - some - extra - alone


@pytest.mark.parametrize("dtype", ["fp16", "bf16"])
def test_sixteen_bits_agree_with_the_reference_within_their_own_tolerance(ask: Ask, dtype: str) -> None:
    record = ask(GPT2, "parity", dtype=dtype)
    assert record.status == "passed", record.reason
    assert 1e-5 < record.metrics["rel_max"] < record.metrics["tolerance"]


def test_a_check_that_compares_keeps_its_figures_when_it_passes(ask: Ask) -> None:
    metrics = ask(Bert, "parity").metrics
    assert {"rel_max", "rel_l2", "max_abs", "cosine", "argmax_agreement", "tolerance", "worst_output"} <= set(metrics)
    assert 0 < metrics["rel_max"] < 1e-5


def test_a_similarity_matrix_is_compared_by_its_diagonal(ask: Ask) -> None:
    assert ask(CLIP, "batch_invariance").status == "passed"


def test_a_check_that_does_not_apply_gives_no_cell_and_says_why() -> None:
    assert not any(cell.check.name == "generation" for cell in cells(Bert, Selection()))
    assert CHECKS["generation"].applicable(Bert.heads[0]) == "it does not generate"
