"""Networks of timm that a config names by timm's name: the arguments of timm's that make one small.

What a network's function gives to its class stands for the fields of a config, and shrinks by the same roles.
"""

from __future__ import annotations

import copy
import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from generator.tiny import roles
from generator.tiny.config import fields

__all__ = ["arguments", "measured", "side"]

_NAME, _ARGUMENTS = "architecture", "model_args"
"""Fields of a config that names a network and has arguments for it."""
_BARE, _LISTED = "backbone", "features_only"
"""Fields of one that names a network for its features and has no arguments for it."""
_WRAPPED = ("num_classes", "in_chans")
"""Arguments that whoever wraps the network gives it."""
_AS = {"layers": "depths", "out_chs": "embed_dims"}
"""What timm calls otherwise than configs do."""
_SCALE = "channel_multiplier"
"""What scales the widths of a network that is described block by block."""
_GRID = re.compile(r"(.*_)?output_resolution")
"""Sides of the grid of features that a network gives whatever the image's size."""
_PLACES = re.compile(r"(.*_)?tokens_per_image")
"""Fields that say of how many features an image is made."""
_MANNERS = (fields.Manner(divisor=16), fields.Manner(divisor=8))
"""Manners in which it is made small where it does not take the widths of the roles."""
_LARGEST = 10_000_000
"""Parameters up to which a network leaves room for the model around it."""
_TESTING = "test_*"
"""timm's names of the networks that it is tested with."""


@dataclass(frozen=True)
class _Network:
    """A network that was made small, beside what it was."""

    arguments: Mapping[str, Any]
    """Its arguments."""
    width: tuple[int, int]
    """Channels of its features before and after."""
    places: tuple[int, int]
    """Features of an image before and after; 0 where they are not counted."""


def arguments(defaults: Mapping[str, Any], manner: fields.Manner = fields.USUAL) -> dict[str, Any]:
    """Arguments of a config for the network of timm that it names; nothing where it names none, or timm is not here.

    Args:
        defaults: fields of the config.
        manner: how it is made small.
    """
    if _LISTED in defaults and defaults.get(_BARE, "") is None and (name := _plain()) is not None:
        return {_BARE: name}
    network = _named(defaults, manner)
    if network is None:
        return {}
    given = {_ARGUMENTS: dict(network.arguments)} if network.arguments else {}
    return given | measured(defaults, defaults, manner)


def measured(
    defaults: Mapping[str, Any], naming: Mapping[str, Any], manner: fields.Manner = fields.USUAL
) -> dict[str, Any]:
    """Fields that say how wide the features of a network are, or of how many an image is made.

    Args:
        defaults: fields of the config that may say so.
        naming: fields of the config that names the network: the same, or nested in it.
        manner: how it is made small.
    """
    network = _named(naming, manner)
    if network is None:
        return {}
    changes: dict[str, Any] = {}
    for name, value in defaults.items():
        before, after = network.places if _PLACES.fullmatch(name) else network.width
        sized = _PLACES.fullmatch(name) or roles.named(name) in roles.WIDTHS
        if sized and type(value) is int and value == before:
            changes[name] = after
    return changes


def side(given: Mapping[str, Any]) -> int:
    """Side in pixels of the images that a network with these arguments is shown."""
    value = given.get("img_size") or roles.STAGED_IMAGE
    return int(value if isinstance(value, int) else value[-1])


def _named(defaults: Mapping[str, Any], manner: fields.Manner) -> _Network | None:
    if not isinstance(defaults.get(_NAME), str) or _ARGUMENTS not in defaults:
        return None
    return _shrunk(defaults[_NAME], json.dumps(defaults[_ARGUMENTS] or {}), manner)


@lru_cache(maxsize=64)
def _shrunk(name: str, stated: str, manner: fields.Manner) -> _Network | None:
    """The network of that name made small; None without timm, or where timm has none of that name.

    Arguments that the network does not take together are given it one by one, as far as it takes them.
    """
    try:
        import timm
    except ImportError:
        return None
    if not timm.is_model(name):
        return None
    given = json.loads(stated)
    whole = _built(name, _alone(given))
    taken = _taken(name, _alone(given), type(whole))
    best = _fitting(name, given, taken, manner)
    small = _as_json({**given, **best})
    network = _built(name, _alone(small))
    places = _places(whole, whole.default_cfg["input_size"][-1]), _places(network, side(small))
    return _Network(small, (whole.num_features, network.num_features), places)


@lru_cache(maxsize=1)
def _plain() -> str | None:
    """The smallest of timm's networks for testing; None without timm."""
    try:
        import timm
    except ImportError:
        return None
    sizes: dict[str, int] = {name: _size(_built(name, {})) for name in timm.list_models(_TESTING)}
    return min(sizes, key=lambda name: (sizes[name], name))


