"""A torch device behind the hardware protocol; what differs between devices is in the subclasses' tables and probes."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.call import FORWARD, Call, invoke
from harness.hardware.protocol import UnsupportedError
from harness.weights import DTYPES, moved

if TYPE_CHECKING:
    import torch

__all__ = ["ROUTES", "TorchDevice", "TorchRunner", "counting", "pinned", "translated"]

ROUTES = {"sdpa": "scaled_dot_product_attention"}
"""Ways of attending that can be asked for beside the eager one, as transformers calls them, and the function of torch's
that each is known by when the model runs."""

SYNCHRONOUS = ("cpu", "meta")
"""Devices that run nothing by themselves: there is nothing to wait for, and torch counts no memory of theirs."""


@contextlib.contextmanager
def pinned(device: str = "cpu", *, plain: bool = True) -> Iterator[None]:
    """Numbers that can be compared: IEEE float32 everywhere (no TF32), no gradients, off the CPU deterministic kernels where
    there are any, and, unless not ``plain``, of torch's attention kernels the one that is made of simple steps.

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
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH) if plain else contextlib.nullcontext():
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
    plain = True
    """Whether attention is by the kernel of simple steps (see ``pinned``)."""

    def __init__(self, model: Any, device: str, dtype: str, call: Call = FORWARD, *, counted: bool = True) -> None:
        """Args:
        model: on the device, in the dtype.
        device: as torch names it, with its index where there are several.
        dtype: of the floating inputs.
        call: how it is called.
        counted: whether torch keeps a peak of the device's memory.
        """
        self.model = model
        self.device = device
        self.dtype = dtype
        self.call = call
        self.counted = counted and device not in SYNCHRONOUS
        self._outputs: dict[str, torch.Tensor] = {}

    def run(self, inputs: Mapping[str, torch.Tensor], seed: int = 0) -> dict[str, torch.Tensor]:
        """See the protocol."""
        import torch

        with pinned(self.device, plain=self.plain), translated():
            torch.manual_seed(seed)
            self._outputs = invoke(self.model, self.call, self.place(inputs))
            self.synchronize()
        return self._outputs

    @contextlib.contextmanager
    def repeating(self, inputs: Mapping[str, torch.Tensor]) -> Iterator[Callable[[], object]]:
        """See the protocol; the inputs are placed once."""
        import torch

        placed = self.place(inputs)
        with torch.no_grad(), translated():
            yield lambda: invoke(self.model, self.call, placed)

    def generate(
        self, inputs: Mapping[str, torch.Tensor], arguments: Mapping[str, Any], method: str = "generate", seed: int = 0
    ) -> Any:
        """See the protocol; any method of the model's will do."""
        import torch

        with pinned(self.device), translated():
            torch.manual_seed(seed)
            result = getattr(self.model, method)(**self.place(inputs), **arguments)
            self.synchronize()
        return result

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
            torch.accelerator.synchronize(self.device)

    def peak_memory(self) -> int | None:
        """See the protocol; torch counts no CPU memory."""
        import torch

        return int(torch.accelerator.max_memory_allocated(self.device)) if self.counted else None


class AttendingRunner(TorchRunner):
    """A module that is to attend by one of ROUTES, with the kernel that torch chooses, and is watched doing so."""

    plain = False

    def __init__(self, model: Any, device: str, dtype: str, call: Call, *, counted: bool, route: str) -> None:
        """As the base; ``route`` is what the model was told to attend by."""
        super().__init__(model, device, dtype, call, counted=counted)
        self.route = route
        self.facts = {"attention": route}

    def run(self, inputs: Mapping[str, torch.Tensor], seed: int = 0) -> dict[str, torch.Tensor]:
        """See the protocol.

        Raises:
            UnsupportedError: nothing in the model attends in this way, whatever it was told.
        """
        with counting(ROUTES[self.route]) as calls:
            outputs = super().run(inputs, seed)
        if not calls:
            raise UnsupportedError(f"nothing in it calls {ROUTES[self.route]}, so {self.route} is not what ran")
        self.facts = {**self.facts, "attention_calls": str(len(calls))}
        return outputs


class TorchDevice:
    """A device that torch itself runs on, with eager attention or by name another (``cpu@sdpa``)."""

    name: str
    device: str
    module = True
    dtypes: tuple[str, ...] = ("fp32", "fp16", "bf16")
    route: str | None = None
    counted = True
    """Whether torch keeps a peak of its memory."""

    def __init__(self, route: str | None = None) -> None:
        """Args:
        route: one of ROUTES to attend by; what the model was built with if None, which is eager.

        Raises:
            ValueError: there is no such route.
        """
        if route is not None and route not in ROUTES:
            raise ValueError(f"there is no attention {route!r} to choose. Known: {', '.join(ROUTES)}")
        self.route = route
        self.name = type(self).name + (f"@{route}" if route else "")

    @property
    def target(self) -> str:
        """The device that a model is put on."""
        return self.device

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
        target = self.target
        if target == "cpu" and dtype == "fp32" and self.route is None:
            return TorchRunner(model, target, dtype, call)
        if target not in SYNCHRONOUS and self.counted:
            torch.accelerator.reset_peak_memory_stats(target)
        with translated():
            copied = moved(model, target, getattr(torch, DTYPES[dtype]))
        if self.route is None:
            return TorchRunner(copied, target, dtype, call, counted=self.counted)
        try:
            copied.set_attn_implementation(self.route)
        except (ValueError, ImportError) as error:
            raise UnsupportedError(str(error).splitlines()[0]) from error
        return AttendingRunner(copied, target, dtype, call, counted=self.counted, route=self.route)


@contextlib.contextmanager
def counting(name: str, told: Callable[[Any], bool] = bool) -> Iterator[list[str]]:
    """Notes every call of a function of torch's, by its name, from Python or from within torch's own modules, whose positional
    arguments ``told`` holds of."""
    from torch.overrides import TorchFunctionMode

    calls: list[str] = []

    class Counting(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if getattr(func, "__name__", "") == name and told(args):
                calls.append(name)
            return func(*args, **(kwargs or {}))

    with warnings.catch_warnings(), Counting():
        # What torch warns the model's code of would seem to be said to this module, which calls for it.
        warnings.filterwarnings("ignore", module=__name__.replace(".", r"\."))
        yield calls


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
