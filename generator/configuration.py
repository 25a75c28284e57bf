"""What a config class declares, whichever way: a dataclass, or an ordinary class with an ``__init__``. Facts as they stand;
nothing is made small or judged here.

Config classes of transformers have been dataclasses since 5.1; those before it, and most that live outside of it, are
ordinary classes whose ``__init__`` hands what it does not know to the base class.
"""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = [
    "arguments",
    "base",
    "common",
    "defaults",
    "departures",
    "derived",
    "is_config",
    "make",
    "nested",
    "optional",
    "parts",
]


def base() -> Any:
    """The class that all config classes derive from."""
    from transformers import configuration_utils

    return getattr(configuration_utils, "PreTrainedConfig", None) or configuration_utils.PretrainedConfig


def common() -> set[str]:
    """Arguments that every config takes."""
    return set(vars(base()())) | set(getattr(base(), "__dataclass_fields__", ()))


def is_config(kind: Any) -> bool:
    """Whether it is a config class, and not a class that stands for any of them (``AutoConfig``)."""
    return isinstance(kind, type) and issubclass(kind, base())


def arguments(config_class: Any) -> dict[str, Any]:
    """Arguments that the class and its ancestors below the base class declare, with their defaults.

    A required argument has the default ``inspect.Parameter.empty``, as has a dataclass's that is made anew each time.
    """
    # Since 5.1 a class with an __init__ of its own is a dataclass too, by inheritance, though without fields.
    shared = {field.name for field in dataclasses.fields(base())} if dataclasses.is_dataclass(base()) else set()
    own = dataclasses.fields(config_class) if dataclasses.is_dataclass(config_class) else ()
    found: dict[str, Any] = {
        field.name: inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default for field in own
    }
    for parameter in _initial(config_class):
        found.setdefault(parameter.name, parameter.default)
    return {name: default for name, default in found.items() if name not in shared}


def make(config_class: Any, given: Mapping[str, Any]) -> Any:
    """The config of these arguments, which stay as they are: some classes take the nested ones apart."""
    return config_class(**copy.deepcopy(dict(given)))


def defaults(config: Any) -> dict[str, Any]:
    """Fields that the config's own class declares, with the values that this config holds.

    Where the base class takes the special tokens for every config, they are fields of those with a vocabulary.
    """
    values = vars(config)
    renamed: Mapping[str, str] = config.attribute_map  # a field may be kept under another name
    names = [name for name in arguments(type(config)) if not name.startswith("_")]
    if any(renamed.get(name, name) in values and name.endswith("vocab_size") for name in names):
        names += [name for name in ("bos_token_id", "eos_token_id", "pad_token_id") if name in vars(base()())]
    held = {name: renamed.get(name, name) for name in names}
    return {name: values[own] for name, own in held.items() if own in values}


def departures(config: Any) -> dict[str, Any]:
    """Fields of a nested config in which it is not as its class alone would have it: what holds it made it so.

    Nothing where the class cannot be made with its defaults.
    """
    try:
        default = type(config)()
    except (TypeError, ValueError, OSError):  # some ask the hub for what they hold (EdgeTAM's, before 5.23)
        return {}
    plain, inner = defaults(default), nested(config)
    found = {
        name: value
        for name, value in defaults(config).items()
        if name not in inner and name in plain and plain[name] != value
        # One that hands a nested one its arguments as a single dict gives it to the first field (Pix2Struct, in 5.0).
        and not (isinstance(value, Mapping) and isinstance(plain[name], (int, float, str)))
    }
    # What the class does not declare it keeps all the same, and a model may read it (CHMv2's class tokens, in 5.10).
    known = vars(default)
    found |= {
        name: value
        for name, value in vars(config).items()
        if name not in known and not name.startswith("_") and isinstance(value, (bool, int, float, str))
    }
    # A backbone keeps its stages out of sight where they are properties; their numbers follow from their names.
    stages = vars(config).get("_out_features")
    if stages and stages != vars(default).get("_out_features"):
        found["out_features"] = list(stages)
    return found


def derived(config: Any) -> set[str]:
    """Fields that a config works out where they are not given."""
    return {name for name, default in arguments(type(config)).items() if default is None}


def parts(config: Any) -> dict[str, Any]:
    """Classes of nested configs by field: those that the class names, and those that this config holds without a word.

    Args:
        config: a config, or a config class where only the class is there to ask.
    """
    classes = getattr(config, "sub_configs", None)
    # Some classes have a property there, which only instances answer.
    stated = dict(classes) if isinstance(classes, Mapping) else {}
    if isinstance(config, type):
        return stated
    return stated | {
        name: type(value) for name, value in vars(config).items() if name not in stated and is_config(type(value))
    }


def nested(config: Any) -> dict[str, Any]:
    """Nested configs that this config holds, by field."""
    return {name: value for name in parts(config) if is_config(type(value := vars(config).get(name)))}


def optional(config: Any) -> dict[str, Any]:
    """Classes of nested configs that this config does without, by field.

    One that stands for any class is left out, unless the config says which is meant where none is named.
    """
    held, specs = nested(config), getattr(config, "sub_configs_defaults", None) or {}
    kinds = {
        name: specs[name].get_config_class(specs[name].model_type) if name in specs and not is_config(kind) else kind
        for name, kind in parts(config).items()
        if name not in held
    }
    return {name: kind for name, kind in kinds.items() if is_config(kind)}


def _initial(config_class: type) -> Iterator[inspect.Parameter]:
    """Parameters by keyword of ``__init__``, and of each ancestor's as long as one hands the rest on."""
    for ancestor in config_class.__mro__:
        if ancestor is base() or not issubclass(ancestor, base()):
            return
        own = vars(ancestor).get("__init__")
        if own is None:
            continue
        parameters = list(inspect.signature(own).parameters.values())[1:]
        yield from (item for item in parameters if item.kind not in (item.VAR_KEYWORD, item.VAR_POSITIONAL))
        if not any(item.kind is item.VAR_KEYWORD for item in parameters):
            return
