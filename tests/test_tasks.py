"""The commands by their real command line, in a copy of the project: exit codes, sentences, and what is on disk after."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from harness.results.record import Record, to_line
from harness.results.signatures import signature
from harness.results.store import Writer, environment

PARTS = (
    "commands",
    "expected/schema.json",
    "generator",
    "harness",
    "processing",
    "reporting",
    "templates",
    "skills/__init__.py",
    "tasks.py",
    "noxfile.py",
    "pyproject.toml",
)


# A sweep starts pytest, which must not take itself for a worker of the one that runs this file.
_OUTSIDE = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


@dataclass(frozen=True)
class House:
    """A copy of the project, with skills and reports of its own and the catalogue that the project has cached."""

    root: Path
    cache: Path

    @property
    def skills(self) -> Path:
        return self.root / "skills"

    def invoke(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "invoke", *arguments],
            cwd=self.root,
            env={**_OUTSIDE, "SKILLMATRIX_CACHE": str(self.cache), **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def texts(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in self.skills.glob("hf_*.py")}


@pytest.fixture
def house(root: Path, tmp_path: Path) -> House:
    place = tmp_path / "house"
    for part in PARTS:
        source, target = root / part, place / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    return House(place, root / ".cache")


def _in_a_sentence(answer: subprocess.CompletedProcess[str]) -> str:
    assert answer.stdout == ""
    assert "Traceback" not in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1, answer.stderr
    return answer.stderr


def test_listing_the_commands_imports_nothing_but_invoke(house: House) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "invoke", "--list"],
        cwd=house.root,
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    ours = {"generator", "harness", "processing", "reporting", "noxfile"}
    heavy = {"torch", "transformers", "black", "ruff", "mako", "rich", "tabulate", "duckdb", "filelock", "nox"}
    assert not imported & (ours | heavy)
    names = {"expect", "generate", "missing", "validate", "catalog", "report", "sweep"}
    assert names <= set(re.findall(r"^  (\w+)", done.stdout, re.MULTILINE))


@pytest.mark.parametrize(
    "command", ["calibrate", "expect", "generate", "missing", "validate", "catalog", "report", "sweep"]
)
def test_help_says_what_each_option_and_exit_code_means(house: House, command: str) -> None:
    answer = house.invoke("--help", command)
    assert answer.returncode == 0
    assert "Exit codes: 0 " in answer.stdout
    for option in re.findall(r"^  (?:-\w(?: \w+)?, )?(--[\w-]+)(.*(?:\n {8,}.*)*)", answer.stdout, re.MULTILINE):
        assert option[1].strip(), option


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["generate"], "give --model NAME, --tier TIER, --batch N or --all"),
        (["generate", "--model", ""], "an empty name is no model"),
        (["generate", "--model", "../../etc/passwd"], "is a path where the name of a model was expected"),
        (["generate", "--model=--help"], "is an option where the name of a model was expected"),
        (["generate", "--model", "x" * 10_000], "longer than any"),
        (["generate", "--model", "gpt-j", "--model", "lama"], "llama"),
        (["generate", "--model", "gpt\0j".replace("\0", "\x1b")], "unprintable"),
        (["generate", "--tier", "urgent"], "the tiers are critical, high, medium, long-tail"),
        (["generate", "--tier", ""], "there is no such tier"),
        (["generate", "--tier", "high,,"], "there is no such tier"),
        (["generate", "--batch", "0"], "is not a number from 1 up"),
        (["generate", "--batch", "-3"], "is not a number from 1 up"),
        (["generate", "--batch", "many"], "is not a number from 1 up"),
        (["generate", "--all", "--tier", "high"], "give one of"),
        (["generate", "--all", "--batch", "3"], "give one of"),
        (["generate", "--check", "--force", "--all"], "--check writes nothing"),
        (["catalog", "--model", "lama"], "llama"),
        (["generate", "--all", "--transformers", "5.10"], "'5.10' is not a release"),
        (["report", "--transformers", "4.30.0"], "the oldest that can is 4.57.0"),
        (["catalog", "--diff"], "--diff compares two releases, and 0 were given"),
        (["catalog", "--diff", "5.23.0", "--json"], "--diff compares two releases, and 1 were given"),
        (["catalog", "--diff", "5.17.0..5.22.0..5.23.0"], "--diff compares two releases, and 3 were given"),
        (["catalog", "--diff", "5.17", "5.23.0"], "'5.17' is not a release"),
        (["catalog", "--diff", "5.23.0", "5.23.0"], "both are 5.23.0"),
        (["catalog", "--diff", "5.17.0", "5.23.0", "--transformers", "5.0.0"], "give it without --transformers"),
        (["catalog", "--keep"], "--diff compares two releases, and 0 were given"),
        (["expect"], "give --from RUN, an id under reports/runs, or --check"),
        (["expect", "--from", "20260101T000000Z-abcdef"], "20260101T000000Z-abcdef"),
        (["expect", "--from", "x", "--hardware", "opnvino"], "the nearest are openvino"),
        (["expect", "--from", "x", "--axis", "match"], "the nearest are matches"),
        (["expect", "--from", "x", "--class", "our"], "the nearest are ours"),
        (["expect", "--from", "x", "--reason", " "], "--reason is empty"),
        (["expect", "--from", "x", "--issue", "javascript:1"], "is no link"),
        (["sweep"], "nothing was asked for"),
        (["calibrate", "--seeds", "many"], "is not a number from 1 to 100"),
        (["calibrate", "--hardware", "tpu"], "there are cpu, cuda"),
        (["calibrate", "--tier", "urgent"], "the tiers are critical, high, medium, long-tail"),
        (["calibrate", "--from", "20260101T000000Z-000000"], "there is no run 20260101T000000Z-000000"),
        (["sweep", "--model", "gpt-j", "--hardware", "tpu"], "there are cpu, cuda"),
        (
            ["sweep", "--model", "gpt-j", "--hardware", "cpu,optimum"],
            "Run: invoke sweep --hardware optimum --transformers 5.5.4",
        ),
        (["sweep", "--model", "gpt-j", "--tier", "high"], "give one of"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence_with_code_2(
    house: House, arguments: list[str], words: str
) -> None:
    answer = house.invoke(*arguments)
    assert answer.returncode == 2, answer
    assert words in _in_a_sentence(answer)
    assert house.texts() == {}


def test_a_skill_is_generated_kept_checked_edited_and_forced(house: House) -> None:
    answer = house.invoke("generate", "--model", "GPTJForCausalLM", "--json")
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["counts"] == {"written": 1}
    path = house.skills / "hf_gptj.py"
    text = path.read_text()

    assert "1 unchanged" in house.invoke("generate", "-m", "EleutherAI/gpt-j-6b").stdout
    check = house.invoke("generate", "--check")
    assert (check.returncode, check.stdout) == (0, "1 skill: 1 unchanged.\n")
    assert house.invoke("validate").stdout == "1 skill: 1 valid.\n"

    path.write_text(text.replace('tier = "critical"', 'tier = "high"'))
    for arguments in (["generate", "--check"], ["generate", "-m", "gptj"], ["validate"]):
        answer = house.invoke(*arguments)
        assert answer.returncode == 1
        assert "--force" in answer.stdout
        assert answer.stderr == ""
    assert '-    tier = "high"' in house.invoke("generate", "--check").stdout
    assert path.read_text() != text
    assert house.invoke("generate", "-m", "gptj", "--force").returncode == 0
    assert path.read_text() == text

    dry = house.invoke("generate", "--model", "gpt2", "--dry-run")
    assert dry.returncode == 0
    assert "would write" in dry.stdout
    assert house.texts() == {"hf_gptj.py": text}

    missing = json.loads(house.invoke("missing", "--json").stdout)
    assert "gptj" not in missing["missing"]["critical"]
    assert "bert" in missing["missing"]["critical"]
    assert {"name": "imagebind", "tier": "medium"}.items() <= {
        key: value for item in missing["tracked"] if item["name"] == "imagebind" for key, value in item.items()
    }.items()


def test_skills_go_into_the_folder_that_is_named_and_nowhere_else(house: House) -> None:
    answer = house.invoke("generate", "--model", "gptj", "--into", "build/mine")
    assert answer.returncode == 0, answer
    assert (house.root / "build/mine/hf_gptj.py").exists()
    assert (house.root / "build/mine/manifest.json").exists()
    assert house.texts() == {}


def test_another_release_than_the_pinned_one_has_a_folder_of_its_own(house: House, tmp_path: Path) -> None:
    (tmp_path / "other/transformers-9.9.9.dist-info").mkdir(parents=True)
    (tmp_path / "other/transformers-9.9.9.dist-info/METADATA").write_text(
        "Metadata-Version: 2.1\nName: transformers\nVersion: 9.9.9\n"
    )
    (house.skills / "hf_gptj.py").write_text("# of the pinned release\n")
    answer = house.invoke("validate", PYTHONPATH=str(tmp_path / "other"))
    assert answer.returncode == 1
    assert "build/transformers-9.9.9/skills: holds no skill" in _in_a_sentence(answer)
    assert house.texts() == {"hf_gptj.py": "# of the pinned release\n"}


def test_the_catalogue_answers_for_one_model_and_in_numbers(house: House) -> None:
    row = json.loads(house.invoke("catalog", "--model", "gpt-j", "--json").stdout)
    assert (row["model_type"], row["module"]) == ("gptj", "hf_gptj")
    counts = json.loads(house.invoke("catalog", "--json").stdout)
    assert counts["state"]["architecture"] == sum(counts["tier"].values()) == sum(counts["family"].values())
    answer = house.invoke("catalog", "--model", "flan-t5")
    assert "t5" in answer.stderr
    assert answer.stdout.startswith("model_type    t5")


def test_two_releases_are_compared_by_what_is_kept_of_them(house: House, root: Path) -> None:
    shutil.copytree(root / "reports/facts", house.root / "reports/facts")
    answer = house.invoke("catalog", "--diff", "5.22.0", "5.23.0")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("transformers 5.22.0 -> 5.23.0\n")
    assert "New architectures: 8\n" in answer.stdout
    facts = json.loads(house.invoke("catalog", "--diff", "5.22.0..5.23.0", "--json", "--model", "BLT").stdout)
    assert list(facts["changed"]) == ["blt"]
    assert facts["changed"]["blt"]["config"]["added"] == {"local_attention_window_len": "512"}
    unknown = house.invoke("catalog", "--diff", "5.22.0", "5.23.0", "--model", "gptjj")
    assert unknown.returncode == 2
    assert "neither 5.22.0 nor 5.23.0 has 'gptjj'; the nearest are gptj" in _in_a_sentence(unknown)


_AT_A_MOVE = """
import os, signal, sys

