"""Arguments that follow from several fields at once; each relation looks at one config and knows no model."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from generator.tiny import roles

__all__ = ["Fields", "maps", "merged", "related", "sections", "shares"]


@dataclass(frozen=True)
class Fields:
    """A config's fields before and after shrinking."""

    defaults: Mapping[str, Any]
    """Values of the default config."""
    small: Mapping[str, Any]
    """Arguments of the tiny config; what is not there keeps its default."""

    def get(self, *names: str) -> Any:
        """The tiny config's value of the first of these fields that is set."""
        for name in names:
            value = self.small.get(name, self.defaults.get(name))
            if value is not None:
                return value
        return None

    def has(self, *names: str) -> bool:
        """Whether the config declares all of these fields."""
        return all(name in self.defaults for name in names)


def related(fields: Fields) -> dict[str, Any]:
    """What the relations change, each seeing what those before it changed."""
    changes: dict[str, Any] = {}
    for relation in _RELATIONS:
        changes |= relation(Fields(fields.defaults, {**fields.small, **changes}))
    return changes


def _groups_of_heads(fields: Fields) -> dict[str, Any]:
    """Grouped-query attention keeps several heads a group, and latent attention has a key for each head."""
    heads, shared = fields.defaults.get("num_attention_heads"), fields.defaults.get("num_key_value_heads")
    if fields.get("kv_lora_rank") and isinstance(shared, int):
        return {"num_key_value_heads": fields.get("num_attention_heads")}
    if "num_key_value_heads" in fields.defaults and shared is None and isinstance(heads, int):
        return {"num_key_value_heads": fields.get("num_attention_heads")}
    if isinstance(heads, int) and isinstance(shared, int) and 1 < shared < heads:
        return {"num_key_value_heads": 2}
    return {}


def _window_a_layer(fields: Fields) -> dict[str, Any]:
    """A window for all layers is written out, one a layer, into the config by the models that are given it."""
    window, layers = fields.get("attention_window"), fields.get("encoder_layers", "num_hidden_layers")
    return {"attention_window": [window] * layers} if isinstance(window, int) and isinstance(layers, int) else {}


