"""Tests of the catalogue's rules on a made-up library: what a release that does not exist yet would do to them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pytest

from generator.catalog.build import assemble
from generator.catalog.ledger import LedgerError
from generator.catalog.library import Entry, Library, SubConfig, _subs
from generator.catalog.modeling import Models
from generator.catalog.row import Catalog

CAUSAL = "MODEL_FOR_CAUSAL_LM_MAPPING"
BASE = "MODEL_MAPPING"

PLAIN = """
from ...modeling_utils import PreTrainedModel


class {name}PreTrainedModel(PreTrainedModel):
    base_model_prefix = "model"


class {name}Model({name}PreTrainedModel):
    def forward(self, input_ids, attention_mask=None):
        return input_ids


class {name}ForCausalLM({name}PreTrainedModel, GenerationMixin):
    def __init__(self, config):
        self.model = {name}Model(config)

    def forward(self, input_ids, attention_mask=None, labels=None):
        return input_ids
"""


def entry(model_type: str, folder: str | None = None, **facts: object) -> Entry:
    """An entry with nothing special about it but the facts given."""
    name = model_type.replace("-", "_").title().replace("_", "")
    plain: dict[str, object] = {
        "config_class": f"{name}Config",
        "declared_type": model_type,
        "folder": folder or model_type.replace("-", "_"),
        "subs": (),
        "fields": {},
        "encoder_decoder": False,
        "documentation": "",
        "checkpoint": f"org/{model_type}-base",
        "checkpoint_source": "made up",
    }
    return Entry(model_type=model_type, **{**plain, **facts})  # type: ignore[arg-type]


class Shelf:
    """A made-up transformers on disk."""

    def __init__(self, package: Path) -> None:
        self._package = package
        self._modules: dict[str, str] = {}

    def put(self, folder: str, text: str, *exported: str) -> None:
        """Write the modelling file of a folder, exporting these classes."""
        path = self._package / "models" / folder / f"modeling_{folder}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self._modules.update(dict.fromkeys(exported, f"models.{folder}.modeling_{folder}"))

    def plain(self, folder: str) -> None:
        """Write a causal language model."""
        name = folder.title()
        self.put(folder, PLAIN.format(name=name), f"{name}Model", f"{name}ForCausalLM")

    def catalog(self, *entries: Entry, mappings: Mapping[str, Mapping[str, tuple[str, ...]]]) -> Catalog:
        """The catalogue of the entries."""
        library = Library(
            release="9.9.9",
            entries={item.model_type: item for item in sorted(entries, key=lambda item: item.model_type)},
            mappings=mappings,
            pipelines={
                "text-generation": (CAUSAL,),
                "feature-extraction": (BASE,),
                "image-feature-extraction": (BASE,),
            },
            pipeline_types={"feature-extraction": "text", "image-feature-extraction": "image"},
            titles={},
            modules=self._modules,
            models=Models(self._package, self._modules),
        )
        return assemble(library, "digest")


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_a_new_type_opens_its_row_by_itself(shelf: Shelf) -> None:
    shelf.plain("nova")
    row = shelf.catalog(
        entry("nova"), mappings={CAUSAL: {"nova": ("NovaForCausalLM",)}, BASE: {"nova": ("NovaModel",)}}
    ).rows["nova"]
    assert (row.state, row.family, row.modalities, row.tier) == ("architecture", "decoder-only", ("text",), "long-tail")
    assert [(head.class_name, head.primary, head.pipelines) for head in row.heads] == [
        ("NovaForCausalLM", True, ("text-generation",)),
        ("NovaModel", False, ("feature-extraction",)),
    ]
    assert (row.module, row.class_name, row.title) == ("hf_nova", "Nova", "Nova")


def test_a_mapping_of_a_new_task_makes_heads_that_rank_before_bare_models(shelf: Shelf) -> None:
    shelf.plain("nova")
    tasks = {"MODEL_FOR_MIND_READING_MAPPING": {"nova": ("NovaForCausalLM",)}, BASE: {"nova": ("NovaModel",)}}
    row = shelf.catalog(entry("nova"), mappings=tasks).rows["nova"]
    assert [head.class_name for head in row.heads] == ["NovaForCausalLM", "NovaModel"]
    assert row.heads[0].mappings == ("MODEL_FOR_MIND_READING_MAPPING",)


def test_a_class_that_vanished_is_said_and_an_architecture_without_classes_is_impossible(shelf: Shelf) -> None:
    shelf.plain("nova")
    tables = {CAUSAL: {"nova": ("NovaForCausalLM", "NovaForLost"), "gone": ("GoneForCausalLM",)}}
    rows = shelf.catalog(entry("nova"), entry("gone"), mappings=tables).rows
    assert (rows["nova"].state, rows["nova"].missing) == ("architecture", ("NovaForLost",))
    assert "NovaForLost, which transformers 9.9.9 does not export" in rows["nova"].reason
    assert (rows["gone"].state, rows["gone"].heads) == ("impossible", ())
    assert "GoneForCausalLM" in rows["gone"].reason


def test_components_of_components_belong_to_the_architecture(shelf: Shelf) -> None:
    shelf.plain("nova")
    entries = [
        entry("nova", subs=(SubConfig("thinker_config", "nova_thinker", False),)),
        entry("nova_thinker", "nova", subs=(SubConfig("text_config", "nova_text", True),)),
        entry("nova_text", "nova"),
        entry("nova_codec", "nova"),
    ]
    tables = {CAUSAL: {"nova": ("NovaForCausalLM",)}, BASE: {"nova_codec": ("NovaModel",)}}
    rows = shelf.catalog(*entries, mappings=tables).rows
    assert {name: (row.state, row.of) for name, row in rows.items() if name != "nova"} == {
        "nova_thinker": ("component", "nova"),
        "nova_text": ("component", "nova"),
        "nova_codec": ("component", "nova"),
    }
    assert "nova_thinker in turn belongs to nova" in rows["nova_text"].reason


def test_a_type_that_another_folder_holds_stays_an_architecture(shelf: Shelf) -> None:
    shelf.plain("nova")
    shelf.plain("vista")
    holder = entry("vista", subs=(SubConfig("text_config", "nova", False),))
    tables = {CAUSAL: {"nova": ("NovaForCausalLM",), "vista": ("VistaForCausalLM",)}}
    rows = shelf.catalog(entry("nova"), holder, mappings=tables).rows
    assert {row.state for row in rows.values()} == {"architecture"}


def test_of_types_with_one_config_class_the_one_named_like_the_folder_stands(shelf: Shelf) -> None:
    shelf.plain("nova")
    other = entry("nova-se", "nova", config_class="NovaConfig", declared_type="nova")
    rows = shelf.catalog(entry("nova"), other, mappings={CAUSAL: {"nova": ("NovaForCausalLM",)}}).rows
    assert (rows["nova"].state, rows["nova-se"].state, rows["nova-se"].of) == ("architecture", "alias", "nova")


def test_types_that_only_belong_to_each_other_stop_the_build(shelf: Shelf) -> None:
    shelf.plain("nova")
    one = entry("nova_a", "nova", subs=(SubConfig("b", "nova_b", False),))
    two = entry("nova_b", "nova", subs=(SubConfig("a", "nova_a", False),))
    with pytest.raises(LedgerError, match="nova_a, nova_b belong to each other"):
        shelf.catalog(one, two, mappings={})


def test_a_component_of_what_cannot_be_built_cannot_be_built(shelf: Shelf) -> None:
    whole = entry("nova", subs=(SubConfig("text_config", "nova_text", False),))
    rows = shelf.catalog(whole, entry("nova_text", "nova"), mappings={}).rows
    assert (rows["nova_text"].state, rows["nova_text"].of) == ("impossible", None)
    assert "belongs to nova, which is impossible here" in rows["nova_text"].reason


def test_two_architectures_that_would_share_a_file_stop_the_build(shelf: Shelf) -> None:
    shelf.plain("nova")
    other = entry("no-va", "nova2", config_class="OtherConfig")
    third = entry("no_va", "nova3", config_class="ThirdConfig")
    with pytest.raises(LedgerError, match=r"no-va and no_va would both be called hf_no_va"):
        shelf.catalog(other, third, mappings={CAUSAL: {"no-va": ("NovaModel",), "no_va": ("NovaModel",)}})


def test_models_that_no_mapping_lists_are_found_in_the_folder_of_that_name(shelf: Shelf) -> None:
    shelf.plain("nova")
    row = shelf.catalog(entry("nova"), mappings={}).rows["nova"]
    assert row.state == "architecture"
    assert [(head.class_name, head.mappings) for head in row.heads] == [("NovaForCausalLM", ()), ("NovaModel", ())]


def test_a_class_of_another_folder_gives_way_to_one_of_its_own(shelf: Shelf) -> None:
    shelf.plain("nova")
    shelf.plain("vista")
    tables = {CAUSAL: {"nova": ("NovaForCausalLM",), "vista": ("NovaForCausalLM",)}, BASE: {"vista": ("VistaModel",)}}
    catalog = shelf.catalog(entry("nova"), entry("vista"), mappings=tables)
    assert catalog.rows["vista"].heads[0].class_name == "VistaModel"
    assert catalog.owners == {"NovaForCausalLM": "nova"}


def test_needs_are_read_from_what_building_reaches_and_from_nothing_else(shelf: Shelf) -> None:
    text = """
