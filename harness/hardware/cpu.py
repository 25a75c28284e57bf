"""The CPU: the reference in float32, and a hardware like others in 16 bits."""

from __future__ import annotations

import platform
from pathlib import Path

from harness.hardware.protocol import without
from harness.hardware.torch_device import TorchDevice

__all__ = ["Cpu"]


class Cpu(TorchDevice):
    """torch on the CPU."""

    name = "cpu"
    device = "cpu"

    def probe(self, dtype: str | None = None) -> str | None:
        """See the protocol; there always is one."""
        return without(self.name, self.dtypes, dtype)

    def describe(self) -> dict[str, str]:
        """The processor's name, as the kernel or the platform tells it."""
        listing = Path("/proc/cpuinfo")
        if listing.is_file():
            for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
                if line.startswith("model name"):
                    return {"cpu": line.partition(":")[2].strip()}
        return {"cpu": platform.processor() or platform.machine()}
