"""Image processors, video processors and feature extractors, with the sizes that the tiny model takes."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from generator import configuration
from generator.processors import building, mapped, trial
from generator.tiny import inputs as declaring

if TYPE_CHECKING:
    from generator.spec import HeadSpec, InputSpec

__all__ = ["USUAL", "declare", "preset", "proportionate"]

_PIXELS = 2000
"""Above this a size is a count of pixels, not a side."""
_OWN = ("patch_size", "temporal_patch_size", "merge_size")
"""What image processors and configs of image towers call alike, but for the last."""
_SIZE = re.compile(r"(?:max_image_|min_image_|crop_|pad_|tile_|(?P<kind>\w+_))?size")
"""Settings that are the size of an image in pixels, or that of images of a kind with an input of its own: high_res_size."""
USUAL = "vit"
"""The type whose image processor stands in where nothing says which."""
_USUAL = {"object-detection": "detr", "": USUAL}
"""Whose image processor stands in where none is mapped to a type, by the pipeline that reads what the model gives: a
checkpoint of such a type names one of transformers' classes in a file of its own (RT-DETRv2, HGNet, RADIO)."""
_SPECTROGRAMS = {"input_features": "input_features_mask", "audio_input_features": "audio_attention_mask"}
"""Inputs that are spectrograms, and the masks over their frames."""
_WAVE_AXES = 2
"""Axes of sounds as they are: rows and samples."""
_CHANNELS = 3
_ROWS = 3
"""Axes of images that come as rows of patches."""
_PATCH = 64
"""Up to this a size is one of patches, which has its own name in the config."""
_LONE = {
    "merge_size": "spatial_merge_size",
    "encoder_patch_size": "patch_size",
    "vision_patch_size": "patch_size",
}
"""Config fields of settings that are named otherwise there."""


def declare(model_type: str, config: Any, heads: Sequence[HeadSpec]) -> dict[str, dict[str, Any]]:
    """The parts for images, videos and sound that transformers maps the type to, by the names of pipelines' arguments.

    Args:
        model_type: key in transformers' mappings.
        config: the tiny config.
        heads: heads with their inputs, which say how large an image is.
    """
    rules = {"image_processor": _image_processor, "video_processor": _video_processor, "feature_extractor": _hearing}
    # One that joins others has the parts of those: an encoder that sees, of a decoder that writes.
    inner = [str(getattr(part, "model_type", "")) for part in configuration.nested(config).values()]
    found: dict[str, dict[str, Any]] = {}
    for name, rule in rules.items():
        made = (rule(item, config, heads) for item in (model_type, *inner))
        if (part := next((item for item in made if item is not None), None)) is not None:
            found[name] = part
    return found


def _image_processor(model_type: str, config: Any, heads: Sequence[HeadSpec]) -> dict[str, Any] | None:
    """The image processor that transformers maps the type to, in the version that it takes by itself: the one of torchvision
    where that is installed, else the one that works on PIL images."""
    types = (model_type, *_sisters(heads))
    own = next((name for item in types if (name := mapped.name("image_processor", item, config)) is not None), None)
    joined = _joined(model_type, config)
    if joined is not None and not {*_each(own)} & {*_each(joined)}:  # the processor takes no other (LLaVA-NeXT-Video's)
        own = joined
    named = own or _usual(config, heads)
    if named is None:
        return None
    # A dict by backend since 5.3; before that the slow class and the fast one, of which the slow one works on PIL images.
    if isinstance(named, tuple):
        chosen = next((item for item in named if item is not None and building.exists(item)), None)
    else:
        chosen = (named.get("torchvision") or named.get("pil")) if isinstance(named, Mapping) else named
    if chosen is None:  # where torchvision is not here, the mapping has no name for it
        return {"requires": "torchvision"}
    found = building.public(chosen) if find_spec("PIL") is not None else None
    if found is None:
        return {"requires": "pillow" if find_spec("PIL") is None else building.absent(chosen)}
    return {"class_name": chosen, "arguments": _in_its_terms(found, _fitted(found, config, heads), heads)}


