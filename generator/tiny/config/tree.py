"""The smallest valid arguments of a config class: every field by its role, nested configs by recursion.

Works from the default config alone and knows no model; what the rules get wrong is in ``rows``.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any

from generator.tiny import roles
from generator.tiny.config import fields, layers, relations

__all__ = ["merge", "settled", "shrink"]

_UNBUILT_BACKBONES = ("timm_backbone",)
"""Types of configs that only name a network of another library."""


def shrink(config_class: Any) -> dict[str, Any]:
    """Explicit arguments of a tiny config, without those that keep their default.

    Args:
        config_class: a config class of transformers.

    Returns:
        Plain data, sequences as lists like in a config.json; a nested config is a dict that names its ``model_type`` where the field admits several.

    Raises:
        TypeError, ValueError: the class cannot be made with its defaults and says why.
    """
    ids: dict[int, int] = {}
    return _shrink(config_class(), {}, ids)


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with the values of ``over``, nested dicts merged; a value ``...`` in ``over`` removes the argument."""
    merged = dict(base)
    for name, value in over.items():
        if value is ...:
            merged.pop(name, None)
        elif isinstance(value, Mapping) and isinstance(merged.get(name), Mapping):
            merged[name] = merge(merged[name], value)
        else:
            merged[name] = dict(value) if isinstance(value, Mapping) else value
    return merged


def settled(arguments: Mapping[str, Any], config: Any) -> dict[str, Any]:
    """The arguments with the values that the config made of them, such as a number that became one number a layer."""
    held = vars(config)
    stated: dict[str, Any] = {}
    for name, value in arguments.items():
        own = held.get(name, value)
        if isinstance(value, Mapping):
            stated[name] = settled(value, own) if name in config.sub_configs else dict(value)
        else:
            stated[name] = (
                list(own) if isinstance(own, (list, tuple)) else own if isinstance(own, int | float) else value
            )
    return stated


def _shrink(config: Any, given: Mapping[str, Any], ids: dict[int, int]) -> dict[str, Any]:
    nested = _nested(config)
    defaults = _defaults(config) | {name: value for name, value in given.items() if not name.startswith("_")}
    arguments: dict[str, Any] = {}
    for name, value in defaults.items():
        if name in nested:
            continue
        tiny = fields.small(name, value, defaults, ids)
        if tiny != value or name in given:
            arguments[name] = list(tiny) if isinstance(tiny, tuple) else tiny
    arguments |= {name: value for name, value in given.items() if name not in defaults}
    if not fields.staged(defaults):
        derived = _derived(config)
        arguments |= {
            name: value
            for name, value in layers.kept(defaults).items()
            if name not in derived or len({repr(item) for item in value}) > 1
        }
    arguments |= relations.related(relations.Fields(defaults, arguments))
    if "image_grid_pinpoints" in defaults:
        arguments["image_grid_pinpoints"] = [[roles.IMAGE, roles.IMAGE]]  # one tile besides the whole image
    sees_grids = any("spatial_merge_size" in vars(child) for child in nested.values())
    for name, child in nested.items():
        spec = getattr(config, "sub_configs_defaults", {}).get(name)
        kwargs = dict(getattr(spec, "init_kwargs", {}) or {})
        if child.model_type in _UNBUILT_BACKBONES:
            arguments[name] = _backbone(child)
            continue
        inner = _shrink(child, kwargs, ids)
        if sees_grids:
            inner |= relations.sections(relations.Fields(_defaults(child), inner))
        arguments[name] = {"model_type": child.model_type, **inner} if child.model_type else inner
    return arguments


def _derived(config: Any) -> set[str]:
    """Fields that a config works out where they are not given."""
    if not dataclasses.is_dataclass(config):
        return set()
    written = {name for name, default in _written(type(config)).items() if default is None}
    return written | {field.name for field in dataclasses.fields(config) if field.default is None}


def _written(config_class: Any) -> dict[str, Any]:
    """Arguments, with their defaults, of the constructors that are written out and not made from fields."""
    found: dict[str, Any] = {}
    for item in config_class.__mro__:
        init = vars(item).get("__init__")
        # What a dataclass is given for a constructor has no file of its own.
        if item.__name__ in ("PreTrainedConfig", "PretrainedConfig") or init is None:
            continue
        if getattr(getattr(init, "__code__", None), "co_filename", "<").startswith("<"):
            continue
        for name, parameter in list(inspect.signature(init).parameters.items())[1:]:
            if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                found.setdefault(name, None if parameter.default is parameter.empty else parameter.default)
    return found


def _nested(config: Any) -> dict[str, Any]:
    """Nested configs, also of a tower that the default config leaves out: it is a part of the architecture."""
    nested = {}
    for name, kind in config.sub_configs.items():
        value = vars(config).get(name)
        if value is None and hasattr(kind, "model_type") and name in ("vision_config", "audio_config"):
            value = kind()
        if value is not None:
            nested[name] = value
    return nested


def _backbone(default: Any) -> dict[str, Any]:
    """A small ResNet that gives as many stages as the default backbone.

    The default is a network of another library, by that library's name for it, and its size cannot be changed here.
    """
    count = len(getattr(default, "out_indices", None) or [1])
    stages = max(4, count)
    return {
        "model_type": "resnet",
        "embedding_size": 8,
        "hidden_sizes": [8, 16, 24, 32, 40, 48][:stages],
        "depths": [1] * stages,
        "layer_type": "basic",
        "out_indices": list(range(stages - count + 1, stages + 1)),
    }


def _defaults(config: Any) -> dict[str, Any]:
    """Fields of the config that its own class declares, with the values that a default config holds."""
    from transformers import PreTrainedConfig

    common = (
        {field.name for field in dataclasses.fields(PreTrainedConfig)} if dataclasses.is_dataclass(config) else set()
    )
    values = vars(config)
    if dataclasses.is_dataclass(config):
        names = [field.name for field in dataclasses.fields(config) if field.name not in common]
        # A class with an __init__ of its own declares its arguments there: out of tree, that is the usual way.
        names += [name for name in _written(type(config)) if name not in common and name not in names]
    else:
        reference = vars(PreTrainedConfig())
        names = [name for name in values if name not in reference]
    renamed: Mapping[str, str] = config.attribute_map  # a field may be kept under another name
    held = {name: renamed.get(name, name) for name in names if not name.startswith("_")}
    return {name: values[own] for name, own in held.items() if own in values}
