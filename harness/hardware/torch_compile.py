"""torch.compile: a head compiled by Inductor, or by name another of its backends, watched so that none runs uncompiled unseen."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from harness.call import FORWARD, Call
from harness.hardware import torch_openvino
from harness.hardware.dynamo import Counting, cause, forget, strict
from harness.hardware.protocol import UnsupportedError, without
from harness.hardware.routes import quiet, words
from harness.hardware.torch_device import TorchRunner
from harness.weights import DTYPES, moved

if TYPE_CHECKING:
    import torch

__all__ = ["BACKENDS", "Backend", "CompilingRunner", "TorchCompile"]


@contextlib.contextmanager
def _nothing() -> Iterator[Mapping[str, int]]:
    yield {}


@dataclass(frozen=True)
class Backend:
    """A backend of torch.compile."""

    arguments: Mapping[str, Any] = field(default_factory=dict)
    """What it is handed beside a graph and its inputs."""
    dtypes: tuple[str, ...] = ("fp32", "fp16", "bf16")
    """Dtypes of models that it takes."""
    absent: Callable[[], str | None] = lambda: None
    """Why it cannot be used here, in one sentence; None if it can."""
    watched: Callable[[], contextlib.AbstractContextManager[Mapping[str, int]]] = _nothing
    """Surrounds compiling and running, lets the backend leave nothing to another unseen, and gives figures of its own, of
    which none may be zero."""
    facts: Callable[[], Mapping[str, str]] = dict
    """What it compiles with, for the environment's fingerprint."""


def _no_compiler() -> str | None:
    from torch._inductor import config, exc
    from torch._inductor.cpp_builder import get_cpp_compiler

    try:
        get_cpp_compiler()
    except exc.InvalidCxxCompiler:
        sought = ", ".join(name for name in config.cpp.cxx if name)
        return f"Inductor compiles its kernels with a C++ compiler, and finds none ({sought})"
    return None


def _compiler() -> Mapping[str, str]:
    from torch._inductor.cpp_builder import get_compiler_version_info, get_cpp_compiler

    return {"cxx": get_compiler_version_info(get_cpp_compiler())}


BACKENDS: dict[str, Backend] = {
    # Random numbers from torch's own generator, as torch's own comparisons with eager have them: Inductor's are others.
    "inductor": Backend({"config_patches": {"fallback_random": True}}, absent=_no_compiler, facts=_compiler),
    "openvino": Backend(
        {"options": torch_openvino.OPTIONS},
        ("fp32",),
        torch_openvino.absent,
        torch_openvino.watched,
        torch_openvino.facts,
    ),
    # No compilers: they say whether the capture of a graph, or its rewriting before Inductor gets it, is what fails.
    "aot_eager": Backend(),
    "eager": Backend(),
}
"""By torch's name, the usual one first."""

USUAL = next(iter(BACKENDS))


