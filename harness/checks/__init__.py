"""The checks by name, in the order in which they are run: the cheap and telling ones first."""

from __future__ import annotations

from harness.checks import (
    backward,
    batch_invariance,
    benchmark,
    build,
    determinism,
    forward,
    generation,
    masking,
    parity,
    pipeline,
    processor,
    round_trip,
    train_step,
    vacuity,
)
from harness.checks.protocol import Check, Outcome

__all__ = ["CHECKS", "Check", "Outcome"]

CHECKS: dict[str, Check] = {
    check.name: check
    for check in (
        build.CHECK,
        forward.CHECK,
        determinism.CHECK,
        vacuity.CHECK,
        masking.CHECK,
        batch_invariance.CHECK,
        processor.CHECK,
        round_trip.CHECK,
        generation.CHECK,
        parity.CHECK,
        pipeline.CHECK,
        backward.CHECK,
        train_step.CHECK,
        benchmark.CHECK,
        *benchmark.SIZED,
    )
}
"""Every check."""
