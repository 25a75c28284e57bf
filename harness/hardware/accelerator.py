"""What all accelerators that torch drives itself have in common; what one really is, its own file says."""

from __future__ import annotations

import os

from harness.hardware.protocol import without
from harness.hardware.torch_device import TorchDevice
from harness.weights import DTYPES

__all__ = ["Accelerator"]

WORKER = "PYTEST_XDIST_WORKER"
"""Variable that holds a worker's name: ``gw1``."""


class Accelerator(TorchDevice):
    """torch on one accelerator of a kind: the one of an index, or the one that falls to this worker."""

    kind: str
    """What torch calls a device of the kind; ROCm's are ``cuda`` too."""
    label: str
    """What people call it."""

    def __init__(self, device: str | None = None, route: str | None = None) -> None:
        """Args:
        device: index of the one device to run on; None for any.
        route: a way of attending (see the base).

        Raises:
            ValueError: the index is no number, or there is no such route.
        """
        super().__init__(route)
        if device is not None and not device.isdecimal():
            raise ValueError(f"{device!r} is no index of a device; give 0, 1, …")
        self.device = self.kind if device is None else f"{self.kind}:{int(device)}"
        self.name = type(self).name + (f":{int(device)}" if device is not None else "") + (f"@{route}" if route else "")

    def probe(self, dtype: str | None = None) -> str | None:
        """See the protocol; it runs one kernel in the dtype, since a device that is seen need not work."""
        if (reason := without(self.name, self.dtypes, dtype) or self.foreign()) is not None:
            return reason
        import torch

        found = torch.accelerator.current_accelerator(check_available=True)
        if found is None or found.type != self.kind:
            return f"torch {torch.__version__} finds no {self.label} device or no working driver"
        count = torch.accelerator.device_count()
        if (index := torch.device(self.device).index or 0) >= count:
            return f"there is no {self.label} device {index}, only {count} of them, from 0"
        wanted = getattr(torch, DTYPES[dtype or self.dtypes[0]])
        try:
            # A matrix product: what has no units for a dtype may still add in it.
            (
                torch.ones(2, 2, device=self.device, dtype=wanted) @ torch.ones(2, 2, device=self.device, dtype=wanted)
            ).sum().item()
        except (RuntimeError, TypeError) as error:
            return f"the {self.label} device does not run a kernel in {dtype or self.dtypes[0]} ({str(error).splitlines()[0]})"
        return self.lacking(dtype)

    @property
    def target(self) -> str:
        """See the base. Without an index, workers side by side take one device each, and go round where there are fewer."""
        import torch

        worker = os.environ.get(WORKER, "").removeprefix("gw")
        if self.device != self.kind or not worker.isdecimal():
            return self.device
        return f"{self.kind}:{int(worker) % torch.accelerator.device_count()}"

    def describe(self) -> dict[str, str]:
        """See the protocol."""
        return {} if self.probe() is not None else self.facts()

    def foreign(self) -> str | None:
        """Why this build of torch is not for the kind, in a sentence; None if it is."""
        raise NotImplementedError

    def lacking(self, dtype: str | None) -> str | None:
        """What a device that runs a kernel in a dtype still lacks for it; None if nothing."""
        del dtype
        return None

    def facts(self) -> dict[str, str]:
        """Device and driver, where there is one."""
        raise NotImplementedError
