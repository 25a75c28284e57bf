"""Are the gradients right: there, all numbers, those of the reference, and on the reference those of float64 and the slope?

What is minimised is ``harness.objective``'s. Which parameters should have a gradient is not listed anywhere: on the reference,
those that autograd does not reach, or reaches with nothing but zeros, are moved a little, all at once, and if the objective
moves with them one was cut off. Float64's gradients would share an error in a formula written by hand, so that there the
objective is also walked along a random direction, and must rise as the gradients say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness import weights
from harness.checks.protocol import Check, Outcome, passed
from harness.comparison import difference
from harness.hardware.torch_device import counting, pinned, translated
from harness.inputs import draw
from harness.objective import NoGradientError, gradients, trainable, unrecorded
from harness.precision import widened
from harness.tolerances import tolerance

if TYPE_CHECKING:
    import torch

    from harness.session import Session
    from harness.skill import Head

SMALL = 1e-2
"""Gradients that are smaller than this share of the largest in the model are held to this share: those that ought to be zero
(of a bias before a softmax) are nothing but rounding."""

STEPS = (1e-7, 1e-8, 1e-9)
"""Lengths of the walk in units of each parameter's size, between float64's rounding and the curvature. One that crosses a kink
shows another slope, a shorter one does not; an error in a formula shows at every length."""

NUDGE = 1e-4
"""How far parameters without a gradient are moved, in units of their size."""

MOVED = 1e-10
"""Least change of the objective, in units of its size, that tells in float64."""


def applicable(head: Head) -> str | None:
    """What its users call must be something to train by."""
    return "it is called to generate, which is no way to train" if head.method == "generate" else None


def run(session: Session) -> Outcome:
    """Fails on the first parameter whose gradient is missing, no number, or another's.

    Two precisions may stand on two sides of a kink (of a ReLU), where a gradient jumps: what differs is asked again for other
    inputs, and only an error is there again.
    """
    subject = session.subject
    metrics: dict[str, float | int | str] = {}
    if outcome := cannot(session):
        return outcome
    metrics["objective"] = subject.objective.kind
    metrics["parameters_trained"] = len(trainable(subject.model))
    try:
        given, truth, outcome = _agreeing(session, subject.inputs, metrics)
        if outcome.status == "failed" and "differs" in str(outcome.reason):
            metrics["asked_again_after"] = metrics["rel_max"]
            given, truth, outcome = _agreeing(session, draw(session.head.inputs, subject.seed + 1), metrics)
    except NoGradientError as error:
        return Outcome("failed", str(error), metrics)
    return outcome if truth is None or outcome.status != "passed" else _true(session, truth, given, metrics)


def cannot(session: Session) -> Outcome | None:
    """Why nothing can be said of training here; None if it can."""
    subject = session.subject
    if (name := unrecorded(subject.model, subject.call)) is not None:
        return Outcome(
            "vacuous", f"its {name} keeps no gradients, as its author marked it, so it is not trained by that"
        )
    if not subject.reference.settled:
        return Outcome("vacuous", "nondeterministic: the reference differs from itself between two runs")
    return None


def _agreeing(
    session: Session, inputs: Mapping[str, torch.Tensor], metrics: dict[str, float | int | str]
) -> tuple[dict[str, torch.Tensor], _Truth | None, Outcome]:
    """The gradients for these inputs, on the reference with what float64 says of the same, and whether they are numbers and
    those that they should be."""
    given = _gradients(session, inputs)
    session.at("compare")
    metrics["gradients"] = len(given)
    if problem := _not_numbers(given):
        return given, None, Outcome("failed", problem, metrics)
    truth = _Truth(session, inputs) if session.is_reference else None
    wanted = session.subject.gradients_of(inputs) if truth is None else truth.gradients
    session.at("compare")
    return given, truth, _compared(session, given, wanted, metrics)


def _true(
    session: Session, truth: _Truth, given: Mapping[str, torch.Tensor], metrics: dict[str, float | int | str]
) -> Outcome:
    """Whether all parameters have a gradient that the objective follows, and whether its slope is theirs."""
    silent = [name for name in trainable(truth.model) if name not in given or not bool(given[name].any())]
    metrics["silent_parameters"] = len(silent)
    cut = truth.moving(silent)
    if truth.cuts:
        # By design (DETR's reference points, straight-through codes): its gradients are not the slope, nor meant to be.
        metrics |= {"detached_on_the_way": truth.cuts, "cut_off": cut or "none"}
        return passed(metrics)
    if cut is not None:
        return Outcome("failed", f"{cut} moves the objective, and has no gradient", metrics)
    metrics["slope_tolerance"] = bound = tolerance(session.hardware.name, session.dtype, "backward_slope").rel_max
    metrics["slope_difference"] = apart = truth.slope(bound)
    if apart > bound:
        return Outcome("failed", f"the objective's slope is not what the gradients say, by {apart:.1e} of it", metrics)
    return passed(metrics)


def _gradients(session: Session, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Those of this hardware, on the CPU."""
    subject, runner = session.subject, session.runner
    if session.is_reference:
        found = subject.gradients_of(inputs)
    else:
        objective = subject.objective
        session.at("run")
        with pinned(session.hardware.device), translated():
            given = runner.place({**inputs, **objective.labels})
            found = gradients(runner.model, objective, subject.call, given, subject.seed)[1]
            runner.synchronize()
    session.verify("+".join(sorted({str(gradient.device) for gradient in found.values()})))
    return {name: gradient.cpu() for name, gradient in found.items()}


