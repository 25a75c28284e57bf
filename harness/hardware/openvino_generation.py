"""The steps of generation as OpenVINO's graphs, made by transformers' own exporter; caches go in and come out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.hardware.generating import Step
from harness.hardware.routes import Asked, InapplicableError, Program, Route

__all__ = ["STEPS", "OpenVinoStep", "executed_on"]


def _exported(asked: Asked, *, dynamic: bool) -> Program:
    try:
        from transformers.exporters.exporter_openvino import OpenVINOConfig, OpenVINOExporter
    except ImportError as error:
        raise InapplicableError(f"this release of transformers has no OpenVINOExporter ({error})") from error
    config = OpenVINOConfig(dynamic=dynamic, stateful=False)
    return Program(OpenVINOExporter().export(asked.model, dict(asked.inputs), config=config), {}, ())


STEPS: dict[str, Route] = {
    "exporter": lambda asked: _exported(asked, dynamic=True),
    "exporter_static": lambda asked: _exported(asked, dynamic=False),
}
"""The first that takes a call serves: for any sizes, or for these alone and anew at each length."""


class OpenVinoStep(Step):
    """A compiled model of one call."""

    def __init__(self, program: Program, compiled: Any) -> None:
        from transformers.exporters.runners import OpenVINOModelRunner

        exported = program.graph.components["model"]
        super().__init__(program.facts, [(port.get_names(), _sizes(port)) for port in exported.program.inputs])
        self.compiled = compiled
        self.runner = OpenVINOModelRunner(compiled, exported.metadata)

    def infer(self, arguments: Mapping[str, Any]) -> Any:
        """See the base."""
        # Shared memory is read after it was let go of where a graph hands an input on as an output (a cross-attention's cache).
        return self.runner(share_inputs=False, **arguments)

    def executed_on(self) -> str:
        """See the base."""
        return executed_on(self.compiled)


def executed_on(compiled: Any) -> str:
    """The devices that a compiled model says it executes on."""
    return "+".join(sorted(f"openvino:{device}" for device in compiled.get_property("EXECUTION_DEVICES")))


def _sizes(port: Any) -> list[int | None]:
    return [None if size.is_dynamic else size.get_length() for size in port.get_partial_shape()]
