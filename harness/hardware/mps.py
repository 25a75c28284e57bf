"""Apple's GPUs through Metal. Operations that Metal lacks must not be run on the CPU instead, as torch can be told to do."""

from __future__ import annotations

import os
import platform

from harness.hardware.accelerator import Accelerator

__all__ = ["Mps"]


class Mps(Accelerator):
    """torch on the one Metal device of a Mac."""

    name = "mps"
    kind = "mps"
    label = "MPS"
    counted = False

    def foreign(self) -> str | None:
        """See the base."""
        if os.environ.get("PYTORCH_ENABLE_MPS_FALLBACK", "0") not in ("", "0"):
            return "PYTORCH_ENABLE_MPS_FALLBACK is set, so that torch would run on the CPU what Metal lacks; unset it"
        import torch

        return None if torch.backends.mps.is_built() else f"torch {torch.__version__} is built without MPS"

    def facts(self) -> dict[str, str]:
        """The chip and the system, for Metal has no name for either."""
        return {"gpu": platform.processor() or platform.machine(), "macos": platform.mac_ver()[0]}
