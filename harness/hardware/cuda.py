"""NVIDIA GPUs through torch; ROCm builds of torch also say ``cuda``, and are another column."""

from __future__ import annotations

import os

from harness.hardware.torch_device import TorchDevice

__all__ = ["Cuda"]


class Cuda(TorchDevice):
    """torch on the current CUDA device."""

    name = "cuda"
    device = "cuda"

    def probe(self, dtype: str | None = None) -> str | None:
        """See the protocol; it runs one kernel, since a device that is seen need not work."""
        if dtype is not None and dtype not in self.dtypes:
            return f"{self.name} has no cells in {dtype}, only in {', '.join(self.dtypes)}"
        # cuBLAS is deterministic only with a fixed workspace, which it reads when CUDA is initialised.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":16:8")
        import torch

        if torch.version.cuda is None:
            return f"torch {torch.__version__} is built without CUDA"
        if not torch.cuda.is_available():
            return f"torch {torch.__version__} finds no CUDA device or no working driver"
        try:
            torch.ones(2, device=self.device).sum().item()
        except RuntimeError as error:
            return f"the CUDA device does not run a kernel ({str(error).splitlines()[0]})"
        if dtype == "bf16" and not torch.cuda.is_bf16_supported(including_emulation=False):
            return f"{torch.cuda.get_device_name()} has no bfloat16"
        return None

    def describe(self) -> dict[str, str]:
        """Name and capability of the device, and the CUDA that torch was built for."""
        import torch

        if self.probe() is not None:
            return {}
        major, minor = torch.cuda.get_device_capability()
        return {
            "gpu": torch.cuda.get_device_name(),
            "gpu_capability": f"{major}.{minor}",
            "cuda": str(torch.version.cuda),
            "cudnn": str(torch.backends.cudnn.version()),
        }
