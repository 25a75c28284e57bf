"""Intel GPUs through torch's own backend for them."""

from __future__ import annotations

from harness.hardware.accelerator import Accelerator

__all__ = ["Xpu"]


class Xpu(Accelerator):
    """torch built for SYCL, on an XPU."""

    name = "xpu"
    kind = "xpu"
    label = "XPU"

    def foreign(self) -> str | None:
        """See the base."""
        import torch

        return None if torch.version.xpu is not None else f"torch {torch.__version__} is built without XPU"

    def facts(self) -> dict[str, str]:
        """Name and driver of the device, and the toolkit that torch was built with."""
        import torch

        properties = torch.xpu.get_device_properties(self.device)
        return {
            "gpu": str(properties.name),
            "gpu_driver": str(properties.driver_version),
            "gpus": str(torch.accelerator.device_count()),
            "sycl": str(torch.version.xpu),
        }
