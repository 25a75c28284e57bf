"""Are the numbers of this hardware those of the reference; and, on the reference itself, those of float64?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.agreement import agreement
from harness.checks.protocol import Check, Outcome, always, passed
from harness.comparison import mismatch
from harness.inputs import draw
from harness.ties import tied
from harness.tolerances import tolerance

if TYPE_CHECKING:
    import torch

    from harness.session import Session

EXACT = "fp32"
"""The dtype in which choices are judged."""


def run(session: Session) -> Outcome:
    """Floating outputs must be within the tolerance of the hardware and dtype, the others equal; in 16 bits the others are
    only measured: they are choices (a code, a kept box) that turn on the last bit of a score.

    What was compiled must also be right for other inputs than those it was made with: a value that a compiler took for a
    constant shows only there. Where two scores are closer than the tolerance, either choice is right (``harness.ties``).
    A reference that differs from itself is not held against the hardware.
    """
    actual = session.outputs
    subject = session.subject
    held = subject.reference
    if not held.settled:
        reason = "nondeterministic: the reference differs from itself between two runs"
        return Outcome("vacuous", reason, held.facts)
    reference = session.given(subject.calibration if session.is_reference else held.outputs)
    session.at("compare")
    if problem := mismatch(actual, reference):
        return Outcome("failed", f"{_against(session)} it {problem}", held.facts)
    outcome = _judged(session, session.inputs, actual, reference)
    if outcome.status == "passed" and not session.hardware.module:
        outcome = _other_inputs(session, outcome)
    if session.exact and not session.is_reference and "rel_max" in outcome.metrics:
        outcome = replace(outcome, metrics={**outcome.metrics, **_to_float64(session, actual, reference)})
    return replace(outcome, metrics={**held.facts, **outcome.metrics})


def _other_inputs(session: Session, outcome: Outcome) -> Outcome:
    """The verdict on other inputs, after one that passed; of the two, the figures that are worse."""
    subject = session.subject
    other = draw(session.head.inputs, subject.seed + 1)
    wanted, given = session.given(subject.reference_of(other).outputs), session.run(other)
    problem = mismatch(given, wanted)
    again = Outcome("failed", f"it {problem}") if problem else _judged(session, other, given, wanted)
    if again.status == "passed":
        return max(outcome, again, key=lambda item: float(item.metrics["rel_max"]))
    return replace(again, reason=f"right for the inputs it was compiled with; for others, {again.reason}")


def _judged(
    session: Session,
    inputs: Mapping[str, torch.Tensor],
    actual: Mapping[str, torch.Tensor],
    reference: Mapping[str, torch.Tensor],
) -> Outcome:
    """The verdict on outputs of the reference's names and shapes."""
    choices = session.dtype == EXACT
    bound = tolerance(session.hardware.name, session.dtype, "parity").rel_max
    found = agreement(actual, reference, bound, choices=choices)
    if not found.differences:
        return Outcome("vacuous", "there are no outputs to compare")
    if not found.judged:
        return Outcome("vacuous", "no output is a floating number")
    metrics = found.metrics()
    if found.holds:
        return passed(metrics)
    if not session.is_reference and session.subject.draws_random_numbers:
        return Outcome(
            "vacuous", "nondeterministic: the outputs follow random numbers, which differ by device", metrics
        )
    if choices and (near := tied(session.subject, inputs, actual, bound, wide=session.is_reference)):
        return passed({**near.metrics(), "ties": 1, "rel_max_before_ties": found.differences[found.worst].rel_max})
    session.at("compare")
    return Outcome("failed", f"{_against(session)} it differs in {found.worst} {found.amount}", metrics)


def _to_float64(
    session: Session, actual: Mapping[str, torch.Tensor], reference: Mapping[str, torch.Tensor]
) -> dict[str, float]:
    """How far the outputs are from float64's, and how far the reference is that they were judged by."""
    figures, exact = {}, session.given(session.subject.calibration)
    for name, outputs in (("rel_max_to_float64", actual), ("reference_to_float64", reference)):
        found = agreement(outputs, exact, 0.0, choices=session.dtype == EXACT)
        figures[name] = found.differences[found.worst].rel_max
    return figures


def _against(session: Session) -> str:
    return "against float64" if session.is_reference else "against the CPU in float32"


CHECK = Check("parity", "Are the numbers those of the reference?", "matches", always, run, compiled=True)
