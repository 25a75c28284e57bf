"""A head as compilers want it: tensors in, a tuple of tensors out, whatever its outputs are and however it is called."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from harness.call import invoke

if TYPE_CHECKING:
    import torch

    from harness.hardware.routes import Asked

__all__ = ["flattened", "plain_experts"]


def flattened(asked: Asked) -> Any:
    """A torch module in eval mode that takes the inputs in their order and gives the outputs in theirs, without caches,
    losses or classes; nor numbers, which are tensors while TorchScript traces.

    The model is held, not copied. An output that it gives twice is copied: compilers join what is one tensor, and one name
    would be lost. Its ``forward`` raises KeyError where an output is missing.
    """
    import torch

    class Flattened(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = asked.model

        def forward(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
            # Copies: a model may write into what it is given, and a graph must not write into its own inputs.
            given = {name: tensor.clone() for name, tensor in zip(asked.inputs, tensors, strict=True)}
            found = invoke(self.model, asked.call, given)
            return tuple(_apart(found[name] for name in asked.outputs))

    return Flattened().eval()


@contextlib.contextmanager
def plain_experts(model: Any) -> Iterator[None]:
    """Experts as batched products: grouped ones (torch's ``_grouped_mm``) and the count of tokens an expert
    (``histc``) have no lowering. What the model uses otherwise is put back."""
    before = getattr(getattr(model, "config", None), "_experts_implementation", None)
    if before is None or not hasattr(model, "set_experts_implementation"):
        yield
        return
    model.set_experts_implementation("batched_mm")
    try:
        yield
    finally:
        model.set_experts_implementation(before)


def _apart(tensors: Iterable[torch.Tensor]) -> Iterator[torch.Tensor]:
    seen: set[int] = set()
    for tensor in tensors:
        yield tensor.clone() if id(tensor) in seen else tensor
        seen.add(id(tensor))
