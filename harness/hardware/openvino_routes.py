"""The ways from a torch module to an OpenVINO graph, in the order in which they are tried."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from harness.hardware.concrete import concrete, patched
from harness.hardware.flattened import flattened, plain_experts
from harness.hardware.onnx_routes import exported
from harness.hardware.routes import Asked, InapplicableError, Program, Route, unprefixed, whole

__all__ = ["ROUTES"]


def _exporter(asked: Asked) -> Program:
    graph = _exports()(asked.model, asked.keywords)
    return Program(graph, *unprefixed(map(_name, graph.inputs), map(_name, graph.outputs), asked.outputs))


def _concrete(asked: Asked) -> Program:
    exports = _exports()  # first of all, for what is patched is known once the exporter is imported
    with plain_experts(asked.model), patched("openvino"):
        found = concrete(asked)
    graph = exports(found.module, found.sample(asked))
    return found.program(graph, map(_name, graph.inputs), map(_name, graph.outputs))


def _exports() -> Callable[[Any, dict[str, Any]], Any]:
    """What makes a graph of a module and its keywords: transformers' own exporter."""
    try:
        from transformers.exporters.exporter_openvino import OpenVINOConfig, OpenVINOExporter
    except ImportError as error:
        raise InapplicableError(f"this release of transformers has no OpenVINOExporter ({error})") from error
    # Without state: one forward is compared, and a cache folded into the graph would outlive it.
    config = OpenVINOConfig(stateful=False)
    return lambda module, keywords: OpenVINOExporter().export(module, keywords, config=config).program


def _name(port: Any) -> str:
    return str(min(port.get_names(), default=""))


def _trace(asked: Asked) -> Program:
    import openvino
    import torch

    with torch.no_grad(), plain_experts(asked.model), _cleared():
        graph = openvino.convert_model(flattened(asked), example_input=asked.sample)
    return _positional(graph, asked)


def _onnx(asked: Asked) -> Program:
    import openvino

    with plain_experts(asked.model):
        program = exported(asked)
    graph = openvino.Core().read_model(program.model_proto.SerializeToString())
    return Program(graph, {name: name for name in map(_name, graph.inputs)}, whole(graph.outputs, asked.outputs))


def _export(asked: Asked) -> Program:
    import openvino
    import torch

    with torch.no_grad(), plain_experts(asked.model):
        graph = openvino.convert_model(torch.export.export(flattened(asked), asked.sample))
    return _positional(graph, asked)


def _positional(graph: Any, asked: Asked) -> Program:
    """Inputs in the order of the call: only right where none was left out, so another count is refused."""
    if len(graph.inputs) != len(asked.inputs):
        raise InapplicableError(f"{len(graph.inputs)} of {len(asked.inputs)} inputs are left, and which is not told")
    names = list(asked.inputs)
    for port, name in zip(graph.inputs, names, strict=True):
        port.get_tensor().set_names({name})
    return Program(graph, {name: name for name in names}, whole(graph.outputs, asked.outputs))


@contextlib.contextmanager
def _cleared() -> Iterator[None]:
    """Let go of what TorchScript keeps of every module it has seen: some 20 MB a conversion, without end."""
    import torch

    try:
        yield
    finally:
        torch._C._jit_clear_class_registry()  # noqa: SLF001, there is no public way
        torch.jit._recursive.concrete_type_store = torch.jit._recursive.ConcreteTypeStore()  # noqa: SLF001
        torch.jit._state._clear_class_state()  # noqa: SLF001


ROUTES: dict[str, Route] = {
    "exporter": _exporter,
    "concrete": _concrete,
    "trace": _trace,
    "onnx": _onnx,
    "export": _export,
}
"""The first that takes a model serves: transformers' own exporter; the same of the head as it goes for these inputs;
``openvino.convert_model`` of the module, by way of TorchScript; ``torch.onnx.export``, then
``openvino.Core.read_model``; ``torch.export``, then ``openvino.convert_model``."""