class CompilingRunner(TorchRunner):
    """A module whose forward, or whatever else of it is called, torch.compile compiles when it is called."""

    def __init__(self, model: Any, dtype: str, call: Call, backend: str) -> None:
        """Args:
        model: on the CPU, in the dtype, and this runner's own.
        dtype: of the floating inputs.
        call: how it is called.
        backend: one of BACKENDS.
        """
        import torch

        super().__init__(model, "cpu", dtype, call)
        self.counting = Counting(backend, BACKENDS[backend].arguments)
        self._calls = 0
        self._own: Mapping[str, int] = {}
        model.compile(backend=self.counting)
        for name in {call.method, *(str(step["call"]) for step in call.steps)} - {"forward"}:
            if callable(getattr(model, name, None)):
                setattr(model, name, torch.compile(getattr(model, name), backend=self.counting))

    @property
    def facts(self) -> Mapping[str, str | int]:  # type: ignore[override]
        """See the protocol: what was compiled, and how often the last call ran what was."""
        return {**self.counting.facts, "compiled_calls": self._calls, **self._own}

    def run(self, inputs: Mapping[str, torch.Tensor], seed: int = 0) -> dict[str, torch.Tensor]:
        """See the protocol."""
        with self._watched():
            outputs = super().run(inputs, seed)
        # Copies: OpenVINO lends its own memory, and writes into it at the next call.
        return {name: tensor.clone() for name, tensor in outputs.items()}

    @contextlib.contextmanager
    def repeating(self, inputs: Mapping[str, torch.Tensor]) -> Iterator[Callable[[], object]]:
        """See the protocol."""
        with self._watched(), super().repeating(inputs) as call:
            yield call

    def generate(
        self, inputs: Mapping[str, torch.Tensor], arguments: Mapping[str, Any], method: str = "generate", seed: int = 0
    ) -> Any:
        """See the protocol; the steps of ``generate`` call the compiled forward."""
        with self._watched():
            return super().generate(inputs, arguments, method, seed)

    def executed_on(self) -> str:
        """See the protocol: the backend, if what it compiled ran in the last call; ``eager`` if Python ran it all."""
        where = super().executed_on()
        if where != "cpu":
            return where
        ran = self._calls and all(self._own.values())
        return f"compile:{self.counting.backend}" if ran else "eager"

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        before = self.counting.calls
        with strict(), BACKENDS[self.counting.backend].watched() as own:
            yield
        self._calls, self._own = self.counting.calls - before, dict(own)


class TorchCompile:
    """torch.compile on the CPU, by Inductor, or by name another backend (``compile:openvino``)."""

    module = False

    def __init__(self, device: str = USUAL) -> None:
        """Args:
        device: the backend, as torch calls it.

        Raises:
            ValueError: it is none of BACKENDS.
        """
        if device not in BACKENDS:
            near = get_close_matches(device, BACKENDS, n=3) or BACKENDS
            raise ValueError(f"no backend is called {device!r}. Known: {', '.join(near)}")
        self.backend = device
        self.device = f"compile:{device}"
        self.name = "compile" if device == USUAL else self.device
        self.dtypes = BACKENDS[device].dtypes

    def probe(self, dtype: str | None = None) -> str | None:
        """See the protocol; it compiles and runs a function, since a compiler that is found need not work."""
        if (reason := without(self.name, self.dtypes, dtype) or BACKENDS[self.backend].absent()) is not None:
            return reason
        import torch

        class Doubling(torch.nn.Module):
            def forward(self, tensor: torch.Tensor) -> dict[str, torch.Tensor]:
                return {"output": tensor * 2 + 1}

        try:
            runner = self.prepare(Doubling(), {"tensor": torch.ones(16)}, dtype or "fp32")
        except UnsupportedError as error:
            return f"torch.compile does not compile by {self.backend} here ({error})"
        where = runner.executed_on()
        return None if where == self.device else f"torch.compile by {self.backend} leaves a function to {where} here"

    def prepare(
        self, model: Any, inputs: Mapping[str, torch.Tensor], dtype: str = "fp32", call: Call = FORWARD
    ) -> CompilingRunner:
        """See the protocol; a first call compiles it. What the model itself raises for these inputs is raised as it is."""
        import torch

        wanted = getattr(torch, DTYPES[dtype])
        TorchRunner(moved(model, "cpu", wanted), "cpu", dtype, call).run(inputs)
        forget()
        runner = CompilingRunner(moved(model, "cpu", wanted), dtype, call, self.backend)
        try:
            with quiet():
                runner.run(inputs)
        except (MemoryError, UnsupportedError):
            raise
        except Exception as error:
            # Uncompiled it just ran: whatever is raised is the compiler's, and is told in its words.
            reason = cause(error)
            raise UnsupportedError(str(reason) if isinstance(reason, UnsupportedError) else words(reason)) from error
        return runner

    def describe(self) -> dict[str, str]:
        """See the protocol."""
        return {} if self.probe() is not None else {"compile": self.backend, **BACKENDS[self.backend].facts()}
