"""One field made small, by its role and by what kind of network its config is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generator.tiny import roles

__all__ = ["USUAL", "Manner", "small", "staged"]


@dataclass(frozen=True)
class Manner:
    """How a config is made small."""

    divisor: int | None = None
    """What the default widths are divided by, heads staying as many, so that widths keep their proportions; None for
    the widths of the roles."""
    heads: int = roles.HEADS
    """Attention heads where widths are those of the roles."""
    whole_images: bool = False
    """Whether images and patches keep their size."""


USUAL = Manner()
"""The manner that serves most: the same few widths for all."""

_COMMON_ID = 16
"""Ids below this are kept: the usual pad, bos, eos, unk, mask."""
_NONE = re.compile(r"noise_scale(_.*)?|(.*_)?(filter|matching)_threshold")
"""Scales of random numbers that a model adds to what it gives, which no two rows, runs or devices share; and scores beneath
which two points do not match: those that random weights give are beneath any."""
_LARGEST_SIDE = 384
"""Side of an image in pixels up to which it is tried whole: what a layer costs grows with the fourth power of it."""
_SCALES = re.compile(r"(.*_)?(width|depth)_(coefficient|multiplier)|mlp_ratio_scale")
_PLACEHOLDER = re.compile(r"(image|video|audio)_token_(id|index)")
_STAGES = (
    "embed_dim_per_stage",
    "embed_dim",
    "depth",
    "depths",
    "hidden_sizes",
    "num_block_repeats",
    "strides",
    "out_channels",
    "depth_multiplier",
)


def small(name: str, value: Any, defaults: Mapping[str, Any], ids: dict[int, int], manner: Manner = USUAL) -> Any:
    """The small value of a field.

    Args:
        name: the field.
        value: its default.
        defaults: all fields of the config with their defaults.
        ids: token ids given so far, by their default; added to.
        manner: how it is made small.
    """
    if roles.TOKEN_ID.fullmatch(name) and _is_ids(value):
        # One after the last is never written (MusicGen).
        beyond = value == defaults.get("vocab_size", -1)
        return roles.small("vocab_size", value) if beyond else _moved(value, ids)
    if value is None and _PLACEHOLDER.fullmatch(name):
        return ids.setdefault(-1 - len(ids), roles.VOCABULARY - 1 - len(ids))
    if isinstance(value, bool) or value is None:
        return value
    if manner.whole_images and name in ("image_size", "img_size", "input_size", "patch_size") and _bearable(value):
        return value
    if name in ("image_size", "img_size", "input_size"):
        return _resized(value, roles.STAGED_IMAGE if staged(defaults) else roles.IMAGE)
    if name == "patch_size":
        return value if not isinstance(value, int) or staged(defaults) else min(value, roles.PATCH)
    if "block_configs" in defaults and name not in ("hidden_size", "d_model") and not isinstance(value, float):
        return _ends(value) if name == "block_configs" else value  # its blocks are written out, widths and all
    if manner != USUAL and (proportional := _proportional(name, value, manner)) is not None:
        return proportional
    if isinstance(value, int):
        return _number(name, value, defaults)
    if isinstance(value, float):
        return 0.0 if _NONE.fullmatch(name) else min(value, 0.25) if _SCALES.fullmatch(name) else value
    if isinstance(value, (list, tuple)) and value:
        return _sequence(name, value)
    return value


def _ends(stages: Any) -> Any:
    """Blocks as they are written out, (kernel, width before, width after, ...), of each stage the first and the last where
    the one fits the other: each takes something of a signal that no training has made fit to go through so many."""
    if not isinstance(stages, (list, tuple)) or not all(isinstance(stage, (list, tuple)) for stage in stages):
        return stages
    return [
        [stage[0], stage[-1]] if len(stage) > roles.LAYERS and stage[0][2] == stage[-1][1] else stage
        for stage in stages
    ]


def _sequence(name: str, values: Sequence[Any]) -> Sequence[Any]:
    if all(type(item) is int for item in values):
        return _numbers(name, values)
    if name.endswith("dilation_sizes") and all(isinstance(item, (list, tuple)) for item in values):
        return [list(item)[: roles.LAYERS] for item in values]  # a layer for each, in each of several stacks
    return values


def _proportional(name: str, value: Any, manner: Manner) -> Any:
    """The value of a field in a manner that is not the usual one, None where it makes no difference."""
    role = roles.named(name)
    if isinstance(value, int) and role == "heads" and manner.divisor is None:
        return min(value, manner.heads)
    if isinstance(value, int) and role == "head width" and manner.divisor is None:
        return min(value, roles.WIDTH // manner.heads)
    if manner.divisor is None:
        return None
    if isinstance(value, int) and role in ("heads", "key-value heads"):
        return value
    if isinstance(value, int) and (role in roles.WIDTHS or (role is None and value >= roles.WIDTH)):
        return value // manner.divisor if value % manner.divisor == 0 else value
    widths = value if isinstance(value, (list, tuple)) and roles.STAGE_WIDTHS.fullmatch(name) else ()
    if widths and all(type(item) is int and item % manner.divisor == 0 for item in widths):
        return [item // manner.divisor for item in widths]
    return None


def _number(name: str, value: int, defaults: Mapping[str, Any]) -> int:
    if staged(defaults):
        if name == "stem_out_channels":
            return roles.small_sequence("hidden_sizes", [value, 2 * value])[0]
        if name in ("embed_dim", "hidden_size", "embedding_size"):
            return min(value, 16)
        if name == "window_size":
            return min(value, 2)  # the last stage is 2 by 2
    # Doubled at each of many stages, and normalised there: of two lanes only the sign of their difference would be left.
    if "downsampling_ratios" in defaults and name in ("encoder_hidden_size", "num_filters"):
        return min(value, 8 if name == "encoder_hidden_size" else 4)
    if name == "hidden_dim" and not {"hidden_size", "d_model", "dim", "embed_dim"} & defaults.keys():
        return min(value, roles.WIDTH)  # the only width there is
    return roles.small(name, value)


def _numbers(name: str, values: Sequence[int]) -> Sequence[int]:
    if name.startswith("vision_feature_layer"):  # layers of another config, counted from either end
        last = roles.LAYERS - 1
        places = [place % roles.LAYERS for place in range(len(values))]
        return [-1 - place if item < 0 else last - place for place, item in zip(places, values, strict=True)]
    if roles.LAYER_INDICES.fullmatch(name):
        return list(range(min(len(values), roles.LAYERS)))
    small_values = roles.small_sequence(name, values)
    return small_values if small_values != list(values) else values


def staged(defaults: Mapping[str, Any]) -> bool:
    """Whether the network goes by stages, each with a width of its own."""
    return any(isinstance(defaults.get(name), (list, tuple)) for name in _STAGES) or "depth_multiplier" in defaults


def _bearable(value: Any) -> bool:
    return all(item <= _LARGEST_SIDE for item in (value if isinstance(value, (list, tuple)) else [value]))


def _resized(value: Any, side: int) -> Any:
    if isinstance(value, int):
        return min(value, side)
    if isinstance(value, (list, tuple)):
        least = min(value, default=0)
        # An image that is several times as high as wide stays so: it may be made of several.
        whole = least > side and all(item % least == 0 for item in value)
        return [item // least * side if whole else min(item, side) for item in value]
    return value


def _is_ids(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and all(type(item) is int for item in value)
    return type(value) is int


def _moved(value: Any, ids: dict[int, int]) -> Any:
    """Ids moved below the tiny vocabulary: equal ids stay equal, different ones different."""
    if isinstance(value, (list, tuple)):
        return [_moved(item, ids) for item in value]
    if value < _COMMON_ID:
        return value
    return ids.setdefault(value, roles.VOCABULARY - 1 - len(ids))
