"""The ways from a torch module to an ONNX graph, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.hardware.concrete import concrete, patched
from harness.hardware.flattened import flattened
from harness.hardware.routes import Asked, InapplicableError, Program, Route, unprefixed, whole

__all__ = ["ROUTES", "exported"]


def exported(asked: Asked) -> Any:
    """torch's own ONNX program of a head, its inputs and outputs named as the head's, for the shapes of its inputs."""
    import torch

    # An output may have the name of an input (T5's encoder_last_hidden_state), and a graph has each name once.
    names = [name if name not in asked.inputs else f"output.{name}" for name in asked.outputs]
    with torch.no_grad():
        program = torch.onnx.export(
            flattened(asked),
            asked.sample,
            dynamo=True,
            verbose=False,
            input_names=list(asked.inputs),
            output_names=names,
        )
    if program is None:
        raise InapplicableError("torch.onnx.export gave nothing")
    return program


def _torch(asked: Asked) -> Program:
    proto = exported(asked).model_proto
    ports = {item.name: item.name for item in proto.graph.input}
    return Program(proto.SerializeToString(), ports, whole(proto.graph.output, asked.outputs))


def _exporter(asked: Asked) -> Program:
    proto, takes, gives = _exports()(asked.model, asked.keywords)
    return Program(proto, *unprefixed(takes, gives, asked.outputs))


def _concrete(asked: Asked) -> Program:
    exports = _exports()  # first of all, for what is patched is known once the exporter is imported
    with patched("onnx"):
        found = concrete(asked)
    return found.program(*exports(found.module, found.sample(asked)))


def _exports() -> Callable[[Any, dict[str, Any]], tuple[bytes, list[str], list[str]]]:
    """What makes a graph of a module and its keywords, with the names of its inputs and outputs: transformers' own."""
    import onnx_ir

    try:
        from transformers.exporters.exporter_onnx import OnnxConfig, OnnxExporter
    except ImportError as error:
        raise InapplicableError(f"this release of transformers has no OnnxExporter ({error})") from error

    def export(module: Any, keywords: dict[str, Any]) -> tuple[bytes, list[str], list[str]]:
        proto = onnx_ir.to_proto(OnnxExporter().export(module, keywords, config=OnnxConfig()).program)
        takes, gives = ([item.name for item in side] for side in (proto.graph.input, proto.graph.output))
        return proto.SerializeToString(), takes, gives

    return export


ROUTES: dict[str, Route] = {"exporter": _exporter, "concrete": _concrete, "torch": _torch}
"""The first that takes a model serves: transformers' own exporter; the same of the head as it goes for these inputs;
``torch.onnx.export`` by way of ``torch.export``."""
