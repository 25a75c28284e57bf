"""Does the same run twice, with the same random state, give the same outputs?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checks.protocol import Check, Outcome, always, passed
from harness.comparison import compare, mismatch
from harness.tolerances import tolerance

if TYPE_CHECKING:
    from harness.session import Session


def run(session: Session) -> Outcome:
    """Fails as nondeterministic on the first output that differs."""
    first = session.outputs
    again = session.subject.reference_again if session.is_reference else session.run(session.inputs)
    session.at("compare")
    if problem := mismatch(again, first):
        return Outcome("failed", f"nondeterministic: the second run {problem}")
    differences = compare(again, first)
    worst = max(differences, key=lambda name: differences[name].rel_max, default=None)
    if worst is None:
        return Outcome("vacuous", "there are no outputs to compare")
    bound = tolerance(session.hardware.name, session.dtype, "determinism").rel_max
    metrics = {**differences[worst].metrics(), "tolerance": bound, "worst_output": worst}
    if differences[worst].rel_max > bound:
        reason = f"nondeterministic: two equal runs differ in {worst} by {differences[worst].rel_max:.1e} of its scale"
        return Outcome("failed", reason, metrics)
    return passed(metrics)


CHECK = Check("determinism", "Do two equal runs give equal outputs?", "matches", always, run, compiled=True)
