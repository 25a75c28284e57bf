"""The templates of the families: what they make of a small spec each, to the byte.

After a wanted change: ``SKILLMATRIX_UPDATE_GOLDEN=1 python -m pytest tests/generator/test_rendering_skills.py``, then
read the diff.
"""

from __future__ import annotations

import ast
import dataclasses
import os
import random
from pathlib import Path
from typing import Any

import black
import pytest

from generator.rendering import RenderError, render, template_sources
from generator.rendering.environment import SKILLS
from generator.spec import FAMILIES, HeadSpec, InputSpec, OutputSpec, SkillSpec, from_json, to_json

GOLDEN = Path(__file__).parent / "golden"
UPDATE = "SKILLMATRIX_UPDATE_GOLDEN"

TOKENS = InputSpec("input_ids", "Tokens", {"high": 99, "low": 4, "shape": (2, 7)})
MASK = InputSpec("attention_mask", "Mask", {"shape": (2, 7)})
PIXELS = InputSpec("pixel_values", "Floats", {"shape": (2, 3, 32, 32)})


def head(class_name: str, *inputs: InputSpec, **changes: Any) -> HeadSpec:
    """A head that states no more than it must, but for the changes."""
    plain = HeadSpec(
        class_name=class_name,
        mappings=("MODEL_MAPPING",),
        pipelines=(),
        primary=False,
        config={},
        inputs=inputs,
        outputs=(OutputSpec("last_hidden_state", (2, 7, 64), "float32"),),
        parameters=1000,
        batch=1,
        generation=None,
    )
    return dataclasses.replace(plain, **changes)


def spec(
    family: str, model_type: str, title: str, modalities: tuple[str, ...], *heads: HeadSpec, **changes: Any
) -> SkillSpec:
    """A skill of a family."""
    class_name = title.replace("-", "").replace(" ", "")
    plain = SkillSpec(
        model_type=model_type,
        module=f"hf_{model_type.replace('-', '_')}",
        class_name=class_name,
        title=title,
        family=family,
        tier="critical",
        modalities=modalities,
        checkpoint=f"example/{model_type}",
        requires=(),
        config_class=f"{class_name}Config",
        config={"hidden_size": 64, "num_hidden_layers": 2},
        facts={},
        heads=heads,
        transformers="5.23.0",
        sources={},
    )
    return dataclasses.replace(plain, **changes)


SPECS = {
    item.family: item
    for item in (
        spec(
            "encoder-only",
            "xlm-roberta",
            "XLM-RoBERTa",
            ("text",),
            head(
                "XLMRobertaForMaskedLM",
                TOKENS,
                MASK,
                mappings=("MODEL_FOR_MASKED_LM_MAPPING", "MODEL_FOR_PRETRAINING_MAPPING"),
                pipelines=("fill-mask",),
                primary=True,
                outputs=(OutputSpec("logits", (2, 7, 99), "float32"),),
                batch=2,
            ),
            head("XLMRobertaModel", TOKENS, MASK, pipelines=("feature-extraction",), batch=2),
            facts={"vocab_size": 99, "pad_token_id": 1, "max_position_embeddings": 130},
            sources={"tier": "tracked as XLM-RoBERTa"},
        ),
        spec(
            "decoder-only",
            "gptj",
            "GPT-J",
            ("text",),
            head(
                "GPTJForCausalLM",
                TOKENS,
                MASK,
                primary=True,
                batch=2,
                generation={"max_new_tokens": 6, "do_sample": False},
            ),
            facts={"eos_token_id": 2, "vocab_size": 99, "rotary_dim": 8},
            checkpoint=None,
        ),
        spec(
            "encoder-decoder",
            "musicgen",
            "MusicGen",
            ("text",),
            head(
                "MusicgenForCausalLM",
                InputSpec("decoder_input_ids", "Integers", {"high": 9, "low": 0, "shape": (2, 3)}),
                primary=True,
                config={"tie_word_embeddings": False, "decoder": {"layerdrop": 0.0}},
                generation={},
                generation_config={"decoder_start_token_id": 0},
                config_class="MusicgenDecoderConfig",
                part="decoder",
                method="generate",
                arguments={"synced": False, "max_length": 9},
                notes=('its "forward" asks for\ncodes that only generate() prepares',),
            ),
            facts={"decoder_start_token_id": 0, "pad_token_id": 0, "vocab_size": 99},
        ),
        spec(
            "vision",
            "vit",
            "ViT",
            ("image",),
            head(
                "ViTModel",
                PIXELS,
                InputSpec("bool_masked_pos", "Booleans", {"shape": (2, 16), "true": 4, "matters": False}),
            ),
            facts={"image_size": (32, 48), "patch_size": 8, "num_channels": 3},
        ),
        spec(
            "vision-text",
            "clip",
            "CLIP",
            ("image", "text"),
            head("CLIPModel", TOKENS, PIXELS, primary=True, batch=2),
            facts={"vocab_size": 99, "image_size": 32, "patch_size": 8},
            config={
                "text_config": {"vocab_size": 99},
                "vision_config": {"image_size": 32},
                "logit_scale_init_value": 2.6592,
            },
        ),
        spec(
            "speech",
            "whisper",
            "Whisper",
            ("audio",),
            head(
                "WhisperModel",
                InputSpec("input_features", "Floats", {"shape": (2, 8, 20), "scale": 0.5, "uniform": True}),
            ),
            facts={"num_mel_bins": 8, "sampling_rate": 16000},
            requires=("torchaudio",),
        ),
        spec(
            "multimodal",
            "llava",
            "LLaVA",
            ("image", "text"),
            head(
                "LlavaForConditionalGeneration",
                InputSpec("input_ids", "Tokens", {"high": 98, "low": 4, "runs": ((98, 2, 16),), "shape": (2, 24)}),
                MASK,
                PIXELS,
                primary=True,
                within="text_config",
            ),
            facts={"vocab_size": 99, "image_token_id": 98, "image_size": 32},
        ),
        spec(
            "time-series",
            "patchtst",
            "PatchTST",
            ("time-series",),
            head("PatchTSTModel", InputSpec("past_values", "Floats", {"shape": (2, 32, 3)})),
            facts={"prediction_length": 8, "context_length": 32},
        ),
        spec(
            "other",
            "tapas-like",
            "Tapas-Like",
            (),
            head(
                "TapasModel",
                InputSpec("token_type_ids", "Literal", {"values": [[[0, 1]]], "dtype": "int64", "shape": (1, 1, 2)}),
            ),
            config={"scale": float("inf"), "weights": (1, 2), "id2label": {10: "b", 2: "a"}},
        ),
    )
}


