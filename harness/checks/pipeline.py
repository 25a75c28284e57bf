"""Does every pipeline of transformers that loads the head run with it, and give what the task documents?

The tokenizer and the rest are those that the skill declares; text, images and sound are small and real, and made here.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from harness import processors
from harness.checks import pipeline_forms
from harness.checks.protocol import Check, Outcome, passed
from harness.hardware import UnsupportedError
from harness.hardware.torch_device import pinned, translated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.session import Session
    from harness.skill import Head

__all__ = ["CHECK"]


def applicable(head: Head) -> str | None:
    """Some pipeline must load it."""
    return None if _tasks(head) else "no pipeline is for it"


def _tasks(head: Head) -> list[str]:
    """The head's pipelines without those that load any base model and are not for one of its kind."""
    cases = pipeline_forms.CASES
    return [task for task in head.pipelines if task not in cases or cases[task].serves(head)]


def run(session: Session) -> Outcome:
    """Every pipeline of the head; the first that fails is the answer, then the first that could not be asked."""
    import torch
    from transformers.pipelines import SUPPORTED_TASKS

    parts: dict[str, Any] | None = None
    missing: list[str] = []
    asked = 0
    for task in _tasks(session.head):
        session.at("resolve")
        if task not in SUPPORTED_TASKS:
            missing.append(f"{task}: the installed transformers has no such pipeline")
            continue
        if task not in pipeline_forms.CASES:
            missing.append(f"{task}: no skill declares the processor that it needs")
            continue
        if (reason := _lacking(session, task)) is not None:
            missing.append(f"{task}: {reason}")
            continue
        if parts is None:
            parts = processors.build(session.subject.skill)
        if session.runner.model is None:
            raise UnsupportedError(f"{session.hardware.name} runs a compiled model, which no pipeline takes")
        with torch.no_grad(), pinned(session.hardware.device), translated():
            torch.manual_seed(session.subject.seed)
            reason = _ask(session, task, parts)
        if reason is not None:
            return Outcome("failed", f"{task}: {reason}", {"pipelines": asked})
        asked += 1
    metrics = {"pipelines": asked}
    session.at("prepare")
    if missing:
        return Outcome("unavailable", "; ".join(missing), metrics)
    return passed(metrics) if asked else Outcome("vacuous", "no pipeline was asked", metrics)


def _ask(session: Session, task: str, parts: dict[str, Any]) -> str | None:
    """What is wrong with what the pipeline gives, in a few words; None if nothing is."""
    from transformers import pipeline

    case = pipeline_forms.CASES[task]
    session.at("prepare")
    given = {name: parts[name] for name in case.parts}
    made = pipeline(task, model=session.runner.model, device=session.hardware.device, **given, **_settings(task, given))
    session.at("run")
    generating = case.generating if session.head.generation is not None else {}
    answers = made(*case.inputs(given), **case.options, **generating)
    session.verify(str(next(session.runner.model.parameters()).device))
    session.at("compare")
    return case.wrong(answers)


def _settings(task: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the pipeline would read from files of the checkpoint: for a decision how the question is put, in a few words
    since tiny models take short texts, and answers that are one token each."""
    if task != "decision":
        return {}
    from transformers.decision import DecisionConfig

    tokenizer = given["tokenizer"]
    words = (word for word in sorted(tokenizer.get_vocab()) if tokenizer.tokenize(word) == [word])
    labels = list(itertools.islice((word for word in words if word != tokenizer.unk_token), 2))
    template = "{{ state }} {{ question.instructions }}"
    return {"decision_config": DecisionConfig(chat_template=template, labels={"noul": labels})}


def _lacking(session: Session, task: str) -> str | None:
    """Why the pipeline cannot be asked here: a part that the skill does not declare, or one of an absent library."""
    declared = session.subject.skill.processor or {}
    if task == "decision" and any(name.startswith(pipeline_forms.SEEN) for name in session.head.inputs):
        return "no skill declares the processor that it needs"
    for part in pipeline_forms.CASES[task].parts:
        if part not in declared:
            return f"the skill declares no {part.replace('_', ' ')}"
        if (library := declared[part].get("requires")) is not None:
            return f"its {part.replace('_', ' ')} needs {library}, which is not installed here"
    if "image_processor" in pipeline_forms.CASES[task].parts:
        try:
            import PIL  # noqa: F401
        except ImportError:
            return "images need pillow, which is not installed here"
    return None


CHECK = Check("pipeline", "Do the pipelines that load it give what they document?", "runs", applicable, run)
