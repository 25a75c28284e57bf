"""Generation by graphs: transformers' own loop, in which every call of the model is one of a graph that was compiled for
calls of its kind (a prompt, a step with a cache, an encoder's), and nothing of the model runs in torch."""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.hardware.protocol import UnsupportedError
from harness.hardware.torch_device import pinned

if TYPE_CHECKING:
    import torch

__all__ = ["GraphGenerator", "Step", "leaves"]

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

    def executed_on(self) -> str:
        """Devices read back."""
        raise NotImplementedError


Make = Callable[[Any, Mapping[str, Any]], Step]
"""Compiles a module for calls like one with these keyword arguments."""


class GraphGenerator:
    """See ``harness.hardware.protocol.Generator``; graphs are compiled when a call first needs them, and kept."""

    def __init__(self, model: Any, make: Make) -> None:
        """Args:
        model: a float32 module on the CPU, which stays as it is.
        make: compiles it, or its encoder; raises UnsupportedError where it cannot.
        """
        self._own, self._make = model, make
        self._steps: list[Step] = []
        self._model = self._hollow(model)
        # By default its images and sounds are encoded before the loop: within forward they are in the graph.
        self._model._supports_mm_encoder_outputs = lambda: False  # noqa: SLF001
        if getattr(model.config, "is_encoder_decoder", False):
            encoder = self._hollow(model.get_encoder())
            self._model.get_encoder = lambda *_, **__: encoder

    @property
    def facts(self) -> Mapping[str, Any]:
        """See the protocol: by which route its graphs were made, and how many there are."""
        routes = sorted({step.facts["route"] for step in self._steps})
        return {"generation_route": "+".join(routes), "generation_graphs": len(self._steps)} if routes else {}

    def generate(
        self, inputs: Mapping[str, torch.Tensor], arguments: Mapping[str, Any], method: str = "generate", seed: int = 0
    ) -> Any:
        """See the protocol: of all arguments that transformers' own ``generate`` has."""
        import torch

        if method != "generate":
            raise UnsupportedError(
                f"only transformers' generate() is run by graphs, and this model is asked to {method}"
            )
        given = {name: tensor.clone() for name, tensor in inputs.items()}
        with pinned(), self._watched():
            torch.manual_seed(seed)
            return self._model.generate(**given, **arguments)

    def executed_on(self) -> str:
        """See the protocol."""
        return "+".join(sorted({step.executed_on() for step in self._steps}))

    def _hollow(self, module: Any) -> Any:
        """A copy that has all of the module but its forward, which is a graph's."""
        made = copy.copy(module)
        plain = inspect.signature(module.forward)
        known: dict[Any, list[Step]] = {}

        @functools.wraps(module.forward)
        def forward(*positional: Any, **named: Any) -> Any:
            bound = plain.bind_partial(*positional).arguments
            call = {name: value for name, value in {**bound, **named}.items() if value is not None}
            call = {name: value for name, value in call.items() if name not in UNNEEDED}
            steps = known.setdefault(_kind(call), [])
            step = next((step for step in steps if step.fits(call)), None)
            if step is None:
                with self._unwatched():
                    step = self._make(copy.copy(module), copy.deepcopy(call))
                steps.append(step)
                self._steps.append(step)
            return step.run(call)

        made.forward = forward
        return made

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        """Refuses what runs a part of the model in torch: that would be a fall-back which nobody is told of."""
        from torch.nn.modules.module import register_module_forward_pre_hook

        parts = {id(module): name for name, module in self._own.named_modules()}

        def look(module: Any, _: Any) -> None:
            if id(module) in parts and not self._compiling:
                name = parts[id(module)] or "forward"
                raise UnsupportedError(f"its generate() runs {name} ({type(module).__name__}) by itself, in no graph")

        handle = register_module_forward_pre_hook(look)
        try:
            yield
        finally:
            handle.remove()

    _compiling = False

    @contextlib.contextmanager
    def _unwatched(self) -> Iterator[None]:
        self._compiling = True
        try:
            yield
        finally:
            self._compiling = False


def leaves(arguments: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """The tensors of a call by dotted name, those of caches included, as transformers' exporters name them."""
    from transformers.exporters.utils import get_leaf_tensors

    found: dict[str, torch.Tensor] = get_leaf_tensors(dict(arguments))
    return found


def _kind(call: Mapping[str, Any]) -> tuple[Any, ...]:
    """What must be equal for two calls to be of one graph. Sizes of one and none are not as others are: a trace takes
    them for constants."""
    tensors = (
        (name, item.dtype, *(min(size, 2) for size in item.shape)) for name, item in sorted(leaves(call).items())
    )
    plain = ((name, value) for name, value in sorted(call.items()) if isinstance(value, (bool, int, float, str)))
    return (*tensors, *plain)