import soundlib
from torch import nn

if is_kernels_available():
    import kernels


class NovaLoss:
    def __init__(self):
        requires_backends(self, ["scipy"])


class NovaTower(nn.Module):
    def __init__(self, config):
        requires_backends(self, ["natten", "vision"])
        if config.use_timm_backbone:
            requires_backends(self, ["timm"])


@requires(backends=("torch", "gridlib"))
class NovaModel(PreTrainedModel):
    def __init__(self, config):
        self.tower = NovaTower(config)

    def forward(self, pixel_values):
        return NovaLoss()
"""
    shelf.put("nova", text, "NovaModel")
    shelf.plain("vista")
    holders = [
        entry("vista", subs=(SubConfig("vision_config", "nova", False),)),
        entry("loose", "vista", subs=(SubConfig("vision_config", "nova", True),)),
    ]
    tables = {BASE: {"nova": ("NovaModel",)}, CAUSAL: {"vista": ("VistaForCausalLM",), "loose": ("VistaForCausalLM",)}}
    rows = shelf.catalog(entry("nova"), *holders, mappings=tables).rows
    assert rows["nova"].requires == ("gridlib", "natten", "pillow", "soundlib")
    assert rows["vista"].requires == rows["nova"].requires
    assert rows["loose"].requires == ()
    assert "natten: requires_backends in NovaTower of nova/modeling_nova.py" in rows["nova"].sources["requires"]


def test_a_forward_is_found_in_a_base_of_another_folder(shelf: Shelf) -> None:
    shelf.plain("nova")
    text = """
