"""Architectures of other packages by the real command lines: from their registration to a record of every check."""

from __future__ import annotations

import json
import re

import pytest

from tests.plugins.conftest import House

PLUGINS = {
    "acme_lm": "acme_lm",
    "moth_lm": "moth",
    "owl_vl": "owl_vl",
    "rook_seq": "rook",
    "sill_vision": "sill-vision",
    "tern_text:register": "tern",
    "wren_speech": "wren",
}
"""Package -> model type."""

FAMILIES = {
    "acme_lm": "decoder-only",
    "moth": "decoder-only",
    "owl_vl": "multimodal",
    "rook": "encoder-decoder",
    "sill-vision": "vision",
    "tern": "encoder-only",
    "wren": "speech",
}


def _options(*packages: str) -> list[str]:
    return [f"--plugin={name}" for name in packages]


@pytest.fixture(scope="module")
def generated(house: House) -> House:
    names = [f"--model={name}" for name in PLUGINS.values()]
    answer = house.python("invoke", "generate", *_options(*PLUGINS), *names)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return house


def test_architectures_of_packages_pass_every_check(generated: House) -> None:
    answer = generated.python("pytest", "-p", "harness.plugin", "skills", "--head=all", "--results=runs")
    records = [
        json.loads(line) for file in generated.root.glob("runs/*/*.jsonl") for line in file.read_text().splitlines()
    ]
    passed = {(item["model_type"], item["check"]) for item in records if item["status"] == "passed"}
    # transformers' pipelines read outputs by name, and tern gives tuples: the one red cell is tern's own doing.
    red = {(item["model_type"], item["check"]) for item in records if item["status"] not in ("passed", "unavailable")}
    assert red == {("tern", "pipeline")}, answer.stdout
    assert answer.returncode == 1
    assert {name for name, _ in passed} == set(FAMILIES)
    for name in FAMILIES:
        assert {(name, check) for check in ("forward", "vacuity", "round_trip", "parity")} <= passed
    for name in ("acme_lm", "moth", "owl_vl", "rook"):
        assert (name, "generation") in passed
    assert ("acme_lm", "pipeline") in passed


def test_the_tokenizer_that_a_package_registers_is_the_one_that_is_used(generated: House) -> None:
    assert "AcmeLmTokenizer" in (generated.skills / "hf_acme_lm.py").read_text()
    assert "PreTrainedTokenizerFast" in (generated.skills / "hf_moth.py").read_text()


def test_their_rows_are_found_by_the_rules_and_say_where_they_come_from(generated: House) -> None:
    for package, name in PLUGINS.items():
        answer = generated.python("invoke", "catalog", "--json", "--model", name, *_options(*PLUGINS))
        row = json.loads(answer.stdout)
        assert (row["state"], row["tier"], row["package"]) == ("architecture", "long-tail", package)
        assert row["sources"]["tier"] == f"plugin {package}"
        assert row["family"] == FAMILIES[name]


def test_what_is_on_disk_is_validated_and_compared_with_the_packages_that_it_came_from(generated: House) -> None:
    answer = generated.python("invoke", "validate")
    assert (answer.returncode, "7 skills: 7 valid" in answer.stdout) == (0, True), answer.stdout
    answer = generated.python("invoke", "generate", "--check")
    assert (answer.returncode, "7 unchanged" in answer.stdout) == (0, True), answer.stdout


def test_a_skill_runs_only_where_its_package_is(generated: House) -> None:
    answer = generated.python("skills.hf_acme_lm", "--check", "forward", "--head", "primary")
    assert answer.returncode == 0, answer.stdout
    text = (generated.skills / "hf_acme_lm.py").read_text().replace('package = "acme_lm"', 'package = "acme_gone"')
    (generated.root / "elsewhere.py").write_text(text)
    answer = generated.python("elsewhere", "--check", "forward", "--head", "primary")
    assert answer.returncode == 3
    assert "needs the package acme_gone" in " ".join(answer.stdout.split())