def test_every_family_has_a_template_and_a_golden_file() -> None:
    templates = {path.name for path in SKILLS.glob("*.py.mako")}
    assert templates == {item.template for item in SPECS.values()} | {"base.py.mako"}
    assert set(SPECS) == set(FAMILIES)
    assert {path.name for path in GOLDEN.iterdir()} == {f"{family.replace('-', '_')}.py" for family in FAMILIES}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_renders_as_its_golden_file(family: str) -> None:
    text = black.format_str(render(SPECS[family]), mode=black.Mode(line_length=120))
    golden = GOLDEN / f"{family.replace('-', '_')}.py"
    if os.environ.get(UPDATE):
        golden.write_text(text)
    assert text == golden.read_text(), f"{golden.name} differs. Run: {UPDATE}=1 python -m pytest {Path(__file__).name}"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_spec_from_the_cache_renders_as_the_one_just_made(family: str) -> None:
    kept = from_json(to_json(SPECS[family]))
    assert render(kept) == render(SPECS[family]) == render(from_json(to_json(kept)))


def test_the_order_of_facts_and_arguments_does_not_matter() -> None:
    item = SPECS["multimodal"]
    shuffled = list(item.facts.items())
    random.Random(1).shuffle(shuffled)
    assert render(
        dataclasses.replace(item, facts=dict(shuffled), config=dict(reversed(item.config.items())))
    ) == render(item)


def test_hyphens_become_underscores_in_names_only() -> None:
    item = SPECS["encoder-only"]
    tree = ast.parse(render(dataclasses.replace(item, class_name="XLM-RoBERTa")))
    assert next(node.name for node in tree.body if isinstance(node, ast.ClassDef)) == "XLM_RoBERTa"
    assert "xlm-roberta" in render(item)


HOSTILE = (
    '"',
    '"""',
    "'''",
    "\\",
    "\n",
    "\r",
    "{x}",
    "${1}",
    "\0",
    "\u2028",
    "\ud800",
    "% if x:",
    "##",
    '\\"""',
    "a\n# b",
)


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_stay_where_they_are_put(value: str) -> None:
    item = SPECS["decoder-only"]
    inside = dataclasses.replace(item.heads[0], notes=(value,), class_name=value, mappings=(value,))
    given = dataclasses.replace(
        item, title=value, checkpoint=value, config={value: value}, facts={"vocab_size": value}, heads=(inside,)
    )
    text = render(given)
    text.encode("utf-8")
    tree = ast.parse(text)
    assert ast.dump(tree).count("ClassDef") == 1
    (skill,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    stated = {node.targets[0].id: node.value for node in skill.body if isinstance(node, ast.Assign)}
    assert ast.literal_eval(stated["config"]) == {value: value}
    assert ast.literal_eval(stated["checkpoint"]) == ast.literal_eval(stated["vocab_size"]) == value
    assert ast.literal_eval(stated["heads"].elts[0].args[0]) == value
    assert tree.body[0].value.value == f"{value} (gptj): a decoder, continues text token by token."


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"class_name": "GPT J"},
            r"templates/skills/base\.py\.mako:\d+: \$\{spec\.class_name\} is 'GPT J', which an ident",
        ),
        ({"class_name": "class"}, "it is a keyword of Python"),
        (
            {"model_type": "gptj\nimport os"},
            r"base\.py\.mako:7: \$\{spec\.model_type\} is 'gptj\\nimport os', which a comm",
        ),
        ({"facts": {"a b": 1}}, r"\$\{name\} is 'a b'"),
        ({"facts": {"vocab_size": object()}}, "of type object has no literal"),
        ({"sources": {"tier": "type: ignore"}}, "it would turn the comment into one that Python or a tool obeys"),
        ({"transformers": "5.23.0\u2028"}, "a comment may hold printable characters only"),
    ],
)
def test_what_a_skill_cannot_hold_is_an_error_in_a_sentence(
    changes: dict[str, Any], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKILLMATRIX_CACHE", str(tmp_path))
    with pytest.raises(RenderError, match=says):
        render(dataclasses.replace(SPECS["decoder-only"], **changes))


def test_the_digest_of_a_template_covers_its_base() -> None:
    data = template_sources(SPECS["vision"])
    for name in ("vision.py.mako", "base.py.mako"):
        assert (SKILLS / name).read_bytes() in data
    assert (SKILLS / "speech.py.mako").read_bytes() not in data
