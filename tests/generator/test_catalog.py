"""Tests of generator.catalog on the installed transformers: nothing is left out, and what it says agrees with what is known."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from generator import cache
from generator.catalog import Catalog, CatalogError, load, store, tracked
from generator.catalog.heads import PRIORITY
from generator.catalog.row import STATES, from_json, to_json
from generator.spec import FAMILIES, TIERS

COUNTS = {"5.23.0": {"architecture": 531, "component": 268, "alias": 4, "impossible": 1}}
"""States by release; a new release's counts are written here when its new rows have been looked at."""

LABELS = {
    "bigbird": "encoder-only: big_bird has no decoder; bigbird_pegasus has",
    "data2vec": "encoder-only: resolves to the text type",
    "data2vec_vision": "vision: takes pixels only",
    "encoder_decoder": "encoder-decoder: the list gives it none",
    "florence": "multimodal: writes text, with a place for images in the text it takes",
    "gemma3": "multimodal: the type is the one with images; gemma3_text is its component",
    "longformer": "encoder-only: has no decoder; led has",
    "reformer": "encoder-only: not is_encoder_decoder, and listed as a masked LM",
    "seamless-m4t": "speech: takes audio",
    "seamless_m4t": "speech: takes audio",
    "siglip": "vision-text: two towers, like clip",
    "trocr_base": "decoder-only: the type is the text decoder alone",
    "trocr_large": "decoder-only: the type is the text decoder alone",
    "wav2vec2_bert": "speech: takes audio",
    "xlnet": "decoder-only: its head is a causal LM",
}
"""Tracked names whose label is not the library's word, all of the medium tier, with the family and the reason."""


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load()


@pytest.fixture(scope="session")
def library_types() -> set[str]:
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    return set(CONFIG_MAPPING_NAMES)


def test_every_entry_of_config_mapping_has_one_row_with_a_state_and_a_reason(
    catalog: Catalog, library_types: set[str]
) -> None:
    assert set(catalog.rows) == library_types
    assert list(catalog.rows) == sorted(catalog.rows)
    for name, row in catalog.rows.items():
        assert row.model_type == name
        assert row.state in STATES
        assert row.reason
        assert (row.of is not None) == (row.state in ("component", "alias"))
        assert row.of is None or catalog.rows[row.of].state == "architecture"


def test_the_counts_of_this_release_are_those_looked_at(catalog: Catalog) -> None:
    assert Counter(row.state for row in catalog.rows.values()) == COUNTS[catalog.transformers]


def test_the_rows_that_have_no_own_life_are_what_they_are_known_to_be(catalog: Catalog) -> None:
    others = {name: (row.state, row.of) for name, row in catalog.rows.items() if row.state in ("alias", "impossible")}
    assert others == {
        "EvollaModel": ("alias", "evolla"),
        "gpt-sw3": ("alias", "gpt2"),
        "mlcd_vision_model": ("alias", "mlcd"),
        "nougat": ("alias", "vision-encoder-decoder"),
        "layoutxlm": ("impossible", None),
    }
    split = {
        "maskformer-swin": "maskformer",
        "rf_detr_dinov2": "rf_detr",
        "mimi_encoder": "mimi",
        "mimi_decoder": "mimi",
    }
    assert {name: catalog.rows[name].of for name in split} == split
    assert catalog.rows["qwen2_5_omni_text"].of == "qwen2_5_omni"
    assert {catalog.rows[name].state for name in ("esmfold2", "rag", "data2vec-text", "parakeet_tdt")} == {
        "architecture"
    }


def test_a_listed_class_that_does_not_exist_is_said_in_the_row(catalog: Catalog) -> None:
    assert {name: row.missing for name, row in catalog.rows.items() if row.missing} == {
        "voxtral_realtime_text": ("VoxtralRealtimeTextModel",)
    }
    assert "VoxtralRealtimeTextModel" in catalog.rows["voxtral_realtime_text"].reason


def test_every_row_is_complete(catalog: Catalog) -> None:
    for row in catalog.rows.values():
        assert row.family in FAMILIES
        assert row.tier in TIERS
        assert row.modalities == tuple(sorted(set(row.modalities)))
        assert row.class_name.isidentifier()
        assert row.module.isidentifier()
        assert {"state", "family", "modalities", "tier", "checkpoint", "requires", "heads", "title"} <= set(row.sources)
        assert all(row.sources.values())
        assert [head.primary for head in row.heads] == [place == 0 for place in range(len(row.heads))]


