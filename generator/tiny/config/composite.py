"""The default config of a class, also of one that only joins others and by itself holds none (before 5.1)."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from generator import configuration

__all__ = ["default", "joined", "stated"]

_TEXT_DECODER = {"model_type": "bert", "is_decoder": True, "add_cross_attention": True}
_PARTS: Mapping[str, Mapping[str, Any]] = {
    "encoder": {"model_type": "bert"},
    "decoder": _TEXT_DECODER,
    "text_encoder": {"model_type": "t5"},
    "audio_encoder": {"model_type": "encodec"},
    "question_encoder": {"model_type": "dpr"},
    "generator": {"model_type": "bart"},
    "vision_config": {"model_type": "vit"},
    "text_config": {"model_type": "bert"},
    "backbone_config": {"model_type": "timm_wrapper"},
}
"""What stands in each place, by its name: what later releases put there by default."""
_ENCODERS = {"image": "vit", "audio": "wav2vec2"}
"""The encoder of what is not text."""
_UNNAMED = (("question_encoder", "generator"), ("encoder", "decoder"))
"""Places of classes that do not list theirs."""


_DEMAND = re.compile(r"\b(\w+) must be (\w+), got")
"""How a config class says what a part of it has to be."""
_DEMANDS = 8
"""Demands of one class that are met at most."""


def default(config_class: Any, modalities: Sequence[str] = ()) -> tuple[Any, dict[str, dict[str, Any]]]:
    """The default config, and what it was given to hold: nothing where the class makes its own.

    Args:
        config_class: a config class of transformers.
        modalities: what the architecture takes in, which says what encodes it.

    Raises:
        TypeError, ValueError: the class cannot be made with its defaults, or with these, and says why.
    """
    own = _own(config_class)
    try:
        whole = config_class()
    except Exception as error:  # a class that checks itself raises errors of another library (before it is made small)
        if found := _obeying(config_class, error):
            return found
        for places in (tuple(configuration.parts(config_class)), *_UNNAMED):
            kinds = configuration.parts(config_class) | own
            given = {name: _part(name, kinds.get(name), modalities) for name in places}
            if not given or not all(given.values()):
                continue
            try:
                return configuration.make(config_class, given), given
            except (TypeError, ValueError, KeyError):
                continue
        raise error
    held = configuration.nested(whole)
    given = {
        name: {"model_type": kind.model_type}
        for name, kind in own.items()
        if name in held and held[name].model_type != kind.model_type
    }
    return (configuration.make(config_class, given), given) if given else (whole, {})


def _own(config_class: Any) -> dict[str, Any]:
    """Classes that an architecture has for parts that may be of any class: those beside its config's that name the place.

    By default another may stand there, which the model's code does not take (Granite 4 Vision's Llama, in 5.10).
    """
    open_to_all = {
        name for name, kind in configuration.parts(config_class).items() if not configuration.is_config(kind)
    }
    beside = vars(sys.modules[config_class.__module__]).values()
    return {
        kind.base_config_key: kind
        for kind in beside
        if configuration.is_config(kind)
        and kind.__module__ == config_class.__module__
        and kind is not config_class
        and getattr(kind, "base_config_key", None) in [*open_to_all]
    }


def _obeying(config_class: Any, error: Exception) -> tuple[Any, dict[str, dict[str, Any]]] | None:
    """The config with parts that are as its class says they have to be (an assistant's text model has no inputs of its
    own in each layer), and what the parts were given; None where it does not say."""
    given: dict[str, dict[str, Any]] = {}
    for _ in range(_DEMANDS):
        demand = _DEMAND.search(str(error))
        places = [name for name, kind in _named(config_class).items() if demand and _has(kind, demand[1])]
        if demand is None or not places:
            return None
        try:
            given.setdefault(places[0], {})[demand[1]] = ast.literal_eval(demand[2])
        except ValueError:
            return None
        try:
            return configuration.make(config_class, given), given
        except Exception as other:  # noqa: BLE001  # as above; its words say what it demands next
            error = other
    return None


def _named(config_class: Any) -> dict[str, Any]:
    """Classes of the parts, also of those that may be of any class and have one by default."""
    specs = getattr(config_class, "sub_configs_defaults", None) or {}
    return {
        name: (
            specs[name].get_config_class(specs[name].model_type)
            if name in specs and not configuration.is_config(kind)
            else kind
        )
        for name, kind in configuration.parts(config_class).items()
    }


def _has(kind: Any, name: str) -> bool:
    return configuration.is_config(kind) and name in configuration.arguments(kind)


def stated(arguments: Mapping[str, Any], given: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The arguments, in which the parts say what they were given to be."""
    return {**arguments, **{name: {**part, **arguments.get(name, {})} for name, part in given.items()}}


def joined(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, in which a codec has a code for each token of what writes the codes that it turns into sound."""
    for place, writer in (("audio_encoder", arguments.get("decoder")), ("codec_config", arguments)):
        codec = arguments.get(place)
        if not (isinstance(codec, Mapping) and isinstance(writer, Mapping)):
            continue
        if "codebook_size" in codec and "vocab_size" in writer:
            return {**arguments, place: {**codec, "codebook_size": writer["vocab_size"]}}
    return dict(arguments)


def _part(name: str, kind: Any, modalities: Sequence[str]) -> dict[str, Any]:
    if configuration.is_config(kind):
        try:
            _, inner = default(kind, modalities)
        except Exception:  # noqa: BLE001  # what holds it may give it what it lacks
            inner = {}
        return {"model_type": kind.model_type, **inner}
    part = dict(_PARTS.get(name, {}))
    if name == "encoder":
        part["model_type"] = next((_ENCODERS[item] for item in modalities if item in _ENCODERS), "bert")
    return part
