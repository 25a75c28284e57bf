"""The checks by name, in the order in which they are run: the cheap and telling ones first."""

from __future__ import annotations

from harness.checks import (
    backward,
    batch_invariance,
    build,
    determinism,
    forward,
    generation,
    masking,
    parity,
    pipeline,
    round_trip,
    train_step,
    vacuity,
)
from harness.checks.protocol import Check, Outcome

__all__ = ["CHECKS", "Check", "Outcome"]

CHECKS: dict[str, Check] = {
    module.CHECK.name: module.CHECK
    for module in (
        build,
        forward,
        determinism,
        vacuity,
        masking,
        batch_invariance,
        round_trip,
        generation,
        parity,
        pipeline,
        backward,
        train_step,
    )
}
"""Every check."""
