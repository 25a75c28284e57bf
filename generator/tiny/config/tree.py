"""The smallest valid arguments of a config class: every field by its role, nested configs by recursion.

Works from the default config alone and knows no model; what the rules get wrong is in ``rows``.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from generator import configuration
from generator.tiny import roles
from generator.tiny.config import attention, composite, fields, layers, networks, relations
from generator.tiny.config.values import Fields

__all__ = ["STAGES", "Change", "Field", "Path", "fields_of", "merge", "not_gainsaid", "settled", "shrink"]

Path = tuple[str, ...]
"""Where a field stands: the names of the nested configs that hold it, then its own."""
Change = dict[Path, Any]
"""New values by field."""

STAGES = "stage_names"
"""What a backbone calls its stages, the stem first: no argument of its config, but what ``out_features`` are chosen from."""
_UNBUILT_BACKBONES = ("timm_backbone",)
"""Types of configs that only name a network of another library."""


class Field(NamedTuple):
    """A field of a config tree."""

    path: Path
    owner: str
    """Class of the config that holds it."""
    default: Any
    small: Any


def shrink(
    config_class: Any,
    manner: fields.Manner = fields.USUAL,
    modalities: Sequence[str] = (),
    values: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Explicit arguments of a tiny config, without those that keep their default.

    Args:
        config_class: a config class of transformers.
        manner: how it is made small.
        modalities: what the architecture takes in, for a class that joins others.
        values: arguments of a config that is not the default one; what is unusual about them is kept.

    Returns:
        Plain data, sequences as lists like in a config.json; a nested config is a dict that names its ``model_type`` where the field admits several.

    Raises:
        TypeError, ValueError: the class cannot be made with its defaults and says why.
    """
    ids: dict[int, int] = {}
    if values is not None:
        # What is called like a method of the class would stand in its place.
        fields_only = {name: value for name, value in values.items() if not callable(getattr(config_class, name, None))}
        config = config_class(**copy.deepcopy(fields_only))
        return _unusual(config, _shrink(config, {}, ids, manner))
    whole, given = composite.default(config_class, modalities)
    return composite.joined(composite.stated(_shrink(whole, {}, ids, manner), given))


def _unusual(config: Any, small: dict[str, Any]) -> dict[str, Any]:
    """The small arguments with the values that are not the class's own, which shrinking from defaults takes for granted."""
    held, usual, nested = configuration.defaults(config), configuration.defaults(type(config)()), _nested(config)
    kept = {
        name: value
        for name, value in held.items()
        if name not in small and name not in nested and (name not in usual or usual[name] != value)
    }
    kept |= {name: _unusual(child, small[name]) for name, child in nested.items() if isinstance(small.get(name), dict)}
    kinds, layers_left = held.get("layer_types"), small.get("num_hidden_layers")
    if "layer_types" not in small and isinstance(kinds, (list, tuple)) and isinstance(layers_left, int):
        kept["layer_types"] = list(kinds)[:layers_left]
    return {**small, **{name: list(value) if isinstance(value, tuple) else value for name, value in kept.items()}}


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


