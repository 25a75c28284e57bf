"""Routes: the ways from a torch module to a compiled program, tried in order; the one that served is told.

A backend has several front doors, and which of them works for an architecture is a question of its own: a route can
be asked for by itself.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Self, TypeVar

from harness import steps
from harness.call import Call, invoke
from harness.hardware.protocol import UnsupportedError
from harness.hardware.torch_device import pinned

if TYPE_CHECKING:
    import torch

__all__ = [
    "Asked",
    "InapplicableError",
    "Program",
    "Route",
    "UnknownRouteError",
    "chosen",
    "convert",
    "quiet",
    "unprefixed",
    "whole",
    "words",
]

Ready = TypeVar("Ready")

_PREAMBLES = (
    "Check '",
    "While ",
    "FrontEnd API",
    "Exception from",
    "Exception:",
    "Couldn't get TorchScript module by",
    "Model wasn't fully converted",
    "Summary:",
    "Failed to export the model with torch.export",
)
"""Lines that compilers put before what they have to say."""

_COLOURS = re.compile("\x1b\\[[0-9;]*m")

LENGTH = 200
"""Characters of what a route said that are told."""


class InapplicableError(Exception):
    """A route is not for this; the message says why."""


class UnknownRouteError(ValueError):
    """No route has this name."""


@dataclass(frozen=True)
class Asked:
    """What is to be converted."""

    model: Any
    """A float32 torch module on the CPU."""
    call: Call
    """How it is called."""
    inputs: Mapping[str, torch.Tensor]
    """What it is called with, by name; the graph may be made for their shapes."""
    outputs: Mapping[str, tuple[int, ...]]
    """Shapes of what it gives, by name."""

    @classmethod
    def of(cls, model: Any, call: Call, inputs: Mapping[str, torch.Tensor]) -> Self:
        """The outputs are found by a call."""
        with pinned():
            outputs = invoke(model, call, _copies(inputs))
        return cls(model, call, inputs, {name: tuple(tensor.shape) for name, tensor in outputs.items()})

    def plain(self) -> None:
        """Raises InapplicableError unless it is called by a plain ``forward``."""
        if self.call.steps:
            raise InapplicableError("it takes a plain forward only, and this head is called in steps")
        if self.call.method != "forward":
            raise InapplicableError(f"it takes a plain forward only, and this head is called by {self.call.method}")

    @property
    def keywords(self) -> dict[str, Any]:
        """All arguments of a plain ``forward``, the inputs copied: a model may write into them.

        Raises:
            InapplicableError: it is called otherwise.
        """
        self.plain()
        return {**steps.fixed(self.model.forward), **self.call.arguments, **_copies(self.inputs)}

    @property
    def sample(self) -> tuple[torch.Tensor, ...]:
        """Copies of the inputs in order."""
        return tuple(_copies(self.inputs).values())


def _copies(inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in inputs.items()}


@dataclass(frozen=True)
class Program:
    """What a route made."""

    graph: Any
    """The backend's own graph, not compiled for a device yet."""
    inputs: Mapping[str, str]
    """Names of the head's inputs by the graph's."""
    outputs: Sequence[str | None]
    """Names of the head's outputs in the graph's order; None for what is no answer: state, and what was read."""
    read: Mapping[int, torch.Tensor] = field(default_factory=dict)
    """By its place among the graph's outputs, what the head's code read of its tensors when the graph was made: it is
    right for inputs of which the same is read, and these outputs tell."""
    route: str = ""
    """Name of the route that served."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """What the routes before it said, by name."""

    @property
    def facts(self) -> dict[str, str]:
        """How it was made, for the record."""
        return {"route": self.route, **{f"refused_{name}": said for name, said in self.refused.items()}}

    def name(self, ports: Iterable[str], head: Iterable[str]) -> str:
        """The input of the head that a port of the graph, by all its names, is for.

        Raises:
            InapplicableError: none of these names is one; fed with nothing, a backend may give empty outputs.
        """
        names = list(ports)
        known = set(head)
        found = next((self.inputs[name] for name in names if self.inputs.get(name, "") in known), None)
        if found is None:
            raise InapplicableError(f"its graph asks for {', '.join(names)}, which the head does not take")
        return found


Route = Callable[[Asked], Program]
"""One way to convert; any exception is a refusal."""


def chosen(routes: Mapping[str, Route], name: str | None) -> Mapping[str, Route]:
    """The routes to try: all in order, or the one of a name.

    Raises:
        UnknownRouteError: with the nearest names.
    """
    if name is None:
        return routes
    if name in routes:
        return {name: routes[name]}
    near = get_close_matches(name, routes, n=3) or routes
    raise UnknownRouteError(f"no route is called {name!r}. Known: {', '.join(near)}")


def convert(routes: Mapping[str, Route], asked: Asked, ready: Callable[[Program], Ready]) -> Ready:
    """What ``ready`` makes for the device of the program of the first route that takes the model.

    A program that the device does not take is a refusal of its route: another one may give the device what it can do.

    Raises:
        UnsupportedError: none does; in the words of each.
        MemoryError: there was too little, which says nothing of a route.
    """
    refused: dict[str, str] = {}
    for name, route in routes.items():
        try:
            with quiet(), pinned():
                return ready(replace(route(asked), route=name, refused=dict(refused)))
        except MemoryError:
            raise
        except InapplicableError as answer:
            refused[name] = str(answer)
        except Exception as error:  # noqa: BLE001, whatever a compiler raises is its refusal, and is told in its words
            refused[name] = words(error)
    raise UnsupportedError("; ".join(f"{name}: {said}" for name, said in refused.items()))


def whole(ports: Sequence[Any], outputs: Iterable[str]) -> Sequence[str]:
    """The names of the outputs of a graph that should give just these.

    Raises:
        InapplicableError: it gives more or fewer, and which is which is not told.
    """
    names = list(outputs)
    if len(ports) != len(names):
        raise InapplicableError(f"its graph gives {len(ports)} outputs where the head gives {len(names)}")
    return names


def unprefixed(
    inputs: Iterable[str], outputs: Iterable[str], wanted: Collection[str]
) -> tuple[dict[str, str], list[str | None]]:
    """Inputs and outputs of a graph of transformers' exporters, which prefix names that are both.

    Raises:
        InapplicableError: an output of the head is not among them.
    """
    names = [name.removeprefix("output.") for name in outputs]
    if missing := [name for name in wanted if name not in names]:
        raise InapplicableError(f"its graph does not give {', '.join(missing)}")
    kept = [name if name in wanted else None for name in names]
    return {name: name.removeprefix("input.") for name in inputs}, kept


def words(error: BaseException) -> str:
    """The line of an error that says most: compilers put the cause last, below where they stood, or raise from it."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip(" -") for line in _COLOURS.sub("", str(error)).splitlines() if line.strip(" -")]
    telling = [line for line in lines if not line.startswith(_PREAMBLES)]
    told = telling or lines or [""]
    # What ends in a colon only announces the next line.
    ends = next((index for index, line in enumerate(told) if not line.endswith(":")), len(told) - 1)
    text = f"{type(error).__name__}: {' '.join(told[: ends + 1])}"
    return text if len(text) <= LENGTH else text[: LENGTH - 1] + "…"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Compilers print their graphs and warn of their own internals; what they refuse they raise."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
