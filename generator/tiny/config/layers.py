"""Which layers of a default config a tiny one keeps, so that each kind of layer that the model can have is still there."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Mapping
from typing import Any

from generator.tiny import roles

__all__ = ["COUNTS", "MEMBERS", "attending", "kept", "spelled"]

COUNTS = ("num_hidden_layers", "num_layers", "n_layers", "n_layer", "depth", "encoder_layers")
"""Names of a config's number of layers, the usual one first."""
MEMBERS = re.compile(
    r"(.*_)?(global_attn_indexes|full_attn_idxs|cross_attention_layers|moe_layers|window_block_indices|"
    r"hybrid_layer_ids|local_layer_ids|attn_layer_indices|fullatt_block_indexes|rope_scaling_layers)"
)
"""Names of lists that say which layers have a property."""
_PER_LAYER = re.compile(r".*(layer|block|window|type|pattern).*")
"""What the name of a list with one entry a layer says where the list is too short to tell by its length alone."""
_TELLING = 6
"""Length from which a list as long as the stack is taken to hold one entry a layer whatever its name."""
_ATTENDING = {"linear_attention": "full_attention", "mamba": "attention"}
"""What a layer that keeps a state in place of keys is called, and one that attends beside it, by the release."""
_BEFORE = {"linear_attention": "mamba", "full_attention": "attention"}
"""What kinds of layers were called before."""
_KINDS = 4
"""Different entries up to which a list is taken to say kinds, not measures that vary from layer to layer."""


def kept(defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments that keep one layer of each kind: the number of layers and every list that goes by layer.

    Args:
        defaults: fields of the default config.

    Returns:
        Nothing where no list goes by layer, since the number of layers is then free.
    """
    found = next(((name, defaults[name]) for name in COUNTS if type(defaults.get(name)) is int), None)
    if found is None:
        return {}
    name, count = found
    for field, value in defaults.items():
        if (pattern := _pattern(value, count)) is not None:
            return {name: sum(len(kinds) for kinds, _ in pattern), field: pattern}
    lists = {
        field: list(value)
        for field, value in defaults.items()
        if isinstance(value, (list, tuple))
        and len(value) == count
        and (count >= _TELLING or _PER_LAYER.fullmatch(field))
        and not MEMBERS.fullmatch(field)
        and not roles.TOKEN_ID.fullmatch(field)
        and not roles.LAYER_INDICES.fullmatch(field)
    }
    members = {
        field: list(value)
        for field, value in defaults.items()
        if isinstance(value, (list, tuple)) and MEMBERS.fullmatch(field) and all(type(item) is int for item in value)
    }
    if not lists and not members:
        return _patterns(defaults, name, count)
    layers = _cover(count, lists, members)
    changes: dict[str, Any] = {name: len(layers)}
    for field, values in lists.items():
        chosen = [values[index] for index in layers]
        changes[field] = [roles.small(field, item) if type(item) is int else item for item in chosen]
    for field, values in members.items():
        changes[field] = [place for place, index in enumerate(layers) if index in values]
    return changes


def _patterns(defaults: Mapping[str, Any], name: str, count: int) -> dict[str, Any]:
    """Patterns that repeat until there are enough layers, once and with each of their kinds once."""
    kinds = {
        field: list(dict.fromkeys(value))
        for field, value in defaults.items()
        if isinstance(value, (list, tuple))
        and 1 < len(value) < count
        and _PER_LAYER.fullmatch(field)
        and all(isinstance(item, str) for item in value)
    }
    if not kinds:
        return {}
    return {**kinds, name: max(roles.LAYERS, *map(len, kinds.values()))}


def attending(config: Any, layers: int) -> dict[str, Any]:
    """Arguments that let the last layer attend in a config that has attention heads and by default no layer with one.

    The checkpoints of such an architecture mix both, and its cache counts on a layer that attends.

    Args:
        config: the default config.
        layers: layers of the tiny one.
    """
    fields, code = vars(config), inspect.getsource(sys.modules[type(config).__module__])
    kinds = {kind for name in ("layer_types", "layers_block_type") for kind in getattr(config, name, None) or ()}
    if "layer_types" in fields and not kinds:  # before 5.0 a class may check what it does not fill in
        kinds = {kind for kind, other in _ATTENDING.items() if f'"{kind}"' in code and f'"{other}"' in code}
    if len(kinds) != 1 or not kinds <= _ATTENDING.keys() or not fields.get("num_attention_heads"):
        return {}
    linear = kinds.pop()
    if "layer_types" in fields:
        return {"layer_types": [linear] * (layers - 1) + [_ATTENDING[linear]]}
    return {name: [layers - 1] for name in ("attn_layer_indices",) if name in fields}


def spelled(arguments: Mapping[str, Any], config_class: type) -> dict[str, Any]:
    """The arguments with the kinds of layers by the names that the release has for them: what is ``linear_attention``
    was ``mamba``."""
    code = inspect.getsource(sys.modules[config_class.__module__])
    names = {new: old for new, old in _BEFORE.items() if f'"{new}"' not in code and f'"{old}"' in code}

    def named(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: named(item) for name, item in value.items()}
        if isinstance(value, list):
            return [named(item) for item in value]
        return names.get(value, value) if isinstance(value, str) else value

    return {name: named(value) for name, value in arguments.items()}


def _pattern(value: Any, count: int) -> list[list[Any]] | None:
    """Runs of kinds of layers, as ``[[kinds, times], ...]``, each run once; None if it is no such thing."""
    if not isinstance(value, (list, tuple)) or not value:
        return None
    for run in value:
        if not (isinstance(run, (list, tuple)) and len(run) == 2):  # the kinds and how often
            return None
        if not isinstance(run[0], (list, tuple)) or type(run[1]) is not int:
            return None
    if sum(len(kinds) * times for kinds, times in value) != count:
        return None
    return [[list(kinds), 1] for kinds, _ in value]


def _cover(count: int, lists: Mapping[str, list[Any]], members: Mapping[str, list[int]]) -> list[int]:
    """The first layers that together show every kind, at least two of them."""
    kinds: list[list[str]] = [[] for _ in range(count)]
    for name, values in lists.items():
        if len({repr(value) for value in values}) <= _KINDS:
            for index, value in enumerate(values):
                kinds[index].append(f"{name}={value!r}")
    for name, indices in members.items():
        for index in range(count):
            kinds[index].append(f"{name}={index in indices}")
    seen: set[str] = set()
    layers = []
    for index, said in enumerate(kinds):
        if not seen.issuperset(said):
            seen.update(said)
            layers.append(index)
    for index in range(count):
        if len(layers) >= min(roles.LAYERS, count):
            break
        if index not in layers:
            layers.append(index)
    return sorted(layers)
