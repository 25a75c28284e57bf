"""One head built with its tiny config and run once, to learn what it needs and gives; random weights, CPU, float32."""

from __future__ import annotations

import inspect
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
    "count",
    "follow",
    "forward",
    "loosened",
    "named",
    "parameters",
    "run",
    "tensors",
    "watched",
]

LIMIT = 20_000_000
"""Parameters beyond which a head is refused before memory is taken: a shrunk config never comes near."""
_PIXELS = "pixel_values"
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
