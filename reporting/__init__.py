"""From results to reports. It knows of the harness only the result record, and of the generator nothing."""

from reporting.judgement import Verdict, verdict
from reporting.publication import Outcome, ReportError, update

__all__ = ["Outcome", "ReportError", "Verdict", "update", "verdict"]
