"""One head built with its tiny config and run once, to learn what it needs and gives; random weights, CPU, float32."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from generator.plugins import public_class
from generator.spec import InputSpec, OutputSpec
from generator.tiny import steps as doing
from generator.tiny.unread import unread

__all__ = [
    "LIMIT",
    "Watch",
    "alike",
    "build",
    "complained",
    "count",
    "follow",
    "forward",
    "learn_placeholders",
    "loosened",
    "named",
    "parameters",
    "run",
    "spied",
    "tensors",
    "watched",
]

LIMIT = 20_000_000
"""Parameters beyond which a head is refused before memory is taken: a shrunk config never comes near."""
_MODALITIES = ("video", "audio", "image")
"""Words in the names of a method's parameters that say which modality's features they take."""
_FEATURE_METHODS = ("get_placeholder_mask", *(f"get_{modality}_features" for modality in _MODALITIES))
"""Methods in which a model makes features or counts the placeholders for them."""
_NOT_FEATURES = ("input_ids", "inputs_embeds", "self")
"""Parameters of that method that take the text."""
_COUNTED = re.compile(r"tokens:? \d+,? (?:and )?features:? (\d+)")
"""What errors say of features that do not meet their placeholders."""
_PIXELS = "pixel_values"
_CLIP_AXES = 5
"""Axes of a clip: rows, frames, channels, height and width."""
_CACHES = ("past_key_values", "cache_params", "mems", "state", "past_buckets_states")


@dataclass
class Watch:
    """How far a head came."""

    made: int = 0
    """Modules made."""
    called: int = 0
    """Modules called since the outermost one last was."""
    furthest: int = 0
    """The most modules that a call of the outermost one reached."""

    @property
    def progress(self) -> tuple[int, int]:
        """The stage and the count in it; a later stage or a larger count is further."""
        return (2, self.furthest) if self.furthest else (1, self.made)


@contextmanager
def watched(head: str) -> Iterator[Watch]:
    """Count the modules that are made and called, with ``head`` as the class of the outermost one."""
    from torch.nn.modules import module as hooks

    watch = Watch()

    def made(*_: Any) -> None:
        watch.made += 1

    def called(module: Any, *_: Any) -> None:
        watch.called = 1 if type(module).__name__ == head else watch.called + 1
        watch.furthest = max(watch.furthest, watch.called)

    handles = [hooks.register_module_module_registration_hook(made), hooks.register_module_forward_pre_hook(called)]
    try:
        yield watch
    finally:
        for handle in handles:
            handle.remove()


def build(head: str, config: Any) -> Any:
    """The head in eval mode.

    Raises:
        ValueError: it would have more than LIMIT parameters.
    """
    import torch

    cls = public_class(head)
    try:
        with torch.device("meta"):
            size = count(cls(config))
    except NotImplementedError:  # it computes with numbers of its own while it is made, which meta tensors have not
        size = 0
    if size > LIMIT:
        raise ValueError(f"{head} keeps {size:,} parameters of at most {LIMIT:,}")
    torch.manual_seed(0)
    try:  # like the reference of every comparison, which some heads tell by giving their attention maps
        return cls._from_config(config, attn_implementation="eager").eval()
    except ValueError as error:
        if "implementation" not in str(error):
            raise
        return cls(config).eval()


def count(model: Any) -> int:
    """Parameters of a model, shared ones once."""
    return sum(parameter.numel() for parameter in model.parameters())


def parameters(model: Any, method: str) -> Mapping[str, inspect.Parameter]:
    """Parameters of a method of the model, without self; of the nearest base's where it only hands on what it is given.

    Optional ones that the method does not read are left out. A head that sees by its encoder alone takes what that takes,
    among its further keywords (DiffusionGemma).
    """
    found = inspect.signature(getattr(model, method)).parameters
    for base in type(model).__mro__:
        if any(item.kind not in (item.VAR_POSITIONAL, item.VAR_KEYWORD) for item in found.values()):
            break
        if method in vars(base):
            found = inspect.signature(vars(base)[method].__get__(model)).parameters
    idle = unread(getattr(model, method))
    named = {name: item for name, item in found.items() if name not in idle}
    return {**named, **_handed_on(model, named)} if method == "forward" else named


def _handed_on(model: Any, named: Mapping[str, inspect.Parameter]) -> dict[str, inspect.Parameter]:
    """Parameters of the encoder's ``forward`` that sees, of a head that names no pixels itself but takes any keyword."""
    anything = any(item.kind is item.VAR_KEYWORD for item in named.values())
    encoder = model.get_encoder() if anything and _PIXELS not in named and hasattr(model, "get_encoder") else None
    taken = parameters(encoder, "forward") if encoder is not None and encoder is not model else {}
    return {name: item for name, item in taken.items() if _PIXELS in taken and name not in named}


