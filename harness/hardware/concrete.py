"""A head run once for real, and what it asked of torch meanwhile as a graph of fixed shapes, which exporters take.

Code that computes with what its tensors hold (the grids of images, the places of their tokens, how long a sound is) cannot
be exported as it stands: a shape, or the way that the code goes, follows a value. Here the values are those of the sample.
What Python read of them is a further output of the graph, so that every run of it says whether it is for such inputs.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from harness.hardware.flattened import flattened
from harness.hardware.routes import Asked, InapplicableError, Program, unprefixed
from harness.hardware.settled import Settled

if TYPE_CHECKING:
    import torch

__all__ = ["Concrete", "concrete", "patched"]

WEIGHTS = "the weights"
"""What a value follows that is not of the inputs alone."""


LONGEST = 4000
"""Nodes of a graph that is worth exporting: some 15 ms each. Recurrent layers taken apart have more, step by step."""


@dataclass(frozen=True)
class Concrete:
    """A head as it went for its sample."""

    module: Any
    """A torch module of aten operators; it takes the inputs as keywords by their names here, and gives a dictionary."""
    inputs: Mapping[str, str]
    """Names of the head's inputs by the module's: exporters take some names of transformers' for more than names."""
    outputs: Sequence[str]
    """Names of the head's outputs, which come first of what it gives."""
    read: Mapping[str, torch.Tensor]
    """What was read of the sample, by name of the further output that must give it again."""

    def sample(self, asked: Asked) -> dict[str, torch.Tensor]:
        """Copies of the inputs by the module's names."""
        return dict(zip(self.inputs, asked.sample, strict=True))

    def program(self, graph: Any, takes: Iterable[str], gives: Iterable[str]) -> Program:
        """A graph that was made of the module, by the names of its inputs and outputs.

        Raises:
            InapplicableError: an output is missing.
        """
        _, given = unprefixed(takes, gives, [*self.outputs, *self.read])
        read = {place: self.read[name] for place, name in enumerate(given) if name is not None and name in self.read}
        return Program(graph, self.inputs, [None if place in read else name for place, name in enumerate(given)], read)


def patched(backend: str) -> AbstractContextManager[None]:
    """What transformers' exporters put in the place of functions of torch that a backend has nothing for, while a head is
    traced; nothing where the release has none.
    """
    try:
        from transformers.exporters.utils import apply_patches
    except ImportError:
        return nullcontext()
    return cast(AbstractContextManager[None], apply_patches(backend))