# Started in the background of a script the whole run of tests is deaf to interrupts, and would hand that on.
signal.signal(signal.SIGINT, signal.default_int_handler)
left = {count}

def act(event, arguments):
    global left
    if event == "os.rename" and os.path.dirname(os.path.abspath(os.fsdecode(arguments[1]))) == {folder!r}:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), {number})

sys.addaudithook(act)
"""

MODELS = ("--model", "gptj", "--model", "gpt2")


@pytest.mark.parametrize(("count", "signal", "code"), [(2, 9, -9), (3, 9, -9), (4, 9, -9), (3, 2, 130)])
def test_a_generator_stopped_at_a_move_leaves_whole_files_and_the_same_command_goes_on(
    house: House, tmp_path: Path, count: int, signal: int, code: int
) -> None:
    (tmp_path / "stop").mkdir()
    (tmp_path / "stop/sitecustomize.py").write_text(
        _AT_A_MOVE.format(count=count, number=signal, folder=str(house.skills))
    )
    answer = house.invoke("generate", *MODELS, PYTHONPATH=str(tmp_path / "stop"))
    assert answer.returncode == code, answer
    if signal == 2:
        assert "generate: interrupted." in _in_a_sentence(answer)
    stopped = house.texts()
    # The first move is the probe, and the one that it was stopped at did not come about.
    assert len(stopped) == count - 2
    again = house.invoke("generate", *MODELS)
    assert again.returncode == 0, again
    final = house.texts()
    assert final.keys() == {"hf_gptj.py", "hf_gpt2.py"}
    assert all(final[name] == text for name, text in stopped.items())
    assert house.invoke("generate", "--check").returncode == 0


def test_a_broken_template_is_an_error_that_names_it_and_the_skill_stays(house: House) -> None:
    assert house.invoke("generate", "-m", "gptj").returncode == 0
    before = house.texts()
    template = house.root / "templates/skills/decoder_only.py.mako"
    template.write_text(template.read_text() + '\n% if spec.tier == "critical":\n"""\n% endif\n')
    answer = house.invoke("generate", "-m", "gptj")
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr + answer.stdout
    assert "decoder_only.py.mako" in answer.stdout
    assert "The skill that was there is kept." in answer.stdout
    assert house.texts() == before


