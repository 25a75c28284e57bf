"""NVIDIA GPUs through torch; ROCm builds of torch also say ``cuda``, and are another column."""

from __future__ import annotations

import os

from harness.hardware.accelerator import Accelerator

__all__ = ["Cuda"]


class Cuda(Accelerator):
    """torch on a CUDA device."""

    name = "cuda"
    kind = "cuda"
    label = "CUDA"

    def foreign(self) -> str | None:
        """See the base."""
        # cuBLAS is deterministic only with a fixed workspace, which it reads when CUDA is initialised.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":16:8")
        import torch

        if torch.version.hip is not None:
            return f"torch {torch.__version__} is built for ROCm, whose devices are the hardware rocm"
        return None if torch.version.cuda is not None else f"torch {torch.__version__} is built without CUDA"

    def lacking(self, dtype: str | None) -> str | None:
        """See the base: CUDA emulates bfloat16 on devices without it."""
        import torch

        if dtype == "bf16" and not torch.cuda.is_bf16_supported(including_emulation=False):
            return f"{torch.cuda.get_device_name(self.device)} has no bfloat16"
        return None

    def facts(self) -> dict[str, str]:
        """Name and capability of the device, and the CUDA that torch was built for."""
        import torch

        major, minor = torch.cuda.get_device_capability(self.device)
        return {
            "gpu": torch.cuda.get_device_name(self.device),
            "gpu_capability": f"{major}.{minor}",
            "gpus": str(torch.accelerator.device_count()),
            "cuda": str(torch.version.cuda),
            "cudnn": str(torch.backends.cudnn.version()),
        }
