"""Image processors and feature extractors, with the sizes that the tiny model takes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from generator.tiny import inputs as declaring

if TYPE_CHECKING:
    from generator.spec import HeadSpec

__all__ = ["feature_extractor", "image_processor"]

_PIXELS = 2000
"""Above this a size is a count of pixels, not a side."""
_OWN = ("patch_size", "temporal_patch_size", "merge_size")
"""What image processors and configs of image towers call alike, but for the last."""
_LONE = {"merge_size": "spatial_merge_size"}


def image_processor(config: Any, heads: tuple[HeadSpec, ...]) -> dict[str, Any] | None:
    """The image processor that transformers maps the config to, in its version that works on PIL images."""
    from transformers.models.auto.image_processing_auto import IMAGE_PROCESSOR_MAPPING_NAMES

    named: Any = IMAGE_PROCESSOR_MAPPING_NAMES.get(config.model_type)
    if named is None:
        return None
    # A dict by backend since 5.3; before that the slow class and the fast one, of which the slow one works on PIL images.
    chosen = named.get("pil") if isinstance(named, Mapping) else named[0]
    if chosen is None:
        return {"requires": "torchvision"}
    found = _public(chosen) if find_spec("PIL") is not None else None
    if found is None:
        return {"requires": "pillow"}
    side = _side(heads)
    context = declaring.Context(config, {}, ())
    arguments: dict[str, Any] = {}
    for name in ("size", "crop_size", "pad_size"):
        default = _default(found, name)
        if isinstance(default, Mapping) and side is not None:
            arguments[name] = {key: _scaled(key, value, side) for key, value in default.items()}
        elif isinstance(default, int) and side is not None:
            arguments[name] = side[0]
    for name in _OWN:
        value = context.find(_LONE.get(name, name), within="vision") or context.find(_LONE.get(name, name))
        if isinstance(_default(found, name), int) and isinstance(value, int):
            arguments[name] = value
    return {"class_name": chosen, "arguments": arguments}


def feature_extractor(config: Any, heads: tuple[HeadSpec, ...]) -> dict[str, Any] | None:
    """The feature extractor that transformers maps the config to; its frames are as many as the model takes."""
    from transformers.models.auto.feature_extraction_auto import FEATURE_EXTRACTOR_MAPPING_NAMES

    chosen: Any = FEATURE_EXTRACTOR_MAPPING_NAMES.get(config.model_type)
    found = _public(chosen) if isinstance(chosen, str) else None
    if found is None or "Image" in chosen:
        return None
    context = declaring.Context(config, {}, ())
    taken = inspect.signature(found.__init__).parameters
    arguments: dict[str, Any] = {}
    bands = context.find("num_mel_bins", "input_feat_per_channel", within="audio") or context.find(
        "num_mel_bins", "input_feat_per_channel"
    )
    for name in ("num_mel_bins", "feature_size"):
        if isinstance(bands, int) and name in taken:
            arguments[name] = bands
    frames = context.find("max_source_positions", within="audio") or context.find("max_source_positions")
    if isinstance(frames, int) and {"chunk_length", "hop_length", "sampling_rate"} <= taken.keys():
        # One second, cut into twice as many frames as the encoder has positions.
        arguments |= {"chunk_length": 1, "hop_length": taken["sampling_rate"].default // (2 * frames)}
    length = context.find("max_length")
    if isinstance(length, int) and "max_length" in taken and length > 1 and "input_values" in _names(heads):
        arguments["max_length"] = length
    return {"class_name": chosen, "arguments": arguments}


def _names(heads: tuple[HeadSpec, ...]) -> set[str]:
    return {item.name for head in heads for item in head.inputs}


def _public(name: str) -> Any:
    """A class of transformers whose libraries are here."""
    import transformers

    found = getattr(transformers, name, None)
    return None if found is None or "dummy" in getattr(found, "__module__", "") else found


def _default(found: Any, name: str) -> Any:
    """What the class takes for an argument that is not given: of its signature, or of the class itself."""
    parameter = inspect.signature(found.__init__).parameters.get(name)
    if parameter is not None and parameter.default not in (None, parameter.empty):
        return parameter.default
    return getattr(found, name, None)


def _side(heads: tuple[HeadSpec, ...]) -> tuple[int, int] | None:
    """Height and width in pixels of the images that the heads take."""
    for head in heads:
        for item in head.inputs:
            shape = item.arguments.get("shape", ())
            if item.name in ("pixel_values", "pixel_values_videos") and len(shape) >= 4:
                return shape[-2], shape[-1]
    return None


def _scaled(key: str, value: int, side: tuple[int, int]) -> int:
    height, width = side
    if value > _PIXELS:
        return height * width
    return {"height": height, "width": width, "shortest_edge": min(side)}.get(key, max(side))