def _in_its_terms(found: Any, arguments: dict[str, Any], heads: Sequence[HeadSpec]) -> dict[str, Any]:
    """The arguments, with the size by height and width where the class's code asks for these, though its own default says
    it by the shorter side: Chinese-CLIP's, whose checkpoints state both. Some take no longest side that is as long as the
    shortest (Mask2Former's, before 5.0)."""
    size, side = arguments.get("size"), _side(heads)
    if not isinstance(size, Mapping) or side is None:
        return arguments
    try:
        found(**arguments)(trial.picture())
    except ValueError as error:
        longest = {"longest_edge": 2 * max(side)} if "max_size" in str(error) and "longest_edge" in size else {}
        return {**arguments, "size": {**size, **longest}}
    except KeyError as error:
        asked = dict(zip(("height", "width"), side, strict=True))
        return {**arguments, "size": asked} if error.args[0] in asked.keys() - size.keys() else arguments
    except Exception:  # noqa: BLE001, what else it does not run with is for the trial of the whole to tell
        return arguments
    return arguments


def _each(named: Any) -> list[str]:
    """Names of classes, of which there may be one, or several in a tuple or by backend."""
    items = named.values() if isinstance(named, Mapping) else named if isinstance(named, tuple) else [named]
    return [str(item) for item in items if item is not None]


def _sisters(heads: Sequence[HeadSpec]) -> list[str]:
    """Types that heads with a pipeline have by their own config classes: EdgeTAM's model of images, listed beside that of
    videos."""
    wanted = (getattr(building.public(head.class_name), "config_class", None) for head in heads if head.pipelines)
    return list(dict.fromkeys(str(item.model_type) for item in wanted if item is not None))


def _joined(model_type: str, config: Any) -> Any:
    """The class that the type's processor insists on, as those before 5.0 do where they do not leave it to a checkpoint."""
    processor = mapped.name("processor", model_type, config)
    found = building.public(processor) if isinstance(processor, str) else None
    named = getattr(found, "image_processor_class", None)
    return None if named == "AutoImageProcessor" else named


def _usual(config: Any, heads: Sequence[HeadSpec]) -> Any:
    """The class that stands in for heads of pipelines that take images and nothing else; None for others."""
    shown = [head for head in heads if head.pipelines and [item.name for item in head.inputs] == ["pixel_values"]]
    if not shown or any(head.pipelines for head in heads if head not in shown):
        return None
    tasks = {task for head in shown for task in head.pipelines}
    kind = next((kind for task, kind in _USUAL.items() if task in tasks), _USUAL[""])
    return mapped.name("image_processor", kind, config)


def _video_processor(model_type: str, config: Any, heads: Sequence[HeadSpec]) -> dict[str, Any] | None:
    """The video processor that transformers maps the type to; all of them work with torchvision."""
    if not mapped.known("video_processor", model_type, config):
        return None
    named = mapped.name("video_processor", model_type, config)
    chosen = named.get("torchvision") if isinstance(named, Mapping) else named  # None where torchvision is not here
    found = building.public(chosen) if chosen is not None else None
    if found is None:
        return {"requires": "torchvision"}
    return {"class_name": chosen, "arguments": _unsized(found, heads) | _fitted(found, config, heads)}


def _unsized(found: Any, heads: Sequence[HeadSpec]) -> dict[str, Any]:
    """The size of frames for a class that leaves it to a checkpoint whether it changes it at all (PE Video's)."""
    side = _side(heads)
    if side is None or preset(found, "size") is not None or preset(found, "do_resize") is not None:
        return {}
    return {"do_resize": True, "size": dict(zip(("height", "width"), side, strict=True))}


