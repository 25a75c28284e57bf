"""The steps of generation as OpenVINO's graphs, made by transformers' own exporter; caches are states within them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness.hardware.generating import Held, Step, leaves
from harness.hardware.routes import Asked, InapplicableError, Program, Route

__all__ = ["STEPS", "OpenVinoStep", "StatefulStep", "executed_on", "step"]


def _exported(asked: Asked, **options: bool) -> Program:
    try:
        from transformers.exporters.exporter_openvino import OpenVINOConfig, OpenVINOExporter
    except ImportError as error:
        raise InapplicableError(f"this release of transformers has no OpenVINOExporter ({error})") from error
    return Program(OpenVINOExporter().export(asked.model, dict(asked.inputs), config=OpenVINOConfig(**options)), {}, ())


STEPS: dict[str, Route] = {
    "stateful": lambda asked: _exported(asked, dynamic=True, stateful=True),
    "dynamic": lambda asked: _exported(asked, dynamic=True, stateful=False),
    "static": lambda asked: _exported(asked, dynamic=False, stateful=False),
}
"""The first that takes a call serves: for any sizes, with a cache within the graph, as OpenVINO's users generate, or going in
and out; or for the sizes of this call alone, and anew at each length."""


class OpenVinoStep(Step):
    """A compiled model of one call, to which a cache is an input and an output like others."""

    def __init__(self, program: Program, compiled: Any) -> None:
        from transformers.exporters.runners import OpenVINOModelRunner

        super().__init__(program.facts, [(port.get_names(), _sizes(port)) for port in program.graph.program.inputs])
        self.compiled = compiled
        self.runner = OpenVINOModelRunner(compiled, program.graph.components["model"].metadata)

    def infer(self, arguments: Mapping[str, Any]) -> Any:
        """See the base."""
        # Shared memory is read after it was let go of where a graph hands an input on as an output (a cross-attention's cache).
        return self.runner(share_inputs=False, **arguments)

    def executed_on(self) -> str:
        """See the base."""
        return executed_on(self.compiled)


class StatefulStep(OpenVinoStep):
    """A compiled model that keeps the cache. It hands out one whose tensors have the shapes and no numbers but those of the rows
    that the states have, so that transformers can reorder it, as beam search does."""

    def __init__(self, program: Program, compiled: Any) -> None:
        super().__init__(program, compiled)
        self.request = self.runner.request
        names = (state.name.removeprefix("input.") for state in self.request.query_state())
        self.paths = {
            name[: name.index("output.")]: state for name, state in zip(names, self.request.query_state(), strict=True)
        }
        """The states by what they are in the call."""
        self.root = next(iter(self.paths)).partition(".")[0]
        self.places = self._places()
        self.dtypes: dict[str, Any] = {}
        """Of the states as the call has them; a graph may keep whole numbers in fewer bits."""

    def run(self, arguments: Mapping[str, Any]) -> Any:
        """See the base."""
        return super().run({"beam_idx": None, **arguments})

    def infer(self, arguments: Mapping[str, Any]) -> Any:
        """See the base: the states go on from where they are if the cache is the one they were left with, or are set to it."""
        import numpy as np
        import openvino
        from transformers.exporters.utils import openvino_feed

        cache, given = arguments[self.root], leaves({self.root: arguments[self.root]})
        held = getattr(cache, "held", None)
        rows = (
            self.rows(given) if held is not None else np.arange(given[next(iter(self.paths))].shape[0], dtype=np.int32)
        )
        if held is None:
            self.request.reset_state()
            for path, state in self.paths.items():
                self.dtypes[path] = given[path].dtype
                value = given[path].detach().numpy().astype(state.state.data.dtype)
                state.state = openvino.Tensor(np.ascontiguousarray(value))
        call = {name: value for name, value in arguments.items() if value is not None}
        results = self.request.infer({**openvino_feed(self.compiled, call), "beam_idx": rows}, share_inputs=False)
        self.serial += 1
        self.answers = {min(port.get_names()): np.array(results[port]) for port in self.compiled.outputs}
        return self._answer(
            {path: _ticket(state.state.shape, self.dtypes[path]) for path, state in self.paths.items()},
            Held(self, self.serial),
        )

    def rows(self, given: Mapping[str, Any]) -> Any:
        """Which rows of the states the rows of a cache that was handed out are now."""
        import numpy as np

        first = given[next(iter(self.paths))]
        return first.reshape(first.shape[0], -1)[:, 0].numpy().astype(np.int32)

    def real(self, cache: Any) -> Any:
        """See the base."""
        import torch

        rows = torch.from_numpy(self.rows(leaves({self.root: cache}))).long()
        held = {
            path: torch.from_numpy(state.state.data.copy()).to(self.dtypes[path])[rows]
            for path, state in self.paths.items()
        }
        return self._answer(held, None)[self.root]

    def _answer(self, states: Mapping[str, Any], held: Held | None) -> Any:
        """What the module would give, with these tensors for its states."""
        import torch

        given = {name.removeprefix("output."): torch.from_numpy(item) for name, item in self.answers.items()}
        output = self.runner.unflatten([{**given, **states}[name] for name in self.places])
        if held is not None:
            output[self.root].held = held
        return output

    def _places(self) -> list[str]:
        """Names of the tensors of an answer, in the order in which they are put together."""
        import torch

        count = self.runner.out_spec.num_leaves - len(self.runner.out_constants)
        marks = [torch.tensor([float(place)]) for place in range(count)]
        named = leaves(self.runner.unflatten(marks))
        return [name for _, name in sorted((int(mark.flatten()[0]), name) for name, mark in named.items())]


def step(program: Program, compiled: Any) -> Step:
    """The step of a compiled model, by whether it has states."""
    return (StatefulStep if compiled.create_infer_request().query_state() else OpenVinoStep)(program, compiled)


def executed_on(compiled: Any) -> str:
    """The devices that a compiled model says it executes on."""
    return "+".join(sorted(f"openvino:{device}" for device in compiled.get_property("EXECUTION_DEVICES")))


def _sizes(port: Any) -> list[int | None]:
    return [None if size.is_dynamic else size.get_length() for size in port.get_partial_shape()]


def _ticket(shape: Iterable[int], dtype: Any) -> Any:
    """A tensor of a shape and dtype that takes no memory, and holds in each row its number."""
    import torch

    sizes = list(shape)
    return torch.arange(sizes[0]).to(dtype).reshape(-1, *[1] * (len(sizes) - 1)).expand(sizes)
