"""The ways from a torch module to an ExecuTorch program, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.hardware.flattened import flattened, plain_experts
from harness.hardware.routes import Asked, InapplicableError, Program, Route, whole
from harness.outputs import named

__all__ = ["ROUTES", "Lowered"]


@dataclass(frozen=True)
class Lowered:
    """A program, and what its one method is fed."""

    buffer: bytes
    """As it would lie in a ``.pte`` file."""
    plan: Any
    """The method's plan: what it delegates, the kernels that it calls."""
    inputs: Sequence[str]
    """Names of the method's inputs, in order."""
    constants: Mapping[str, Any]
    """Values of those that are none of the head's, by name: they were fixed when the method was made."""

    @property
    def delegates(self) -> list[str]:
        """The backend of each part that is handed to one."""
        return [item.id for item in self.plan.delegates]

    @property
    def kernels(self) -> list[str]:
        """The kernels of the runtime that it calls, by name."""
        return [f"{item.name}.{item.overload}" if item.overload else item.name for item in self.plan.operators]


def _exporter(asked: Asked) -> Program:
    import torch

    try:
        from transformers.exporters.exporter_executorch import ExecutorchConfig, ExecutorchExporter
        from transformers.exporters.runners.runner_executorch import ExecutorchModelRunner
    except ImportError as error:
        raise InapplicableError(f"this release of transformers has no ExecutorchExporter ({error})") from error
    keywords = asked.keywords
    exporter = ExecutorchExporter()
    manager, metadata = exporter.export_program(asked.model, keywords, ExecutorchConfig())
    plan = manager.executorch_program.execution_plan[0]
    names = list(metadata.kwargs)
    if len(names) != len(plan.inputs):
        raise InapplicableError(f"its program takes {len(plan.inputs)} inputs where {len(names)} were exported")
    # A string is a constant of the program, whose place takes None: the runtime has no strings.
    constants = {name: None if isinstance(value, str) else value for name, value in metadata.in_constants.items()}
    # Which output is which its own runner knows, from the structure that was exported.
    runner = ExecutorchModelRunner.from_program(manager, metadata)
    places = named(runner.unflatten([torch.tensor(place) for place in range(len(plan.outputs))]))
    if missing := [name for name in asked.outputs if name not in places]:
        raise InapplicableError(f"its program does not give {', '.join(missing)}")
    outputs: list[str | None] = [None] * len(plan.outputs)
    for name in asked.outputs:
        outputs[int(places[name])] = name
    return _program(manager, names, outputs, constants)


def _xnnpack(asked: Asked) -> Program:
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner

    made = _lowered(asked, [XnnpackPartitioner()])
    if not made.graph.delegates:
        raise InapplicableError("XNNPACK takes no part of it")
    return made


def _portable(asked: Asked) -> Program:
    return _lowered(asked, [])


def _lowered(asked: Asked, partitioners: Sequence[Any]) -> Program:
    import torch
    from executorch.exir import to_edge_transform_and_lower

    with torch.no_grad(), plain_experts(asked.model):
        program = torch.export.export(flattened(asked), asked.sample)
        manager = to_edge_transform_and_lower(program, partitioner=partitioners).to_executorch()
    outputs = whole(manager.executorch_program.execution_plan[0].outputs, asked.outputs)
    return _program(manager, list(asked.inputs), outputs, {})


def _program(
    manager: Any, inputs: Sequence[str], outputs: Sequence[str | None], constants: Mapping[str, Any]
) -> Program:
    lowered = Lowered(manager.buffer, manager.executorch_program.execution_plan[0], inputs, constants)
    return Program(lowered, {name: name for name in inputs}, outputs)


ROUTES: dict[str, Route] = {"exporter": _exporter, "xnnpack": _xnnpack, "portable": _portable}
"""The first that takes a model serves: transformers' own exporter, which delegates to XNNPACK; ``torch.export``, lowered with
what XNNPACK takes delegated to it; the same with ExecuTorch's own kernels alone."""
