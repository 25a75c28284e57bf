"""What a hardware must offer to the harness; a third party's class has these members and an entry point, no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from harness.call import FORWARD, Call

if TYPE_CHECKING:
    import torch

__all__ = ["Hardware", "Runner", "UnsupportedError"]


class UnsupportedError(RuntimeError):
    """The hardware cannot do what was asked, in the backend's own words; not an error of the model."""


class Runner(Protocol):
    """A model made ready on a hardware."""

    model: Any
    """The torch module that runs, for ``generate``; None where the hardware runs something compiled from it."""
    facts: Mapping[str, str]
    """How it was made ready, for the record: the route that served, and what those before it said."""

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
