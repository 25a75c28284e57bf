"""OpenVINO: a head converted by the first route that takes it, and compiled for one of OpenVINO's devices."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.call import FORWARD, Call
from harness.hardware.openvino_routes import ROUTES
from harness.hardware.routes import Asked, Program, arrays, chosen, convert

if TYPE_CHECKING:
    import torch

__all__ = ["OpenVino", "OpenVinoRunner"]

EXACT = {"EXECUTION_MODE_HINT": "ACCURACY", "INFERENCE_PRECISION_HINT": "f32"}
"""Numbers that can be compared: by default OpenVINO computes in bfloat16 where the processor has it, quantises
activations in groups, and keeps caches in 8 bits; the precision hint alone leaves the last two."""

HINTS: dict[str, dict[str, str]] = {
    "fp32": EXACT,
    "fp16": {"INFERENCE_PRECISION_HINT": "f16"},
    "bf16": {"INFERENCE_PRECISION_HINT": "bf16"},
}
"""What a device is asked for in each dtype; models are converted in float32 whatever the dtype."""


class OpenVinoRunner:
    """A compiled model."""

    model = None

    def __init__(self, program: Program, compiled: Any, inputs: Mapping[str, torch.Tensor]) -> None:
        """Args:
        program: what was converted, for the names.
        compiled: the ``openvino.CompiledModel`` of it.
        inputs: what the head takes, for the shapes.
        """
        self.compiled = compiled
        self.outputs = program.outputs
        self.facts = program.facts
        self._inputs = [program.name(port.get_names(), inputs) for port in compiled.inputs]
        self._shapes = {name: tuple(inputs[name].shape) for name in self._inputs}

    def run(self, inputs: Mapping[str, torch.Tensor], seed: int = 0) -> dict[str, torch.Tensor]:
        """See the protocol; the graph holds no random state that a seed could set.

        Raises:
            UnsupportedError: an input is missing, or has another shape than those that the graph was made for.
        """
        import torch

        del seed
        given = arrays(self._shapes, inputs)
        results = self.compiled([given[name] for name in self._inputs])
        # Copies: OpenVINO lends its own memory, and writes into it at the next inference.
        return {
            name: torch.from_numpy(results[index].copy()) for index, name in enumerate(self.outputs) if name is not None
        }

    def place(self, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """See the protocol."""
        return dict(inputs)

    def executed_on(self) -> str:
        """See the protocol: the devices that the compiled model says it executes on."""
        return "+".join(sorted(f"openvino:{device}" for device in self.compiled.get_property("EXECUTION_DEVICES")))

    def synchronize(self) -> None:
        """See the protocol; an inference is over when it returns."""

    def peak_memory(self) -> int | None:
        """See the protocol; nobody counts it."""
        return None


class OpenVino:
    """One of OpenVINO's devices: the CPU, or by name any other (``openvino:GPU``, ``openvino:NPU``)."""

    module = False
    dtypes = ("fp32", "fp16", "bf16")

    def __init__(self, device: str = "CPU", route: str | None = None) -> None:
        """Args:
        device: OpenVINO's name of the device.
        route: the one route to take; all in order if None.

        Raises:
            UnknownRouteError: there is no such route.
        """
        self.target = device
        self.device = f"openvino:{device}"
        self.name = "openvino" if device == "CPU" else self.device
        self.routes = chosen(ROUTES, route)
        self.name += f"@{route}" if route else ""

    def probe(self, dtype: str | None = None) -> str | None:
        """See the protocol."""
        if dtype is not None and dtype not in self.dtypes:
            return f"{self.name} has no cells in {dtype}, only in {', '.join(self.dtypes)}"
        _silence()
        try:
            import openvino
        except ImportError as error:
            return f"openvino is not installed ({error})"
        core = openvino.Core()
        if self.target not in core.available_devices:
            return f"OpenVINO {openvino.__version__} finds no {self.target}, only {', '.join(core.available_devices)}"
        wanted = {"fp16": "FP16", "bf16": "BF16"}.get(dtype or "")
        if wanted and wanted not in core.get_property(self.target, "OPTIMIZATION_CAPABILITIES"):
            return f"{core.get_property(self.target, 'FULL_DEVICE_NAME')} has no {wanted}"
        return None

    def prepare(
        self, model: Any, inputs: Mapping[str, torch.Tensor], dtype: str = "fp32", call: Call = FORWARD
    ) -> OpenVinoRunner:
        """See the protocol; the graph is made for the shapes of ``inputs``."""
        _silence()
        import openvino

        core = openvino.Core()
        # One thread, as torch has: workers share the cores, and what is asked is not how fast many are.
        options = {**HINTS[dtype], **({"INFERENCE_NUM_THREADS": 1} if self.target == "CPU" else {})}

        def ready(program: Program) -> OpenVinoRunner:
            return OpenVinoRunner(program, core.compile_model(program.graph, self.target, options), inputs)

        program, runner = convert(self.routes, Asked.of(model, call, inputs), ready)
        runner.facts = program.facts
        return runner

    def describe(self) -> dict[str, str]:
        """See the protocol."""
        if self.probe() is not None:
            return {}
        import openvino

        core = openvino.Core()
        return {
            "openvino": openvino.get_version(),
            "openvino_device": str(core.get_property(self.target, "FULL_DEVICE_NAME")),
        }


def _silence() -> None:
    """``import openvino`` reports to its makers unless it finds itself in a CI, as it does by this variable."""
    os.environ.setdefault("CI", "true")
