"""A skill as a script, by its real command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a skill that is bert but for these lines of its class."""

    def run(lines: str, *arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
        program = before + "from dataclasses import replace\nfrom tests.harness.architectures.hf_bert import Bert\n"
        program += f"class Other(Bert):\n    {lines}\nif __name__ == '__main__':\n    raise SystemExit(Other.main())\n"
        (tmp_path / "hf_other.py").write_text(program)
        command = [sys.executable, str(tmp_path / "hf_other.py"), *arguments]
        variables = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=variables)

    return run


def test_a_table_names_each_cell_and_its_reason(changed: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = changed("heads = (replace(Bert.heads[0], parameters=1),)", "--check=build,forward")
    assert done.returncode == 1, done.stderr
    assert "BertForMaskedLM" in done.stdout
    assert "where the skill declares 1" in done.stdout
    assert done.stdout.count("passed") == 1


def test_what_could_not_run_has_its_own_exit_code(changed: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = changed("requires = ('no-such-distribution',)", "--check=forward", "--head=primary")
    assert done.returncode == 3, done.stderr
    assert "unavailable" in done.stdout


def test_a_backend_that_ends_the_process_costs_its_cell_and_is_no_success(
    changed: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    # A hardware that the skill's file brings along, as a package does by its entry point.
    leaving = """
import os
from harness.hardware import register
from harness.hardware.cpu import Cpu
class Leaving(Cpu):
    name = "leaving"
    def prepare(self, *args, **kwargs):
        os.write(1, b"bye")
        os._exit(0)
register(Leaving())
"""
    done = changed(
        "pass", "--check=build,forward", "--hardware=leaving,cpu", "--head=primary", "--json", before=leaving
    )
    assert done.returncode == 1, done.stderr
    rows = {row["cell"].partition("/")[2]: row for row in json.loads(done.stdout)}
    assert {name: row["status"] for name, row in rows.items()} == {
        "BertForMaskedLM/leaving/fp32/build": "passed",
        "BertForMaskedLM/leaving/fp32/forward": "crashed",
        "BertForMaskedLM/cpu/fp32/build": "passed",
        "BertForMaskedLM/cpu/fp32/forward": "passed",
    }
    left = rows["BertForMaskedLM/leaving/fp32/forward"]
    assert left["reason"] == "the process exited with code 0 in the midst of the cell"
    assert (left["stage"], left["traceback"]) == ("prepare", "bye")


ROW = """[[expected]]
cell = "bert/*/cpu/fp32/{check}"
axis = "runs"
status = "failed"
class = "ours"
text = "it counts wrongly"
signature = "… where the skill declares …"
expires = 9000-01-01
"""


def test_what_is_expected_is_told_and_what_passes_in_spite_of_it_has_an_exit_code_of_its_own(
    tmp_path: Path, changed: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    (tmp_path / "expected").mkdir()
    (tmp_path / "expected/cpu.toml").write_text(ROW.format(check="build") + ROW.format(check="forward"))
    done = changed("heads = (replace(Bert.heads[0], parameters=1),)", "--check=build,forward", "--results=mine")
    assert done.returncode == 10, done.stderr
    assert "known_failure" in done.stdout
    assert "known as ours: it" in done.stdout
    assert "unexpected_pass" in done.stdout
    [folder] = (tmp_path / "mine").iterdir()
    assert done.stderr == (
        "exit code 10: 1 are not, or no longer, as expected/ says, 1 passed, or failed as expected. "
        f"Run: invoke expect --from mine/{folder.name}\n"
    )
    rows = [json.loads(line) for line in (folder / "local.jsonl").read_text().splitlines()]
    assert [(row["status"], row["judged"]) for row in rows] == [
        ("failed", "known_failure"),
        ("passed", "unexpected_pass"),
    ]


def test_a_row_of_what_is_expected_that_is_wrong_is_wrong_usage(
    tmp_path: Path, changed: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    (tmp_path / "expected").mkdir()
    (tmp_path / "expected/cpu.toml").write_text(ROW.format(check="build").replace("runs", "run"))
    done = changed("pass", "--check=build")
    assert (done.returncode, done.stdout) == (2, "")
    assert "cpu.toml:1: there is no axis 'run'. The nearest are runs" in done.stderr


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