def _fitting(name: str, given: Mapping[str, Any], taken: Mapping[str, Any], manner: fields.Manner) -> dict[str, Any]:
    """The changes of the first manner that the network takes and that makes it small; else the smallest that it takes."""
    found: dict[int, dict[str, Any]] = {}
    for each in (manner, *_MANNERS):
        changes = _changes(taken, each)
        if _takes(name, {**given, **changes}):
            size = _size(_built(name, _alone({**given, **changes})))
            if size <= _LARGEST:
                return changes
            found[size] = changes
    return found[min(found)] if found else _one_by_one(name, given, _changes(taken, manner))


def _changes(taken: Mapping[str, Any], manner: fields.Manner) -> dict[str, Any]:
    """The arguments that become smaller."""
    small = {name: _small(name, value, taken, manner) for name, value in taken.items()}
    changes = {name: value for name, value in small.items() if value != taken[name]}
    scaled = manner.divisor is not None and any(map(_is_blocks, taken.values()))
    return {**changes, _SCALE: 1 / manner.divisor} if scaled and manner.divisor else changes


def _small(name: str, value: Any, taken: Mapping[str, Any], manner: fields.Manner) -> Any:
    if _GRID.fullmatch(name) and isinstance(value, int):
        return min(value, 2)
    if isinstance(value, (list, tuple)) and not all(type(item) is int for item in value):
        return value
    return fields.small(
        _AS.get(name, name), value, {_AS.get(key, key): item for key, item in taken.items()}, {}, manner
    )


def _is_blocks(value: Any) -> bool:
    """Whether it describes stages block by block, each a table of its own: such tables are used up when they are read, so
    that a config that held them would make one network and no other."""
    return isinstance(value, list) and all(
        isinstance(stage, list) and all(isinstance(block, Mapping) for block in stage) for stage in value
    )


def _one_by_one(name: str, given: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    fitting: dict[str, Any] = {}
    for key, value in changes.items():
        if _takes(name, {**given, **fitting, key: value}):
            fitting[key] = value
    return fitting


def _takes(name: str, arguments: Mapping[str, Any]) -> bool:
    """Whether the network can be built and shown an image of its size."""
    try:
        _built(name, _as_json(arguments))
        _features(_built(name, _alone(_as_json(arguments))), side(arguments))
    except Exception:  # noqa: BLE001  # whatever timm's classes raise for arguments that do not fit
        return False
    return True


def _alone(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments for the network itself, not for a list of its features."""
    return {key: value for key, value in arguments.items() if key not in ("features_only", "out_indices")}


def _built(name: str, arguments: Mapping[str, Any]) -> Any:
    import timm
    import torch

    with torch.device("meta"):
        return timm.create_model(name, pretrained=False, **copy.deepcopy(dict(arguments))).eval()


def _taken(name: str, given: Mapping[str, Any], kind: Any) -> dict[str, Any]:
    """What the network's class is made of: as its function calls it, and as the class has it where it is not told."""
    signature = inspect.signature(kind.__init__)
    held = {key: item.default for key, item in signature.parameters.items() if item.default is not item.empty}
    with _noted(kind) as calls:
        _built(name, given)
    return {key: value for key, value in {**held, **calls[0]}.items() if key not in _WRAPPED}


@contextmanager
def _noted(kind: Any) -> Iterator[list[dict[str, Any]]]:
    """Note the arguments that the class is called with, as they are before it works on them."""
    original: Callable[..., None] = kind.__init__
    calls: list[dict[str, Any]] = []

    def noting(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = inspect.signature(original).bind(self, *args, **kwargs).arguments
        bound.pop("self")
        calls.append(copy.deepcopy({**bound, **bound.pop("kwargs", {})}))
        original(self, *args, **kwargs)

    kind.__init__ = noting
    try:
        yield calls
    finally:
        kind.__init__ = original


def _features(network: Any, pixels: int) -> Any:
    import torch

    with torch.no_grad(), torch.device("meta"):
        return network.forward_features(torch.zeros(1, 3, pixels, pixels))


def _places(network: Any, pixels: int) -> int:
    features = _features(network, pixels)
    return features[0].numel() // network.num_features if hasattr(features, "numel") else 0


def _size(network: Any) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _as_json(arguments: Mapping[str, Any]) -> dict[str, Any]:
    def listed(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: listed(item) for key, item in value.items()}
        return [listed(item) for item in value] if isinstance(value, (list, tuple)) else value

    return {key: listed(value) for key, value in arguments.items()}
