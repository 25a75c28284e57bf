"""The final text of a skill: what ruff and black make of it, that it means the same, and that they then agree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from generator import postprocess, validation
from generator.postprocess import FormatError, format_batch
from tests.generator.sample import SPEC, TEXT, catalog

UGLY = (
    TEXT.replace(
        "from harness.inputs import Mask, Tokens\nfrom harness.skill import Head, Skill\n",
        "from harness.skill import Skill, Head\nimport os\nfrom harness.inputs import Tokens,Mask\n",
    )
    .replace("    requires = ()\n", "    requires = (  )   \n\n\n\n")
    .replace('tier = "critical"', "tier = 'critical'")
)


def test_a_badly_laid_out_skill_becomes_the_well_laid_out_one() -> None:
    final = format_batch({"gptj": UGLY})["gptj"]
    assert isinstance(final, str)
    assert "import os" not in final
    assert final.index("harness.inputs") < final.index("harness.skill")
    assert validation.static(final, "gptj", catalog(), SPEC).heads == SPEC.heads
    assert format_batch({"gptj": final}) == {"gptj": final}


def test_a_skill_that_is_well_laid_out_is_left_alone() -> None:
    assert format_batch({"gptj": TEXT}) == {"gptj": TEXT}


def _objections(root: Path, place: Path, text: str) -> list[str]:
    """What black and ruff, by the project's own configuration, would change in a skill of this text."""
    (place / "skills").mkdir(parents=True)
    (place / "skills" / "hf_gptj.py").write_text(text)
    (place / "pyproject.toml").write_text((root / "pyproject.toml").read_text())
    answers = []
    for command in (["black", "--check", "--diff", "--quiet", "."], ["ruff", "check", "--no-cache", "--diff", "."]):
        full = [sys.executable, "-m", *command]
        answers.append(subprocess.run(full, cwd=place, capture_output=True, text=True, check=False).stdout)
    return answers


def test_the_command_lines_of_black_and_ruff_find_nothing_to_change(root: Path, tmp_path: Path) -> None:
    final = format_batch({"gptj": UGLY})["gptj"]
    assert isinstance(final, str)
    assert _objections(root, tmp_path / "final", final) == ["", ""]
    assert all(_objections(root, tmp_path / "ugly", UGLY))


def test_what_the_formatters_refuse_is_refused_alone() -> None:
    results = format_batch(
        {"a": TEXT + "(", "b": TEXT, "c": TEXT.replace("requires = ()", "requires = undefined"), "d": UGLY, "e": "\0"}
    )
    assert list(results) == ["a", "b", "c", "d", "e"]
    errors = {name: str(error) for name, error in results.items() if isinstance(error, FormatError)}
    assert errors.keys() == {"a", "c", "e"}
    assert "a: format: line 56: ruff finds invalid-syntax" in errors["a"]
    assert "c: format: line 17: ruff finds F821: Undefined name `undefined`" in errors["c"]
    assert results["b"] == TEXT


def test_an_empty_batch_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", None)
    assert format_batch({}) == {}


def test_a_batch_costs_no_more_processes_than_one_skill(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []
    ruff = postprocess._ruff

    def count(texts: dict[str, str]) -> dict[str, str | FormatError]:
        counted.append(",".join(texts))
        return ruff(texts)

    monkeypatch.setattr(postprocess, "_ruff", count)
    format_batch({str(number): UGLY for number in range(8)})
    assert len(counted) == 2


def test_line_length_and_versions_are_those_of_the_project(root: Path) -> None:
    import tomllib

    tools = tomllib.loads((root / "pyproject.toml").read_text())["tool"]
    assert tools["black"]["line-length"] == tools["ruff"]["line-length"] == postprocess.LINE_LENGTH
    assert {version.name.lower() for version in postprocess._mode().target_versions} == set(
        tools["black"]["target-version"]
    )
