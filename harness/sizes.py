"""Heads at sizes where hardware, and not dispatch, is what takes the time: the tiny config made wide, by what its fields are
called.

Widths are multiplied, and counts of heads as much, so that a head keeps its size, and with it what is fitted to that: rotary
sections, latent ranks. If no model comes of it, heads keep their number and grow wide themselves. Depth, vocabulary, image, window
and sequence stay: they multiply the work, and not its share of the time. Whatever is not built so, or does not run on the
skill's own inputs, is refused with the error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness import weights

if TYPE_CHECKING:
    from harness.skill import Head, Skill

__all__ = ["SIZES", "wider"]

SIZES = {"small": 8, "medium": 32}
"""By how much tiny widths, which are mostly 64, are multiplied."""

_COUNT = re.compile(r"(^|_)(n_|num_)?(\w+_)?heads?$")
"""Counts of heads: ``num_attention_heads``, ``n_head``, ``linear_num_key_heads``."""

_HEAD = re.compile(r"head_dim|d_head|dim_head|^d_kv$|head_size")
"""Widths of one head."""

_WIDTH = re.compile(
    r"(^|_)(hidden|intermediate|ffn|ff|mlp|inner|embed|embedding|embd|projection|model|feats|channels?|filters|neck|dim)s?(_|$)"
)
"""Widths, by one word of the name."""

_FIXED = re.compile(
    r"(^|_)(id|index|indices|layers?|depths?|blocks?|position|positions|patch|image|img|kernel|stride|window|vocab|time|rank|group|groups"
    r"|act|drop|experts?|queries|mel|num_channels|num_embeddings|in_chans|rate|ratio|length|iou|state|step|max|min)(_|$)"
)
"""Words of names that are no widths, whatever else they say."""

_COLOURS = 3
"""Channels that an image brings; no more can be made of them."""


def wider(skill: type[Skill], head: Head, size: str) -> Iterator[Head]:
    """The head with widths multiplied, by one rule after the other."""
    arguments = weights.config_arguments(skill, head)
    for grows in ((_COUNT, _WIDTH), (_HEAD, _WIDTH)):
        yield replace(head, config=_grown(arguments, SIZES[size], grows))


def _grown(arguments: Mapping[str, Any], factor: int, patterns: tuple[re.Pattern[str], ...]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in arguments.items():
        if isinstance(value, Mapping):
            made[name] = _grown(value, factor, patterns)
        elif _grows(name, patterns):
            made[name] = _times(value, factor)
        else:
            made[name] = value
    return made


def _grows(name: str, patterns: tuple[re.Pattern[str], ...]) -> bool:
    if _FIXED.search(name) and not _COUNT.search(name):
        return False
    kind = next((pattern for pattern in (_HEAD, _COUNT, _WIDTH) if pattern.search(name)), None)
    return kind in patterns


def _times(value: Any, factor: int) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_times(item, factor) for item in value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value * factor if whole and value != _COLOURS else value
