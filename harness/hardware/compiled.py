"""What all hardware has in common that runs what it compiles from a model: names, routes, and what is fed to a graph."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.call import FORWARD, Call
from harness.hardware.generating import GraphGenerator, Step
from harness.hardware.protocol import UnsupportedError, without
from harness.hardware.routes import Asked, InapplicableError, Program, Route, chosen, convert

if TYPE_CHECKING:
    import torch

__all__ = ["CompiledRunner", "Compiler"]


class CompiledRunner:
    """A graph made ready on a device; subclasses run it and read back where it runs."""

    model = None

    def __init__(self, program: Program, ports: Iterable[Iterable[str]], inputs: Mapping[str, torch.Tensor]) -> None:
        """Args:
        program: what was converted.
        ports: all names of each input of the graph, in its order.
        inputs: what the head takes, for the shapes.

        Raises:
            InapplicableError: the graph asks for what the head does not take.
        """
        self.outputs = program.outputs
        self.read = program.read
        self.facts = program.facts
        self.shapes = {name: tuple(inputs[name].shape) for name in (program.name(names, inputs) for names in ports)}
        """Shape of each input by name, in the graph's order."""

    @contextlib.contextmanager
    def repeating(self, inputs: Mapping[str, torch.Tensor]) -> Iterator[Callable[[], object]]:
        """See the protocol; the inputs are those that ``run`` has taken."""
        arrays = self._arrays(inputs)
        yield lambda: self.infer(arrays)

    def _arrays(self, inputs: Mapping[str, torch.Tensor]) -> list[Any]:
        return [inputs[name].detach().cpu().contiguous().numpy() for name in self.shapes]

    def run(self, inputs: Mapping[str, torch.Tensor], seed: int = 0) -> dict[str, torch.Tensor]:
        """See the protocol; a graph holds no random state that a seed could set.

        Raises:
            UnsupportedError: an input is missing, or has another shape than those that the graph was made for. A backend
                would take what is missing as empty, and may compute something for other shapes, with sizes in it that were
                constants when it was made. Or the head's code reads other values of these inputs than of those.
        """
        import torch

        del seed
        results = self._results(inputs)
        for place, wanted in self.read.items():
            if not _same(results[place], wanted):
                raise UnsupportedError(
                    f"the graph was made for inputs of which the head's code reads {_shown(wanted)}, and of these it reads "
                    f"{_shown(results[place])}"
                )
        # Copies: a backend may lend its own memory, and write into it at the next inference.
        pairs = zip(self.outputs, results, strict=True)
        return {name: torch.from_numpy(result.copy()) for name, result in pairs if name is not None}

    def tried(self, asked: Asked) -> None:
        """Run once for what the graph was made for: what shows there is a refusal of its route. Numbers do not.

        Raises:
            InapplicableError: it gives an output of another shape than the head does, or computes something else where the
                head's code reads what it goes by.
        """
        results = self._results(asked.inputs)
        for place, wanted in self.read.items():
            if not _same(results[place], wanted):
                raise InapplicableError(
                    f"its graph computes {_shown(results[place])} where the head's code reads {_shown(wanted)}"
                )
        for name, result in zip(self.outputs, results, strict=True):
            if name is not None and tuple(result.shape) != asked.outputs[name]:
                wanted_shape = list(asked.outputs[name])
                raise InapplicableError(
                    f"its graph gives {name} of shape {list(result.shape)} where the head gives {wanted_shape}"
                )

    def _results(self, inputs: Mapping[str, torch.Tensor]) -> list[Any]:
        """All outputs of the graph as numpy arrays, in its order, for inputs of the names and shapes that it was made for."""
        for name, shape in self.shapes.items():
            if name not in inputs:
                raise UnsupportedError(f"the graph asks for {name}, which is not given")
            if tuple(inputs[name].shape) != shape:
                given = list(inputs[name].shape)
                raise UnsupportedError(f"the graph was made for {name} of shape {list(shape)}, not {given}")
        return list(self.infer(self._arrays(inputs)))

    def infer(self, arrays: list[Any]) -> Iterable[Any]:
        """The outputs as numpy arrays, in the graph's order, for inputs in its order."""
        raise NotImplementedError

    def executed_on(self) -> str:
        """See the protocol."""
        raise NotImplementedError

    def place(self, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """See the protocol."""
        return dict(inputs)

    def synchronize(self) -> None:
        """See the protocol; an inference is over when it returns."""

    def peak_memory(self) -> int | None:
        """See the protocol; nobody counts it."""
        return None


def _same(given: Any, wanted: torch.Tensor) -> bool:
    """Whether a graph read what was read when it was made; backends have dtypes and ranks of their own for numbers."""
    import numpy as np

    values, known = given.reshape(-1), wanted.numpy().reshape(-1)
    return values.shape == known.shape and bool(np.allclose(values, known, equal_nan=True))


def _shown(values: Any) -> str:
    """The first of some values."""
    found = values.reshape(-1)[:8].tolist()
    return str(found[0] if len(found) == 1 else found)


class Compiler:
    """A backend's CPU, or by name another of its devices, by all routes in order, or by one."""

    backend: str
    """What it is called before a device and a route."""
    known: Mapping[str, Route]
    """Its routes, in order."""
    steps: Mapping[str, Route] = {}
    """Its routes to the graphs of one step of generation, in order; none where it generates nothing."""
    dtypes: tuple[str, ...] = ("fp32",)
    module = False

    def __init__(self, device: str = "CPU", route: str | None = None) -> None:
        """Args:
        device: the backend's name of the device.
        route: the one route to take; all in order if None.

        Raises:
            UnknownRouteError: there is no such route.
        """
        self.target = device
        self.device = f"{self.backend}:{device}"
        self.routes = chosen(self.known, route)
        self.name = (self.backend if device == "CPU" else self.device) + (f"@{route}" if route else "")

    def probe(self, dtype: str | None = None) -> str | None:
        """See the protocol."""
        return without(self.name, self.dtypes, dtype) or self.absent(dtype)

    def prepare(
        self, model: Any, inputs: Mapping[str, torch.Tensor], dtype: str = "fp32", call: Call = FORWARD
    ) -> CompiledRunner:
        """See the protocol; the graph is made for the shapes of ``inputs``."""
        asked = Asked.of(model, call, inputs)

        def made(program: Program) -> CompiledRunner:
            runner = self.ready(program, inputs, dtype)
            runner.tried(asked)
            return runner

        return convert(self.routes, asked, made)

    def generator(self, model: Any, dtype: str = "fp32") -> GraphGenerator:
        """See the protocol; a route that was asked for by itself is one of forward, and says nothing of these.

        Raises:
            UnsupportedError: it has no ``steps``.
        """
        if not self.steps:
            raise UnsupportedError("what it compiles is one forward, and none of the steps of generation")

        def make(module: Any, arguments: Mapping[str, Any]) -> Step:
            asked = Asked(module, FORWARD, arguments, {})
            return convert(self.steps, asked, lambda program: self.stepping(program, dtype))

        return GraphGenerator(model, make)

    def absent(self, dtype: str | None) -> str | None:
        """Why it cannot run here (in this dtype), in one sentence; None if it can."""
        raise NotImplementedError

    def ready(self, program: Program, inputs: Mapping[str, torch.Tensor], dtype: str) -> CompiledRunner:
        """The program compiled for the device; whatever is raised is a refusal of its route."""
        raise NotImplementedError

    def stepping(self, program: Program, dtype: str) -> Step:
        """The program of one of ``steps`` compiled for the device; whatever is raised is a refusal of its route."""
        raise NotImplementedError

    def describe(self) -> dict[str, str]:
        """See the protocol."""
        return {} if self.probe() is not None else self.facts()

    def facts(self) -> dict[str, str]:
        """Device and versions, where it can run."""
        raise NotImplementedError