def _not_numbers(given: Mapping[str, torch.Tensor]) -> str | None:
    import torch

    for name, gradient in given.items():
        if count := int((~torch.isfinite(gradient)).sum()):
            return f"the gradient of {name} holds {count} of {gradient.numel()} that are no finite numbers"
    if not any(bool(gradient.any()) for gradient in given.values()):
        return "every gradient is zero"
    return None


def _compared(
    session: Session,
    given: Mapping[str, torch.Tensor],
    wanted: Mapping[str, torch.Tensor],
    metrics: dict[str, float | int | str],
) -> Outcome:
    """The verdict on gradients against others; one that is not there is zero."""
    import torch

    largest = max(float(gradient.abs().max()) for gradient in wanted.values() if gradient.numel())
    apart = {}
    for name in wanted.keys() | given.keys():
        right = wanted.get(name, torch.zeros(()))
        left = given.get(name, torch.zeros(()))
        left, right = torch.broadcast_tensors(left.double(), right.double())
        found = difference(left, right)
        apart[name] = found.max_abs / max(float(right.abs().max()), SMALL * largest) if left.numel() else 0.0
    worst = max(sorted(apart), key=lambda name: apart[name])
    bound = tolerance(session.hardware.name, session.dtype, "backward").rel_max
    metrics |= {"rel_max": apart[worst], "tolerance": bound, "worst_parameter": worst}
    if apart[worst] <= bound:
        return passed(metrics)
    if not session.is_reference and session.subject.draws_random_numbers:
        return Outcome(
            "vacuous", "nondeterministic: what it gives follows random numbers, which differ by device", metrics
        )
    against = "float64" if session.is_reference else "the CPU in float32"
    reason = f"against {against} the gradient of {worst} differs by {apart[worst]:.1e} of its scale, over {bound:.0e}"
    return Outcome("failed", reason, metrics)


@dataclass
class _Truth:
    """The head in float64, and what its objective does there."""

    session: Session
    inputs: Mapping[str, torch.Tensor]

    def __post_init__(self) -> None:
        import torch

        subject = self.session.subject
        self.model = weights.moved(subject.build(subject.seed), "cpu", torch.float64)
        self.given = {
            name: item.double() if item.is_floating_point() else item
            for name, item in {**self.inputs, **subject.objective.labels}.items()
        }
        self.session.at("run")
        with widened(), counting("detach", _on_the_way) as cuts:
            value, self.gradients = gradients(self.model, subject.objective, subject.call, self._copies(), subject.seed)
        self.value = float(value.detach())
        self.cuts = len(cuts)
        self.session.at("compare")

    def moving(self, names: list[str]) -> str | None:
        """A parameter of these without which the objective would not move; None if it follows none."""
        if not names or not self._follows(names):
            return None
        while len(names) > 1:
            half = names[: len(names) // 2]
            names = half if self._follows(half) else names[len(names) // 2 :]
        return names[0]

    def slope(self, bound: float) -> float:
        """How far the objective's rise along a random direction is from the gradients', as a share of theirs; walks of other
        lengths are tried as long as it is over the bound."""
        parameters = trainable(self.model)
        ways = dict(_directions(parameters, parameters))
        parts = [float((gradient * ways[name]).sum()) for name, gradient in self.gradients.items()]
        size = sum(part * part for part in parts) ** 0.5
        rises = ((self._at(ways, step) - self._at(ways, -step)) / (2 * step) for step in STEPS)
        apart = [float("inf")]
        while size and apart[-1] > bound and (rise := next(rises, None)) is not None:
            apart.append(abs(rise - sum(parts)) / size)
        return min(apart)

    def _follows(self, names: Iterable[str]) -> bool:
        ways = dict(_directions(trainable(self.model), names))
        return abs(self._at(ways, NUDGE) - self.value) > MOVED * max(1.0, abs(self.value))

    def _at(self, ways: Mapping[str, torch.Tensor], step: float) -> float:
        """The objective with parameters moved by so many steps; they are put back."""
        import torch

        subject, parameters = self.session.subject, trainable(self.model)
        before = {name: parameters[name].detach().clone() for name in ways}
        with torch.no_grad(), widened():
            for name, way in ways.items():
                parameters[name].add_(way, alpha=step)
            torch.manual_seed(subject.seed)
            value = float(subject.objective.value(self.model, subject.call, self._copies()))
            for name, values in before.items():
                parameters[name].copy_(values)
        return value

    def _copies(self) -> dict[str, torch.Tensor]:
        return {name: tensor.clone() for name, tensor in self.given.items()}


def _on_the_way(arguments: Any) -> bool:
    """Whether what is detached is a result that follows from parameters, and not a parameter itself."""
    return bool(arguments[0].requires_grad and not arguments[0].is_leaf)


def _directions(parameters: Mapping[str, Any], names: Iterable[str]) -> Iterator[tuple[str, torch.Tensor]]:
    """A random direction for each, of the parameter's own size."""
    import torch

    for index, name in enumerate(names):
        values = parameters[name].detach()
        size = float(values.pow(2).mean().sqrt()) if values.numel() else 0.0
        generator = torch.Generator().manual_seed(index)
        yield name, torch.randn(values.shape, generator=generator).double() * (size or 1.0)


CHECK = Check(
    "backward", "Are the gradients there, and those of the reference?", "matches", applicable, run, extra=True
)
