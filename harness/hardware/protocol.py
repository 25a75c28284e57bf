"""What a hardware must offer to the harness; a third party's class has these members and an entry point, no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from harness.call import FORWARD, Call

if TYPE_CHECKING:
    import torch

__all__ = ["Generator", "Hardware", "Runner", "UnsupportedError", "generator", "without"]


class UnsupportedError(RuntimeError):
    """The hardware cannot do what was asked, in the backend's own words; not an error of the model."""


class Runner(Protocol):
    """A model made ready on a hardware.

    One that has a method ``repeating(inputs)`` is timed by it: a context manager that gives a function of no arguments, each call
    of which infers once, with nothing around it that is not the inference itself. Any other is timed by ``run``.
    """

    model: Any
    """The torch module that runs, for ``generate``; None where the hardware runs something compiled from it."""
    facts: Mapping[str, str]
    """How it was made ready, for the record: the route that served, and what those before it said."""

    # A runner that cannot give all of the head's outputs has ``gives`` besides, the names of those that it can: no check
    # asks for the others, and its facts say which they are.

    def run(self, inputs: Mapping[str, torch.Tensor], seed: int = 0) -> dict[str, torch.Tensor]:
        """The named outputs for CPU inputs, left where they were computed; the random state is set to ``seed`` first.

        Raises:
            UnsupportedError: an operation that this hardware does not have.
        """

    def place(self, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Copies of the inputs where ``model`` takes them, floating ones in its dtype; a model may write into them."""

    def executed_on(self) -> str:
        """Devices read back from the last outputs and the parameters, or from the compiled model: ``cuda:0``.

        More than one is joined by ``+``.
        """

    def synchronize(self) -> None:
        """Wait until all that was started is done."""

    def peak_memory(self) -> int | None:
        """Most bytes allocated on the device since the runner was made; None where nobody counts them."""


@runtime_checkable
class Generator(Protocol):
    """A model made ready to generate: a runner that has these members is one, and a hardware need have none."""

    facts: Mapping[str, Any]
    """How it generates, for the record."""

    def generate(
        self, inputs: Mapping[str, torch.Tensor], arguments: Mapping[str, Any], method: str = "generate", seed: int = 0
    ) -> Any:
        """What the model's generating method gives for CPU inputs with these keyword arguments, nothing kept from the call
        before; the random state is set to ``seed`` first. As transformers gives it: token ids, or with
        ``return_dict_in_generate`` an object that has them as ``sequences``.

        Raises:
            UnsupportedError: it has no such method here, or cannot do what the arguments ask.
        """

    def executed_on(self) -> str:
        """Devices read back from what generated."""


class Hardware(Protocol):
    """Where and by what a skill runs: one column of the reports."""

    name: str
    """The column: ``cpu``, ``cuda``."""
    device: str
    """What ``executed_on`` must read: this device, or this and an index after a colon."""
    module: bool
    """Whether the torch module itself runs there; else something compiled from it, for the shapes of its inputs."""
    dtypes: tuple[str, ...]
    """Dtypes that cells may ask for, the default first."""

    # One whose runners generate by what they run, so that this costs nothing more, has ``generates`` besides, which is True:
    # it is asked to generate without that being named. One that saves models as checkpoints has ``saves``: its ``prepare`` is
    # also given, as ``beside``, the tokenizer and processors of the skill, by name.

    def probe(self, dtype: str | None = None) -> str | None:
        """None if it can run here (in this dtype), else why not, in one sentence."""

    def prepare(
        self, model: Any, inputs: Mapping[str, torch.Tensor], dtype: str = "fp32", call: Call = FORWARD
    ) -> Runner:
        """A runner of a float32 model on the CPU, which stays as it is; ``inputs`` show what it will be called with.

        Raises:
            UnsupportedError: the hardware cannot run this model.
        """

    def describe(self) -> dict[str, str]:
        """Device and driver for the environment's fingerprint; empty where there is no device."""


def without(name: str, dtypes: Sequence[str], dtype: str | None) -> str | None:
    """That a hardware of this name and these dtypes has no cells in one, in a sentence as of ``probe``; None if it has."""
    if dtype is None or dtype in dtypes:
        return None
    return f"{name} has no cells in {dtype}, only in {', '.join(dtypes)}"


def generator(where: Hardware, model: Any, dtype: str, runner: Callable[[], Runner]) -> Generator:
    """What generates on a hardware: of one that has a method ``generator(model, dtype)`` what that makes of a float32 model on
    the CPU, of any other the runner.

    Raises:
        UnsupportedError: neither generates.
    """
    make = getattr(where, "generator", None)
    made = runner() if make is None else make(model, dtype)
    if not isinstance(made, Generator):
        raise UnsupportedError(f"{where.name} runs models, and generates with none")
    return made