def test_every_architecture_has_heads_and_names_of_its_own(catalog: Catalog) -> None:
    rows = catalog.architectures()
    assert all(row.heads and row.modalities for row in rows)
    assert len({row.module for row in rows}) == len({row.class_name for row in rows}) == len(rows)


def test_every_class_of_every_mapping_is_a_head_or_missing(catalog: Catalog) -> None:
    for mapping, table in catalog.mappings.items():
        for model_type, classes in table.items():
            row = catalog.rows[model_type]
            heads = {head.class_name: head for head in row.heads}
            for class_name in classes:
                assert class_name in row.missing or mapping in heads[class_name].mappings


def test_the_priority_list_knows_every_mapping_with_a_task(catalog: Catalog) -> None:
    assert len(set(PRIORITY)) == len(PRIORITY)
    assert set(PRIORITY) <= set(catalog.mappings)


def test_tiers_are_those_of_the_tracked_list(catalog: Catalog) -> None:
    # llama is tracked as critical and, as codellama, as high: 34 + 39 names' types are 72 types.
    assert {tier: len(catalog.architectures(tier)) for tier in TIERS[:2]} == {"critical": 34, "high": 38}
    assert catalog.rows["llama"].tier == "critical"
    rows = catalog.architectures()
    assert [row.tier for row in rows] == sorted((row.tier for row in rows), key=TIERS.index)
    assert [row.model_type for row in catalog.architectures("high")] == sorted(
        row.model_type for row in rows if row.tier == "high"
    )
    with pytest.raises(ValueError, match="critical, high, medium, long-tail"):
        catalog.architectures("urgent")


def test_families_agree_with_the_tracked_list_or_say_why_not(catalog: Catalog) -> None:
    differing = {}
    for row in tracked().values():
        if row.model_type is not None and catalog.rows[row.model_type].family != row.label:
            differing[row.name] = catalog.rows[row.model_type].family
    assert differing == {name: reason.partition(":")[0] for name, reason in LABELS.items()}
    assert {tracked()[name].tier for name in LABELS} == {"medium"}


@pytest.mark.parametrize(
    ("model_type", "primary", "modalities"),
    [
        ("gptj", "GPTJForCausalLM", ("text",)),
        ("bert", "BertForMaskedLM", ("text",)),
        ("bart", "BartForConditionalGeneration", ("text",)),
        ("vit", "ViTForImageClassification", ("image",)),
        ("clip", "CLIPModel", ("image", "text")),
        ("llava", "LlavaForConditionalGeneration", ("image", "text")),
        ("wav2vec2", "Wav2Vec2ForCTC", ("audio",)),
        ("whisper", "WhisperForConditionalGeneration", ("audio", "text")),
        ("bark", "BarkModel", ("text",)),
        ("musicgen", "MusicgenForConditionalGeneration", ("audio", "text")),
        ("encodec", "EncodecModel", ("audio",)),
        ("videomae", "VideoMAEForVideoClassification", ("video",)),
        ("imagegpt", "ImageGPTForImageClassification", ("image",)),
        ("blt", "BltForCausalLM", ("text",)),
        ("sam", "SamModel", ("image",)),
        ("patchtst", "PatchTSTForClassification", ("time-series",)),
        ("sam2_video", "Sam2VideoModel", ("video",)),
    ],
)
def test_the_primary_head_is_the_one_meant_by_the_name(
    catalog: Catalog, model_type: str, primary: str, modalities: tuple[str, ...]
) -> None:
    row = catalog.rows[model_type]
    assert row.primary is not None
    assert (row.primary.class_name, row.modalities) == (primary, modalities)


def test_libraries_are_required_only_where_nothing_can_be_built_without(catalog: Catalog) -> None:
    needed = {row.model_type: set(row.requires) for row in catalog.architectures() if row.requires}
    timm = {
        "edgetam",
        "fast_vlm",
        "gemma3n",
        "pe_video",
        "pe_audio_video",
        "perception_lm",
        "timm_backbone",
        "timm_wrapper",
    }
    assert {name for name, libraries in needed.items() if "timm" in libraries} == timm
    assert needed["dinat"] == {"natten"}
    assert needed["layoutlmv2"] == {"detectron2"}
    assert needed["higgs_audio_v2_tokenizer"] == {"torchaudio"}
    # Backbones that can be swapped, kernels with a fallback, libraries for tokenizers: not needed.
    assert not set(needed) & {"detr", "mamba", "rwkv", "xlstm", "t5", "tapas"}
    assert not any(needed.get(row.model_type) for tier in TIERS[:2] for row in catalog.architectures(tier))


