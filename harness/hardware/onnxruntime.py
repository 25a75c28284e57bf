"""ONNX Runtime: a head exported to ONNX by the first route that takes it, and run by one of its execution providers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.call import FORWARD, Call
from harness.hardware.onnx_routes import ROUTES
from harness.hardware.routes import Asked, Program, arrays, chosen, convert

if TYPE_CHECKING:
    import torch

__all__ = ["OnnxRuntime", "OnnxRuntimeRunner"]


class OnnxRuntimeRunner:
    """An inference session."""

    model = None

    def __init__(self, program: Program, session: Any, inputs: Mapping[str, torch.Tensor]) -> None:
        """Args:
        program: what was exported, for the names.
        session: the ``onnxruntime.InferenceSession`` of it.
        inputs: what the head takes, for the shapes.
        """
        self.session = session
        self.outputs = program.outputs
        self.facts = program.facts
        self._inputs = {port.name: program.name([port.name], inputs) for port in session.get_inputs()}
        self._shapes = {name: tuple(inputs[name].shape) for name in self._inputs.values()}

    def run(self, inputs: Mapping[str, torch.Tensor], seed: int = 0) -> dict[str, torch.Tensor]:
        """See the protocol; the graph's random operators have seeds of their own.

        Raises:
            UnsupportedError: an input is missing, or has another shape than those that the graph was made for.
        """
        import torch

        del seed
        given = arrays(self._shapes, inputs)
        results = self.session.run(None, {port: given[name] for port, name in self._inputs.items()})
        pairs = zip(self.outputs, results, strict=True)
        return {name: torch.from_numpy(result) for name, result in pairs if name is not None}

    def place(self, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """See the protocol."""
        return dict(inputs)

    def executed_on(self) -> str:
        """See the protocol: the first provider of the session, which has said so after what it could not have."""
        return f"onnxruntime:{self.session.get_providers()[0].removesuffix('ExecutionProvider')}"

    def synchronize(self) -> None:
        """See the protocol; a run is over when it returns."""

    def peak_memory(self) -> int | None:
        """See the protocol; nobody counts it."""
        return None


class OnnxRuntime:
    """One of ONNX Runtime's execution providers: the CPU's, or by name any other (``onnxruntime:CUDA``)."""

    module = False
    dtypes = ("fp32",)

    def __init__(self, device: str = "CPU", route: str | None = None) -> None:
        """Args:
        device: the execution provider, without its suffix.
        route: the one route to take; all in order if None.

        Raises:
            UnknownRouteError: there is no such route.
        """
        self.provider = f"{device}ExecutionProvider"
        self.device = f"onnxruntime:{device}"
        self.name = "onnxruntime" if device == "CPU" else self.device
        self.routes = chosen(ROUTES, route)
        self.name += f"@{route}" if route else ""

    def probe(self, dtype: str | None = None) -> str | None:
        """See the protocol."""
        if dtype is not None and dtype not in self.dtypes:
            return f"{self.name} has no cells in {dtype}, only in {', '.join(self.dtypes)}"
        try:
            import onnxruntime
            import onnxscript  # noqa: F401, what torch exports with
        except ImportError as error:
            return f"{error.name} is not installed"
        known = onnxruntime.get_available_providers()
        if self.provider not in known:
            return f"ONNX Runtime {onnxruntime.__version__} has no {self.provider}, only {', '.join(known)}"
        return None

    def prepare(
        self, model: Any, inputs: Mapping[str, torch.Tensor], dtype: str = "fp32", call: Call = FORWARD
    ) -> OnnxRuntimeRunner:
        """See the protocol; the graph is made for the shapes of ``inputs``."""
        del dtype
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # as torch has
        options.log_severity_level = 4

        def ready(program: Program) -> OnnxRuntimeRunner:
            session = onnxruntime.InferenceSession(program.graph, options, providers=[self.provider])
            return OnnxRuntimeRunner(program, session, inputs)

        program, runner = convert(self.routes, Asked.of(model, call, inputs), ready)
        runner.facts = program.facts
        return runner

    def describe(self) -> dict[str, str]:
        """See the protocol."""
        if self.probe() is not None:
            return {}
        import onnxruntime

        return {"onnxruntime": onnxruntime.__version__, "onnxruntime_build": onnxruntime.get_build_info()}
