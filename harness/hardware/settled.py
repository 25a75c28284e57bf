"""Operators of torch as others that converters get right: those whose shape follows values have the shape of the values
that they meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

__all__ = ["Settled"]

Indices = Sequence["torch.Tensor | None"]


class Settled:
    """Each operator as others whose shapes are known once the numbers are that it is told."""

    def __init__(self, number: Callable[[torch.Tensor], Any]) -> None:
        """Args:
        number: what gives the value of a tensor of one element, and knows that the graph then follows it.
        """
        self.number = number

    def decompositions(self) -> dict[Any, Callable[..., Any]]:
        """What stands for each operator, for ``make_fx``; where it gives NotImplemented the operator stays."""
        import torch

        aten = torch.ops.aten
        return {
            aten._local_scalar_dense.default: self.number,  # noqa: SLF001, it is the operator's name
            aten._is_all_true.default: torch.all,  # noqa: SLF001
            aten.equal.default: self.equal,
            aten.nonzero.default: self.nonzero,
            aten.masked_select.default: self.masked_select,
            aten.index.Tensor: self.index,
            aten.index_put.default: self.index_put,
            aten.index_put_.default: self.index_put_in_place,
            aten.repeat_interleave.Tensor: self.repeat_interleave,
            aten.floor_divide.default: self.floor_divide,
            aten.div.Tensor_mode: self.divide,
        }

    def equal(self, one: torch.Tensor, other: torch.Tensor) -> bool:
        """A decision, which is a number that is read."""
        return one.shape == other.shape and bool(self.number((one == other).all()))

    def nonzero(self, tensor: torch.Tensor) -> torch.Tensor:
        """(found, dimensions)."""
        import torch

        places = self._places(tensor != 0)
        columns = []
        for size in reversed(tensor.shape):
            columns.append(places % size)
            places = places.div(size, rounding_mode="floor")
        return torch.stack(columns[::-1], dim=-1)

    def masked_select(self, tensor: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(found,)."""
        import torch

        tensor, mask = torch.broadcast_tensors(tensor, mask)
        return tensor.reshape(-1)[self._places(mask)]

    def repeat_interleave(self, repeats: torch.Tensor, output_size: int | None = None) -> torch.Tensor:
        """Each index as often as ``repeats`` says: of each place, how many runs ended before it or there."""
        import torch

        del output_size
        places = torch.arange(self.number(repeats.sum()))
        return (repeats.cumsum(0) <= places.unsqueeze(-1)).sum(-1)

    def index(self, tensor: torch.Tensor, indices: Indices) -> Any:
        """By the numbers of what masks show."""
        import torch

        return torch.ops.aten.index.Tensor(tensor, self._numbers(indices)) if _masked(indices) else NotImplemented

    def index_put(self, tensor: torch.Tensor, indices: Indices, values: torch.Tensor, accumulate: bool = False) -> Any:
        """By numbers, the indexed dimensions first: converters take ``x[:, i, mask] = y`` for something else."""
        import torch

        if not _masked(indices) and None not in indices:
            return NotImplemented
        numbers = self._numbers(indices)
        indexed = [place for place, index in enumerate(numbers) if index is not None]
        order = [*indexed, *(place for place in range(tensor.ndim) if place not in indexed)]
        given = torch.broadcast_tensors(*(index for index in numbers if index is not None))
        shape = [tensor.shape[place] for place in order[len(indexed) :]]
        # What is indexed is one block, in the place of the first where they are neighbours, else in front.
        before = indexed[0] if indexed == list(range(indexed[0], indexed[-1] + 1)) else 0
        block = given[0].shape
        values = values.expand(*shape[:before], *block, *shape[before:])
        values = values.movedim(tuple(range(before, before + len(block))), tuple(range(len(block))))
        put = torch.ops.aten.index_put.default(tensor.permute(order), list(given), values, accumulate)
        return put.permute([order.index(place) for place in range(tensor.ndim)])

    def index_put_in_place(
        self, tensor: torch.Tensor, indices: Indices, values: torch.Tensor, accumulate: bool = False
    ) -> torch.Tensor:
        """The same, into the tensor, which may be a part of another."""
        import torch

        return tensor.copy_(torch.ops.aten.index_put.default(tensor, indices, values, accumulate))

    def floor_divide(self, tensor: torch.Tensor, divisor: Any) -> Any:
        """Of whole numbers by what is left over: OpenVINO rounds those below zero up, so that -1 // 2 is 0 there."""
        if tensor.is_floating_point() or (hasattr(divisor, "is_floating_point") and divisor.is_floating_point()):
            return NotImplemented
        return (tensor - tensor.remainder(divisor)).div(divisor, rounding_mode="trunc")

    def divide(self, tensor: torch.Tensor, divisor: torch.Tensor, *, rounding_mode: str | None = None) -> Any:
        """See ``floor_divide``."""
        return self.floor_divide(tensor, divisor) if rounding_mode == "floor" else NotImplemented

    def _places(self, mask: torch.Tensor) -> torch.Tensor:
        """Where a mask is true when laid flat, in order: (found,)."""
        import torch

        flat = mask.reshape(-1)
        places = torch.arange(flat.numel())
        count = self.number(flat.sum())
        return torch.where(flat, places, places + flat.numel()).sort().values[:count]

    def _numbers(self, indices: Indices) -> list[torch.Tensor | None]:
        """Indices with numbers for masks, of which each is one for each of its dimensions."""
        found: list[torch.Tensor | None] = []
        for index in indices:
            found += self.nonzero(index).unbind(-1) if index is not None and _masked([index]) else [index]
        return found


def _masked(indices: Indices) -> bool:
    import torch

    return any(index is not None and index.dtype in (torch.bool, torch.uint8) for index in indices)
