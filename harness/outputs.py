"""What a model gave, as a flat dictionary of named tensors; it judges nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

__all__ = ["STATE", "answers", "named"]

STATE = ("past_key_values", "cache_params", "mems", "state", "past_buckets_states")
"""Outputs of exactly these names are state carried to the next step, not an answer; ``state_preds`` is one."""


def named(output: Any) -> dict[str, torch.Tensor]:
    """The tensors of a model's output, in its order, by dotted name.

    A ModelOutput or dict gives its fields, a tuple or list ``<field>.<index>`` at any depth, a bare tensor the one
    name ``output``. Caches, None and Python scalars are left out, and so are the fields of ``STATE``.
    """
    return dict(_walk("output" if _is_tensor(output) else "", output))


def answers(outputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Those outputs that answer a user: what training minimises is reckoned over all rows, and is NaN where no label is
    given, as a processor gives none of a text that it knows no end of (PaliGemma's)."""
    return {name: tensor for name, tensor in outputs.items() if name.rpartition(".")[2] != "loss"}


def _walk(name: str, value: Any) -> Iterator[tuple[str, torch.Tensor]]:
    if _is_tensor(value):
        yield name, value
    elif _is_cache(value):
        return
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if str(key) not in STATE:
                yield from _walk(f"{name}.{key}".lstrip("."), item)
    elif isinstance(value, (tuple, list)):
        for index, item in enumerate(value):
            yield from _walk(f"{name}.{index}".lstrip("."), item)


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def _is_cache(value: Any) -> bool:
    from transformers.cache_utils import Cache

    return isinstance(value, Cache)
