"""What a head makes of its inputs, beside what it gives: which of them it follows, what it makes of them alone, the features
that it makes of an image or a sound, and what it draws at random."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from generator.spec import InputSpec
from generator.tiny import inputs as declaring
from generator.tiny import placeholders, probe

__all__ = ["deaf", "drawn", "fixed", "leaky", "learned", "made", "padded"]


_IMAGE_AXES = 4
"""Axes of images: rows, channels, height and width."""


def deaf(model: Any, inputs: Sequence[InputSpec], names: Sequence[str]) -> list[str]:
    """Those of some inputs of floating numbers that no output of ``forward`` follows, whatever the weights.

    The library's own draw leaves some gates at zero; so a copy is looked at in which every weight is drawn wide.
    """
    import torch

    if not names:
        return []
    wide, generator = _wide(model, 0), torch.Generator().manual_seed(0)
    given = probe.tensors(inputs)
    usual = probe.forward(wide, given)

    def unchanged(name: str) -> bool:
        other = probe.forward(wide, {**given, name: torch.randn(given[name].shape, generator=generator)})
        return usual.keys() == other.keys() and all(torch.equal(usual[key], other[key]) for key in usual)

    return [name for name in names if given[name].is_floating_point() and unchanged(name)]


def fixed(model: Any, inputs: Sequence[InputSpec], call: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """Outputs of floating numbers that ``forward``, with further arguments, makes of what it is fed alone: equal bits
    whatever the weights, and others for other inputs, or for a larger image: places that are laid over it (OmDet-Turbo's
    anchors). One that follows neither is none of them.
    """
    import torch

    def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> set[str]:
        return {name for name, value in one.items() if name in other and torch.equal(value, other[name])}

    wide, fed = _wide(model, 0), {**probe.tensors(inputs), **(call or {})}
    usual = probe.forward(wide, fed)
    kept = same(usual, probe.forward(_wide(model, 1), fed))
    floating = [name for name, value in usual.items() if value.is_floating_point()]
    if not kept.intersection(floating) or kept.issuperset(floating):
        return ()
    deaf = kept & same(usual, probe.forward(wide, {**fed, **probe.tensors(inputs, seed=1)}))
    kept -= deaf - (_laid_out(wide, fed, usual) if deaf.intersection(floating) else set())
    return tuple(name for name in floating if name in kept)


def learned(model: Any, inputs: Sequence[InputSpec]) -> tuple[str, ...]:
    """Outputs of floating numbers that ``forward`` makes of the weights alone: equal bits whatever it is fed, and others for
    other weights (the places at which Deformable DETR's queries begin). None where that is true of all of them."""
    import torch

    fed, others = probe.tensors(inputs), probe.tensors(inputs, seed=1)
    wide = _wide(model, 0)
    usual, again, weighed = probe.forward(wide, fed), probe.forward(wide, others), probe.forward(_wide(model, 1), fed)
    floating = [name for name, value in usual.items() if value.is_floating_point()]
    kept = [name for name in floating if name in again and torch.equal(usual[name], again[name])]
    if len(kept) == len(floating):
        return ()
    return tuple(name for name in kept if name in weighed and not torch.equal(usual[name], weighed[name]))


def _laid_out(model: Any, given: Mapping[str, Any], usual: Mapping[str, Any]) -> set[str]:
    """Outputs that are more for an image of twice the height and width."""
    pixels = given.get("pixel_values")
    if pixels is None or pixels.ndim != _IMAGE_AXES:
        return set()
    larger = pixels.repeat(1, 1, 2, 2)
    try:
        other = probe.forward(model, {**given, "pixel_values": larger})
    except (RuntimeError, ValueError, IndexError):  # most take images of one size
        return set()
    return {name for name, value in usual.items() if name in other and other[name].numel() > value.numel()}


def padded(model: Any, inputs: Sequence[InputSpec]) -> tuple[str, ...]:
    """Outputs of ``forward`` that are minus infinity for every token that a text has not, and nowhere else: scores that
    are as many as the longest text's tokens (Grounding DINO)."""
    import torch

    lengths = [item.arguments["shape"][-1] for item in inputs if item.name == "input_ids"]
    if not lengths:
        return ()

    def beyond(value: Any) -> bool:
        if not value.is_floating_point() or value.ndim == 0 or value.shape[-1] <= lengths[0]:
            return False
        wanted = torch.arange(value.shape[-1]) >= lengths[0]
        return bool(torch.equal(torch.isneginf(value), wanted.expand(value.shape)))

    return tuple(name for name, value in probe.forward(model, probe.tensors(inputs)).items() if beyond(value))


_MASKS = {"attention_mask": "input_ids", "decoder_attention_mask": "decoder_input_ids"}
"""Masks, each with the tokens that it may hide."""
_HIDDEN = 2
"""Tokens of a row that are hidden from it."""
_LEAST = 1e-5
"""Least change, relative to an output's largest value, that is more than the same sums in another order."""


def leaky(model: Any, inputs: Sequence[InputSpec], call: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """Masks of a text of which ``forward`` sees what they hide, in what it gives for the tokens that they do not: what mixes
    neighbours by other means than attention (convolutions, pooled or shifted tokens) does."""
    shapes = {item.name: item for item in inputs}
    found = []
    for mask, hides in _MASKS.items():
        kinds = [(shapes[name].kind, name) for name in (mask, hides) if name in shapes]
        if kinds != [("Mask", mask), ("Tokens", hides)]:
            continue
        shape, tokens = tuple(shapes[mask].arguments["shape"]), shapes[hides].arguments
        if len(shape) == 2 and shape == tuple(tokens["shape"]) and _seen(model, inputs, call or {}, (mask, hides)):
            found.append(mask)
    return tuple(found)


def _seen(model: Any, inputs: Sequence[InputSpec], call: Mapping[str, Any], names: tuple[str, str]) -> bool:
    """Whether other tokens at the columns that the mask hides, the first or the last that are drawn, change anything at the
    others, or at those of a decoder beside them."""
    mask, hides = names
    tokens = next(item.arguments for item in inputs if item.name == hides)
    rows, length = tokens["shape"]
    placed = {column for _, start, count in tokens.get("runs", ()) for column in range(start, start + count)}
    marked = [item.arguments for item in inputs if item.kind == "Booleans"]
    placed.update(*(range(item["true"]) for item in marked if tuple(item["shape"]) == (rows, length)))
    drawn = [column for column in range(length) if column not in placed]
    beside = [item.arguments["shape"][1] for item in inputs if item.name == "decoder_input_ids"]
    given, low = {**probe.tensors(inputs), **call}, tokens.get("low", 0)
    span = tokens["high"] - low

    def moves(some: Any, columns: Sequence[int]) -> bool:
        hidden, other = given[mask].clone(), given[hides].clone()
        hidden[:, columns] = 0
        other[:, columns] = low + (other[:, columns] - low + max(span // 3, 1)) % span
        before = probe.forward(some, {**given, mask: hidden})
        after = probe.forward(some, {**given, mask: hidden, hides: other})
        kept = [column for column in range(length) if column not in columns]
        return any(
            _moved(value, after.get(name), kept if value.shape[1] == length else list(range(value.shape[1])))
            for name, value in before.items()
            if value.is_floating_point() and value.ndim > 1 and value.shape[0] == rows
            if value.shape[1] in (length, *beside)
        )

    for some in (_wide(model, 0), model):
        try:
            return any(moves(some, columns) for columns in (drawn[:_HIDDEN], drawn[-_HIDDEN:]))
        except (RuntimeError, ValueError, IndexError):  # some weights make a model refuse its own numbers
            continue
    return False


def _moved(value: Any, other: Any, columns: Sequence[int]) -> bool:
    """Whether a tensor is another there, by more than rounding."""
    if other is None or other.shape != value.shape:
        return True
    one, two = value[:, columns], other[:, columns]
    return not bool((one - two).abs().max() <= _LEAST * one.abs().max())


@lru_cache(maxsize=2)
def _wide(model: Any, seed: int) -> Any:
    """A copy with every weight drawn wide: the library's own draw leaves some gates at zero. Several questions are put to
    one model in turn, and copying it costs as much as asking."""
    import torch

    wide = copy.deepcopy(model)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in wide.parameters():
            if parameter.is_floating_point() and parameter.numel():
                noise = torch.randn(parameter.shape, generator=generator)
                if parameter.ndim > 1:
                    parameter.copy_(noise / (parameter[0].numel() or 1) ** 0.5)
                else:
                    parameter.add_(noise, alpha=0.1)
    return wide


def made(model: Any, inputs: Sequence[InputSpec]) -> list[dict[str, int]]:
    """What the placeholders of a row could be, by modality, for a head that runs without any: as many as the features that
    it makes in a method of that name, or as it would put in the places of placeholders."""
    rows = next(item.arguments["shape"][0] for item in inputs if item.name == "input_ids")
    seen: dict[str, int] = {}
    features: dict[str, tuple[int, int]] = {}
    scattered: list[int] = []
    with placeholders.spied(model, seen, features, {}), _scattering(scattered):
        probe.forward(model, probe.tensors(inputs))
    named = {modality: total // rows for modality, (total, _) in features.items() if total >= rows}
    counts = [named] if named else []
    carried = declaring.carried(inputs)
    if len(carried) == 1:
        counts += [{next(iter(carried)): total // rows} for total in dict.fromkeys(scattered) if total >= rows]
    return [count for place, count in enumerate(counts) if count not in counts[:place]]


@contextmanager
def _scattering(counts: list[int]) -> Iterator[None]:
    """Note how many rows there are in each tensor that is put in the places of a mask."""
    import torch

    original = torch.Tensor.masked_scatter

    def spy(self: Any, mask: Any, source: Any) -> Any:
        counts.append(source.numel() // self.shape[-1])
        return original(self, mask, source)

    torch.Tensor.masked_scatter = spy
    try:
        yield
    finally:
        del torch.Tensor.masked_scatter


def drawn(
    model: Any, inputs: Sequence[InputSpec], call: Mapping[str, Any] | None = None
) -> list[tuple[tuple[int, ...], str]]:
    """Shape and dtype of each tensor that ``forward``, with further arguments, draws at random, in order."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    found: list[tuple[tuple[int, ...], str]] = []

    class Draws(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            if torch.Tag.nondeterministic_seeded in func.tags and isinstance(result, torch.Tensor):
                found.append((tuple(result.shape), str(result.dtype).removeprefix("torch.")))
            return result

    given = {**probe.tensors(inputs), **(call or {})}
    with Draws():
        probe.forward(model, given)
    return found
