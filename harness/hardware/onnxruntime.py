"""ONNX Runtime: a head exported to ONNX by the first route that takes it, and run by one of its execution providers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from harness.hardware.compiled import CompiledRunner, Compiler
from harness.hardware.onnx_generation import STEPS, OnnxStep, executed_on
from harness.hardware.onnx_routes import ROUTES
from harness.hardware.routes import Program

if TYPE_CHECKING:
    import torch

__all__ = ["OnnxRuntime", "OnnxRuntimeRunner"]


class OnnxRuntimeRunner(CompiledRunner):
    """An ``onnxruntime.InferenceSession``."""

    def __init__(self, program: Program, session: Any, inputs: Mapping[str, torch.Tensor]) -> None:
        self.ports = [port.name for port in session.get_inputs()]
        super().__init__(program, [[name] for name in self.ports], inputs)
        self.session = session

    def infer(self, arrays: list[Any]) -> Iterable[Any]:
        """See the base."""
        results: list[Any] = self.session.run(None, dict(zip(self.ports, arrays, strict=True)))
        return results

    def executed_on(self) -> str:
        """See the protocol: the first provider of the session; it was told to leave no part to the CPU's beside another."""
        return executed_on(self.session)


class OnnxRuntime(Compiler):
    """One of ONNX Runtime's execution providers: the CPU's, or by name any other (``onnxruntime:CUDA``)."""

    backend = "onnxruntime"
    known = ROUTES
    steps = STEPS

    @property
    def provider(self) -> str:
        """The provider's name."""
        return f"{self.target}ExecutionProvider"

    def absent(self, dtype: str | None) -> str | None:
        """See the base."""
        del dtype
        try:
            import onnxruntime
            import onnxscript  # noqa: F401, what torch exports with
        except ImportError as error:
            return f"{error.name} is not installed"
        known = onnxruntime.get_available_providers()
        if self.provider not in known:
            return f"ONNX Runtime {onnxruntime.__version__} has no {self.provider}, only {', '.join(known)}"
        return None

    def ready(self, program: Program, inputs: Mapping[str, torch.Tensor], dtype: str) -> OnnxRuntimeRunner:
        """See the base."""
        del dtype
        return OnnxRuntimeRunner(program, self._session(program.graph), inputs)

    def stepping(self, program: Program, dtype: str) -> OnnxStep:
        """See the base."""
        del dtype
        import onnx_ir

        return OnnxStep(program, self._session(onnx_ir.to_proto(program.graph.program).SerializeToString()))

    def _session(self, graph: bytes) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # as torch has
        options.log_severity_level = 4
        if self.target != "CPU":  # else a provider leaves what it lacks to the CPU's, and nobody is told
            options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        return onnxruntime.InferenceSession(graph, options, providers=[self.provider])

    def facts(self) -> dict[str, str]:
        """See the base."""
        import onnxruntime

        return {"onnxruntime": onnxruntime.__version__, "onnxruntime_build": onnxruntime.get_build_info()}
