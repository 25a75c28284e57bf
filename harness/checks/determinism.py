"""Does the same run twice, with the same random state, give the same outputs?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.agreement import agreement
from harness.checks.protocol import Check, Outcome, always, passed
from harness.comparison import mismatch
from harness.tolerances import tolerance

if TYPE_CHECKING:
    from harness.session import Session


def run(session: Session) -> Outcome:
    """Fails as nondeterministic on the first output that differs."""
    first = session.outputs
    again = session.subject.own_again if session.is_reference else session.run(session.inputs)
    session.at("compare")
    if problem := mismatch(again, first):
        return Outcome("failed", f"nondeterministic: the second run {problem}")
    bound = tolerance(session.hardware.name, session.dtype, "determinism").rel_max
    found = agreement(again, first, bound)
    if not found.judged:
        return Outcome("vacuous", "there are no outputs to compare")
    if not found.holds:
        reason = f"nondeterministic: two equal runs differ in {found.worst} {found.amount}"
        return Outcome("failed", reason, found.metrics())
    return passed(found.metrics())


CHECK = Check("determinism", "Do two equal runs give equal outputs?", "matches", always, run, compiled=True)
