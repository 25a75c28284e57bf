"""OpenVINO: a head converted by the first route that takes it, and compiled for one of OpenVINO's devices."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from harness.hardware.compiled import CompiledRunner, Compiler
from harness.hardware.generating import Step
from harness.hardware.openvino_generation import STEPS, executed_on, step
from harness.hardware.openvino_routes import ROUTES
from harness.hardware.protocol import UnsupportedError
from harness.hardware.routes import Program
from harness.weights import DEFAULT

if TYPE_CHECKING:
    import torch

__all__ = ["OpenVino", "OpenVinoRunner"]

HINTS: dict[str, dict[str, str]] = {
    # Numbers that can be compared: by default OpenVINO computes in bfloat16 where the processor has it, quantises
    # activations in groups, and keeps caches in 8 bits; the precision hint alone leaves the last two.
    "fp32": {"EXECUTION_MODE_HINT": "ACCURACY", "INFERENCE_PRECISION_HINT": "f32"},
    "fp16": {"INFERENCE_PRECISION_HINT": "f16"},
    "bf16": {"INFERENCE_PRECISION_HINT": "bf16"},
    DEFAULT: {},
}
"""What a device is asked for in each dtype; models are converted in float32 whatever the dtype."""

THREADS = {
    # One, as torch has: workers share the cores, and what is asked is not how fast many are.
    "fp32": {"INFERENCE_NUM_THREADS": 1},
    "fp16": {"INFERENCE_NUM_THREADS": 1},
    # Two: with one, compiling Llama for bfloat16 on a processor with AMX divides by zero, and ends the process (2026.4.1).
    "bf16": {"INFERENCE_NUM_THREADS": 2},
}
"""Threads of the CPU by dtype; in ``default`` as many as OpenVINO takes."""

TOLD = {
    "precision": "INFERENCE_PRECISION_HINT",
    "execution_mode": "EXECUTION_MODE_HINT",
    "kv_cache_precision": "KV_CACHE_PRECISION",
    "dynamic_quantization_group": "DYNAMIC_QUANTIZATION_GROUP_SIZE",
}
"""What a compiled model says of its numbers, by the name in the record; a plug-in need not know all of them."""


class OpenVinoRunner(CompiledRunner):
    """An ``openvino.CompiledModel``."""

    def __init__(self, program: Program, compiled: Any, inputs: Mapping[str, torch.Tensor]) -> None:
        super().__init__(program, [port.get_names() for port in compiled.inputs], inputs)
        self.compiled = compiled
        self.facts = {**self.facts, **_told(compiled)}

    def infer(self, arrays: list[Any]) -> Iterable[Any]:
        """See the base."""
        results = self.compiled(arrays)
        return [results[index] for index in range(len(self.compiled.outputs))]

    def executed_on(self) -> str:
        """See the protocol: the devices that the compiled model says it executes on."""
        return executed_on(self.compiled)


class OpenVino(Compiler):
    """One of OpenVINO's devices: the CPU, or by name any other (``openvino:GPU``, ``openvino:NPU``)."""

    backend = "openvino"
    known = ROUTES
    steps = STEPS
    dtypes = ("fp32", "fp16", "bf16", DEFAULT)

    def absent(self, dtype: str | None) -> str | None:
        """See the base."""
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

    def ready(self, program: Program, inputs: Mapping[str, torch.Tensor], dtype: str) -> OpenVinoRunner:
        """See the base."""
        return OpenVinoRunner(program, self._compiled(program.graph, dtype), inputs)

    def stepping(self, program: Program, dtype: str) -> Step:
        """See the base."""
        return step(program, self._compiled(program.graph.program, dtype))

    def _compiled(self, graph: Any, dtype: str) -> Any:
        import openvino

        options = self.options(dtype)
        compiled = openvino.Core().compile_model(graph, self.target, options)
        asked, found = options.get("INFERENCE_PRECISION_HINT"), _told(compiled).get("precision")
        if asked is not None and found != asked:
            raise UnsupportedError(f"{self.target} was asked for {asked}, and compiled the model for {found}")
        return compiled

    def options(self, dtype: str) -> dict[str, Any]:
        """What the device is asked for."""
        return {**HINTS[dtype], **(THREADS.get(dtype, {}) if self.target == "CPU" else {})}

    def facts(self) -> dict[str, str]:
        """See the base."""
        import openvino

        name = openvino.Core().get_property(self.target, "FULL_DEVICE_NAME")
        return {"openvino": openvino.get_version(), "openvino_device": str(name)}


def _told(compiled: Any) -> dict[str, str]:
    """What a compiled model says of its numbers."""
    known = set(compiled.get_property("SUPPORTED_PROPERTIES"))
    return {name: _plain(compiled.get_property(key)) for name, key in TOLD.items() if key in known}


def _plain(value: Any) -> str:
    """A property's value as people write it: ``bf16``, ``ACCURACY``, ``32``."""
    return str(value.get_type_name() if hasattr(value, "get_type_name") else getattr(value, "name", value))


def _silence() -> None:
    """``import openvino`` reports to its makers unless it finds itself in a CI, as it does by this variable."""
    os.environ.setdefault("CI", "true")
