"""Generation by graphs: transformers' own loop, in which every call of the model is one of a graph that was compiled for
calls of its kind (a prompt, a step with a cache, an encoder's), and nothing of the model runs in torch."""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from harness.hardware.protocol import UnsupportedError
from harness.hardware.torch_device import pinned

if TYPE_CHECKING:
    import torch

__all__ = ["GraphGenerator", "Held", "Step", "leaves", "settled"]

UNNEEDED = ("logits_to_keep",)
"""What the loop asks to save time by, and no answer follows."""

Ports = Iterable[tuple[Iterable[str], Sequence[int | None]]]
"""Of each input of a graph all its names, and its sizes; None for any size."""


class Step:
    """A compiled graph of one call of a module; subclasses run it and read back where it runs."""

    def __init__(self, facts: Mapping[str, str], ports: Ports) -> None:
        """Args:
        facts: how it was made.
        ports: what it takes; names that are outputs too have a prefix, as transformers' exporters put it.
        """
        self.facts = facts
        self.serial = 0
        """How often it has run, where it holds states."""
        self._ports = [({name.removeprefix("input.") for name in names}, sizes) for names, sizes in ports]

    def fits(self, arguments: Mapping[str, Any]) -> bool:
        """Whether it was made for calls like this one: the sizes are those that it fixed."""
        given = leaves(arguments)
        pairs = ((given[name].shape, sizes) for names, sizes in self._ports for name in names & given.keys())
        return all(
            len(shape) == len(sizes) and all(size in (None, is_) for size, is_ in zip(sizes, shape, strict=True))
            for shape, sizes in pairs
        )

    def run(self, arguments: Mapping[str, Any]) -> Any:
        """What the module would give, caches included.

        Raises:
            UnsupportedError: the graph asks for what the call does not give, and a backend would take as empty.
        """
        known = leaves(arguments).keys() | arguments.keys()
        if missing := [min(names) for names, _ in self._ports if not names & known]:
            raise UnsupportedError(f"its graph asks for {', '.join(missing)}, which the call does not give")
        return self.infer(arguments)

    def infer(self, arguments: Mapping[str, Any]) -> Any:
        """See ``run``; all that the graph asks for is there."""
        raise NotImplementedError

    def real(self, cache: Any) -> Any:
        """A cache that it handed out and that is held in it, with its tensors."""
        raise NotImplementedError

    def executed_on(self) -> str:
        """Devices read back."""
        raise NotImplementedError


@dataclass(frozen=True)
class Held:
    """What a cache has as ``held`` whose tensors are states within a graph."""

    step: Step
    """The graph that holds them."""
    serial: int
    """How often it had run: another run since, and they are gone."""

    def __deepcopy__(self, _: Any) -> Self:
        return self


Make = Callable[[Any, Mapping[str, Any]], Step]
"""Compiles a module for calls like one with these keyword arguments."""