def test_a_changed_template_shows_as_drift(house: House) -> None:
    assert house.invoke("generate", "-m", "gptj").returncode == 0
    base = house.root / "templates/skills/base.py.mako"
    base.write_text(base.read_text().replace("Tiny ", "Small "))
    answer = house.invoke("generate", "--check")
    assert answer.returncode == 1
    assert '-    """Tiny GPTJ' in answer.stdout
    assert '+    """Small GPTJ' in answer.stdout


@pytest.mark.parametrize("command", [["generate", "-m", "gptj"], ["generate", "--check"], ["validate"], ["missing"]])
def test_a_folder_of_skills_that_cannot_be_used_is_a_sentence(house: House, command: list[str]) -> None:
    shutil.rmtree(house.skills)
    house.skills.write_text("mine\n")
    answer = house.invoke(*command)
    assert answer.returncode == 1
    assert "skills: is a file where the folder of skills belongs" in _in_a_sentence(answer)
    assert house.skills.read_text() == "mine\n"


@pytest.mark.parametrize("command", [["generate", "--check"], ["validate"]])
def test_nothing_to_look_at_is_not_well(house: House, command: list[str]) -> None:
    answer = house.invoke(*command)
    assert answer.returncode == 1
    assert "holds no skill" in _in_a_sentence(answer)