def run(
    model: Any,
    inputs: Sequence[InputSpec],
    method: str = "forward",
    arguments: Mapping[str, Any] | None = None,
    steps: Sequence[dict[str, Any]] = (),
) -> tuple[OutputSpec, ...]:
    """What the head's ``method`` gives for the inputs and further arguments, or what the steps give one by one.

    Raises:
        Exception: whatever the model raises.
        ValueError: it gave no tensor.
    """
    import torch

    if steps:
        outputs: Any = follow(model, inputs, steps)
    else:
        call = model if method == "forward" else getattr(model, method)
        torch.manual_seed(0)
        with torch.no_grad():
            outputs = call(**{**tensors(inputs), **(arguments or {}), **_plain(getattr(model, method))})
    specs = tuple(
        OutputSpec(name, tuple(value.shape), str(value.dtype).removeprefix("torch."))
        for name, value in named(outputs).items()
        # What training minimises is no answer of a step, which is reckoned over all rows.
        if not steps or name.rpartition(".")[2] != "loss"
    )
    if not specs:
        raise ValueError(f"{type(model).__name__} gave no tensor")
    return specs


def loosened(
    model: Any, outputs: tuple[OutputSpec, ...], again: Callable[[], tuple[OutputSpec, ...]]
) -> tuple[OutputSpec, ...]:
    """The outputs with -1 for each size that follows the weights, as the length of what is spoken does: for other ones,
    which the model keeps from then on, it is another. ``again`` runs it anew."""
    import torch

    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim >= 2 and parameter.is_floating_point():
                drawn = torch.randn(parameter.shape, generator=generator)
                parameter.copy_(drawn / max(1, parameter[0].numel()) ** 0.5)
    try:
        other = again()
    except (
        RuntimeError,
        ValueError,
        IndexError,
    ):  # some weights make a model refuse its own numbers: nothing is learnt
        return outputs
    shapes = {item.name: item.shape for item in other}
    return tuple(_freed(item, shapes.get(item.name, item.shape), lambda size, more: size != more) for item in outputs)


def alike(outputs: Sequence[OutputSpec], free: Sequence[OutputSpec]) -> tuple[OutputSpec, ...]:
    """The outputs with -1 for each size that is so in others of the same names."""
    shapes = {item.name: item.shape for item in free}
    return tuple(_freed(item, shapes.get(item.name, item.shape), lambda _, more: more == -1) for item in outputs)


def _freed(item: OutputSpec, shape: tuple[int, ...], free: Callable[[int, int], bool]) -> OutputSpec:
    if len(shape) != len(item.shape):
        return item
    pairs = zip(item.shape, shape, strict=True)
    return replace(item, shape=tuple(-1 if free(size, more) else size for size, more in pairs))