def test_pipelines_fit_the_heads_they_are_given_to(catalog: Catalog) -> None:
    def tasks(model_type: str) -> dict[str, tuple[str, ...]]:
        return {head.class_name: head.pipelines for head in catalog.rows[model_type].heads}

    assert "text-generation" in tasks("gptj")["GPTJForCausalLM"]
    assert tasks("gptj")["GPTJModel"] == ("feature-extraction",)
    assert tasks("vit")["ViTModel"] == ("image-feature-extraction",)
    assert "zero-shot-audio-classification" in tasks("clap")["ClapModel"]
    for row in catalog.rows.values():
        for head in row.heads:
            for task in head.pipelines:
                assert set(catalog.pipeline_tasks[task]) & set(head.mappings)


def test_checkpoints_copied_from_another_model_are_not_believed(catalog: Catalog) -> None:
    assert catalog.rows["gptj"].checkpoint == "EleutherAI/gpt-j-6B"
    assert catalog.rows["segformer"].checkpoint == "nvidia/segformer-b0-finetuned-ade-512-512"
    assert catalog.rows["xlm-roberta"].checkpoint == "FacebookAI/xlm-roberta-base"
    assert "Seed-OSS" in catalog.rows["segformer"].sources["checkpoint"]
    assert all(row.checkpoint is None or row.checkpoint.count("/") == 1 for row in catalog.rows.values())


def test_json_gives_back_the_catalogue(catalog: Catalog) -> None:
    assert from_json(to_json(catalog)) == catalog


def test_a_catalogue_that_was_just_made_is_the_one_that_is_read_later_to_the_order_of_its_parts(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Specs are kept by what a row looks like: the call after an interrupted first one would find none of them.
    monkeypatch.setenv("SKILLMATRIX_CACHE", str(tmp_path))
    monkeypatch.setattr("generator.catalog.build.build", lambda _: unsorted)
    row = catalog.rows["bert"]
    turned = replace(row, sources=dict(reversed(list(row.sources.items()))))
    unsorted = replace(catalog, rows={"bert": turned})
    assert repr(load().rows["bert"]) == repr(load().rows["bert"]) != repr(turned)


def test_a_warm_load_imports_neither_torch_nor_transformers(catalog: Catalog, root: Path) -> None:
    assert catalog.rows
    code = (
        "import sys; from generator.catalog import load\n"
        "assert load().rows\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'torch', 'transformers', 'numpy'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("damage", ["truncate", "scribble", "sealed nonsense", "another shape"])
def test_a_damaged_cache_is_made_again(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    built = []

    def build(digest: str) -> Catalog:
        built.append(digest)
        return replace(catalog, digest=digest)

    monkeypatch.setattr("generator.catalog.build.build", build)
    assert load() == load()
    assert len(built) == 1
    (path,) = (tmp_path / "catalog").iterdir()
    if damage == "truncate":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "scribble":
        path.write_bytes(b"\x00" * 100)
    elif damage == "sealed nonsense":
        cache.write(path, "{")
    else:
        cache.write(path, json.dumps({"rows": {}}))
    assert load() == load()
    assert len(built) == 2
    load(refresh=True)
    assert len(built) == 3


def test_a_cache_that_cannot_be_written_costs_a_warning_only(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    monkeypatch.setenv(cache.VARIABLE, str(blocked))
    monkeypatch.setattr("generator.catalog.build.build", lambda digest: replace(catalog, digest=digest))
    with pytest.warns(UserWarning, match="nothing was cached"):
        assert load().rows == catalog.rows


def test_the_key_follows_the_code_and_the_release(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store.digest() == store.digest() == catalog.digest
    copy = tmp_path / "catalog"
    copy.mkdir()
    for path in Path(store.__file__).parent.glob("*.*"):
        if path.is_file():
            (copy / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(store, "__file__", str(copy / "store.py"))
    assert store.digest() == catalog.digest
    (copy / "heads.py").write_text("# other rules\n")
    assert store.digest() != catalog.digest


def test_without_transformers_the_error_names_the_command(root: Path) -> None:
    code = "from generator.catalog import CatalogError, load\ntry: load()\nexcept CatalogError as error: print(error)"
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd="/", env=bare, capture_output=True, text=True, check=True
    )
    assert (
        done.stdout == f"catalog: transformers is not installed. The catalogue is read from it. Run: {store.INSTALL}\n"
    )


def test_a_transformers_that_cannot_be_imported_is_an_error_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(digest: str) -> Catalog:
        raise ImportError(f"no torch for {len(digest)}", name="torch")

    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    monkeypatch.setattr("generator.catalog.build.build", build)
    with pytest.raises(CatalogError, match="torch cannot be imported"):
        load()
    assert not (tmp_path / "catalog").exists()
