"""Which pipelines can serve a head: one that hands over a text alone serves none that does not run without more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from generator.spec import InputSpec
from generator.tiny import inputs as declaring
from generator.tiny import probe
from generator.tiny.feeding import REFUSALS

__all__ = ["served"]

_SPOKEN = ("input_ids", "attention_mask", "token_type_ids")
"""What a tokenizer gives."""


def served(model: Any, tasks: Sequence[str], inputs: Sequence[InputSpec]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The pipelines that can serve a head, and why one that would load it cannot.

    Nothing is said of heads that see or hear, or write with a decoder: which pipelines are for them, the names of their
    inputs say.

    Args:
        model: the head.
        tasks: pipelines that would load it.
        inputs: what ``forward`` is fed.
    """
    from transformers.pipelines import SUPPORTED_TASKS

    texts = [task for task in tasks if task == "feature-extraction" or SUPPORTED_TASKS[task]["type"] == "text"]
    more = [item.name for item in inputs if item.name not in _SPOKEN]
    if not texts or not more or declaring.carried(inputs) or any(name.startswith("decoder_") for name in more):
        return tuple(tasks), ()
    spoken = {name: value for name, value in probe.tensors(inputs).items() if name in _SPOKEN}
    if spoken:
        try:
            probe.forward(model, spoken)
            return tuple(tasks), ()
        except REFUSALS:
            pass  # that is the answer
    reason = f"{', '.join(texts)}: gives no {' and no '.join(more)}, without which the head does not run"
    return tuple(task for task in tasks if task not in texts), (reason,)
