"""What a user does with a model whose ``forward`` is not all of its interface, as steps that a skill can state, found by
the classes alone: a codec encodes and decodes, a tracker is handed a session made of frames and prompts.

``harness.steps`` defines how steps are written; ``follow`` runs them here, to learn what they give.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from generator.spec import InputSpec
from generator.tiny.inputs import Context, tokens

__all__ = ["codec", "follow", "is_codec", "session", "session_of", "title"]

FRAMES = 3
"""Frames that are followed: one with the prompt, one that remembers it, and one that remembers a frame without any."""
LENGTH = 12
"""Tokens of a text prompt."""
LARGEST = 256
"""Side of a frame in pixels at most: attention over all its patches takes gigabytes soon after."""
OBJECT = 1
"""What a user calls the object that is followed."""

Step = dict[str, Any]


def is_codec(model: Any) -> bool:
    """Whether a user encodes and decodes with it: it has public methods for both, and writes no text."""
    return callable(getattr(model, "encode", None)) and callable(getattr(model, "decode", None)) and not _writes(model)


def codec(model: Any, inputs: Sequence[InputSpec], run: Callable[[Sequence[Step]], Mapping[str, Any]]) -> list[Step]:
    """A forward, an encoding of the same inputs, and a decoding of what that gave.

    A decoder that takes codes or what they stand for is handed the codes, which is what a user keeps.

    Args:
        model: the codec.
        inputs: what its ``forward`` takes.
        run: gives the result of each step by its name.
    """
    names = {item.name for item in inputs}
    forward = _step("forward", model.forward, names)
    encode = _step("encode", model.encode, names)
    encoded = run([encode])["encode"]
    wanted = inspect.signature(model.decode).parameters
    held = [name for name in wanted if getattr(encoded, name, None) is not None]
    codes = [name for name in held if _are_codes(getattr(encoded, name))]
    handed: dict[str, Any] = {}
    for name, parameter in wanted.items():
        required = parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
        alternative = bool(codes) and _is_floating(getattr(encoded, name, None))
        if hasattr(encoded, name) and (required or (name in held and not alternative and not _is_state(name))):
            handed[name] = f"$encode.{name}"
        elif name in names:
            handed[name] = f"${name}"
        elif required and not handed:
            handed[name] = "$encode" if _is_floating(encoded) or _are_codes(encoded) else "$encode.0"
    return [forward, encode, {"call": "decode", "arguments": handed}]


def session_of(model: Any) -> tuple[str, type] | None:
    """The required argument of ``forward`` that takes an object of the model's own module, and that object's class."""
    hints = typing.get_type_hints(type(model).forward)
    for name, parameter in inspect.signature(model.forward).parameters.items():
        kind = hints.get(name)
        own = isinstance(kind, type) and kind.__module__ == type(model).__module__
        if own and parameter.default is parameter.empty:
            return name, typing.cast("type", kind)
    return None


def session(model: Any, context: Context) -> tuple[list[InputSpec], list[Step]]:
    """Frames and prompts, and the steps that make a session of them and follow it through the video.

    Raises:
        LookupError: the session takes no prompts that a rule knows.
        ValueError: its frames would be too large.
    """
    found = session_of(model)
    if found is None:
        raise LookupError("its forward takes no session")
    name, kind = found
    size = context.find("image_size", within="vision") or context.find("image_size")
    height, width = (size, size) if isinstance(size, int) else (size[0], size[-1])
    if max(height, width) > LARGEST:
        raise ValueError(f"frames of {height} by {width} pixels are too large for a tiny model, of at most {LARGEST}")
    inputs = [InputSpec("video", "Floats", {"shape": (FRAMES, 3, height, width)})]
    places = {"video": "$video", "video_height": height, "video_width": width, "dtype": "$dtype"}
    made = {
        parameter: "$device" if parameter.endswith("device") else places[parameter]
        for parameter in inspect.signature(kind).parameters
        if parameter in places or parameter.endswith("device")
    }
    steps: list[Step] = [{"call": kind.__name__, "arguments": made, "name": name}]
    told, prompts = _prompts(context, kind, name, min(height, width))
    track: Step = {
        "call": "propagate_in_video_iterator",
        "arguments": {name: f"${name}", "start_frame_idx": 0},
        "name": "frames",
        "stream": True,
    }
    return inputs + told, [*steps, *prompts, track]


def _prompts(context: Context, kind: type, name: str, side: int) -> tuple[list[InputSpec], list[Step]]:
    """What a session is told to look for, as its processor tells it: a text, or two points on the first frame."""
    if hasattr(kind, "add_prompt"):
        size = context.find("vocab_size", within="text") or context.find("vocab_size")
        mask = InputSpec("attention_mask", "Mask", {"shape": (1, LENGTH)})
        return [InputSpec("input_ids", "Tokens", tokens(context, (1, LENGTH), size)), mask], [
            {"call": f"${name}.add_prompt", "arguments": ["object"], "name": "prompt"},
            {"call": f"${name}.prompt_input_ids.update", "arguments": [[["$prompt", "$input_ids"]]]},
            {"call": f"${name}.prompt_attention_masks.update", "arguments": [[["$prompt", "$attention_mask"]]]},
        ]
    if not hasattr(kind, "add_point_inputs"):
        raise LookupError(f"no rule makes the prompts of a {kind.__name__}")
    points = {"point_coords": "$point_coords", "point_labels": "$point_labels"}
    told = [
        InputSpec("point_coords", "Integers", {"shape": (1, 1, 2, 2), "low": 0, "high": side}),
        InputSpec("point_labels", "Literal", {"values": [[[1, 0]]]}),
    ]
    return told, [
        {"call": f"${name}.obj_id_to_idx", "arguments": [OBJECT], "name": "object"},
        {
            "call": f"${name}.add_point_inputs",
            "arguments": {"obj_idx": "$object", "frame_idx": 0, "inputs": points},
            "name": "prompt",
        },
        {"call": f"${name}.obj_with_new_inputs.append", "arguments": [OBJECT], "name": "told"},
    ]


def follow(
    model: Any, steps: Sequence[Step], inputs: Mapping[str, Any], fixed: Callable[[Any], Mapping[str, Any]]
) -> dict[str, Any]:
    """What each step gives, by its name.

    Args:
        model: whose methods are called.
        steps: in order.
        inputs: tensors by name.
        fixed: the arguments that every call of a method has.
    """
    known = {"device": model.device, "dtype": model.dtype, "model": model, **inputs}
    given: dict[str, Any] = {}
    for step in steps:
        name = step["call"]
        if name.startswith("$"):
            call = _meant(name, known)
        else:
            call = model if name == "forward" else getattr(model, name, None) or getattr(_module(model), name)
        arguments = _meant(step.get("arguments", {}), known)
        if isinstance(arguments, list):
            result = call(*arguments)
        else:
            method = getattr(model, name, None)
            result = call(**{**(fixed(method) if method is not None else {}), **arguments})
        given[title(step)] = known[title(step)] = list(result) if step.get("stream") else result
    return given


def title(step: Step) -> str:
    """What the result of a step is called."""
    return str(step.get("name") or step["call"].rpartition(".")[2])


def _step(name: str, method: Any, inputs: set[str]) -> Step:
    accepted = inspect.signature(method).parameters
    arguments: dict[str, Any] = {item: f"${item}" for item in accepted if item in inputs}
    if "sample" in accepted:
        arguments["sample"] = False  # the code itself, without noise that no two rows share
    return {"call": name, "arguments": arguments}


def _module(model: Any) -> Any:
    return inspect.getmodule(type(model))


def _meant(value: Any, known: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        return {key: _meant(item, known) for key, item in value.items()}
    if isinstance(value, list):
        return [_meant(item, known) for item in value]
    if not isinstance(value, str) or not value.startswith("$"):
        return value
    name, *path = value[1:].split(".")
    found = known[name]
    for word in path:
        if word.lstrip("-").isdigit():
            found = found[int(word)]
        else:
            found = found[word] if isinstance(found, Mapping) and word in found else getattr(found, word)
    return found


def _writes(model: Any) -> bool:
    can_generate = getattr(model, "can_generate", None)
    return bool(can_generate is not None and can_generate())


def _are_codes(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor) and not value.is_floating_point()


def _is_floating(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor) and value.is_floating_point()


def _is_state(name: str) -> bool:
    return "past_key_values" in name or "cache" in name
