"""A head without a forward, whose method hands its further keywords on to that of a part: it is fed what the part takes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from generator.tiny import feeding, probe, rows
from generator.tiny import inputs as declaring

if TYPE_CHECKING:
    from generator.spec import InputSpec

__all__ = ["fed", "receiver", "told"]


def receiver(model: Any, method: str) -> Any:
    """The part to whose method of the same name a head's hands on its keywords (Qwen-Omni's thinker); None where the head
    has a forward of its own, or hands none on."""
    import torch

    called = getattr(model, method, None)
    if called is None or type(model).forward is not torch.nn.Module.forward:
        return None
    found = re.search(rf"self\.(\w+)\.{method}\([^()]*\*\*", inspect.getsource(called))
    return getattr(model, found[1], None) if found else None


def fed(
    model: Any, method: str, mappings: tuple[str, ...], exceptions: Sequence[rows.Row]
) -> tuple[list[InputSpec], tuple[str, ...]]:
    """The inputs of the part's forward, and why it is not fed others; none where a row states the head's or there is no
    such part."""
    part = None if any(exception.inputs for exception in exceptions) else receiver(model, method)
    if part is None:
        return [], ()
    shapes = declaring.documented(inspect.getdoc(part.forward) or "")
    seen = declaring.Context(part.config, probe.parameters(part, "forward"), mappings, shapes=shapes)
    inputs, _, notes = feeding.fed(part, seen, (), "forward", {})
    return inputs, notes


def told(steps: Sequence[Mapping[str, Any]], method: str, inputs: Sequence[InputSpec]) -> list[dict[str, Any]]:
    """The steps, with the inputs among the arguments of those that call the method."""
    given = {item.name: f"${item.name}" for item in inputs}
    return [
        {**step, "arguments": {**given, **step["arguments"]}} if step["call"] == method else dict(step)
        for step in steps
    ]
