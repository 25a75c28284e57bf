"""Heads, windows and rotary lanes that follow from several fields of a config at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from generator.tiny.config.values import Fields, is_list

__all__ = [
    "groups_of_heads",
    "head_width",
    "inner_heads",
    "latent_heads",
    "rotary_factors",
    "rotary_sections",
    "sections",
    "shares",
    "whole_window",
    "window_a_layer",
    "windows",
]


def groups_of_heads(fields: Fields) -> dict[str, Any]:
    """Grouped-query attention keeps several heads a group, and latent attention has a key for each head."""
    heads, shared = fields.defaults.get("num_attention_heads"), fields.defaults.get("num_key_value_heads")
    if fields.get("kv_lora_rank") and isinstance(shared, int):
        return {"num_key_value_heads": fields.get("num_attention_heads")}
    if "num_key_value_heads" in fields.defaults and shared is None and isinstance(heads, int):
        return {"num_key_value_heads": fields.get("num_attention_heads")}
    if isinstance(heads, int) and isinstance(shared, int) and 1 < shared < heads:
        return {"num_key_value_heads": 2}
    return {}


def window_a_layer(fields: Fields) -> dict[str, Any]:
    """A window for all layers is written out, one a layer, into the config by the models that are given it."""
    window, layers = fields.get("attention_window"), fields.get("encoder_layers", "num_hidden_layers")
    return {"attention_window": [window] * layers} if isinstance(window, int) and isinstance(layers, int) else {}


def head_width(fields: Fields) -> dict[str, Any]:
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


def latent_heads(fields: Fields) -> dict[str, Any]:
    """A head of latent attention holds the lanes with and without a position."""
    if fields.has("qk_head_dim", "qk_nope_head_dim", "qk_rope_head_dim"):
        return {"qk_head_dim": fields.get("qk_nope_head_dim") + fields.get("qk_rope_head_dim")}
    return {}


def windows(fields: Fields) -> dict[str, Any]:
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


def whole_window(fields: Fields) -> dict[str, Any]:
    """A window as long as the positions never slides, and still does not when there are fewer of both."""
    window, positions = fields.defaults.get("sliding_window"), fields.defaults.get("max_position_embeddings")
    same = isinstance(window, int) and window == positions
    return {"sliding_window": fields.get("max_position_embeddings")} if same else {}


def inner_heads(fields: Fields) -> dict[str, Any]:
    """A state space's inner width, given as a multiple of the hidden width, is cut into its heads."""
    for expand, heads, width in (
        ("expand", "num_heads", "head_dim"),
        ("mamba_expand", "mamba_n_heads", "mamba_d_head"),
    ):
        if fields.has(expand, heads, width) and isinstance(fields.defaults[width], int):
            inner = fields.get("mamba_d_ssm") or int(fields.get(expand) * fields.get("hidden_size"))
            return {width: inner // fields.get(heads)}
    return {}


def rotary_sections(fields: Fields) -> dict[str, Any]:
    """Rotary lanes that are shared out to time, height and width come to half a head."""
    changes = {}
    for name in ("rope_parameters", "rope_scaling"):
        rope = fields.defaults.get(name)
        if isinstance(rope, Mapping) and isinstance(rope.get("mrope_section"), (list, tuple)):
            changes[name] = _shared_out(fields, rope, len(rope["mrope_section"]))
    return changes


def rotary_factors(fields: Fields) -> dict[str, Any]:
    """A stretched rotary embedding has a factor for each pair of lanes."""
    changes: dict[str, Any] = {}
    for name in ("rope_parameters", "rope_scaling"):
        rope = fields.defaults.get(name)
        if not isinstance(rope, Mapping) or not any(isinstance(value, (list, tuple)) for value in rope.values()):
            continue
        half = sum(_shared_out(fields, rope, 1)["mrope_section"])
        lists = {key: list(value)[:half] for key, value in rope.items() if key.endswith("_factor") and is_list(value)}
        # The config writes its own length over the embedding's.
        same = {
            key: fields.small[key] for key in ("original_max_position_embeddings",) if key in {*rope} & {*fields.small}
        }
        changes |= {name: {**rope, **lists, **same}} if lists else {}
    return changes


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