from ..nova.modeling_nova import (
    NovaForCausalLM,
    NovaModel,
)


class VistaForCausalLM(NovaForCausalLM):
    pass
"""
    shelf.put("vista", text, "VistaForCausalLM")
    tables = {CAUSAL: {"nova": ("NovaForCausalLM",), "vista": ("VistaForCausalLM",)}}
    row = shelf.catalog(entry("nova"), entry("vista"), mappings=tables).rows["vista"]
    assert (row.modalities, row.sources["modalities"]) == (("text",), "arguments of VistaForCausalLM.forward")


def test_code_inside_a_docstring_does_not_cut_a_class_short(shelf: Shelf) -> None:
    text = '''
class NovaModel(PreTrainedModel):
    """Write:

class Mine(NovaModel):
    pass
    """

    input_modalities = ("audio",)

    def forward(self, input_features):
        return input_features
'''
    shelf.put("nova", text, "NovaModel")
    row = shelf.catalog(entry("nova"), mappings={BASE: {"nova": ("NovaModel",)}}).rows["nova"]
    assert (row.modalities, row.family) == (("audio",), "speech")


@pytest.mark.parametrize(
    ("signature", "declared", "fields", "expected"),
    [
        ("input_ids, pixel_values", '("image", "text")', {"image_token_id": 7}, "multimodal"),
        ("input_ids, pixel_values", '("image", "text")', {"image_token_id": None}, "multimodal"),
        ("input_ids, pixel_values, image_attention_mask", '("image", "text")', {}, "multimodal"),
        ("input_ids, pixel_values", '("image", "text")', {}, "vision-text"),
        ("input_ids, input_features, pixel_values", '("audio", "image", "text")', {}, "multimodal"),
        ("input_ids, input_features", '("audio", "text")', {}, "speech"),
        ("pixel_values, decoder_input_ids", '("image",)', {}, "vision-text"),
        ("input_ids", '("image", "text")', {}, "decoder-only"),
        ("past_values", '("time",)', {}, "time-series"),
        ("states, actions", '("text",)', {}, "other"),
    ],
)
def test_families_follow_from_what_the_head_takes(
    shelf: Shelf, signature: str, declared: str, fields: dict[str, object], expected: str
) -> None:
    text = f"""
class NovaForCausalLM(PreTrainedModel):
    input_modalities = {declared}

    def forward(self, {signature}):
        return 0
"""
    shelf.put("nova", text, "NovaForCausalLM")
    row = shelf.catalog(entry("nova", fields=fields), mappings={CAUSAL: {"nova": ("NovaForCausalLM",)}}).rows["nova"]
    assert row.family == expected


def test_a_config_that_may_be_of_any_type_is_of_the_one_that_the_class_puts_in() -> None:
    class OldConfig:
        sub_configs: ClassVar = {"backbone_config": object, "text_config": object}

        def __init__(self, backbone_config: dict[str, str], text_config: object) -> None:
            backbone_config["model_type"] = backbone_config.get("model_type", "timm_wrapper")

    assert _subs(OldConfig) == (
        SubConfig("backbone_config", "timm_wrapper", False),
        SubConfig("text_config", "", False),
    )