def test_a_run_is_narrowed_to_the_skills_of_a_package(generated: House) -> None:
    answer = generated.python(
        "pytest", "-p", "harness.plugin", "skills", "--package=sill_vision", "--collect-only", "-q"
    )
    assert set(re.findall(r"hf_\w+\.py", answer.stdout)) == {"hf_sill_vision.py"}
    answer = generated.python("pytest", "-p", "harness.plugin", "skills", "--package=nothing")
    assert "no skill is of the package 'nothing'" in answer.stderr


def test_an_installed_package_is_found_by_its_entry_point(house: House) -> None:
    (house.site / "rook_two.py").write_text(
        "from transformers import AutoConfig, AutoModel, BertConfig, BertModel\n"
        "class RookTwoConfig(BertConfig):\n    model_type = 'rook_two'\n"
        "class RookTwoModel(BertModel):\n    config_class = RookTwoConfig\n"
        "def register():\n"
        "    AutoConfig.register('rook_two', RookTwoConfig)\n    AutoModel.register(RookTwoConfig, RookTwoModel)\n"
    )
    info = house.site / "rook_two-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: rook-two\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("[skillmatrix.architectures]\nrook = rook_two:register\n")
    try:
        answer = house.python("invoke", "catalog", "--json", "--model", "rook-two")
        assert json.loads(answer.stdout)["package"] == "rook_two:register", answer.stderr
        # What it depends on is the file as it is now.
        (house.site / "rook_two.py").write_text("raise OSError('gone wrong')\n")
        answer = house.python("invoke", "catalog", "--model", "rook-two")
        assert answer.returncode == 1
        assert answer.stderr == "plugin rook_two:register: importing it fails: OSError: gone wrong\n"
    finally:
        for path in (*info.iterdir(), house.site / "rook_two.py"):
            path.unlink()
        info.rmdir()


HEAD = "from transformers import AutoConfig, AutoModel, BertConfig, BertModel\n"
OWN = HEAD + "class OwnConfig(BertConfig):\n    model_type = 'own'\nAutoConfig.register('own', OwnConfig)\n"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "import nothing_of_the_sort\n",
            "importing it fails: ModuleNotFoundError: No module named 'nothing_of_the_sort'",
        ),
        ("def broken(:\n", "importing it fails: SyntaxError"),
        ("x = 1\n", "registers no config with AutoConfig"),
        (
            HEAD + "BertConfig.model_type = 'bert'\nAutoConfig.register('bert', BertConfig)\n",
            "already used by a Transformers",
        ),
        (
            HEAD + "class C(BertConfig):\n    model_type = 'bert'\nAutoConfig.register('bert', C, exist_ok=True)\n",
            "registers bert, which is a type of transformers itself",
        ),
        (
            HEAD + "class C(BertConfig):\n    model_type = 'Be-RT'\nAutoConfig.register('Be-RT', C)\n",
            "registers Be-RT, which is but another spelling of bert",
        ),
        (
            HEAD + "class C(BertConfig):\n    model_type = 'a/../b'\nAutoConfig.register('a/../b', C)\n",
            "cannot be a model type",
        ),
        (OWN + "AutoModel.register(OwnConfig, BertModel)\n", "not consistent with the config class"),
        (
            OWN
            + "class BertModel(BertModel):\n    config_class = OwnConfig\nAutoModel.register(OwnConfig, BertModel)\n",
            "its class BertModel is called like one of transformers",
        ),
    ],
)
def test_a_package_that_cannot_be_used_is_told_so_in_a_sentence(house: House, code: str, words: str) -> None:
    (house.site / "broken_plugin.py").write_text(code)
    answer = house.python("invoke", "catalog", "--plugin", "broken_plugin", "--model", "own")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert len(answer.stderr.strip().splitlines()) == 1
    assert answer.stderr.startswith("plugin broken_plugin: ")
    assert words in answer.stderr


@pytest.mark.parametrize("name", ["", "../x", "a b", "acme-models", 'a"b', "x\ny", "no_such_package"])
def test_a_name_that_is_no_package_is_told_so_in_a_sentence(house: House, name: str) -> None:
    answer = house.python("invoke", "generate", "--plugin", name, "--model", "llama")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert len(answer.stderr.strip().splitlines()) == 1