def concrete(asked: Asked) -> Concrete:
    """The head as it goes for the inputs of ``asked``.

    Raises:
        InapplicableError: its code reads what is another number for another image or sound, or a number that follows
            weights and no image or sound, so that the graph would be for these inputs alone; or it reads nothing, and what
            exporters refuse of it is something else; or it has an operator whose shape follows its values, or is too long.
    """
    import torch
    from torch._export.utils import _compiling_state_context
    from torch.fx.experimental.proxy_tensor import make_fx

    reader = _reader()
    module = flattened(asked)

    def run(*tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        with reader:
            outputs = module(*tensors)
        return *(output.clone() for output in outputs), *(value for value, _ in reader.read)

    # Code that asks whether it is exported has another way to go then (Qwen3.5 solves its equations row by row). oneDNN's
    # kernels of recurrent layers are operators that nobody else has.
    with torch.no_grad(), torch.backends.mkldnn.flags(enabled=False), _compiling_state_context():
        traced = make_fx(run, Settled(reader.number).decompositions(), _error_on_data_dependent_ops=False)(
            *asked.sample
        )
    if (length := len(traced.graph.nodes)) > LONGEST:
        raise InapplicableError(f"its graph has {length} nodes, and exporters take minutes for more than {LONGEST}")
    read = _kept(traced, asked, reader.read)
    if not read:
        raise InapplicableError(
            "its code reads nothing of its tensors, by which a shape or the way that it goes could follow them"
        )
    gives = [*asked.outputs, *read]
    names = {f"tensor_{index}": name for index, name in enumerate(asked.inputs)}

    class Named(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.traced = traced

        def forward(self, **tensors: torch.Tensor) -> dict[str, torch.Tensor]:
            return dict(zip(gives, self.traced(*(tensors[name] for name in names)), strict=True))

    return Concrete(Named().eval(), names, list(asked.outputs), read)


def _kept(traced: Any, asked: Asked, read: Sequence[tuple[torch.Tensor, int]]) -> dict[str, torch.Tensor]:
    """What was read and follows the inputs, each once, by name; all else is no output of the graph any more."""
    import torch

    (last,) = (node for node in traced.graph.nodes if node.op == "output")
    given = list(last.args[0])
    count = len(asked.outputs)
    follows = _roots(traced, asked.inputs)
    kept: dict[Any, torch.Tensor] = {}
    seen: set[tuple[Any, int]] = set()
    for node, (value, version) in zip(given[count:], read, strict=True):
        # A copy was made at each read, of what is the same until it is written into.
        source = (node.args[0], version)
        if source not in seen and follows[node] - {WEIGHTS}:
            kept[node] = value
            seen.add(source)
    last.args = ((*given[:count], *kept),)
    traced.graph.eliminate_dead_code()
    traced.recompile()
    for node in traced.graph.nodes:
        # Of indexings, those by masks only have such a shape, and none of these is left.
        if (
            torch.Tag.dynamic_output_shape in getattr(node.target, "tags", ())
            and node.target.name() != "aten::index.Tensor"
        ):
            raise InapplicableError(f"the shape of what {node.target.name()} gives follows its values")
    others = traced(*map(_otherwise, asked.sample))[count:]
    floating = {name for name, tensor in asked.inputs.items() if tensor.is_floating_point()}
    for (node, value), other in zip(kept.items(), others, strict=True):
        if not torch.equal(value, other):
            names = sorted(follows[node] & floating) or ["random numbers, or what an earlier run left"]
            raise InapplicableError(f"what its code reads follows {' and '.join(names)}")
        # Other ids may be no sentence that the head takes, so what follows them by way of weights cannot be tried.
        if WEIGHTS in follows[node] and value.dtype != torch.bool and not follows[node] & floating:
            raise InapplicableError(f"its code reads a number that follows {WEIGHTS} and no image or sound")
    return {f"read.{index}": value for index, value in enumerate(kept.values())}


def _otherwise(tensor: torch.Tensor) -> torch.Tensor:
    """An input with other numbers from the same range, if it is a floating one; of ones alone, as masks are, the same."""
    return tensor.amin() + tensor.amax() - tensor if tensor.is_floating_point() else tensor


def _roots(traced: Any, inputs: Iterable[str]) -> dict[Any, set[str]]:
    """The inputs that each node of a graph follows at any remove, and whether it follows the weights; one set for all that
    share memory, since what is written into one of them shows in the others."""
    import torch

    names = iter(inputs)
    roots: dict[Any, set[str]] = {}
    for node in traced.graph.nodes:
        lender = _lender(node)
        roots[node] = set() if lender is None else roots[lender]
        roots[node].update(*(roots[source] for source in node.all_input_nodes))
        if node.op == "placeholder":
            roots[node].add(next(names))
        elif node.op == "get_attr" and isinstance(getattr(traced, node.target), torch.nn.Parameter):
            roots[node].add(WEIGHTS)
    return roots


def _lender(node: Any) -> Any:
    """The node whose memory another one shows, as views do and what writes in place; None where it has its own."""
    if node.target is operator.getitem:
        return node.args[0]
    schema = getattr(node.target, "_schema", None)
    lent = (place for place, argument in enumerate(schema.arguments if schema else ()) if argument.alias_info)
    return next((node.args[place] for place in lent if place < len(node.args)), None)


def _reader() -> Any:
    """A mode of torch in which everything that Python reads of a tensor is noted, in order, in its ``read``."""
    import torch
    from torch.overrides import TorchFunctionMode

    class Reader(TorchFunctionMode):
        def __init__(self) -> None:
            super().__init__()
            self.read: list[tuple[torch.Tensor, int]] = []
            """Copies, for the code may write into it later, and how often it had until then."""

        def __torch_function__(
            self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
        ) -> Any:
            del types
            # These two read memory, and no operator of torch is asked; all else that reads asks for one number.
            if function in (torch.Tensor.tolist, torch.Tensor.numpy):
                self.note(args[0])
            return function(*args, **(kwargs or {}))

        def note(self, tensor: torch.Tensor) -> None:
            self.read.append((tensor.clone(), tensor._version))  # noqa: SLF001, it has no other name

        def number(self, tensor: torch.Tensor) -> Any:
            self.note(tensor)
            return tensor.tolist()

    return Reader()
