"""Does a model that was saved and loaded again give the same outputs, with no weight lost on the way?"""

from __future__ import annotations

import inspect
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import weights
from harness.agreement import agreement
from harness.checks.protocol import Check, Outcome, always, passed
from harness.comparison import identical, mismatch
from harness.tolerances import tolerance

if TYPE_CHECKING:
    from harness.session import Session

MEMORY = Path("/dev/shm")  # noqa: S108, a private folder is made in it
"""A file system in memory, on Linux; elsewhere the usual temporary directory serves."""


def run(session: Session) -> Outcome:
    """``save_pretrained`` in safetensors, then ``from_pretrained``: every key loaded, equal bits, equal outputs."""
    before, model = session.outputs, session.subject.model
    place = MEMORY if os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="skillmatrix-", dir=place) as folder:
        session.at("run")
        model.save_pretrained(folder)
        files = [path for path in Path(folder).iterdir() if path.suffix == ".safetensors"]
        metrics: dict[str, float | int | str] = {"saved_bytes": sum(path.stat().st_size for path in files)}
        if not files:
            return Outcome("failed", "save_pretrained wrote no safetensors file", metrics)
        loaded, report = (_refilled if _is_named(type(model)) else _load)(session, folder)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        if found := report.get(kind):
            first = min(str(item) for item in found)
            return Outcome("failed", f"loading reports {len(found)} {kind.replace('_', ' ')}, {first} first", metrics)
    weights.settle(loaded, session.head)
    session.at("compare")
    if changed := _changed(loaded, model):
        return Outcome("failed", f"the loaded model has other values in {changed}", metrics)
    after = session.run(session.inputs, session.prepare(loaded))
    if problem := mismatch(after, before):
        return Outcome("failed", f"the loaded model {problem}", metrics)
    bound = tolerance(session.hardware.name, session.dtype, "round_trip").rel_max
    found = agreement(after, before, bound, choices=session.dtype == "fp32")
    if not found.judged:
        return Outcome("vacuous", "there are no outputs to compare", metrics)
    metrics |= found.metrics()
    if not found.holds:
        return Outcome("failed", f"the loaded model differs in {found.worst} {found.amount}", metrics)
    return passed(metrics)


def _is_named(model_class: Any) -> bool:
    """Whether ``from_pretrained`` is the class's own and makes a model of a network's name, as of one of timm's, without
    reading a folder: such a model is saved as a part of another, and there is no other way back."""
    own = vars(model_class).get("from_pretrained")
    code = inspect.getsource(own.__func__) if own is not None else ""
    return "_from_config(" in code and "super().from_pretrained(" not in code


def _refilled(session: Session, folder: str) -> tuple[Any, dict[str, Any]]:
    """A model with the weights of another seed that is given those of the saved files by name, and what it reports."""
    from safetensors.torch import load_file

    saved = {name: value for file in Path(folder).glob("*.safetensors") for name, value in load_file(file).items()}
    other = session.subject.build(session.subject.seed + 1)
    report = other.load_state_dict(saved, strict=False)
    state = other.state_dict()
    filled = {
        state[name].data_ptr() for name in saved if name in state
    }  # a tied weight is saved under one of its names
    missing = [name for name in report.missing_keys if state[name].data_ptr() not in filled]
    return other, {"missing_keys": missing, "unexpected_keys": report.unexpected_keys}


def _load(session: Session, folder: str) -> tuple[Any, dict[str, Any]]:
    model = session.subject.model
    chosen = {f"{kind}_implementation": value for kind, value in weights.implementations(model.config).items()}
    return weights.load(type(model), folder, local_files_only=True, **chosen)


def _changed(loaded: Any, model: Any) -> str | None:
    """The first parameter that differs in a bit."""
    after = dict(loaded.named_parameters())
    for name, parameter in model.named_parameters():
        if name not in after or not identical(after[name], parameter):
            return str(name)
    return None


CHECK = Check("round_trip", "Does it survive being saved and loaded?", "matches", always, run)
