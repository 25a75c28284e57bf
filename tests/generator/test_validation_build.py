"""The stage that builds what a skill states: by the real library, each refusal shown on a skill that deserves it."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator import cache
from generator.validation import BuildError
from generator.validation import build as validation_build
from generator.validation.build import Builder, build
from tests.generator.sample import TEXT


def _with(old: str, new: str, text: str = TEXT) -> str:
    assert old in text
    return text.replace(old, new)


def test_a_true_skill_builds() -> None:
    assert build(TEXT, "gptj") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (_with("parameters=107520", "parameters=107521"), "GPTJModel has 107520 parameters, the skill states 107521"),
        (_with('"GPTJModel"', '"GPTJVanished"'), "has no class GPTJVanished; it was renamed or removed"),
        (_with('"GPTJConfig"', '"GPTJVanishedConfig"'), "has no class GPTJVanishedConfig"),
        (_with('"n_layer": 2', '"n_leyer": 2'), "GPTJConfig has no argument n_leyer, and the model reads none"),
        (_with('"n_head": 4', '"n_head": 5'), "refuses to build GPTJForCausalLM: "),
        (_with('"GPTJConfig"', '"GPT2Config"'), "GPTJForCausalLM takes a GPTJConfig, not a GPT2Config"),
        (_with('"GPTJModel"', '"AutoModel"'), "refuses to build AutoModel: "),
        (_with('"GPTJModel"', '"TFGPTJModel"'), "has no class TFGPTJModel"),
    ],
)
def test_what_does_not_build_as_stated_is_refused_with_its_reason(text: str, words: str) -> None:
    assert words in str(build(text, "gptj"))


def test_config_arguments_of_a_head_are_laid_over_those_of_the_skill() -> None:
    head = '"GPTJModel",\n            mappings=("MODEL_MAPPING",),'
    deeper = _with(head, head + '\n            config={"n_layer": 3},')
    assert build(_with("parameters=107520", "parameters=157120", deeper), "gptj") is None


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    return tmp_path


_DEADLY = """
import os, signal, sys

def die(event, arguments):
    if event == "exec" and arguments[0].co_filename.endswith("modeling_gpt2.py"):
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(die)
"""


def test_a_model_that_kills_its_process_takes_no_other_verdict_along(
    cached: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cached / "sitecustomize.py").write_text(_DEADLY)
    monkeypatch.setenv("PYTHONPATH", str(cached))
    deadly = _with('"GPTJModel"', '"GPT2Model"')
    with Builder(workers=1) as builder:
        verdicts = dict(builder.check({"dead": deadly, "gptj": TEXT}))
    assert verdicts["gptj"] is None
    assert isinstance(verdicts["dead"], BuildError)
    assert "the process that built it died" in str(verdicts["dead"])

    # Passes are remembered, failures are not: what was missing may be there the next time.
    remembered = Builder(workers=1)
    monkeypatch.setattr(remembered, "_build", lambda texts, _: iter([(name, "asked") for name in texts]))
    again = dict(remembered.check({"dead": deadly, "gptj": TEXT}))
    assert again["gptj"] is None
    assert "asked" in str(again["dead"])


def test_a_misspelt_argument_is_none_of_those_that_another_models_code_reads() -> None:
    import transformers

    known = validation_build._words(transformers.LlavaForConditionalGeneration)
    assert "vision_feature_layer" in known
    assert "vision_feature_leyer" not in known