class GraphGenerator:
    """See ``harness.hardware.protocol.Generator``; graphs are compiled when a call first needs them, and kept.

    While it generates every module of the model runs by graphs, so that whatever part the generating method calls by itself
    (an encoder before the loop, a decoder within another model) is one, and none runs in torch unnoticed.
    """

    def __init__(self, model: Any, make: Make) -> None:
        """Args:
        model: a float32 module on the CPU, which is as it was after each call.
        make: compiles it, or a part of it; raises UnsupportedError where it cannot.
        """
        self._model, self._make = model, make
        self._steps: list[Step] = []
        self._known: dict[Any, list[Step]] = {}

    @property
    def facts(self) -> Mapping[str, Any]:
        """See the protocol: by which route its graphs were made, and how many there are."""
        routes = sorted({step.facts["route"] for step in self._steps})
        return {"generation_route": "+".join(routes), "generation_graphs": len(self._steps)} if routes else {}

    def generate(
        self, inputs: Mapping[str, torch.Tensor], arguments: Mapping[str, Any], method: str = "generate", seed: int = 0
    ) -> Any:
        """See the protocol: with all arguments that the model's method has."""
        import torch

        given = {name: tensor.clone() for name, tensor in inputs.items()}
        with pinned(), self._by_graphs():
            torch.manual_seed(seed)
            return getattr(self._model, method)(**given, **arguments)

    def executed_on(self) -> str:
        """See the protocol."""
        return "+".join(sorted({step.executed_on() for step in self._steps}))

    @contextlib.contextmanager
    def _by_graphs(self) -> Iterator[None]:
        """Every module of the model calls a graph in place of its forward."""
        changed = {id(module): module for module in self._model.modules()}.values()
        with contextlib.ExitStack() as stack:
            for module in changed:
                stack.enter_context(_attribute(module, "forward", self._forward(module)))
            # By default its images are encoded before the loop, with some of the work in no module: within forward it is all
            # in the graph.
            stack.enter_context(_attribute(self._model, "_supports_mm_encoder_outputs", lambda: False))
            yield

    def _forward(self, module: Any) -> Callable[..., Any]:
        """What a module does in place of its forward, of which it has the signature."""
        plain = inspect.signature(module.forward)

        @functools.wraps(module.forward)
        def forward(*positional: Any, **named: Any) -> Any:
            bound = plain.bind_partial(*positional).arguments
            call = {name: value for name, value in {**bound, **named}.items() if value is not None}
            call = {name: value for name, value in call.items() if name not in UNNEEDED}
            steps = self._known.setdefault((id(module), *_kind(call)), [])
            step = next((step for step in steps if step.fits(call)), None)
            call = {name: settled(value, step) for name, value in call.items()}
            if step is None:
                with self._in_torch():
                    step = self._make(module, copy.deepcopy(call))
                steps.append(step)
                self._steps.append(step)
            return step.run(call)

        return forward

    @contextlib.contextmanager
    def _in_torch(self) -> Iterator[None]:
        """The model as it was, to be compiled."""
        with contextlib.ExitStack() as stack:
            for module in {id(module): module for module in self._model.modules()}.values():
                stack.enter_context(_attribute(module, "forward", None))
            yield


@contextlib.contextmanager
def _attribute(item: Any, name: str, value: Any) -> Iterator[None]:
    """An attribute of an object's own while it lasts, or none but its class's for None."""
    own = vars(item)
    before = own.get(name)
    _put(own, name, value)
    try:
        yield
    finally:
        _put(own, name, before)


def _put(own: dict[str, Any], name: str, value: Any) -> None:
    if value is None:
        own.pop(name, None)
    else:
        own[name] = value


def leaves(arguments: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """The tensors of a call by dotted name, those of caches included, as transformers' exporters name them."""
    from transformers.exporters.utils import get_leaf_tensors

    found: dict[str, torch.Tensor] = get_leaf_tensors(dict(arguments))
    return found


def settled(value: Any, step: Step | None) -> Any:
    """A cache as a graph takes it: as it is where that graph holds it, with its tensors where another one does.

    Raises:
        UnsupportedError: what it stood for is gone.
    """
    held = getattr(value, "held", None)
    if held is None:
        return value
    if held.serial != held.step.serial:
        raise UnsupportedError("a graph keeps one state, and the cache that is asked for is of an earlier one")
    return value if held.step is step else held.step.real(value)


def _kind(call: Mapping[str, Any]) -> tuple[Any, ...]:
    """What must be equal for two calls to be of one graph. Sizes of one and none are not as others are: a trace takes
    them for constants."""
    tensors = (
        (name, item.dtype, *(min(size, 2) for size in item.shape)) for name, item in sorted(leaves(call).items())
    )
    plain = ((name, value) for name, value in sorted(call.items()) if isinstance(value, (bool, int, float, str)))
    return (*tensors, *plain)
