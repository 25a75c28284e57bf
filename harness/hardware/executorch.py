"""ExecuTorch: a head lowered to a program by the first route that takes it, and run by ExecuTorch's own runtime."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from harness.hardware.compiled import CompiledRunner, Compiler
from harness.hardware.executorch_routes import ROUTES, Lowered
from harness.hardware.routes import InapplicableError, Program, quiet

if TYPE_CHECKING:
    import torch

__all__ = ["ExecuTorch", "ExecuTorchRunner"]

PROCESSOR = ("XnnpackBackend",)
"""Backends that compute on the CPU, as the kernels of the runtime do."""


class ExecuTorchRunner(CompiledRunner):
    """A method of an ``executorch.runtime.Program``."""

    def __init__(self, program: Program, runtime: Any, inputs: Mapping[str, torch.Tensor]) -> None:
        self.lowered: Lowered = program.graph
        fed = [name for name in self.lowered.inputs if name not in self.lowered.constants]
        super().__init__(program, [[name] for name in fed], inputs)
        delegates, kernels = self.lowered.delegates, self.lowered.kernels
        self.facts = {**self.facts, "delegated_parts": str(len(delegates)), "kernels": str(len(kernels))}
        if missing := sorted(set(kernels) - set(runtime.operator_registry.operator_names)):
            raise InapplicableError(f"the runtime has no kernel of {', '.join(missing)}")
        self.program = runtime.load_program(self.lowered.buffer)  # which a method needs for as long as it lives
        self.method = self.program.load_method("forward")

    def infer(self, arrays: list[Any]) -> Iterable[Any]:
        """See the base."""
        import torch

        tensors = {name: torch.from_numpy(array) for name, array in zip(self.shapes, arrays, strict=True)}
        fed = {**self.lowered.constants, **tensors}
        return [tensor.numpy() for tensor in self.method.execute([fed[name] for name in self.lowered.inputs])]

    def executed_on(self) -> str:
        """See the protocol: the CPU, unless the program that was loaded delegates to what is elsewhere."""
        elsewhere = sorted(set(self.lowered.delegates) - set(PROCESSOR))
        return "+".join(f"executorch:{name}" for name in elsewhere) or "executorch:CPU"


class ExecuTorch(Compiler):
    """ExecuTorch's runtime on the CPU, with XNNPACK."""

    backend = "executorch"
    known = ROUTES

    def __init__(self, route: str | None = None) -> None:
        """See the base."""
        super().__init__("CPU", route)

    def absent(self, dtype: str | None) -> str | None:
        """See the base."""
        del dtype
        try:
            with quiet():
                from executorch.runtime import Runtime
        except ImportError as error:
            return f"executorch is not installed, or not for this torch ({error})"
        backends = Runtime.get().backend_registry.registered_backend_names
        if "XnnpackBackend" not in backends:
            return f"this build of ExecuTorch has no XnnpackBackend, only {', '.join(backends) or 'its own kernels'}"
        return None

    def ready(self, program: Program, inputs: Mapping[str, torch.Tensor], dtype: str) -> ExecuTorchRunner:
        """See the base."""
        del dtype
        from executorch.runtime import Runtime

        return ExecuTorchRunner(program, Runtime.get(), inputs)

    def facts(self) -> dict[str, str]:
        """See the base."""
        return {"executorch": version("executorch")}