def _fitted(found: Any, config: Any, heads: Sequence[HeadSpec]) -> dict[str, Any]:
    """Arguments that make images of the size that the heads take."""
    context = declaring.Context(config, {}, ())
    arguments = _as_patches(found, heads) | _as_pretrained(found, heads)
    for name in _taken(found):
        default = preset(found, name)
        measured = _SIZE.fullmatch(name)
        annotated = getattr(getattr(found, "valid_kwargs", None), "__annotations__", {})
        # A patch larger than any is a tile, whose own patches have another name (Step 3.7's vision_patch_size).
        tile = name == "patch_size" and type(default) is int and default > _PATCH
        own = name in _OWN and not tile
        if own or (name in {*annotated, *_LONE} and not tile) or isinstance(default, list):
            value = context.find(_LONE.get(name, name), within="vision") or context.find(_LONE.get(name, name))
            if isinstance(default, Mapping) and default.keys() == {"height", "width"} and type(value) is int:
                value = dict.fromkeys(default, value)  # a patch that is told by both of its sides (Fuyu's)
            if type(value) is type(default) and isinstance(value, (int, list, dict)) and not isinstance(value, bool):
                arguments[name] = value
                continue
        side = _side(heads, (measured[1] or "").removeprefix("image_") if measured and not tile else "")
        if measured and not measured[1] and side is None and not isinstance(preset(found, "patch_size"), Mapping):
            side = _side_of_rows(heads)
        if measured is None or own or side is None:
            continue
        if isinstance(default, Mapping):
            arguments[name] = {key: _scaled(key, value, side) for key, value in default.items()}
        elif type(default) is int and default > _PATCH:
            arguments[name] = side[0]
    return arguments | _frames_joined(found, arguments, heads) | _margins(found, arguments)


def proportionate(part: Mapping[str, Any], patches: Fraction) -> dict[str, Any]:
    """An image processor with the sizes of its class made smaller as its patches are, for a model that makes as many
    features of an image, however small it is (DeepSeek-OCR 2's 144 queries).

    Args:
        part: the image processor as declared.
        patches: side of a patch, as a share of the default one.
    """
    found = building.public(part["class_name"])
    sizes: dict[str, Any] = {}
    for name in part["arguments"]:
        default = preset(found, name)
        if not _SIZE.fullmatch(name) or name in _OWN:
            continue
        if isinstance(default, Mapping):
            sizes[name] = {key: int(value * patches) for key, value in default.items()}
        elif type(default) is int:
            sizes[name] = int(default * patches)
    return {**part, "arguments": {**part["arguments"], **sizes}}


