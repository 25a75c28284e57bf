"""Config folders by the real command lines: what is unusual about their values is kept, and the bad ones are refused."""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.conftest import PACKAGES, House

ODD = {
    "model_type": "llama",
    "architectures": ["LlamaForSequenceClassification"],
    "hidden_size": 5120,
    "num_attention_heads": 40,
    "num_key_value_heads": 5,
    "num_hidden_layers": 60,
    "hidden_act": "gelu",
    "tie_word_embeddings": True,
    "attention_bias": True,
    "eos_token_id": [2, 31999],
    "rope_scaling": {"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 4096},
    "torch_dtype": "bfloat16",
    "quantization_config": {"quant_method": "fp8"},
    "an_extra_field": [1, {"a": 2}],
}


def _folder(place: Path, text: str) -> Path:
    place.mkdir(parents=True)
    (place / "config.json").write_text(text)
    return place


def _stated(skill: Path) -> dict[str, Any]:
    body = next(node for node in ast.parse(skill.read_text()).body if isinstance(node, ast.ClassDef)).body
    return {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id != "heads"
    }


def test_a_folder_gives_a_skill_of_its_own_that_keeps_what_is_unusual(house: House, tmp_path: Path) -> None:
    folder = _folder(tmp_path / "My-Odd 'Llama'.v2", json.dumps(ODD))
    other = _folder(
        tmp_path / "phi",
        json.dumps(
            {
                "model_type": "phi3",
                "original_max_position_embeddings": 4096,
                "rope_scaling": {"type": "longrope", "short_factor": [1.0] * 48, "long_factor": [2.0] * 48},
            }
        ),
    )
    answer = house.python("invoke", "generate", "--model", str(folder), "--model", str(other))
    assert answer.returncode == 0, answer.stdout + answer.stderr
    stated = _stated(house.skills / "hf_llama__my_odd_llama_v2.py")
    config = stated["config"]
    assert (stated["model_type"], stated["of"]) == ("llama--my-odd-llama-v2", "llama")
    assert config["num_attention_heads"] > config["num_key_value_heads"] > 1
    assert config["num_hidden_layers"] < 60
    assert (config["hidden_act"], config["tie_word_embeddings"], config["attention_bias"]) == ("gelu", True, True)
    assert config["rope_parameters"]["rope_type"] == "yarn"
    assert len(config["eos_token_id"]) == 2
    assert not {"quantization_config", "an_extra_field", "torch_dtype", "dtype"} & config.keys()
    for module in ("hf_llama__my_odd_llama_v2", "hf_phi3__phi"):
        answer = house.python(f"skills.{module}", "--head", "primary", "--json")
        records = json.loads(answer.stdout)
        assert {record["status"] for record in records} == {"passed"}, answer.stdout
    assert records[0]["head"] == "Phi3ForCausalLM"
    answer = house.python("invoke", "validate")
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nope{", "is no JSON"),
        ("[1]", "holds a list, not a config"),
        ("{}", "names no model_type"),
        ('{"model_type": "../../x"}', "has no model for"),
        ('{"model_type": "llama", "rms_norm_eps": NaN}', "NaN is no number of JSON"),
        ('{"model_type": "llama", "num_hidden_layers": 1000000000}', "is no size of a model"),
        ('{"model_type": "llama", "vocab_size": 1e999}', "is no size of a model"),
        ("[" * 100_000, "nested too deeply"),
        ('{"model_type": "zzz", "auto_map": {"AutoConfig": "evil.E"}}', "--trust-remote-code was not given"),
    ],
)
def test_a_folder_that_holds_no_config_is_told_so_in_a_sentence(
    house: House, tmp_path: Path, text: str, words: str
) -> None:
    before = sorted(house.skills.iterdir())
    answer = house.python("invoke", "generate", "--model", str(_folder(tmp_path / "a b", text)))
    assert (answer.returncode, answer.stdout) == (1, "")
    assert len(answer.stderr.strip().splitlines()) == 1
    assert words in answer.stderr
    assert sorted(house.skills.iterdir()) == before


def test_code_of_a_folder_is_run_only_where_it_is_trusted(house: House, tmp_path: Path) -> None:
    values = {
        "model_type": "acme_own",
        "num_attention_heads": 32,
        "auto_map": {
            "AutoConfig": "configuration_acme_lm.AcmeLmConfig",
            "AutoModelForCausalLM": "modeling_acme_lm.AcmeLmForCausalLM",
        },
    }
    folder = _folder(tmp_path / "own", json.dumps(values))
    for path in (PACKAGES / "acme_lm").glob("*_acme_lm.py"):
        shutil.copy(path, folder)
    config = folder / "configuration_acme_lm.py"
    config.write_text(config.read_text().replace('"acme_lm"', '"acme_own"'))
    answer = house.python("invoke", "generate", "--model", str(folder))
    assert (answer.returncode, "--trust-remote-code was not given" in answer.stderr) == (1, True)
    answer = house.python("invoke", "generate", "--model", str(folder), "--trust-remote-code")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    answer = house.python("skills.hf_acme_own__own", "--head", "primary")
    assert answer.returncode == 0, answer.stdout
    values["auto_map"]["AutoConfig"] = "../elsewhere/evil.E"  # type: ignore[index]
    (folder / "config.json").write_text(json.dumps(values))
    answer = house.python("invoke", "generate", "--model", str(folder), "--trust-remote-code")
    assert (answer.returncode, "no class of a file beside it" in answer.stderr) == (1, True)
