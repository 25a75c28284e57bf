"""Does a model that was saved and loaded again give the same outputs, with no weight lost on the way?"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.checks.protocol import Check, Outcome, always, passed
from harness.comparison import compare, mismatch
from harness.tolerances import tolerance

if TYPE_CHECKING:
    from harness.session import Session

MEMORY = Path("/dev/shm")
"""A file system in memory, on Linux; elsewhere the usual temporary directory serves."""


def run(session: Session) -> Outcome:
    """``save_pretrained`` in safetensors, then ``from_pretrained``: every key loaded, and equal outputs."""
    before, model = session.outputs, session.subject.model
    place = MEMORY if os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="skillmatrix-", dir=place) as folder:
        session.at("run")
        model.save_pretrained(folder)
        files = [path for path in Path(folder).iterdir() if path.suffix == ".safetensors"]
        metrics: dict[str, float | int | str] = {"saved_bytes": sum(path.stat().st_size for path in files)}
        if not files:
            return Outcome("failed", "save_pretrained wrote no safetensors file", metrics)
        loaded, report = _load(model, folder)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        if found := report.get(kind):
            first = sorted(str(item) for item in found)[0]
            return Outcome("failed", f"loading reports {len(found)} {kind.replace('_', ' ')}, {first} first", metrics)
    after = session.run(session.inputs, session.prepare(loaded.eval()))
    if problem := mismatch(after, before):
        return Outcome("failed", f"the loaded model {problem}", metrics)
    differences = compare(after, before)
    worst = max(differences, key=lambda name: differences[name].rel_max, default=None)
    if worst is None:
        return Outcome("vacuous", "there are no outputs to compare", metrics)
    bound = tolerance(session.hardware.name, session.dtype, "round_trip").rel_max
    metrics |= {**differences[worst].metrics(), "tolerance": bound, "worst_output": worst}
    if differences[worst].rel_max > bound:
        reason = f"the loaded model differs in {worst} by {differences[worst].rel_max:.1e} of its scale"
        return Outcome("failed", reason, metrics)
    return passed(metrics)


def _load(model: Any, folder: str) -> tuple[Any, dict[str, Any]]:
    import torch

    loaded, report = type(model).from_pretrained(
        folder,
        dtype=torch.float32,
        use_safetensors=True,
        local_files_only=True,
        output_loading_info=True,
        attn_implementation=model.config._attn_implementation,
        experts_implementation=model.config._experts_implementation,
    )
    return loaded, report


CHECK = Check("round_trip", "Does it survive being saved and loaded?", "matches", always, run)
