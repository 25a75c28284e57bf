"""How much memory a process may take, so that a backend that takes it without end fails by itself and harms no other."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

__all__ = ["bound", "ended_by_kernel"]

SHARE = 0.9
"""Of the machine's memory, for all processes that run cells."""

LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where a container's limit stands, by the version of cgroups."""


def bound(processes: int) -> None:
    """Let this process, one of so many, have no more than its share of the machine's or the container's memory.

    An allocation beyond it fails, as out of memory. What is reserved and never written, as drivers of GPUs do by the
    terabyte, does not count (``RLIMIT_DATA``, not ``RLIMIT_AS``). Only Linux counts mapped memory so.
    """
    if sys.platform != "linux":
        return
    import resource

    share = int(_memory() * SHARE / processes)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or share < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (share, hard))


def ended_by_kernel() -> int:
    """How many processes the kernel has ended for want of memory since it started; 0 where it does not tell."""
    try:
        lines = Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def _memory() -> int:
    """Bytes of the machine, or of the container if those are fewer."""
    sizes = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for path in LIMITS:
        with contextlib.suppress(OSError, ValueError):  # another version of cgroups, or "max"
            sizes.append(int(path.read_text(encoding="ascii")))
    return min(sizes)
