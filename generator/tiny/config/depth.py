"""Stages and layers that follow from several fields of a config at once."""

from __future__ import annotations

import re
from typing import Any

from generator.tiny.config.values import Fields, is_list

__all__ = ["counted_stages", "first_stage", "indices", "last_stage", "shared_layers", "sublayers", "taken_states"]


def first_stage(fields: Fields) -> dict[str, Any]:
    """The width before the first stage is the first stage's."""
    if fields.has("hidden_size", "embed_dim_per_stage"):
        return {"hidden_size": fields.get("embed_dim_per_stage")[0]}
    return {}


def last_stage(fields: Fields) -> dict[str, Any]:
    """The width of what comes after the last stage is the last stage's where it is so by default (EfficientFormer)."""
    widths = fields.defaults.get("hidden_sizes")
    same = is_list(widths) and widths and fields.defaults.get("dim") == widths[-1]
    return {"dim": fields.get("hidden_sizes")[-1]} if same else {}


def counted_stages(fields: Fields) -> dict[str, Any]:
    """Layers that are stages stay as many as these have widths and depths."""
    count = fields.defaults.get("num_hidden_layers")
    lists = [fields.defaults[name] for name in ("hidden_sizes", "depths") if is_list(fields.defaults.get(name))]
    return {"num_hidden_layers": count} if lists and all(len(item) == count for item in lists) else {}


def indices(fields: Fields) -> dict[str, Any]:
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


def taken_states(fields: Fields) -> dict[str, Any]:
    """As many layers as states are taken from, for a neck with a width for each."""
    taken = fields.defaults.get("backbone_out_indices")
    if not isinstance(taken, (list, tuple)) or not fields.has("num_hidden_layers"):
        return {}
    return {"num_hidden_layers": len(taken), "backbone_out_indices": list(range(len(taken)))}


def shared_layers(fields: Fields) -> dict[str, Any]:
    """The last layers may read the keys of earlier ones: few layers have none to spare."""
    return {"num_kv_shared_layers": 0} if fields.defaults.get("num_kv_shared_layers") else {}


def sublayers(fields: Fields) -> dict[str, Any]:
    """Layers that are counted twice, in whole and by the parts that attend, keep as many parts each."""
    parts, whole = fields.defaults.get("num_hidden_layers"), fields.defaults.get("num_layers")
    if not (isinstance(parts, int) and isinstance(whole, int) and parts > whole > 1 and parts % whole == 0):
        return {}
    return {"num_hidden_layers": parts // whole * fields.get("num_layers")}