def _head_width(fields: Fields) -> dict[str, Any]:
    """A head's width that is left out is the hidden width's share, which some models do not work out themselves."""
    hidden, heads = fields.get("hidden_size"), fields.get("num_attention_heads")
    if (
        fields.has("head_dim")
        and fields.defaults["head_dim"] is None
        and isinstance(hidden, int)
        and isinstance(heads, int)
    ):
        return {"head_dim": hidden // heads}
    return {}


def _latent_heads(fields: Fields) -> dict[str, Any]:
    """A head of latent attention holds the lanes with and without a position."""
    if fields.has("qk_head_dim", "qk_nope_head_dim", "qk_rope_head_dim"):
        return {"qk_head_dim": fields.get("qk_nope_head_dim") + fields.get("qk_rope_head_dim")}
    return {}


def _windows(fields: Fields) -> dict[str, Any]:
    """A window in pixels holds two merged patches a side; sliding layers need a window at all."""
    if fields.has("window_size", "spatial_merge_size", "patch_size"):
        return {"window_size": 2 * fields.get("spatial_merge_size") * fields.get("patch_size")}
    if (
        fields.has("sliding_window")
        and "sliding_attention" in (fields.get("layer_types") or ())
        and fields.get("sliding_window") is None
    ):
        return {"sliding_window": 8}
    return {}


def _whole_window(fields: Fields) -> dict[str, Any]:
    """A window as long as the positions never slides, and still does not when there are fewer of both."""
    window, positions = fields.defaults.get("sliding_window"), fields.defaults.get("max_position_embeddings")
    same = isinstance(window, int) and window == positions
    return {"sliding_window": fields.get("max_position_embeddings")} if same else {}


def _series(fields: Fields) -> dict[str, Any]:
    """A series is brought to one scale and one place, of which the mean alone gives the place as zero; and something is
    known of each point in time where the model takes that."""
    changes: dict[str, Any] = {}
    if fields.has("scaling", "prediction_length") and fields.get("scaling"):
        changes["scaling"] = "std"
    if fields.defaults.get("num_time_features") == 0:
        changes["num_time_features"] = 2
    return changes


def _fractions(fields: Fields) -> dict[str, Any]:
    """A width of which a part is taken as a fraction leaves that part the usual width, to which its code may round."""
    factors = [value for name, value in fields.defaults.items() if name.endswith("_dim_factor")]
    if not factors or not 0 < min(factors) < 1:
        return {}
    widths = [name for name in ("hidden_size", "embedding_dim") if fields.has(name)]
    return {name: int(roles.WIDTH / min(factors)) for name in widths}


def _page_positions(fields: Fields) -> dict[str, Any]:
    """Four coordinates and two measures of a box share the hidden width."""
    if fields.has("coordinate_size", "shape_size"):
        width = fields.get("hidden_size")
        return {"coordinate_size": width // 8, "shape_size": width // 4}
    return {}


def _first_stage(fields: Fields) -> dict[str, Any]:
    """The width before the first stage is the first stage's."""
    if fields.has("hidden_size", "embed_dim_per_stage"):
        return {"hidden_size": fields.get("embed_dim_per_stage")[0]}
    return {}


def _last_stage(fields: Fields) -> dict[str, Any]:
    """The width of what comes after the last stage is the last stage's where it is so by default (EfficientFormer)."""
    widths = fields.defaults.get("hidden_sizes")
    same = _is_list(widths) and widths and fields.defaults.get("dim") == widths[-1]
    return {"dim": fields.get("hidden_sizes")[-1]} if same else {}


def _counted_stages(fields: Fields) -> dict[str, Any]:
    """Layers that are stages stay as many as these have widths and depths."""
    count = fields.defaults.get("num_hidden_layers")
    lists = [fields.defaults[name] for name in ("hidden_sizes", "depths") if _is_list(fields.defaults.get(name))]
    return {"num_hidden_layers": count} if lists and all(len(item) == count for item in lists) else {}


def _stride(fields: Fields) -> dict[str, Any]:
    """An image decoder's stride that is the patch's side stays so."""
    patch, stride = fields.defaults.get("patch_size"), fields.defaults.get("encoder_stride")
    if stride is not None and stride == patch and "patch_size" in fields.small:
        return {"encoder_stride": fields.small["patch_size"]}
    return {}


def _labels(fields: Fields) -> dict[str, Any]:
    """Classes that a config counts by a field of its own have no names unless it is told them (PVT)."""
    if not isinstance(fields.defaults.get("num_labels"), int) or fields.has("id2label"):
        return {}
    return {"num_labels": 2, "id2label": {"0": "LABEL_0", "1": "LABEL_1"}}


def _border(fields: Fields) -> dict[str, Any]:
    """A border that is painted over images keeps its share of the largest, which goes through a network of stages."""
    if not fields.has("max_img_size", "visual_prompt_size"):
        return {}
    side = min(fields.defaults["max_img_size"], roles.STAGED_IMAGE)
    border = fields.defaults["visual_prompt_size"] * side // fields.defaults["max_img_size"]
    return {"max_img_size": side, "visual_prompt_size": border}


def _padding(fields: Fields) -> dict[str, Any]:
    """Classifiers need a padding id to find the last token of a row."""
    return {"pad_token_id": 0} if fields.has("pad_token_id") and fields.defaults["pad_token_id"] is None else {}


def _default_member(fields: Fields) -> dict[str, Any]:
    """A default that a checkpoint sets is one of those that the config lists: the language of ``languages``."""
    changes = {}
    for name, value in fields.defaults.items():
        members = fields.get(f"{name.removeprefix('default_')}s") if name.startswith("default_") else None
        if value is None and isinstance(members, (list, tuple)) and members:
            changes[name] = members[0]
    return changes


def _unset(fields: Fields) -> dict[str, Any]:
    """Sizes that a default config leaves to the checkpoint, although the model cannot be built without them."""
    changes = {name: value for name, value in roles.UNSET.items() if fields.has(name) and fields.defaults[name] is None}
    if fields.defaults.get("enable_moe_block") is False:
        changes = {name: value for name, value in changes.items() if "expert" not in name and "moe" not in name}
    return changes


def _rotary_sections(fields: Fields) -> dict[str, Any]:
    """Rotary lanes that are shared out to time, height and width come to half a head."""
    changes = {}
    for name in ("rope_parameters", "rope_scaling"):
        rope = fields.defaults.get(name)
        if isinstance(rope, Mapping) and isinstance(rope.get("mrope_section"), (list, tuple)):
            changes[name] = _shared_out(fields, rope, len(rope["mrope_section"]))
    return changes


def _rotary_factors(fields: Fields) -> dict[str, Any]:
    """A stretched rotary embedding has a factor for each pair of lanes."""
    changes: dict[str, Any] = {}
    for name in ("rope_parameters", "rope_scaling"):
        rope = fields.defaults.get(name)
        if not isinstance(rope, Mapping) or not any(isinstance(value, (list, tuple)) for value in rope.values()):
            continue
        half = sum(_shared_out(fields, rope, 1)["mrope_section"])
        lists = {key: list(value)[:half] for key, value in rope.items() if key.endswith("_factor") and _is_list(value)}
        # The config writes its own length over the embedding's.
        same = {
            key: fields.small[key] for key in ("original_max_position_embeddings",) if key in {*rope} & {*fields.small}
        }
        changes |= {name: {**rope, **lists, **same}} if lists else {}
    return changes


def _is_list(value: object) -> bool:
    return isinstance(value, (list, tuple))


def sections(fields: Fields) -> dict[str, Any]:
    """Sections for a text tower beside one that cuts images into a grid: a default config may leave them out, and the
    model then takes those of the published size."""
    if not fields.get("vocab_size"):
        return {}
    if fields.has("rope_scaling") and fields.get("rope_scaling", "rope_parameters") is None:
        return {"rope_scaling": _shared_out(fields, {"rope_type": "default"}, 3)}  # its name before 5.0
    rope = fields.get("rope_parameters")
    if not isinstance(rope, Mapping) or "mrope_section" in rope or "rope_type" not in rope:
        return {}
    return {"rope_parameters": _shared_out(fields, rope, 3)}


def maps(defaults: Mapping[str, Any], before: int | None, after: int | None) -> dict[str, Any]:
    """Sizes of feature maps that are whole fractions of the image's side stay those fractions.

    Args:
        defaults: fields of the default config.
        before: side of the image by default.
        after: side of the tiny image.
    """
    if not before or not after or before == after:
        return {}

    def scaled(value: Any) -> Any:
        return [scaled(item) for item in value] if isinstance(value, (list, tuple)) else value * after // before

    return {
        name: scaled(value)
        for name, value in defaults.items()
        if name.endswith("feature_sizes") and isinstance(value, (list, tuple)) and min(_flat(scaled(value))) > 0
    }


def merged(outer: Mapping[str, Any], tower: Fields) -> dict[str, Any]:
    """Widths of a config that are those of a tower's features, of which a square of patches makes one, stay so.

    Args:
        outer: fields of the default config.
        tower: fields of the nested one.
    """
    side, width = tower.get("merge_size", "spatial_merge_size"), tower.defaults.get("hidden_size")
    if not isinstance(side, int) or side < 2 or not isinstance(width, int):
        return {}
    made = tower.get("hidden_size") * side**2
    return {name: made for name, value in outer.items() if name.endswith("hidden_size") and value == width * side**2}


def _flat(value: Any) -> list[int]:
    return [leaf for item in value for leaf in _flat(item)] if isinstance(value, (list, tuple)) else [value]


def _shared_out(fields: Fields, rope: Mapping[str, Any], parts: int) -> dict[str, Any]:
    lanes = fields.get("head_dim", "kv_channels") or fields.get("hidden_size") // fields.get("num_attention_heads")
    half = int(lanes * (rope.get("partial_rotary_factor") or fields.get("partial_rotary_factor") or 1)) // 2
    whole = rope.get("mrope_section")
    return {**rope, "mrope_section": shares(half, whole if whole and len(whole) == parts else [1] * parts)}


def shares(total: int, whole: Sequence[int]) -> list[int]:
    """The total in shares like those of the whole, of which equal ones stay equal; where they cannot, the first is more."""
    sizes = list(dict.fromkeys(whole))
    ways = [
        [dict(zip(sizes, way, strict=True))[size] for size in whole]
        for way in product(range(1, total), repeat=len(sizes) if len(sizes) > 1 else 0)
        if sum(number * whole.count(size) for number, size in zip(way, sizes, strict=False)) == total
    ]
    if ways:
        return min(
            ways,
            key=lambda way: sum(abs(own * sum(whole) - total * size) for own, size in zip(way, whole, strict=True)),
        )
    small = [total // len(whole)] * len(whole)
    small[0] += total - sum(small)
    return small


def _inner_heads(fields: Fields) -> dict[str, Any]:
    """A state space's inner width, given as a multiple of the hidden width, is cut into its heads."""
    for expand, heads, width in (
        ("expand", "num_heads", "head_dim"),
        ("mamba_expand", "mamba_n_heads", "mamba_d_head"),
    ):
        if fields.has(expand, heads, width) and isinstance(fields.defaults[width], int):
            inner = fields.get("mamba_d_ssm") or int(fields.get(expand) * fields.get("hidden_size"))
            return {width: inner // fields.get(heads)}
    return {}


def _indices(fields: Fields) -> dict[str, Any]:
    """Layers whose states are handed on keep their number, so a stack has at least as many layers.

    Stages are never dropped, so indices of stages stay.
    """
    stages = [re.fullmatch(r"stage(\d+)", str(item)) for item in fields.defaults.get("out_features") or ()]
    indices = fields.defaults.get("out_indices") or [int(stage[1]) for stage in stages if stage]
    counts = [name for name in ("num_hidden_layers", "num_layers", "depth") if type(fields.get(name)) is int]
    if not indices or not counts or max(indices) <= fields.get(counts[0]):
        return {}
    layers = max(fields.get(counts[0]), len(indices))
    kept = list(range(layers - len(indices) + 1, layers + 1))
    if "out_features" in fields.defaults and stages:
        return {counts[0]: layers, "out_features": [f"stage{index}" for index in kept]}
    return {counts[0]: layers, "out_indices": kept}


def _taken_states(fields: Fields) -> dict[str, Any]:
    """As many layers as states are taken from, for a neck with a width for each."""
    taken = fields.defaults.get("backbone_out_indices")
    if not isinstance(taken, (list, tuple)) or not fields.has("num_hidden_layers"):
        return {}
    return {"num_hidden_layers": len(taken), "backbone_out_indices": list(range(len(taken)))}


def _norm_groups(fields: Fields) -> dict[str, Any]:
    """Groups of a norm divide the narrowest stage."""
    return {
        name: min(value, 4)
        for name in ("num_groups", "norm_groups", "norm_num_groups", "group_norm_num_groups")
        if type(value := fields.defaults.get(name)) is int and value > 4
    }


def _shared_layers(fields: Fields) -> dict[str, Any]:
    """The last layers may read the keys of earlier ones: few layers have none to spare."""
    return {"num_kv_shared_layers": 0} if fields.defaults.get("num_kv_shared_layers") else {}


def _grouped_upsampling(fields: Fields) -> dict[str, Any]:
    """A convolution with a group for each channel keeps one."""
    if (
        fields.has("upsample_groups", "hidden_size")
        and fields.defaults["upsample_groups"] == fields.defaults["hidden_size"]
    ):
        return {"upsample_groups": fields.get("hidden_size")}
    return {}


def _sublayers(fields: Fields) -> dict[str, Any]:
    """Layers that are counted twice, in whole and by the parts that attend, keep as many parts each."""
    parts, whole = fields.defaults.get("num_hidden_layers"), fields.defaults.get("num_layers")
    if not (isinstance(parts, int) and isinstance(whole, int) and parts > whole > 1 and parts % whole == 0):
        return {}
    return {"num_hidden_layers": parts // whole * fields.get("num_layers")}


def _cutoffs(fields: Fields) -> dict[str, Any]:
    """Places where an adaptive softmax cuts the vocabulary stay the same shares of it."""
    before, after, cuts = fields.defaults.get("vocab_size"), fields.get("vocab_size"), fields.defaults.get("cutoffs")
    if not isinstance(cuts, (list, tuple)) or not isinstance(before, int):
        return {}
    return {"cutoffs": [max(place + 1, item * after // before) for place, item in enumerate(cuts)]}


_RELATIONS: tuple[Callable[[Fields], dict[str, Any]], ...] = (
    _unset,
    _default_member,
    _groups_of_heads,
    _window_a_layer,
    _head_width,
    _latent_heads,
    _windows,
    _whole_window,
    _series,
    _fractions,
    _page_positions,
    _first_stage,
    _last_stage,
    _counted_stages,
    _stride,
    _border,
    _labels,
    _padding,
    _rotary_sections,
    _rotary_factors,
    _inner_heads,
    _indices,
    _taken_states,
    _norm_groups,
    _grouped_upsampling,
    _shared_layers,
    _cutoffs,
    _sublayers,
)
