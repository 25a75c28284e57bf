"""The steps of generation as ONNX graphs, made by transformers' own exporter; caches go in and come out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.hardware.generating import Step
from harness.hardware.routes import Asked, InapplicableError, Program, Route

__all__ = ["STEPS", "OnnxStep", "executed_on"]


def _exported(asked: Asked, *, dynamic: bool) -> Program:
    try:
        from transformers.exporters.exporter_onnx import OnnxConfig, OnnxExporter
    except ImportError as error:
        raise InapplicableError(f"this release of transformers has no OnnxExporter ({error})") from error
    made = OnnxExporter().export(asked.model, dict(asked.inputs), config=OnnxConfig(dynamic=dynamic))
    return Program(made, {}, ())


STEPS: dict[str, Route] = {
    "dynamic": lambda asked: _exported(asked, dynamic=True),
    "static": lambda asked: _exported(asked, dynamic=False),
}
"""The first that takes a call serves: for any sizes, or for these alone and anew at each length."""


class OnnxStep(Step):
    """An inference session of one call."""

    def __init__(self, program: Program, session: Any) -> None:
        from transformers.exporters.runners import OnnxModelRunner

        ports = [
            ([port.name], [size if isinstance(size, int) else None for size in port.shape])
            for port in session.get_inputs()
        ]
        super().__init__(program.facts, ports)
        self.session = session
        self.runner = OnnxModelRunner(program.graph.components["model"].metadata, session)

    def infer(self, arguments: Mapping[str, Any]) -> Any:
        """See the base."""
        return self.runner(**arguments)

    def executed_on(self) -> str:
        """See the base."""
        return executed_on(self.session)


def executed_on(session: Any) -> str:
    """The first provider of a session."""
    return f"onnxruntime:{session.get_providers()[0].removesuffix('ExecutionProvider')}"
