"""How long a call takes: one at a time, warm, waited for, with the samples kept; and how much memory the process grew by."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

__all__ = ["Memory", "interval", "median", "sampled"]

WARM_UP = 5
"""Calls before the first that counts: caches fill, kernels are chosen, clocks rise."""

LEAST, MOST, SECONDS = 20, 200, 1.0
"""Samples at least, and at most; between the two until so many seconds have gone."""

CONFIDENCE = 0.95
"""Of the interval of a median."""


def sampled(call: Callable[[], object], synchronize: Callable[[], None]) -> list[float]:
    """Seconds of each call, from a device that has nothing to do to one that has done it."""
    for _ in range(WARM_UP):
        call()
    synchronize()
    samples: list[float] = []
    gc.collect()
    collecting = gc.isenabled()
    gc.disable()
    try:
        end = time.perf_counter() + SECONDS
        while len(samples) < LEAST or (len(samples) < MOST and time.perf_counter() < end):
            begun = time.perf_counter()
            call()
            synchronize()
            samples.append(time.perf_counter() - begun)
    finally:
        if collecting:
            gc.enable()
    return samples


def median(samples: Sequence[float]) -> float:
    """The median."""
    from statistics import median as of

    return float(of(samples))


def interval(samples: Sequence[float]) -> tuple[float, float]:
    """Where the median lies, by order statistics: no distribution is supposed (``scipy.stats.quantile_test``)."""
    from scipy.stats import quantile_test

    low, high = quantile_test(samples, p=0.5).confidence_interval(CONFIDENCE)
    return float(low), float(high)


class Memory:
    """How far this process's resident memory rises above where it stood, on Linux."""

    def __init__(self) -> None:
        self._before = _status("VmRSS")
        self._counted = self._before is not None and _forget_peak()

    def growth(self) -> int | None:
        """Bytes between where it stood and the highest since; None where nobody tells."""
        peak = _status("VmHWM")
        if not self._counted or peak is None or self._before is None:
            return None
        return max(0, peak - self._before)


def _status(name: str) -> int | None:
    """A figure of the process's own, in bytes."""
    if sys.platform != "linux":
        return None
    for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return None


def _forget_peak() -> bool:
    """Let the kernel count the highest resident memory from now on (proc(5), clear_refs); whether it does."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True