def forward(model: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """What ``forward`` gives for tensors, by dotted name."""
    import torch

    torch.manual_seed(0)
    with torch.no_grad():
        return named(model(**{**given, **_plain(model.forward)}))


def follow(model: Any, inputs: Sequence[InputSpec], some: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What each of some steps gives for the inputs, by the step's name."""
    import torch

    torch.manual_seed(0)
    with torch.no_grad():
        return doing.follow(model, some, tensors(inputs), _plain)


def _plain(method: Any) -> dict[str, Any]:
    """No cache, and named fields."""
    accepted = inspect.signature(method).parameters
    return {name: value for name, value in (("use_cache", False), ("return_dict", True)) if name in accepted}


def tensors(inputs: Sequence[InputSpec], seed: int = 0) -> dict[str, Any]:
    """Tensors that fit the declarations; any valid ones serve for learning shapes."""
    import torch

    drawn: dict[str, Any] = {}
    generator = torch.Generator().manual_seed(seed)
    for item in inputs:
        given = item.arguments
        if item.kind in ("Tokens", "Integers"):
            value = torch.randint(given.get("low", 0), given["high"], given["shape"], generator=generator)
            for token, start, length in given.get("runs", ()):
                value[..., start : start + length] = token
        elif item.kind == "Floats":
            value = torch.randn(given["shape"], generator=generator) * given.get("scale", 1.0)
        elif item.kind == "FlattenedPatches":
            value = torch.randn(given["shape"], generator=generator)
            places = torch.arange(given["shape"][1])
            value[..., 0] = places // given["columns"] + 1
            value[..., 1] = places % given["columns"] + 1
        elif item.kind == "Mask":
            value = torch.ones(given["shape"], dtype=getattr(torch, given.get("dtype", "int64")))
            if given.get("padded"):
                value[..., -given["hidden"] :] = 0
        elif item.kind == "Booleans":
            value = torch.zeros(given["shape"], dtype=torch.bool)
            value[..., : given["true"]] = True
        elif item.kind == "Literal":
            value = torch.tensor(given["values"], dtype=getattr(torch, given.get("dtype", "int64")))
        else:
            raise ValueError(f"no input kind {item.kind!r}")
        drawn[item.name] = value
    return drawn


def named(outputs: Any, prefix: str = "") -> dict[str, Any]:
    """Tensors of a model output by dotted name, caches left out."""
    import torch

    if isinstance(outputs, torch.Tensor):
        return {prefix or "output": outputs}
    if isinstance(outputs, Mapping):
        pairs = [(str(name), value) for name, value in outputs.items() if name not in _CACHES]
    elif isinstance(outputs, (list, tuple)):
        pairs = [(str(index), value) for index, value in enumerate(outputs)]
    else:
        return {}
    found: dict[str, Any] = {}
    for name, value in pairs:
        found |= named(value, f"{prefix}.{name}" if prefix else name)
    return found


def learn_placeholders(
    model: Any, inputs: Sequence[InputSpec], stands_for: Mapping[int, str] | None = None
) -> dict[str, int]:
    """Placeholder tokens that each row of the text needs, by modality, from the features that the model makes.

    The count is read where the model compares its features with the placeholders, so it is the model's own.
    ``stands_for`` says which modality's placeholder a token id is.
    """
    import torch

    seen: dict[str, int] = {}
    made: dict[str, tuple[int, int]] = {}
    text = next((item for item in inputs if item.name == "input_ids"), None)
    makes = any(hasattr(module, name) for module in model.modules() for name in _FEATURE_METHODS)
    if text is None or not (makes or stands_for):
        return seen
    if type(model).forward is torch.nn.Module.forward:  # a whole called by generate() alone compares nothing itself
        return seen
    rows = text.arguments["shape"][0]
    with spied(model, seen, made, stands_for or {}), torch.no_grad():
        try:
            model(**tensors(inputs))
        except Exception as error:  # the text has no placeholders yet: only what was seen on the way counts
            seen = complained(str(error), set((stands_for or {}).values()), made) | seen
            if not seen and not made:
                raise error
            if not seen:
                return {modality: _left(total, inputs) // rows for modality, (total, _) in made.items()}
    unshown = {
        modality: total // rows for modality, (total, _) in made.items() if modality in (stands_for or {}).values()
    }
    if not seen and unshown:
        return unshown  # it made features and put none of them anywhere, without a word
    queries = getattr(model.config, "num_query_tokens", None)
    if not seen and queries:
        # A query transformer gives as many features of an image as it has queries, and does not compare.
        known = list((stands_for or {}).values())
        modality = "image" if "image" in known or not known else known[0]
        shape: tuple[int, ...] = next((item.arguments["shape"] for item in inputs if item.name == "pixel_values"), ())
        return {modality: queries * (shape[1] if modality == "video" and len(shape) == _CLIP_AXES else 1)}
    return {modality: total // rows for modality, total in seen.items()}


def _left(total: int, inputs: Sequence[InputSpec]) -> int:
    """The features that are left of those made, by a mask of all of them where one is fed (Granite Speech's)."""
    for item in inputs:
        shape = item.arguments.get("shape", ())
        if item.kind == "Mask" and item.arguments.get("padded") and math.prod(shape) == total:
            return total - int(math.prod(shape[:-1])) * int(item.arguments["hidden"])
    return total


@contextmanager
def spied(
    model: Any, seen: dict[str, int], made: dict[str, tuple[int, int]], stands_for: Mapping[int, str]
) -> Iterator[None]:
    """Note the features that a model makes, with their width, and those that it compares with placeholders, by modality."""
    import torch

    patched: list[tuple[Any, str]] = []
    for module in model.modules():
        for modality in _MODALITIES:
            name = f"get_{modality}_features"
            if hasattr(module, name):
                _replace(module, name, _counting(getattr(module, name), modality, made), patched)
        original = getattr(module, "get_placeholder_mask", None)
        if original is None:
            continue

        def spy(*args: Any, _original: Any = original, **kwargs: Any) -> Any:
            bound = inspect.signature(_original).bind(*args, **kwargs).arguments
            embeds = bound.get("inputs_embeds")
            for name, value in bound.items():
                named = next((known for known in _MODALITIES if known in name), "image")
                modality = stands_for.get(bound.get("token_id", -1), named)
                if isinstance(value, torch.Tensor) and name not in _NOT_FEATURES and value.is_floating_point():
                    width = value.shape[-1] if embeds is None else embeds.shape[-1]
                    seen[modality] = value.numel() // width
            return _original(*args, **kwargs)

        _replace(module, "get_placeholder_mask", spy, patched)
    try:
        yield
    finally:
        for module, name in patched:
            delattr(module, name)


def complained(message: str, modalities: set[str], made: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    """The count of features that an error about too few placeholders gives, by modality; whether it is true, a run says.

    More than were made are numbers, of which a feature has as many as it is wide: Gemma 4 says so of those that it kept.
    """
    counted = _COUNTED.search(message)
    if counted is None:
        return {}
    named = [modality for modality in _MODALITIES if modality in message.lower()] or sorted(modalities)
    if len(named) != 1:
        return {}
    count, (total, width) = int(counted.group(1)), made.get(named[0], (0, 1))
    return {named[0]: count // width if total and count > total else count}


def _replace(module: Any, name: str, method: Any, patched: list[tuple[Any, str]]) -> None:
    setattr(module, name, method)
    patched.append((module, name))


def _counting(original: Any, modality: str, made: dict[str, tuple[int, int]]) -> Any:
    """The method that makes a modality's features, counting them and saying how wide they are."""

    def count_features(*args: Any, **kwargs: Any) -> Any:
        features = original(*args, **kwargs)
        pooled = getattr(features, "pooler_output", None)
        parts = pooled if pooled is not None else features
        listed = parts if isinstance(parts, (list, tuple)) else [parts]
        counts = [part.numel() // part.shape[-1] for part in listed if getattr(part, "ndim", 0) > 1]
        if counts:
            made[modality] = sum(counts), listed[0].shape[-1]
        return features

    return count_features
