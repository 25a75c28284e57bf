"""AMD GPUs through torch, which calls them ``cuda``: only the build tells them from NVIDIA's."""

from __future__ import annotations

from harness.hardware.accelerator import Accelerator

__all__ = ["Rocm"]


class Rocm(Accelerator):
    """torch built for HIP, on a ROCm device."""

    name = "rocm"
    kind = "cuda"
    label = "ROCm"

    def foreign(self) -> str | None:
        """See the base."""
        import torch

        return None if torch.version.hip is not None else f"torch {torch.__version__} is built without ROCm"

    def facts(self) -> dict[str, str]:
        """Name and architecture of the device, and the HIP that torch was built for."""
        import torch

        properties = torch.cuda.get_device_properties(self.device)
        return {
            "gpu": str(properties.name),
            "gpu_architecture": str(getattr(properties, "gcnArchName", "unknown")),
            "gpus": str(torch.accelerator.device_count()),
            "hip": str(torch.version.hip),
        }
