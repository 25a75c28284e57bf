"""A skill as a script, by its real command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.command import main
from tests.harness.architectures.hf_bert import Bert

ROOT = Path(__file__).parents[2]


def script(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.harness.architectures.hf_bert", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_skill_runs_by_itself_and_prints_json(tmp_path: Path) -> None:
    done = script("--head=primary", "--check=build,parity", "--json", f"--results={tmp_path}")
    assert (done.returncode, done.stderr) == (0, "")
    rows = json.loads(done.stdout)
    assert [(row["check"], row["status"]) for row in rows] == [("build", "passed"), ("parity", "passed")]
    [written] = tmp_path.glob("*/local.jsonl")
    assert [json.loads(line) for line in written.read_text().splitlines()] == rows
    assert (written.parent / f"environment-{rows[0]['environment']}.json").is_file()


def test_a_table_names_each_cell_and_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    class Wrong(Bert):
        heads = (Bert.heads[0].__class__(**{**vars(Bert.heads[0]), "parameters": 1}),)

    assert main(Wrong, ["--check=build,forward"]) == 1
    table = capsys.readouterr().out
    assert "BertForMaskedLM" in table
    assert "where the skill declares 1" in table
    assert table.count("passed") == 1


def test_what_could_not_run_has_its_own_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    class Needy(Bert):
        requires = ("no-such-distribution",)

    assert main(Needy, ["--check=forward", "--head=primary"]) == 3
    assert "unavailable" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--hardware=gpu"], "no hardware is called 'gpu'"),
        (["--head=BertForMaskdLM"], "Its heads: BertForMaskedLM"),
        (["--check=party"], "Known: parity"),
        (["--dtype=fp8"], "no dtype is called"),
        (["--check=generation"], "none of these checks applies"),
        (["--what"], "unrecognized arguments"),
    ],
)
def test_wrong_usage_is_answered_in_a_sentence(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        Bert.main(arguments)
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    "module",
    ["harness.plugin", "harness.skill", "harness.command", "harness.endpoint", "harness.checks", "harness.hardware"],
)
def test_importing_the_harness_imports_no_framework(module: str) -> None:
    heavy = ["torch", "transformers", "numpy"] + ([] if module == "harness.plugin" else ["pytest"])
    program = f"import sys, {module}; sys.exit(', '.join(name for name in {heavy} if name in sys.modules) or 0)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_importing_a_skill_imports_hardly_anything() -> None:
    program = (
        "import sys; before = set(sys.modules); import tests.harness.architectures.hf_llava;"
        "print(sorted(name for name in set(sys.modules) - before if name.startswith('harness')))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['harness', 'harness.inputs', 'harness.skill']"
