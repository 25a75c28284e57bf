"""A torch device behind the hardware protocol; what differs between devices is in the subclasses' tables and probes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.call import FORWARD, Call, invoke
from harness.hardware.protocol import UnsupportedError
from harness.weights import DTYPES, moved

if TYPE_CHECKING:
    import torch

__all__ = ["TorchDevice", "TorchRunner", "pinned", "translated"]

SYNCHRONOUS = ("cpu", "meta")
"""Devices that run nothing by themselves: there is nothing to wait for, and torch counts no memory of theirs."""


@contextlib.contextmanager
def pinned(device: str = "cpu") -> Iterator[None]:
    """Numbers that can be compared: IEEE float32 everywhere (no TF32), the math attention kernel, no gradients, and
    off the CPU deterministic kernels where there are any.

    torch 2.13 runs convolutions in TF32 by default; ``torch.backends.fp32_precision`` covers matmul, conv and rnn, but
    not the flag of old, and torch refuses to say what that is while the two disagree (PE Audio asks).
    """
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    kinds: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn.conv, torch.backends.cudnn.rnn)
    precision, precisions = torch.backends.fp32_precision, [kind.fp32_precision for kind in kinds]
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.backends.fp32_precision = "ieee"
    torch.backends.cudnn.allow_tf32 = False
    if device != "cpu":
        torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.fp32_precision = precision
        torch.backends.cudnn.allow_tf32 = "tf32" in precisions[1:]
        for kind, before in zip(kinds, precisions, strict=True):
            kind.fp32_precision = before
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)


class TorchRunner:
    """A module on a torch device."""

    facts: Mapping[str, str] = {}

    def __init__(self, model: Any, device: str, dtype: str, call: Call = FORWARD) -> None:
        self.model = model
        self.device = device
        self.dtype = dtype
        self.call = call
        self._outputs: dict[str, torch.Tensor] = {}

    def run(self, inputs: Mapping[str, torch.Tensor], seed: int = 0) -> dict[str, torch.Tensor]:
        """See the protocol."""
        import torch

        with pinned(self.device), translated():
            torch.manual_seed(seed)
            self._outputs = invoke(self.model, self.call, self.place(inputs))
            self.synchronize()
        return self._outputs

    def place(self, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """See the protocol."""
        import torch

        dtype = getattr(torch, DTYPES[self.dtype])
        return {
            name: tensor.to(self.device, dtype if tensor.is_floating_point() else tensor.dtype, copy=True)
            for name, tensor in inputs.items()
        }

    def executed_on(self) -> str:
        """See the protocol: the devices of all parameters and of the floating outputs of the last run."""
        tensors = [*self.model.parameters(), *(item for item in self._outputs.values() if item.is_floating_point())]
        return "+".join(sorted({str(tensor.device) for tensor in tensors}))

    def synchronize(self) -> None:
        """See the protocol."""
        import torch

        if self.device not in SYNCHRONOUS:
            torch.accelerator.synchronize()

    def peak_memory(self) -> int | None:
        """See the protocol; torch counts no CPU memory."""
        import torch

        return None if self.device in SYNCHRONOUS else int(torch.accelerator.max_memory_allocated())


class TorchDevice:
    """A device that torch itself runs on."""

    name: str
    device: str
    module = True
    dtypes: tuple[str, ...] = ("fp32", "fp16", "bf16")

    def probe(self, dtype: str | None = None) -> str | None:
        """See the protocol."""
        raise NotImplementedError

    def describe(self) -> dict[str, str]:
        """See the protocol."""
        return {}

    def prepare(
        self, model: Any, inputs: Mapping[str, torch.Tensor], dtype: str = "fp32", call: Call = FORWARD
    ) -> TorchRunner:
        """See the protocol; the weights are moved, never drawn on the device, whose random numbers differ."""
        import torch

        del inputs
        if self.device == "cpu" and dtype == "fp32":
            return TorchRunner(model, self.device, dtype, call)
        if self.device not in SYNCHRONOUS:
            torch.accelerator.reset_peak_memory_stats()
        with translated():
            copied = moved(model, self.device, getattr(torch, DTYPES[dtype]))
        return TorchRunner(copied, self.device, dtype, call)


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Operations that a device does not have become UnsupportedError.

    torch raises NotImplementedError for a missing kernel; one that a model raises itself names no operator.
    """
    try:
        yield
    except NotImplementedError as error:
        if "aten::" in str(error) or "not implemented for" in str(error):
            raise UnsupportedError(str(error).splitlines()[0]) from error
        raise
    except RuntimeError as error:
        if "not implemented for 'Half'" in str(error) or "not implemented for 'BFloat16'" in str(error):
            raise UnsupportedError(str(error).splitlines()[0]) from error
        raise
