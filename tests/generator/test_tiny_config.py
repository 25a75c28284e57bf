"""Configs made small by the roles of their fields."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoConfig, PretrainedConfig

from generator.tiny import config, roles
from generator.tiny.config import attention, composite, fields, layers, relations, suspects, tree
from generator.tiny.config.values import Fields


@given(st.lists(st.integers(1, 4096), min_size=1, max_size=8))
def test_widths_of_stages_that_were_equal_stay_equal_and_none_grows(widths: list[int]) -> None:
    small = roles.small_sequence("hidden_sizes", widths)
    assert len(small) == len(widths)
    for before, after in zip(widths, small, strict=True):
        assert 0 < after <= before
        assert [b for a, b in zip(widths, small, strict=True) if a == before] == [after] * widths.count(before)


@given(st.lists(st.integers(1, 64), min_size=1, max_size=8))
def test_heads_of_stages_become_powers_of_two(heads: list[int]) -> None:
    for before, after in zip(heads, roles.small_sequence("num_heads", heads), strict=True):
        assert after <= before
        assert after & (after - 1) == 0


@given(st.sampled_from(["vocab_size", "hidden_size", "num_hidden_layers", "n_head", "d_ff"]), st.integers(1, 10**9))
def test_a_field_never_grows(name: str, value: int) -> None:
    assert 0 < roles.small(name, value) <= value


@pytest.mark.parametrize("name", ["image_patch_id", "image_token_index", "audio_placeholder_id", "pad_token_id"])
def test_ids_of_placeholders_are_ids(name: str) -> None:
    assert roles.TOKEN_ID.fullmatch(name)


@pytest.mark.parametrize("name", ["num_query_tokens", "max_new_tokens", "n_tokens", "hidden_size", "unpadded"])
def test_counts_of_tokens_are_not_taken_for_ids(name: str) -> None:
    assert roles.TOKEN_ID.fullmatch(name) is None


def test_special_ids_lie_inside_the_vocabulary_and_stay_apart() -> None:
    from transformers import PaliGemmaConfig

    arguments = config.shrink(PaliGemmaConfig)
    made = PaliGemmaConfig(**arguments)
    text = made.text_config
    ids = [made.image_token_index, text.bos_token_id, text.eos_token_id, text.pad_token_id]
    assert all(0 <= item < text.vocab_size for item in ids)
    assert len(set(ids)) == len(ids)


def test_grouped_query_attention_keeps_its_groups() -> None:
    from transformers import MistralConfig

    made = MistralConfig(**config.shrink(MistralConfig))
    assert 1 < made.num_key_value_heads < made.num_attention_heads


def test_nested_configs_name_their_type_and_become_small_too() -> None:
    from transformers import LlavaConfig

    arguments = config.shrink(LlavaConfig)
    assert arguments["text_config"]["model_type"] == "llama"
    assert arguments["vision_config"]["model_type"] == "clip_vision_model"
    assert LlavaConfig(**arguments).vision_config.hidden_size == roles.WIDTH


def test_what_a_template_gets_survives_json() -> None:
    from transformers import BeitConfig, ConvNextConfig, Wav2Vec2Config

    for config_class in (BeitConfig, ConvNextConfig, Wav2Vec2Config):
        arguments = config.shrink(config_class)
        assert json.loads(json.dumps(arguments)) == arguments


def test_merging_goes_into_nested_configs_and_can_remove() -> None:
    base = {"a": 1, "b": {"c": 2, "d": 3}, "e": 4}
    assert config.merge(base, {"b": {"c": 5}, "e": ...}) == {"a": 1, "b": {"c": 5, "d": 3}}
    assert base == {"a": 1, "b": {"c": 2, "d": 3}, "e": 4}


def test_a_layer_of_each_kind_is_kept_and_every_list_goes_with_it() -> None:
    kinds = ["sliding_attention"] * 5 + ["full_attention"] + ["sliding_attention"] * 6
    kept = layers.kept(
        {
            "num_hidden_layers": 12,
            "layer_types": kinds,
            "moe_layers": [0, 2],
            "mlp_layer_types": ["dense"] + ["sparse"] * 11,
        }
    )
    assert kept["num_hidden_layers"] == len(kept["layer_types"]) == len(kept["mlp_layer_types"])
    assert set(kept["layer_types"]) == set(kinds)
    assert set(kept["mlp_layer_types"]) == {"dense", "sparse"}
    assert 0 in kept["moe_layers"]
    assert len(kept["moe_layers"]) < kept["num_hidden_layers"]


def test_layers_that_read_an_image_are_among_those_that_are_kept() -> None:
    from transformers import MllamaTextConfig

    arguments = config.shrink(MllamaTextConfig)
    assert arguments["cross_attention_layers"] == [1]
    assert arguments["num_hidden_layers"] == 2


def test_a_pattern_that_repeats_is_kept_with_each_of_its_kinds_once() -> None:
    kept = layers.kept({"num_hidden_layers": 26, "block_types": ("recurrent", "recurrent", "attention")})
    assert kept == {"num_hidden_layers": 2, "block_types": ["recurrent", "attention"]}
    assert layers.kept({"num_hidden_layers": 26, "layer_norm_type": ("pre",)}) == {}


def test_layers_that_are_stages_stay_as_many_as_their_widths() -> None:
    stages = {"num_hidden_layers": 4, "hidden_sizes": [64, 128, 256, 512], "depths": [1, 2, 2, 1]}
    assert relations.related(Fields(stages, {"num_hidden_layers": 2}))["num_hidden_layers"] == 4
    assert "num_hidden_layers" not in relations.related(Fields({**stages, "depths": [1, 2]}, {}))


def test_what_comes_after_the_last_stage_is_as_wide_as_that() -> None:
    stages = {"hidden_sizes": [48, 96, 224, 448], "dim": 448}
    assert relations.related(Fields(stages, {"hidden_sizes": [16, 16, 32, 64]}))["dim"] == 64
    assert "dim" not in relations.related(Fields({**stages, "dim": 256}, {"hidden_sizes": [16, 16, 32, 64]}))


def test_a_width_of_merged_patches_is_that_of_the_tiny_tower() -> None:
    tower = Fields({"hidden_size": 1536, "merge_size": 2}, {"hidden_size": 64})
    assert relations.merged({"out_hidden_size": 6144, "hidden_size": 4096}, tower) == {"out_hidden_size": 256}


def test_a_default_config_gets_the_parts_that_it_demands() -> None:
    class Part(PretrainedConfig):
        model_type = "part"

        def __init__(self, inner: int = 256, gated: bool = True, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.inner, self.gated = inner, gated

    class Whole(PretrainedConfig):
        model_type = "whole"
        sub_configs: ClassVar[dict[str, Any]] = {"text_config": Part}

        def __init__(self, text_config: Any = None, **kwargs: Any) -> None:
            self.text_config = Part(**(text_config or {}))
            for name, wanted in (("inner", 0), ("gated", False)):
                if (value := getattr(self.text_config, name)) != wanted:
                    raise ValueError(f"{name} must be {wanted}, got {value}")
            super().__init__(**kwargs)

    made, given = composite.default(Whole)
    assert (made.text_config.inner, made.text_config.gated) == (0, False)
    assert given == {"text_config": {"inner": 0, "gated": False}}


def test_an_image_keeps_as_many_patches_as_a_config_says_that_it_has_tokens() -> None:
    told = {"num_image_tokens": 576, "image_size": 384, "patch_size": 16}
    assert relations._told_tokens(Fields(told, {"image_size": 32, "patch_size": 8})) == {"image_size": 192}
    assert relations._told_tokens(Fields({**told, "num_image_tokens": 64}, {"patch_size": 8})) == {}


class _OwnText(PretrainedConfig):
    model_type, base_config_key = "own_text", "text_config"


class _OtherText(PretrainedConfig):
    model_type = "other_text"


class _Whole(PretrainedConfig):
    model_type = "whole"
    sub_configs: ClassVar[dict[str, Any]] = {"text_config": AutoConfig}

    def __init__(self, text_config: Any = None, **kwargs: Any) -> None:
        self.text_config = _OtherText() if text_config is None else _OwnText()
        super().__init__(**kwargs)


class _Unmade(_Whole):
    def __init__(self, text_config: Any = None, **kwargs: Any) -> None:
        if text_config is None:
            raise OSError("no network")
        super().__init__(text_config, **kwargs)


@pytest.mark.parametrize("config_class", [_Whole, _Unmade])
def test_a_part_of_any_class_is_the_one_that_the_architecture_has_for_it(config_class: Any) -> None:
    made, given = composite.default(config_class)
    assert isinstance(made.text_config, _OwnText)
    assert given == {"text_config": {"model_type": "own_text"}}


@pytest.mark.parametrize("name", ["BambaConfig", "GraniteMoeHybridConfig", "RecurrentGemmaConfig"])
def test_a_hybrid_keeps_a_layer_that_attends_beside_one_that_does_not(name: str) -> None:
    import transformers

    config_class = getattr(transformers, name)
    made = config_class(**config.shrink(config_class))
    kinds = getattr(made, "layers_block_type", None) or made.layer_types
    assert len(kinds) == made.num_hidden_layers == roles.LAYERS
    assert len({kind for kind in kinds if "linear" in kind}) == 1
    assert any(kind in ("full_attention", "sliding_attention") for kind in kinds)


def test_a_model_without_attention_heads_gets_no_layer_that_attends() -> None:
    from transformers import MambaConfig

    assert layers.attending(MambaConfig(), roles.LAYERS) == {}


def test_a_window_as_long_as_the_positions_stays_so_and_a_shorter_one_still_slides() -> None:
    from transformers import MistralConfig, MoshiConfig

    whole, sliding = MoshiConfig(**config.shrink(MoshiConfig)), MistralConfig(**config.shrink(MistralConfig))
    assert whole.sliding_window == whole.max_position_embeddings
    assert sliding.sliding_window < sliding.max_position_embeddings


def test_a_series_is_told_its_place_and_what_is_known_of_each_time() -> None:
    from transformers import InformerConfig, PatchTSTConfig

    made = InformerConfig(**config.shrink(InformerConfig))
    assert made.scaling == "std"
    assert made.num_time_features > 0
    assert not config.shrink(PatchTSTConfig).get("num_time_features")


def test_a_width_of_which_a_fraction_is_taken_leaves_the_fraction_the_usual_width() -> None:
    from transformers import xLSTMConfig

    made = xLSTMConfig(**config.shrink(xLSTMConfig))
    assert made.hidden_size == made.embedding_dim
    assert made.hidden_size * made.qk_dim_factor == roles.WIDTH == made.qk_dim


def test_a_refusal_of_the_whole_kind_suggests_the_other_kind() -> None:
    from transformers import T5GemmaConfig, T5GemmaEncoderModel

    made = T5GemmaConfig(**config.shrink(T5GemmaConfig))
    with pytest.raises(ValueError, match="only supports encoder-only") as caught:
        T5GemmaEncoderModel(made)
    assert next(suspects.changes(caught.value, [])) == {("is_encoder_decoder",): False}


def test_stages_that_are_handed_on_exist_in_the_tiny_backbone() -> None:
    from transformers import DepthAnythingConfig

    made = DepthAnythingConfig(**config.shrink(DepthAnythingConfig))
    assert len(made.backbone_config.out_indices) == len(DepthAnythingConfig().backbone_config.out_indices)
    assert max(made.backbone_config.out_indices) <= made.backbone_config.num_hidden_layers


def test_a_network_of_another_library_gives_way_to_a_small_resnet_with_as_many_stages() -> None:
    from transformers import DetrConfig

    small = config.shrink(DetrConfig)["backbone_config"]
    assert small["model_type"] == "resnet"
    assert len(small["out_indices"]) == len(DetrConfig().backbone_config.out_indices)


def test_rotary_sections_come_to_half_a_head() -> None:
    from transformers import Qwen3VLConfig

    text = Qwen3VLConfig(**config.shrink(Qwen3VLConfig)).text_config
    assert sum(text.rope_parameters["mrope_section"]) == text.head_dim // 2


def test_a_config_that_derives_values_anew_each_time_is_stated_so_that_it_stays() -> None:
    class Cyclic(PretrainedConfig):  # type: ignore[misc]
        def __init__(self, layers: int = 4, stack: int | None = None, window: int | None = 8, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.stack = layers if stack is None else stack
            self.layers = layers * 8 if stack is None else layers
            self.window = None

    arguments = {"layers": 2, "window": 8}
    assert config.settled(arguments, Cyclic(**arguments)) == {"layers": 16, "stack": 2, "window": None}


def test_kinds_of_layers_go_by_the_names_that_the_config_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import Qwen3NextConfig

    (tmp_path / "old_hybrid.py").write_text('class OldHybridConfig:\n    kinds = ["mamba", "attention"]\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    old = importlib.import_module("old_hybrid").OldHybridConfig
    asked = {"layer_types": ["linear_attention", "hybrid"], "inner": {"kinds": ["full_attention"]}, "width": 3}
    assert config.spelled(asked, old) == {
        "layer_types": ["mamba", "hybrid"],
        "inner": {"kinds": ["attention"]},
        "width": 3,
    }
    assert config.spelled(asked, Qwen3NextConfig) == asked


def test_cuts_of_a_vocabulary_stay_inside_it_and_apart() -> None:
    fields = Fields({"vocab_size": 267735, "cutoffs": [20000, 40000, 200000]}, {"vocab_size": 128})
    cuts = relations.related(fields)["cutoffs"]
    assert 0 < cuts[0] < cuts[1] < cuts[2] < 128


def test_a_switch_that_the_class_reads_is_turned_over_where_nothing_else_is_known() -> None:
    class Mixer:
        def __init__(self, given: Any) -> None:
            self.fast = given.use_fast_kernels

        def forward(self) -> None:
            if self.fast:
                raise ValueError("kernels are not available")

    Mixer.__module__ = "models.mixer"
    try:
        Mixer(type("Given", (), {"use_fast_kernels": True})).forward()
    except ValueError as error:
        fields = [tree.Field((name,), "MixerConfig", True, True) for name in ("use_cache", "use_fast_kernels")]
        found = list(suspects.changes(error, fields))
    assert found == [{("use_fast_kernels",): False}]


def test_a_backbone_that_stands_for_another_librarys_has_its_widths_in_the_lists_that_name_them() -> None:
    from transformers import OmDetTurboConfig

    arguments = config.shrink(OmDetTurboConfig)
    backbone = arguments["backbone_config"]
    widths = [backbone["hidden_sizes"][place - 1] for place in backbone["out_indices"]]
    assert arguments["encoder_in_channels"] == widths
    assert len(set(arguments["vision_features_channels"])) == 1


def test_a_border_that_is_painted_over_images_leaves_some_of_them() -> None:
    from transformers import TvpConfig

    arguments = config.shrink(TvpConfig)
    assert 0 < 2 * arguments["visual_prompt_size"] < arguments["max_img_size"]


def test_a_function_that_came_to_a_later_line_of_its_own_got_further() -> None:
    def fails(late: bool) -> None:
        if not late:
            raise ValueError("early")
        raise ValueError("late")

    def error(late: bool) -> BaseException:
        try:
            fails(late)
        except ValueError as raised:
            return raised
        raise AssertionError

    assert suspects.further(error(True), error(False))
    assert not suspects.further(error(False), error(True))
    assert not suspects.further(error(True), error(True))
    assert not suspects.further(error(True), None)


def test_a_stack_of_dilated_convolutions_keeps_a_few_in_each() -> None:
    assert fields.small("resblock_dilation_sizes", [[1, 3, 9, 27], [1, 3, 5]], {}, {}) == [[1, 3], [1, 3]]


def test_noise_that_no_two_rows_share_is_left_out() -> None:
    assert fields.small("noise_scale_duration", 0.8, {}, {}) == 0.0


def test_blocks_that_are_written_out_are_the_first_and_last_of_their_stage_where_they_fit() -> None:
    short, narrow, wide = (
        [[3, 16, 32]],
        [[3, 32, 64], [5, 64, 64], [5, 64, 64]],
        [[3, 64, 128], [5, 128, 64], [5, 64, 256]],
    )
    stages = [short, narrow, wide]
    small = fields.small("block_configs", stages, {"block_configs": stages}, {})
    assert small == [short, [[3, 32, 64], [5, 64, 64]], wide]


def test_no_match_of_random_weights_is_beneath_the_threshold_and_other_thresholds_stay() -> None:
    for name in ("filter_threshold", "matching_threshold", "coarse_matching_threshold"):
        assert fields.small(name, 0.2, {}, {}) == 0.0
    assert fields.small("keypoint_threshold", 0.2, {}, {}) == 0.2


def test_an_id_after_the_last_token_stays_after_it() -> None:
    assert fields.small("pad_token_id", 2048, {"vocab_size": 2048}, {}) == 128
    assert fields.small("pad_token_id", 2047, {"vocab_size": 2048}, {}) == 127


def test_layers_that_are_counted_twice_keep_their_proportion() -> None:
    counted = {"num_hidden_layers": 56, "num_layers": 28}
    small = {"num_hidden_layers": 2, "num_layers": 2}
    assert relations.related(Fields(counted, small))["num_hidden_layers"] == 4
    assert "num_hidden_layers" not in relations.related(Fields({**counted, "num_layers": 27}, small))


def test_classes_that_a_config_counts_itself_have_names() -> None:
    from transformers import PvtConfig

    made = PvtConfig(**config.shrink(PvtConfig))
    assert made.num_labels == 2
    assert list(made.id2label) == [0, 1]


def test_runs_of_kinds_of_layers_are_run_once() -> None:
    runs = {"num_layers": 24, "attention_types": [[["global", "local"], 12]]}
    assert layers.kept(runs) == {"num_layers": 2, "attention_types": [[["global", "local"], 1]]}
    assert layers.kept({**runs, "num_layers": 23}) == {}


def test_shares_keep_their_proportions_and_what_was_equal_stays_equal() -> None:
    assert attention.shares(8, [22, 22, 20]) == [3, 3, 2]
    assert attention.shares(8, [16, 24, 24]) == [2, 3, 3]
    assert attention.shares(8, [1, 1, 1]) == [4, 2, 2]
    assert sum(attention.shares(7, [24, 20, 20])) == 7


def test_an_image_that_is_twice_as_high_as_wide_stays_so() -> None:
    assert fields.small("image_size", [896, 448], {}, {}) == [64, 32]
    assert fields.small("image_size", [448, 448], {}, {}) == [32, 32]
    assert fields.small("image_size", [600, 448], {}, {}) == [32, 32]
    whole = fields.Manner(whole_images=True)
    assert fields.small("image_size", 224, {}, {}, whole) == 224
    assert fields.small("image_size", 1024, {}, {}, whole) == 32
