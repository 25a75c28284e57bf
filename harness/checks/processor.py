"""Does the head take what its own processor makes of a small real text, image, video or sound, and follow each of them?

The other checks feed tensors that rules make: here the model's own code says how an image is cut, which tokens stand for it
in the text, and what grids, masks and positions go with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness import processors
from harness.checks import processor_samples as samples
from harness.checks.forward import not_finite
from harness.checks.protocol import Check, Outcome, passed
from harness.checks.vacuity import NOTICEABLE, change
from harness.inputs import draw
from harness.outputs import answers

if TYPE_CHECKING:
    import torch

    from harness.session import Session
    from harness.skill import Head

__all__ = ["CHECK"]


def applicable(head: Head) -> str | None:
    """A part of the skill's processor must make its inputs."""
    return None if head.made_by is not None else "no processor makes its inputs"


def run(session: Session) -> Outcome:
    """One row of each kind is shown to the processor, then another of each kind in turn, which some output must follow."""
    session.at("prepare")
    part = str(session.head.made_by)
    declared = (session.subject.skill.processor or {})[part]
    if (library := declared.get("requires")) is not None:
        name = part.replace("_", " ")
        return Outcome("unavailable", f"its {name} needs {library}, which is not installed here")
    made_by = processors.build(session.subject.skill, [part])[part]
    sample = samples.of(session.head, part, made_by, declared)
    given, unread = _tensors(sample.put({}))
    own: dict[str, torch.Tensor] = {}
    metrics: dict[str, float | int | str] = {"made": " ".join(given), **_named("left_out", unread)}
    metrics |= {"unshown": declared["unshown"]} if "unshown" in declared else {}
    try:
        outputs = answers(session.run(given))
    except (ValueError, TypeError, RuntimeError, AttributeError):
        # It may want what no processor makes, such as the beginning of what its decoder is to write.
        if not (own := _own(session, given)):
            raise
        outputs = answers(session.run({**given, **own}))
    metrics |= {**_named("own", own), **_named("unfed", [name for name in given if name not in session.head.inputs])}
    session.at("compare")
    if not any(tensor.is_floating_point() for tensor in outputs.values()):
        return Outcome("vacuous", "no output is a floating number, so no error can show in one", metrics)
    for name, tensor in outputs.items():
        if problem := not_finite(session, name, tensor):
            return Outcome(*problem, metrics)
    for kind in sample.kinds:
        other, _ = _tensors(sample.put({kind: 1}))
        changed = session.run({**other, **own})
        moved = max(change(changed.get(name), tensor) for name, tensor in outputs.items())
        metrics[f"change_by_{kind}"] = moved
        if not moved > NOTICEABLE:
            return Outcome("vacuous", f"no output follows the {kind} that its processor is given", metrics)
    return passed(metrics)


def _named(name: str, items: Sequence[str] | Mapping[str, Any]) -> dict[str, str]:
    return {name: " ".join(items)} if items else {}


def _tensors(made: Mapping[str, Any]) -> tuple[dict[str, torch.Tensor], list[str]]:
    """What a processor made, as tensors, and names of what is none: texts and the like, which are for what comes after."""
    import torch

    given: dict[str, torch.Tensor] = {}
    unread: list[str] = []
    for name, value in made.items():
        try:
            given[name] = torch.as_tensor(value)
        except (TypeError, ValueError, RuntimeError):
            unread.append(name)
    return given, unread


def _own(session: Session, given: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The first row of the skill's own inputs that the processor does not make; not of those that go with each token of its
    own text, which is another."""
    head = session.head
    text = head.inputs["input_ids"].shape if "input_ids" in head.inputs else ()
    drawn = draw(head.inputs, session.subject.seed)
    return {
        name: item.row(drawn[name], 0, head.batch)
        for name, item in head.inputs.items()
        if name not in given and not (text and tuple(drawn[name].shape[: len(text)]) == text)
    }


CHECK = Check("processor", "Does it take what its processor makes, and follow it?", "runs", applicable, run)
