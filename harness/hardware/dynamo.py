"""What torch.compile did with a model: the graphs that it made, where it broke off, and whether what was compiled ran."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.hardware.protocol import UnsupportedError

__all__ = ["Counting", "cause", "forget", "strict"]


class Counting:
    """A backend of torch.compile that is another one, and counts the graphs given to it and the calls of what it made of them.

    torch.compile runs in Python whatever it cannot make a graph of, and says so only in its logs: a model of which nothing was
    compiled gives the right numbers. What is counted here is what really ran.
    """

    def __init__(self, backend: str, arguments: Mapping[str, Any]) -> None:
        """Args:
        backend: as torch.compile calls it.
        arguments: what it is handed beside the graph and its inputs.
        """
        self.backend = backend
        self.arguments = arguments
        self.graphs = 0
        self.calls = 0

    def __call__(self, graph: Any, inputs: Any) -> Any:
        """What the backend makes of a graph, counted whenever it is called."""
        from torch._dynamo import lookup_backend

        made = lookup_backend(self.backend)(graph, inputs, **self.arguments)
        self.graphs += 1

        def run(*tensors: Any) -> Any:
            results = made(*tensors)
            self.calls += 1
            return results

        return run

    @property
    def facts(self) -> dict[str, str | int]:
        """Graphs, the places where a graph broke off, and functions that were given up and run in Python, since ``forget``."""
        from torch._dynamo.utils import counters, graph_break_reasons

        frames = counters["frames"]
        facts: dict[str, str | int] = {
            "backend": self.backend,
            "graphs": self.graphs,
            "graph_breaks": len(graph_break_reasons),
            "functions_left_to_python": frames["total"] - frames["ok"],
        }
        if graph_break_reasons:
            facts["first_break"] = _told(graph_break_reasons[0])
        return facts


def forget() -> None:
    """As in a new process: no graph, no count, and nothing held of models that came before. Files on disk stay: they are found
    by what they were made of."""
    import torch
    from torch._dynamo.utils import counters
    from torch._inductor.utils import clear_caches

    torch.compiler.reset()
    counters.clear()
    clear_caches()


@contextlib.contextmanager
def strict() -> Iterator[None]:
    """Within it, a function that was compiled anew too often is an error. By default torch.compile warns once, and runs it in
    Python from then on.

    Raises:
        UnsupportedError: there was such a function.
    """
    from torch._dynamo import config, exc

    try:
        with config.patch(fail_on_recompile_limit_hit=True, suppress_errors=False):
            yield
    except exc.FailOnRecompileLimitHit as error:
        limit = f"recompile_limit={config.recompile_limit}"
        raise UnsupportedError(f"it is compiled anew too often ({limit}), and would then be run in Python") from error


def cause(error: BaseException) -> BaseException:
    """The error that torch.compile wrapped, at any remove."""
    inner = getattr(error, "inner_exception", None)
    return cause(inner) if isinstance(inner, BaseException) else error


def _told(reason: Any) -> str:
    """Why a graph broke off, and where in the model."""
    first = str(reason.reason).splitlines()[0]
    place = reason.user_stack[-1] if reason.user_stack else None
    return f"{first} ({Path(place.filename).name}:{place.lineno})" if place else first