def test_a_broken_line_among_the_results_is_named_and_fails_the_report(house: House) -> None:
    assert house.invoke("generate", "-m", "gptj").returncode == 0
    assert house.invoke("report").returncode == 0
    run = house.root / "reports/runs/20260101T000000Z-abcdef"
    run.mkdir(parents=True)
    (run / "local.jsonl").write_text('{"cell": "gptj/GPTJ\n')
    answer = house.invoke("report", "--json")
    assert answer.returncode == 1, answer
    assert "local.jsonl" in json.dumps(json.loads(answer.stdout)["damage"])


def test_a_sweep_ends_well_only_if_every_cell_passed(house: House) -> None:
    answer = house.invoke("sweep", "--model", "gpt-j", "--no-venv")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert re.fullmatch(r"\d{8}T\d{6}Z-\w+: \d+ passed", answer.stdout.splitlines()[-1])
    assert "gptj" in (house.root / "reports/compatibility.md").read_text()

    # What an edited skill would find is no evidence of anything that was generated, so it is not even run.
    path = house.skills / "hf_gptj.py"
    path.write_text(path.read_text() + "\n# mine\n")
    runs = sorted((house.root / "reports/runs").iterdir())
    edited = house.invoke("sweep", "--model", "gpt-j", "--no-venv")
    assert edited.returncode == 1
    assert "1 edited" in edited.stdout
    assert sorted((house.root / "reports/runs").iterdir()) == runs


def test_diff_says_what_broke_and_ends_with_its_exit_code(house: House) -> None:
    runs = house.root / "reports" / "runs"
    for run, status in (("20261101T120000Z-aaaaaa", "passed"), ("20261102T120000Z-bbbbbb", "failed")):
        reason = None if status == "passed" else "no such key"
        facts = {"model_type": "bert", "head": "BertModel", "hardware": "cpu", "dtype": "fp32", "check": "forward"}
        record = Record(
            cell="/".join(facts.values()), run=run, **facts, primary=True, tier="critical", family="encoder-only",
            status=status, runs=status, matches=None, speed=None, stage=None, reason=reason, signature=reason,
            traceback=None, executed_on="cpu",
        )  # fmt: skip
        (runs / run).mkdir(parents=True)
        (runs / run / "gw0.jsonl").write_text(to_line(record) + "\n")
    answer = house.invoke("diff")
    assert answer.returncode == 1
    assert "1 broke; 0 passed on both sides" in answer.stdout
    assert house.invoke("diff", "--from", "last", "--to", "last").returncode == 0
    back = house.invoke("diff", "--from", "20261102", "--to", "20261101", "--format", "json")
    assert (back.returncode, json.loads(back.stdout)["counts"]["fixed"]) == (0, 1)
    for wrong in (["--from", "neverr"], ["--format", "pdf"]):
        assert house.invoke("diff", *wrong).returncode == 2
        assert "Traceback" not in house.invoke("diff", *wrong).stderr


RUN = "20260101T000000Z-abcdef"

SWEEP, CHECK = ["sweep", "--model", "bert", "--no-venv"], ["expect", "--check"]


def _ran(house: House, root: Path, **statuses: str) -> None:
    """A run over BERT's primary head that ended so, by check."""
    skill = house.skills / "hf_bert.py"
    skill.write_bytes((root / "skills/hf_bert.py").read_bytes())
    folder = house.root / "reports/runs" / RUN
    shutil.rmtree(folder, ignore_errors=True)
    facts = environment({"cpu": {"cpu": "Grand CPU"}}, command=["pytest"])
    facts.write(folder)
    with Writer(folder, "main") as writer:
        for check, status in statuses.items():
            cell = f"bert/BertForMaskedLM/cpu/fp32/{check}"
            reason = None if status == "passed" else f"RuntimeError: {house.root} burns at {len(check)} degrees"
            record = Record(
                cell=cell, run=RUN, model_type="bert", head="BertForMaskedLM", hardware="cpu", dtype="fp32", check=check,
                primary=True, tier="critical", family="encoder-only", status=status, runs=status, matches=None, speed=None,
                stage="run", reason=reason, signature=signature(reason), traceback=None, executed_on="cpu",
                started=facts.started, skill_sha256=sha256(skill.read_bytes()).hexdigest(), environment=facts.id,
            )  # fmt: skip
            writer.write(record)


