"""What the checks of one head share: its model, inputs, reference and runner, each made once, when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from harness import processors, weights
from harness.call import Call, invoke
from harness.comparison import identical
from harness.hardware import Generator, Hardware, Runner, UnsupportedError, generator, hardware
from harness.hardware.torch_device import pinned
from harness.inputs import draw
from harness.objective import Objective, gradients
from harness.precision import widened
from harness.references import Key, Reference, References

if TYPE_CHECKING:
    import torch

    from harness.skill import Head, Skill

__all__ = ["FellBackError", "Session", "Subject"]

Value = TypeVar("Value")

REFERENCE = ("cpu", "fp32")
"""Hardware and dtype of the reference."""


class FellBackError(RuntimeError):
    """It ran, but not on the hardware that it was to run on."""


class Subject:
    """A head with its float32 model on the CPU, its inputs, and what the model gives for them there."""

    def __init__(
        self,
        skill: type[Skill],
        head: Head,
        seed: int = 0,
        tell: Callable[[str], object] | None = None,
        references: References | None = None,
    ) -> None:
        """Args:
        skill: the architecture.
        head: one of its heads.
        seed: of weights, inputs and random state.
        tell: gets each stage as it begins, for whoever must know should this process die in it.
        references: where references are shared; None where each process has its own.
        """
        self.skill = skill
        self.head = head
        self.seed = seed
        self.references = references
        self.call = Call.of(head)
        self._tell = tell
        self.stage = "resolve"

    @property
    def stage(self) -> str:
        """Where it stands, for the record of a failure."""
        return self._stage

    @stage.setter
    def stage(self, stage: str) -> None:
        self._stage = stage
        if self._tell is not None:
            self._tell(stage)

    @cached_property
    def model(self) -> Any:
        """The tiny model: float32, CPU, eager, hot weights of the seed."""
        return self.build(self.seed)

    def build(self, seed: int) -> Any:
        """The model with the weights of another seed."""
        self.stage = "resolve"
        weights.require(self.skill)
        weights.public_class(self.head.class_name, self.skill.package)
        self.stage = "config"
        weights.configure(self.skill, self.head)
        self.stage = "build"
        return weights.build(self.skill, self.head, seed)

    @cached_property
    def inputs(self) -> dict[str, torch.Tensor]:
        """The declared inputs, drawn by the seed, on the CPU."""
        return draw(self.head.inputs, self.seed)

    @cached_property
    def runner(self) -> Runner:
        """The model on the reference hardware."""
        model, inputs, self.stage = self.model, self.inputs, "prepare"
        return hardware(REFERENCE[0]).prepare(model, inputs, REFERENCE[1], self.call)

    @property
    def generator(self) -> Generator:
        """What generates on the reference hardware."""
        return generator(hardware(REFERENCE[0]), self.model, REFERENCE[1], lambda: self.runner)

    @cached_property
    def own(self) -> dict[str, torch.Tensor]:
        """Outputs on the CPU in float32, computed here."""
        runner, self.stage = self.runner, "run"
        return runner.run(self.inputs, self.seed)

    @cached_property
    def own_again(self) -> dict[str, torch.Tensor]:
        """The same, computed a second time."""
        own, self.stage = self.own, "run"
        del own
        return self.runner.run(self.inputs, self.seed)

    @cached_property
    def reference(self) -> Reference:
        """What this head is held against elsewhere: computed here, or by another process of this machine."""
        if self.references is None or "own" in vars(self):
            made = Reference.of(self.own, self.own_again)
            return made if self.references is None else self.references.kept(Key.of(self, self.inputs), made)
        return self.references.get(Key.of(self, self.inputs), lambda: Reference.of(self.own, self.own_again))

    def reference_of(self, inputs: Mapping[str, torch.Tensor]) -> Reference:
        """The same for other inputs."""
        self.stage = "run"

        def compute() -> Reference:
            return Reference.of(*(self.narrowly(self.model, inputs) for _ in range(2)))

        return compute() if self.references is None else self.references.get(Key.of(self, inputs), compute)

    def narrowly(self, model: Any, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Outputs of another float32 model of this head, on the reference hardware."""
        return hardware(REFERENCE[0]).prepare(model, inputs, REFERENCE[1], self.call).run(inputs, self.seed)

    def widely(self, model: Any, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Outputs of another float32 model of this head on the CPU in float64, throughout; the model stays as it is."""
        import torch

        wide = weights.moved(model, "cpu", torch.float64)
        doubled = {name: item.double() if item.is_floating_point() else item for name, item in inputs.items()}
        with torch.no_grad(), widened():
            torch.manual_seed(self.seed)
            return invoke(wide, self.call, doubled)

    @property
    def draws_random_numbers(self) -> bool:
        """Whether the reference follows the random state: another device then has other numbers. Runs the model."""
        own, other = self.own, self.runner.run(self.inputs, self.seed + 1)
        return not all(name in other and identical(other[name], value) for name, value in own.items())

    @cached_property
    def calibration(self) -> dict[str, torch.Tensor]:
        """Outputs on the CPU in float64, throughout; of a model that has not run, for one that has may keep what it made in
        float32 (OmDet-Turbo's embedded classes)."""
        model, inputs, self.stage = self.build(self.seed), self.inputs, "run"
        return self.widely(model, inputs)

    @cached_property
    def objective(self) -> Objective:
        """What the head is trained by."""
        return Objective.of(self.model, self.head, self.inputs, self.reference.outputs, self.seed)

    def gradients_of(self, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Gradient of the objective by parameter for these inputs, on the CPU in float32."""
        objective, self.stage = self.objective, "run"
        with pinned():
            given = self.runner.place({**inputs, **objective.labels})
            return gradients(self.model, objective, self.call, given, self.seed)[1]


class Session:
    """A subject on a hardware in a dtype: what a check asks its question of."""

    def __init__(self, subject: Subject, where: Hardware, dtype: str, *, exact: bool = False) -> None:
        self.subject = subject
        self.head = subject.head
        self.hardware = where
        self.dtype = dtype
        self.exact = exact
        """Whether the distance to float64 is wanted too."""
        self.executed_on: str | None = None
        """Devices as read back from the last run; None before it."""
        self._runner: Runner | None = None
        self._refusal: UnsupportedError | None = None

    @property
    def is_reference(self) -> bool:
        """Whether this is where the reference is computed."""
        return (self.hardware.name, self.dtype) == REFERENCE

    @property
    def facts(self) -> Mapping[str, str]:
        """How the runner was made ready; nothing before it was."""
        return self._runner.facts if self._runner is not None else {}

    @property
    def stage(self) -> str:
        """Where it stands: resolve, config, build, prepare, run, compare."""
        return self.subject.stage

    def at(self, stage: str) -> None:
        """Note the stage."""
        self.subject.stage = stage

    @property
    def inputs(self) -> dict[str, torch.Tensor]:
        """The declared inputs, on the CPU."""
        return self.subject.inputs

    @property
    def runner(self) -> Runner:
        """The model on this hardware.

        Raises:
            UnsupportedError: the hardware cannot; asked again it says so at once, for a compiler takes long to refuse.
        """
        if self._refusal is not None:
            self.at("prepare")
            raise self._refusal
        if self._runner is None:
            try:
                self._runner = self.subject.runner if self.is_reference else self.prepare(self.subject.model)
            except UnsupportedError as error:
                self._refusal = error
                raise
        return self._runner

    @cached_property
    def generator(self) -> Generator:
        """What generates on this hardware.

        Raises:
            UnsupportedError: nothing does.
        """
        self.at("prepare")
        return generator(self.hardware, self.subject.model, self.dtype, lambda: self.runner)

    def prepare(self, model: Any) -> Runner:
        """Any float32 CPU model of this head on this hardware."""
        self.at("prepare")
        saves = getattr(self.hardware, "saves", False)
        more: dict[str, Any] = {"beside": processors.build(self.subject.skill)} if saves else {}
        return self.hardware.prepare(model, self.inputs, self.dtype, self.subject.call, **more)

    @cached_property
    def outputs(self) -> dict[str, torch.Tensor]:
        """What the model gives for the declared inputs on this hardware, moved to the CPU."""
        if self.is_reference:
            outputs = self.subject.own
            self.verify(self.runner.executed_on())
            return outputs
        return self.run(self.inputs)

    def run(self, inputs: Mapping[str, torch.Tensor], runner: Runner | None = None) -> dict[str, torch.Tensor]:
        """What the model, or another runner of it, gives for these inputs, moved to the CPU.

        Raises:
            FellBackError: it ran somewhere else.
        """
        runner = runner or self.runner
        self.at("run")
        outputs = runner.run(inputs, self.subject.seed)
        self.verify(runner.executed_on())
        moved = {name: tensor.detach().cpu() for name, tensor in outputs.items()}
        self.at("compare")
        return moved

    def given(self, outputs: Mapping[str, Value]) -> dict[str, Value]:
        """Those of the head's outputs, by name, that the runner can give at all: what is exported may leave some out."""
        gives = getattr(self.runner, "gives", None)
        return {name: value for name, value in outputs.items() if gives is None or name in gives}

    def verify(self, where: str) -> None:
        """Note the devices read back.

        Raises:
            FellBackError: they are not this hardware's.
        """
        self.executed_on = where
        device = self.hardware.device
        if where != device and not (where.startswith(f"{device}:") and "+" not in where):
            self.at("run")
            raise FellBackError(f"fell back to {where}: {self.hardware.name} was asked for, and runs on {device}")
