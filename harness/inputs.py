"""Inputs of a head as a skill declares them: how each tensor is drawn, and whether the outputs must follow it.

Declarations are plain data; torch is imported only when one is drawn. Equal declarations and seeds give equal
tensors on every machine, since all drawing is done by a CPU generator.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

__all__ = ["Booleans", "FlattenedPatches", "Floats", "Input", "Integers", "Literal", "Mask", "Tokens", "draw"]


@dataclass(frozen=True, kw_only=True)
class Input:
    """One argument of ``forward``."""

    shape: tuple[int, ...]
    """Shape of the tensor."""
    matters: bool = True
    """Whether the outputs must change when this input does; False only with a reason in the head's notes."""
    axis: int = 0
    """Axis along which the rows lie, one after the other where it is longer than their number."""

    def row(self, tensor: torch.Tensor, index: int, batch: int) -> torch.Tensor:
        """What a tensor of this input is for row ``index`` alone; the whole where it is not one of ``batch`` rows."""
        if tensor.ndim <= self.axis or tensor.shape[self.axis] % batch:
            return tensor
        size = tensor.shape[self.axis] // batch
        return tensor.narrow(self.axis, index * size, size)

    def draw(self, generator: torch.Generator) -> torch.Tensor:
        """A tensor of this input, on the CPU."""
        raise NotImplementedError

    def redraw(self, generator: torch.Generator) -> torch.Tensor:
        """Another valid tensor of this input, for asking whether the outputs follow it."""
        return self.draw(generator)


@dataclass(frozen=True, kw_only=True)
class Integers(Input):
    """int64 drawn evenly from ``low`` to ``high``, the latter excluded."""

    low: int = 0
    high: int

    def draw(self, generator: torch.Generator) -> torch.Tensor:
        import torch

        return torch.randint(self.low, self.high, self.shape, generator=generator)


@dataclass(frozen=True, kw_only=True)
class Tokens(Integers):
    """Token ids; ``runs`` puts a given id at fixed columns of every row: (id, first column, count)."""

    runs: tuple[tuple[int, int, int], ...] = ()

    def draw(self, generator: torch.Generator) -> torch.Tensor:
        ids = super().draw(generator)
        for token, start, count in self.runs:
            ids[..., start : start + count] = token
        return ids


@dataclass(frozen=True, kw_only=True)
class Floats(Input):
    """float32 from a normal distribution; with ``uniform`` evenly from -1 to 1 times ``scale``."""

    scale: float = 1.0
    uniform: bool = False

    def draw(self, generator: torch.Generator) -> torch.Tensor:
        import torch

        if self.uniform:
            return (torch.rand(self.shape, generator=generator) * 2 - 1) * self.scale
        return torch.randn(self.shape, generator=generator) * self.scale


@dataclass(frozen=True, kw_only=True)
class Mask(Input):
    """Attention mask: all ones; redrawn, its last ``hidden`` positions along the last axis are zero.

    With ``padded`` they are zero from the start, as of a sound that is shorter than its frames. Redrawn, every other row
    is whole and the rows between lack twice as much: all rows together hold what they held, for a text has a
    placeholder for each feature of it.
    """

    dtype: str = "int64"
    hidden: int = 2
    padded: bool = False
    leaks: bool = False
    """Whether what it hides is seen by other ways than attention; True only with a reason in the head's notes."""

    def draw(self, generator: torch.Generator) -> torch.Tensor:
        del generator
        mask = self._whole()
        if self.padded:
            mask[..., -self.hidden :] = 0
        return mask

    def redraw(self, generator: torch.Generator) -> torch.Tensor:
        del generator
        mask = self._whole()
        if self.padded:
            mask[1::2, ..., -2 * self.hidden :] = 0
        else:
            mask[..., -self.hidden :] = 0
        return mask

    def _whole(self) -> torch.Tensor:
        import torch

        return torch.ones(self.shape, dtype=getattr(torch, self.dtype))


@dataclass(frozen=True, kw_only=True)
class Booleans(Input):
    """bool with the first ``true`` positions of the last axis set; redrawn, the last ones."""

    true: int

    def draw(self, generator: torch.Generator) -> torch.Tensor:
        import torch

        mask = torch.zeros(self.shape, dtype=torch.bool)
        mask[..., : self.true] = True
        return mask

    def redraw(self, generator: torch.Generator) -> torch.Tensor:
        return self.draw(generator).flip(-1)


@dataclass(frozen=True, kw_only=True)
class FlattenedPatches(Input):
    """Patches of an image as rows: float32 (rows, patches, 2 + lanes), the first two lanes the patch's row and column
    from 1, with ``columns`` patches in a row of the image."""

    columns: int

    def draw(self, generator: torch.Generator) -> torch.Tensor:
        import torch

        patches = torch.randn(self.shape, generator=generator)
        places = torch.arange(self.shape[1])
        patches[..., 0] = (places // self.columns + 1).to(patches.dtype)
        patches[..., 1] = (places % self.columns + 1).to(patches.dtype)
        return patches


@dataclass(frozen=True, kw_only=True)
class Literal(Input):
    """Exactly these values, for grids, positions and counts that the model's code computes with.

    With ``step`` they are places in a list of what all rows have, and higher by so much from row to row: a row alone has a
    list of its own.
    """

    shape: tuple[int, ...] = ()
    values: Any
    dtype: str = "int64"
    matters: bool = False
    step: int = 0

    def row(self, tensor: torch.Tensor, index: int, batch: int) -> torch.Tensor:
        return super().row(tensor, index, batch) - index * self.step if self.step else super().row(tensor, index, batch)

    def draw(self, generator: torch.Generator) -> torch.Tensor:
        import torch

        return torch.tensor(self.values, dtype=getattr(torch, self.dtype))


def draw(inputs: Mapping[str, Input], seed: int, *, changed: str | None = None) -> dict[str, torch.Tensor]:
    """The tensors of all inputs; with ``changed`` that one is drawn anew and the others stay as they are.

    Every input has a generator of its own, seeded by its name, so that adding one leaves the others unchanged.
    """
    import torch

    tensors = {}
    for name, item in inputs.items():
        generator = torch.Generator().manual_seed(seed * 1_000_003 + zlib.crc32(name.encode()))
        tensors[name] = item.draw(generator)
        if name == changed:
            tensors[name] = item.redraw(generator)
    return tensors