def test_what_a_run_found_is_expected_from_then_on_and_no_longer_when_it_passes(house: House, root: Path) -> None:
    file = house.root / "expected/cpu.toml"
    _ran(house, root, build="passed", forward="failed", parity="failed")
    dry = house.invoke("expect", "--from", RUN, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert (
        "+ bert/BertForMaskedLM/cpu/fp32/forward  runs  failed: RuntimeError: PATH burns at N degrees  (new)"
        in dry.stdout
    )
    assert not file.exists()

    made = house.invoke("expect", "--from", RUN, "--class", "ours", "--reason", "the house burns", "--hardware", "cpu")
    assert made.returncode == 0, made.stderr
    assert made.stdout.splitlines()[-1] == "expected/cpu.toml: 2 rows new, 0 changed, 0 removed, 0 as they were"
    file.write_text(file.read_text().replace('text = "the house burns"', 'text = "the house burns"  # said by me', 1))
    written = file.read_text()
    assert house.invoke("expect", "--from", f"reports/runs/{RUN}").stdout.endswith("2 as they were\n")
    assert file.read_text() == written
    assert house.invoke("expect", "--check").stdout == "expected/cpu.toml: 2 rows, 0 expired\n"

    _ran(house, root, build="passed", forward="failed", parity="passed")
    gone = house.invoke("expect", "--from", RUN)
    assert "- bert/BertForMaskedLM/cpu/fp32/parity  runs  failed: " in gone.stdout
    assert gone.stdout.splitlines()[-1] == "expected/cpu.toml: 0 rows new, 0 changed, 1 removed, 1 as they were"
    assert written.startswith(file.read_text().rstrip("\n"))


def test_results_of_a_skill_that_has_changed_or_that_cannot_be_read_make_no_row(house: House, root: Path) -> None:
    _ran(house, root, forward="failed")
    (house.skills / "hf_bert.py").write_text((house.skills / "hf_bert.py").read_text() + "# mine\n")
    answer = house.invoke("expect", "--from", RUN)
    assert answer.returncode == 2
    assert "ran other skills than today's; run them again first" in _in_a_sentence(answer)

    _ran(house, root, forward="failed")
    with (house.root / "reports/runs" / RUN / "main.jsonl").open("a") as stream:
        stream.write("{\n")
    answer = house.invoke("expect", "--from", RUN)
    assert answer.returncode == 2
    assert "main.jsonl:2: not JSON" in _in_a_sentence(answer)
    assert not (house.root / "expected/cpu.toml").exists()


@pytest.mark.parametrize(
    ("command", "line", "words"),
    [
        (SWEEP, 'axis = "run"', "there is no axis 'run'. The nearest are runs"),
        (["report"], 'axis = "run"', "there is no axis 'run'. The nearest are runs"),
        (CHECK, 'sgnature = "x"', "there is no field 'sgnature'. The nearest are signature"),
        (CHECK, 'cell = "bret/BertForMaskedLM/cpu/fp32/forward"', "there is no model 'bret'. The nearest are bert"),
        (CHECK, 'cell = "bert/BertForMaskedLM/cpu/fp32/forwrd"', "there is no check 'forwrd'. The nearest are forward"),
        (
            CHECK,
            'window = {tranformers = ">=5"}',
            "there is no distribution 'tranformers'. The nearest are transformers",
        ),
    ],
)
def test_a_wrong_row_is_wrong_usage_of_whatever_reads_it_and_nothing_is_done(
    house: House, root: Path, command: list[str], line: str, words: str
) -> None:
    shutil.copy(root / "skills/hf_bert.py", house.skills)
    row = {"cell": "bert/BertForMaskedLM/cpu/fp32/forward", "axis": "runs", "status": "failed", "class": "ours"}
    row |= {"text": "it burns", "signature": "…", "expires": "9000-01-01"}
    kept = [f'{name} = "{value}"' for name, value in row.items() if name != line.partition(" = ")[0]]
    (house.root / "expected/cpu.toml").write_text("\n".join(["# Known.", "", "[[expected]]", *kept, line, ""]))
    answer = house.invoke(*command)
    assert answer.returncode == 2, answer
    said = _in_a_sentence(answer)
    assert f"expected/cpu.toml:3: {words}" in said
    assert said.rstrip().endswith("run: invoke expect --check")