def _margins(found: Any, arguments: Mapping[str, Any]) -> dict[str, list[int]]:
    """Margins by which tiles overlap, in patches: they keep their share of a tile, or nothing would be left of it."""
    names = [name for name in _taken(found) if name.endswith("_margins") and isinstance(preset(found, name), list)]
    if not names or not {"size", "patch_size"} <= arguments.keys():
        return {}
    before = preset(found, "size")["height"] // preset(found, "patch_size")
    after = arguments["size"]["height"] // arguments["patch_size"]
    return {name: [margin * after // before for margin in preset(found, name)] for name in names}


def _frames_joined(found: Any, arguments: Mapping[str, Any], heads: Sequence[HeadSpec]) -> dict[str, int]:
    """How many frames one patch is of, as its width tells where heads take patches laid out flat: not every config does."""
    patch, default = arguments.get("patch_size", preset(found, "patch_size")), preset(found, "temporal_patch_size")
    widths = [item.arguments["shape"][-1] for head in heads for item in head.inputs if _is_flat(item)]
    if not widths or type(patch) is not int or type(default) is not int:
        return {}
    frames, rest = divmod(widths[0], _CHANNELS * patch**2)
    return {"temporal_patch_size": frames} if frames and not rest and _takes(found, temporal_patch_size=frames) else {}


def _takes(found: Any, **arguments: Any) -> bool:
    """Whether a class can be made with these: Ernie 4.5's joins two frames always, and refuses to be told otherwise."""
    try:
        found(**arguments)
    except ValueError:
        return False
    return True


def _is_flat(item: InputSpec) -> bool:
    """Whether an input is of patches one after the other: two axes."""
    return item.name == "pixel_values" and len(item.arguments.get("shape", ())) == 2


def _as_patches(found: Any, heads: Sequence[HeadSpec]) -> dict[str, Any]:
    """Arguments for heads that take a page as a sequence of patches, each with its row and column before its pixels."""
    shapes = [item.arguments["shape"] for head in heads for item in head.inputs if item.name == "flattened_patches"]
    if not shapes or not isinstance(preset(found, "patch_size"), Mapping):
        return {}
    _, count, width = shapes[0]
    side = math.isqrt((width - 2) // _CHANNELS)
    return {"patch_size": {"height": side, "width": side}, "max_patches": count}


def _as_pretrained(found: Any, heads: Sequence[HeadSpec]) -> dict[str, Any]:
    """The part of a checkpoint's config from which timm tells how an image is made ready for a network of its own."""
    side = _side(heads)
    if side is None or "pretrained_cfg" not in inspect.signature(found.__init__).parameters:
        return {}
    return {"pretrained_cfg": {"input_size": [_CHANNELS, *side]}}


def _taken(found: Any) -> list[str]:
    """Names of the settings of an image processor, of its signature or, since 5.0, of its annotated arguments."""
    names = [*inspect.signature(found.__init__).parameters]
    for base in reversed(found.__mro__):
        names += getattr(vars(base).get("valid_kwargs"), "__annotations__", {})
        names += [name for name in _LONE if name in vars(base).get("__annotations__", {})]
    return sorted({*names, "size", "crop_size", "pad_size", *_OWN})


def _hearing(model_type: str, config: Any, heads: Sequence[HeadSpec]) -> dict[str, Any] | None:
    """The feature extractor that transformers maps the type to; its frames are as many as the model takes."""
    chosen = _extractor(model_type, config, heads)
    found = building.public(chosen) if isinstance(chosen, str) else None
    if chosen is None or "Image" in chosen or not building.exists(chosen):
        return None
    if found is None:
        return {"requires": building.absent(chosen)}
    context = declaring.Context(config, {}, ())
    taken = inspect.signature(found.__init__).parameters
    arguments: dict[str, Any] = {}
    bands = context.find("num_mel_bins", "input_feat_per_channel", "n_mel_bins", within="audio") or context.find(
        "num_mel_bins", "input_feat_per_channel", "n_mel_bins"
    )
    bands = bands or context.find("feature_size", within="audio") or _bands(heads) or context.find("feature_size")
    for name in ("num_mel_bins", "feature_size"):
        if isinstance(bands, int) and name in taken:
            arguments[name] = bands
    # Samples of the sound itself, as many as one feature is long.
    samples = taken.get("audio_samples_per_token")
    if samples is not None and isinstance(bands, int) and samples.default == taken["feature_size"].default:
        arguments[samples.name] = bands
    width = context.find("feature_projection_input_dim")
    if isinstance(width, int) and {"stride", "num_mel_bins"} <= taken.keys():  # frames that are laid side by side
        arguments["num_mel_bins"] = arguments["feature_size"] = width // taken["stride"].default
    if "truncation" in taken and context.find("enable_fusion") is False:
        arguments["truncation"] = "rand_trunc"  # the sound itself, not four views of it (CLAP)
    frames = context.find("max_source_positions", within="audio") or context.find("max_source_positions")
    if isinstance(frames, int) and {"chunk_length", "hop_length", "sampling_rate"} <= taken.keys():
        # One second, cut into twice as many frames as the encoder has positions.
        arguments |= {"chunk_length": 1, "hop_length": taken["sampling_rate"].default // (2 * frames)}
    length = context.find("max_length")
    if isinstance(length, int) and "max_length" in taken and length > 1 and "input_values" in _names(heads):
        arguments["max_length"] = length
    return {"class_name": chosen, "arguments": arguments}


def _extractor(model_type: str, config: Any, heads: Sequence[HeadSpec]) -> str | None:
    """The class that transformers maps the type to; where that makes nothing that a head takes, the one of a nested
    config's type, or one that the config's documentation names."""
    names = _names(heads)
    own = mapped.name("feature_extractor", model_type, config)
    parts = (mapped.name("feature_extractor", part.model_type, part) for part in configuration.nested(config).values())
    for chosen in (own, *parts, *re.findall(r"\w+FeatureExtractor", inspect.getdoc(type(config)) or "")):
        found = building.public(chosen) if isinstance(chosen, str) else None
        if found is not None and names & set(getattr(found, "model_input_names", ())[:1]):
            return str(chosen)
    return own if isinstance(own, str) else _waveforms(config, heads)


def _waveforms(config: Any, heads: Sequence[HeadSpec]) -> str | None:
    """The usual class for a type that has none mapped to it, and of which a pipeline hands a head the samples of a sound as
    they are: a checkpoint names that class in a file of its own (Moonshine's streaming sister)."""
    heard = [
        head
        for head in heads
        if "automatic-speech-recognition" in head.pipelines
        and any(
            item.name == "input_values" and len(item.arguments.get("shape", ())) == _WAVE_AXES for item in head.inputs
        )
    ]
    return str(mapped.name("feature_extractor", "wav2vec2", config)) if heard else None


def _bands(heads: Sequence[HeadSpec]) -> int | None:
    """Bands of the spectrograms that a head takes beside a mask over their frames."""
    for head in heads:
        shapes = {item.name: item.arguments["shape"] for item in head.inputs if "shape" in item.arguments}
        for name, masked in _SPECTROGRAMS.items():
            axes, mask = shapes.get(name, ()), shapes.get(masked)
            if mask is not None and axes[1:2] == mask[-1:]:
                return int(axes[-1])
    return None


def _names(heads: Sequence[HeadSpec]) -> set[str]:
    return {item.name for head in heads for item in head.inputs}


def preset(found: Any, name: str) -> Any:
    """What the class takes for an argument that is not given: of its signature, or of the class itself."""
    parameter = inspect.signature(found.__init__).parameters.get(name)
    if parameter is not None and parameter.default not in (None, parameter.empty):
        return parameter.default
    if (value := getattr(found, name, None)) is not None or parameter is None:
        return value
    try:  # before 5.0 the slow classes put it in where they are told None
        return getattr(found(), name, None)
    except (TypeError, ValueError, ImportError):
        return None


def _side(heads: Sequence[HeadSpec], kind: str = "") -> tuple[int, int] | None:
    """Height and width in pixels of the images that the heads take, or of those of a kind."""
    for head in heads:
        for item in head.inputs:
            shape = item.arguments.get("shape", ())
            named = (f"{kind}pixel_values", f"{kind}pixel_values_videos", f"image_{kind}pixel_values")
            if item.name in named and len(shape) >= 4:
                last = shape[-1] == _CHANNELS != shape[-3]  # of a patch with its channels last
                return (shape[-3], shape[-2]) if last else (shape[-2], shape[-1])
    return None


def _side_of_rows(heads: Sequence[HeadSpec]) -> tuple[int, int] | None:
    """Height and width in pixels of square images that come as a row of square patches each."""
    for head in heads:
        for item in head.inputs:
            shape = item.arguments.get("shape", ())
            if item.name == "pixel_values" and len(shape) == _ROWS:
                side = math.isqrt(shape[1]) * math.isqrt(shape[2] // _CHANNELS)
                return side, side
    return None


def _scaled(key: str, value: int, side: tuple[int, int]) -> int:
    height, width = side
    if value > _PIXELS:
        return height * width
    return {"height": height, "width": width, "shortest_edge": min(side)}.get(key, max(side))
