"""OpenVINO as a backend of torch.compile, kept from leaving a model to others without a word.

By itself it does so twice: a graph that it cannot take it hands to Inductor, and a part of one that fails when it runs it
leaves to torch from then on; both are told in its debug log alone (``openvino/frontend/pytorch/torchdynamo``).
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from harness.hardware.openvino import HINTS, OpenVino
from harness.hardware.protocol import UnsupportedError
from harness.hardware.routes import words

__all__ = ["OPTIONS", "absent", "facts", "watched"]

OPTIONS: Mapping[str, Any] = {
    "aot_autograd": True,  # without it most models end in torch.compile's guards, or with Inductor
    "config": {**HINTS["fp32"], "INFERENCE_NUM_THREADS": 1},
}
"""What the backend is told: as documented, and as the hardware ``openvino`` tells OpenVINO."""


def absent() -> str | None:
    """Why it cannot be used here; None if it can."""
    return OpenVino().probe()


def facts() -> Mapping[str, str]:
    """Version and device."""
    return OpenVino().describe()


@contextlib.contextmanager
def watched() -> Iterator[Mapping[str, int]]:
    """Within it no graph goes to Inductor; it gives the number of parts that OpenVINO ran, ``openvino_executions``.

    Raises:
        UnsupportedError: OpenVINO did not take a graph, or a part of one failed, in its own words.
    """
    from openvino.frontend.pytorch.torchdynamo import backend, execute

    counts = {"openvino_executions": 0}
    failures: list[Exception] = []
    run, hand_over = execute.openvino_execute, backend.compile_fx

    def counted(*arguments: Any, **options: Any) -> Any:
        try:
            results = run(*arguments, **options)
        except Exception as error:
            failures.append(error)
            raise
        counts["openvino_executions"] += 1
        return results

    def refused(*_: Any, **__: Any) -> Any:
        reason = sys.exception()  # it is called where OpenVINO's own error is handled
        raise UnsupportedError(words(reason) if isinstance(reason, Exception) else "OpenVINO takes no part of it")

    execute.openvino_execute, backend.compile_fx = counted, refused
    try:
        yield counts
    finally:
        execute.openvino_execute, backend.compile_fx = run, hand_over
    if failures:
        raise UnsupportedError(f"a part of it is left to torch: {words(failures[0])}")
