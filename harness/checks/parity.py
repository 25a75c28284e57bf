"""Are the numbers of this hardware those of the reference; and, on the reference itself, those of float64?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from harness.checks.protocol import Check, Outcome, always, passed
from harness.comparison import Difference, compare, mismatch
from harness.inputs import draw
from harness.tolerances import tolerance

if TYPE_CHECKING:
    import torch

    from harness.session import Session


def run(session: Session) -> Outcome:
    """Floating outputs must be within the tolerance of the hardware and dtype, the others equal.

    What was compiled must also be right for other inputs than those it was made with: a value that a compiler took for a
    constant shows only there.

    In 16 bits the outputs that are no floating numbers are only measured: they are choices (a code, a kept box)
    that turn on the last bit of a score. A reference that differs from itself is not held against the hardware.
    """
    actual = session.outputs
    subject = session.subject
    if subject.nondeterministic:
        return Outcome("vacuous", "nondeterministic: the reference differs from itself between two runs")
    reference = subject.calibration if session.is_reference else subject.reference
    reference = session.given(reference)
    session.at("compare")
    if problem := mismatch(actual, reference):
        return Outcome("failed", f"{_against(session)} it {problem}")
    outcome = _judged(session, actual, reference)
    if outcome.status != "passed" or session.hardware.module:
        return outcome
    other = draw(session.head.inputs, subject.seed + 1)
    wanted, given = session.given(subject.reference_of(other)), session.run(other)
    problem = mismatch(given, wanted)
    again = Outcome("failed", f"it {problem}") if problem else _judged(session, given, wanted)
    if again.status == "passed":
        return outcome
    return Outcome(
        again.status, f"right for the inputs it was compiled with; for others, {again.reason}", again.metrics
    )


def _judged(session: Session, actual: Mapping[str, torch.Tensor], reference: Mapping[str, torch.Tensor]) -> Outcome:
    """The verdict on outputs of the reference's names and shapes."""
    differences = compare(actual, reference)
    if not differences:
        return Outcome("vacuous", "there are no outputs to compare")
    judged = {name: item for name, item in differences.items() if session.dtype == "fp32" or _floating(reference[name])}
    if not judged:
        return Outcome("vacuous", "no output is a floating number")
    bound = tolerance(session.hardware.name, session.dtype, "parity").rel_max
    worst = max(judged, key=lambda name: _excess(judged[name], reference[name], bound))
    metrics = {
        **differences[worst].metrics(),
        "argmax_agreement": min(item.argmax_agreement for item in differences.values()),
        "tolerance": bound,
        "worst_output": worst,
    }
    if _excess(judged[worst], reference[worst], bound) <= 1.0:
        return passed(metrics)
    if not session.is_reference and session.subject.draws_random_numbers:
        return Outcome(
            "vacuous", "nondeterministic: the outputs follow random numbers, which differ by device", metrics
        )
    found = judged[worst]
    amount = f"by {found.rel_max:.1e} of its scale, over {bound:.0e}"
    if not _floating(reference[worst]):
        amount = f"in {1 - found.argmax_agreement:.0%} of its elements, which are no floating numbers"
    return Outcome("failed", f"{_against(session)} it differs in {worst} {amount}", metrics)


def _excess(found: Difference, reference: torch.Tensor, bound: float) -> float:
    """The difference in units of what is allowed; integers are allowed none."""
    if _floating(reference):
        return found.rel_max / bound
    return 0.0 if found.argmax_agreement == 1.0 else float("inf")


def _floating(tensor: torch.Tensor) -> bool:
    return bool(tensor.is_floating_point() or tensor.is_complex())


def _against(session: Session) -> str:
    return "against float64" if session.is_reference else "against the CPU in float32"


CHECK = Check("parity", "Are the numbers those of the reference?", "matches", always, run, compiled=True)
