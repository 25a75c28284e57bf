"""Does it learn: does the loss fall on one batch in a few steps, and fall alike when that is done again?

The model is in training mode, and the random state is set anew before each step, so that the same values are dropped and the
same places masked: what is minimised is one function of the weights. In 16 bits the weights stay in float32 and the steps run
under autocast, as people train.
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import TYPE_CHECKING

from harness.call import invoke
from harness.checks.backward import applicable, cannot
from harness.checks.protocol import Check, Outcome, passed
from harness.hardware.torch_device import pinned, translated
from harness.objective import NoGradientError, Objective, trainable
from harness.weights import DTYPES

if TYPE_CHECKING:
    from harness.hardware import Runner
    from harness.session import Session

STEPS = 5
RATES = (1e-3, 1e-4, 1e-5)
"""Learning rates of AdamW, whose other settings are torch's: each weight moves by about as much a step. The next is tried where
a step of one is too long: MobileNetV1 drops 999 of 1000 features, and multiplies the others by as much."""

FALL = 1e-3
"""Least fall of the loss in all, in units of its size at the beginning, or of one where it is smaller."""


def run(session: Session) -> Outcome:
    """Fails where the loss does not fall, is no number, or takes another way the second time."""
    metrics: dict[str, float | int | str] = {"steps": STEPS}
    if outcome := cannot(session):
        return outcome
    try:
        for rate in RATES:
            losses = _losses(session, rate, metrics)
            if problem := _unlearned(losses):
                continue
            if _losses(session, rate, metrics) == losses:
                return passed(metrics)
            problem = "nondeterministic: the same steps from the same weights give other losses the second time"
            break
    except NoGradientError as error:
        problem = str(error)
    return Outcome("failed", problem, metrics)


def _unlearned(losses: list[float]) -> str | None:
    """Why these are not the losses of a model that learns; None if they are."""
    if wrong := [step for step, loss in enumerate(losses) if not math.isfinite(loss)]:
        return f"the loss is no finite number after {wrong[0]} steps"
    if losses[0] - losses[-1] < FALL * max(1.0, abs(losses[0])):
        return f"the loss does not fall: {losses[0]:.6g} before, {losses[-1]:.6g} after {STEPS} steps"
    return None


def _losses(session: Session, rate: float, metrics: dict[str, float | int | str]) -> list[float]:
    """The loss before the first step, and after each, of a model with the weights of the seed."""
    import torch
    from transformers import set_seed

    subject = session.subject
    model = subject.build(subject.seed)
    session.at("prepare")
    runner = session.hardware.prepare(model, subject.inputs, "fp32", subject.call)
    model = runner.model.train()
    parameters = trainable(model)
    if not parameters:
        raise NoGradientError("it has no parameter that training would change")
    optimiser = torch.optim.AdamW(parameters.values(), lr=rate)
    kind = session.hardware.device.partition(":")[0]
    short = torch.autocast(kind, getattr(torch, DTYPES[session.dtype])) if session.dtype != "fp32" else nullcontext()
    losses = []
    session.at("run")
    with pinned(session.hardware.device), translated():
        set_seed(subject.seed)
        objective = _objective(session, runner)
        given = {**subject.inputs, **objective.labels}
        for step in range(STEPS + 1):
            set_seed(subject.seed)  # numpy's too, by which speech models mask
            with torch.enable_grad(), short:
                loss = objective.value(model, subject.call, runner.place(given))
            if not loss.requires_grad:
                raise NoGradientError("the loss follows from no parameter by autograd")
            losses.append(float(loss.detach()))
            if step < STEPS:
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
    session.verify("+".join(sorted({str(item.device) for item in (loss, *parameters.values())})))
    session.at("compare")
    metrics |= {"objective": objective.kind, "learning_rate": rate, "loss_first": losses[0], "loss_last": losses[-1]}
    return losses


def _objective(session: Session, runner: Runner) -> Objective:
    """The head's own loss, or a projection of what it gives in training, which may be more than it gives in use (DETR's
    groups of queries)."""
    subject = session.subject
    if subject.objective.labels:
        return subject.objective
    outputs = invoke(runner.model, subject.call, runner.place(subject.inputs))
    outputs = {name: tensor.cpu() for name, tensor in outputs.items()}
    return Objective.of(runner.model, subject.head, subject.inputs, outputs, subject.seed)


CHECK = Check("train_step", "Does the loss fall in a few steps?", "runs", applicable, run, extra=True)