def not_gainsaid(stated: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    """Refuse changes that make another model of one that was described: only its sizes may become others.

    Args:
        stated: arguments with what the description says.
        changes: changes of them, nested likewise.

    Raises:
        ValueError: a word becomes another, or a list gets another length while the layers stay as many.
    """
    counted = any(name in layers.COUNTS for name in changes)
    for name, value in changes.items():
        said = stated.get(name)
        if isinstance(said, Mapping) and isinstance(value, Mapping):
            not_gainsaid(said, {key: item for key, item in value.items() if key in said})
        elif isinstance(said, str) and value != said:
            raise ValueError(f"{name} was to be {said}, not {value}")
        elif isinstance(said, list) and isinstance(value, list) and len(said) != len(value) and not counted:
            raise ValueError(f"{name} was to have {len(said)} items, not {len(value)}")


def settled(arguments: Mapping[str, Any], config: Any) -> dict[str, Any]:
    """The arguments with the values that the config made of them, such as a number that became one number a layer.

    Told its own values a config may derive others from them (HRM's count of layers, times its cycles, each time that it
    is not told from what): these are stated, too, so that what is stated makes the same config.
    """
    stated = _as_held(arguments, config)
    again = vars(configuration.make(type(config), stated))
    for name, value in vars(config).items():
        if isinstance(value, int | float) and again.get(name, value) != value:
            stated[name] = value
    return stated


def _as_held(arguments: Mapping[str, Any], config: Any) -> dict[str, Any]:
    held = vars(config)
    stated: dict[str, Any] = {}
    for name, value in arguments.items():
        own = held.get(name, value)
        if isinstance(value, Mapping):
            stated[name] = _as_held(value, own) if configuration.is_config(type(own)) else dict(value)
        elif value is None and isinstance(own, Mapping):
            stated[name] = dict(own)  # what the class puts where nothing was said: rotary parameters
        else:
            stated[name] = (
                list(own)
                if isinstance(own, (list, tuple))
                else own if own is None or isinstance(own, int | float) else value
            )
    return stated


def fields_of(config: Any, arguments: Mapping[str, Any], path: Path = ()) -> Iterator[Field]:
    """Every field of a default config and of those nested in it, beside what the tiny arguments make of it."""
    nested = _nested(config)
    for name, value in configuration.defaults(config).items():
        if name not in nested:
            yield Field((*path, name), type(config).__name__, value, arguments.get(name, value))
    if isinstance(stages := vars(config).get("stage_names"), list):
        yield Field((*path, STAGES), type(config).__name__, stages, stages)
    for name, child in nested.items():
        inner = arguments.get(name) or {}
        if inner.get("model_type", child.model_type) == child.model_type:
            yield from fields_of(child, inner, (*path, name))


def _shrink(config: Any, given: Mapping[str, Any], ids: dict[int, int], manner: fields.Manner) -> dict[str, Any]:
    nested = _nested(config)
    defaults = configuration.defaults(config) | {
        name: value for name, value in given.items() if not name.startswith("_")
    }
    arguments: dict[str, Any] = {}
    for name, value in defaults.items():
        if name in nested:
            continue
        tiny = fields.small(name, value, defaults, ids, manner)
        if tiny != value or name in given:
            arguments[name] = list(tiny) if isinstance(tiny, tuple) else tiny
    arguments |= {name: value for name, value in given.items() if name not in defaults}
    if not fields.staged(defaults):
        derived = configuration.derived(config)
        arguments |= {
            name: value
            for name, value in layers.kept(defaults).items()
            # The places of layers of a kind do not follow from how many layers there are (Mllama's cross-attention).
            if name not in derived
            or name in given
            or layers.MEMBERS.fullmatch(name)
            or len({repr(item) for item in value}) > 1
            or isinstance(value[0], list)
        }
        arguments |= layers.attending(config, arguments.get("num_hidden_layers", defaults.get("num_hidden_layers", 0)))
    arguments |= relations.related(Fields(defaults, arguments))
    if defaults.get("use_timm_backbone") and "backbone_config" in defaults and "backbone_config" not in nested:
        arguments |= _named_backbone(defaults)
    if "image_grid_pinpoints" in defaults:
        arguments["image_grid_pinpoints"] = [[roles.IMAGE, roles.IMAGE]]  # one tile besides the whole image
    arguments |= networks.arguments(defaults, manner)
    sees_grids = any("spatial_merge_size" in vars(child) for child in nested.values())
    for name, child in nested.items():
        kwargs = _kept(config, name, child)
        if child.model_type in _UNBUILT_BACKBONES:
            arguments[name] = _backbone(child)
            arguments |= _met(defaults, arguments[name])
            continue
        inner = _shrink(child, kwargs, ids, manner)
        inner |= _as_many_features(defaults, child)
        arguments |= networks.measured(defaults, {**configuration.defaults(child), **kwargs}, manner)
        if sees_grids:
            inner |= attention.sections(Fields(configuration.defaults(child), inner))
        arguments[name] = {"model_type": child.model_type, **inner} if child.model_type else inner
        arguments |= relations.merged(defaults, Fields(configuration.defaults(child), inner))
    tile = defaults.get("patch_size")
    if any(vars(child).get("image_size") == tile for child in nested.values()) and type(tile) is int:
        # A patch of it is a whole image of what is nested.
        arguments["patch_size"] = min(tile, roles.STAGED_IMAGE if fields.staged(defaults) else roles.IMAGE)
    return arguments | relations.maps(configuration.defaults(config), _image(config, None), _image(config, arguments))


def _image(config: Any, arguments: Mapping[str, Any] | None) -> int | None:
    """The side of the images that the config or one nested in it names, by default or as the arguments have it."""
    side = vars(config).get("image_size")
    if arguments is not None:
        side = arguments.get("image_size", side)
    if isinstance(side, (list, tuple)) and side:
        side = side[0]
    if type(side) is int:
        return side
    for name, child in _nested(config).items():
        inner = None if arguments is None else arguments.get(name, {})
        if (found := _image(child, inner)) is not None:
            return found
    return None


def _kept(config: Any, name: str, child: Any) -> dict[str, Any]:
    """Arguments that the outer config gives to a nested one: as it says, or, where it cannot say, as it did.

    What it says is of the type that it names, though it may make another (PP-OCRv6).
    """
    spec = (getattr(config, "sub_configs_defaults", None) or {}).get(name)
    if spec is not None and spec.model_type in (None, child.model_type):
        return dict(spec.init_kwargs or {})
    return configuration.departures(child)


def _nested(config: Any) -> dict[str, Any]:
    """Nested configs, also of a tower that the default config leaves out: it is a part of the architecture."""
    towers = {
        name: kind()
        for name, kind in configuration.optional(config).items()
        if name in ("vision_config", "audio_config")
    }
    return configuration.nested(config) | towers


def _named_backbone(defaults: Mapping[str, Any]) -> dict[str, Any]:
    """A backbone in place of one that is another library's and has only a name, which goes with its arguments."""
    levels = defaults.get("num_feature_levels") or 1
    count = min(levels, 3) if levels > 1 else 4
    unnamed = {name: None for name in ("backbone", "backbone_kwargs") if name in defaults}
    return {
        "use_timm_backbone": False,
        "use_pretrained_backbone": False,
        **unnamed,
        "backbone_config": _stages(count),
    }


def _backbone(default: Any) -> dict[str, Any]:
    """A small ResNet that gives as many stages as the default backbone.

    The default is a network of another library, by that library's name for it, and its size cannot be changed here.
    """
    return _stages(len(getattr(default, "out_indices", None) or [1]))


def _met(defaults: Mapping[str, Any], backbone: Mapping[str, Any]) -> dict[str, Any]:
    """Lists of the widths that a backbone's features have, for one that stands in its place."""
    widths = [backbone["hidden_sizes"][place - 1] for place in backbone["out_indices"]]
    return {name: widths for name, value in _stage_widths(defaults) if len(value) == len(widths)}


def _as_many_features(defaults: Mapping[str, Any], backbone: Any) -> dict[str, Any]:
    """The features of every stage, where the config has a width for each and the backbone would give the last one's."""
    held = vars(backbone)
    names = held.get(STAGES)
    if not isinstance(names, list) or len(held.get("_out_features") or names) > 1:
        return {}
    wanted = any(len(value) == len(names) - 1 for _, value in _stage_widths(defaults))
    return {"out_features": names[1:]} if wanted else {}


def _stage_widths(defaults: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[int]]]:
    """Lists of channels that grow from stage to stage."""
    for name, value in defaults.items():
        numbers = isinstance(value, (list, tuple)) and len(value) > 1 and all(type(item) is int for item in value)
        if numbers and name.endswith("_channels") and list(value) == sorted(set(value)):
            yield name, value


def _stages(count: int) -> dict[str, Any]:
    stages = max(4, count)
    return {
        "model_type": "resnet",
        "embedding_size": 8,
        "hidden_sizes": [8, 16, 24, 32, 40, 48][:stages],
        "depths": [1] * stages,
        "layer_type": "basic",
        "out_indices": list(range(stages - count + 1, stages + 1)),
    }
