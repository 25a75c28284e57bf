"""What in a pipeline's answer follows the question, so that an answer to another question must differ there; and what its
model gave meanwhile, where answers are too coarse to differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from harness.checks.pipeline_samples import Asked
from harness.outputs import named

__all__ = ["coarse", "everything", "numbers", "overheard", "replies", "words"]


def numbers(answer: Any, asked: Asked) -> list[Any]:
    """All numbers in it, in their order: of lists, dicts, arrays, tensors and images; no texts, which repeat the question."""
    del asked
    return _numbers(answer)


def replies(answer: Any, asked: Asked) -> list[Any]:
    """The answers to a question with their scores."""
    del asked
    return everything(answer)


def everything(answer: Any) -> list[Any]:
    """All numbers and texts in it, in their order."""
    if isinstance(answer, Mapping):
        return [item for name in answer for item in everything(answer[name])]
    if isinstance(answer, (list, tuple)):
        return [item for each in answer for item in everything(each)]
    return [answer] if isinstance(answer, str) else _numbers(answer)


def _numbers(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [number for name in value for number in _numbers(value[name])]
    if isinstance(value, (list, tuple)):
        return [number for item in value for number in _numbers(item)]
    if isinstance(value, (bool, int, float)):
        return [value]
    if hasattr(value, "tobytes"):  # arrays and images
        return [value.tobytes()]
    return _numbers(value.tolist()) if hasattr(value, "tolist") else []


def words(answer: Any, asked: Asked) -> list[str]:
    """All texts that were written, without what was asked."""
    records = answer if isinstance(answer, list) else [answer]
    written: list[str] = []
    for record in records:
        for name, value in record.items():
            if name.endswith("text") and name != "input_text":
                text = value if isinstance(value, str) else str(value[-1].get("content"))
                written.append(text.removeprefix(asked.sentence))
    return written


def coarse(told: Any) -> bool:
    """Whether what was told is of few values: words, the masks of an image, or probabilities that are all 0 or 1."""
    return bool(told) and all(isinstance(item, (str, bytes)) or item in (0, 1) for item in told)


@contextmanager
def overheard(model: Any) -> Iterator[dict[str, list[Any]]]:
    """The last numbers of all that the model gives in its first call: as many as the last axis has, so that texts of
    different lengths compare. Of one that generates with a part of it alone it is what each of the parts gives."""
    heard: dict[str, list[Any]] = {}

    def hear(name: str, output: Any) -> None:
        if name not in heard:
            tensors = [item for item in named(output).values() if item.is_floating_point() and item.numel()]
            heard[name] = [item.flatten()[-max(item.shape[-1:], default=1) :].tolist() for item in tensors]

    handles = [
        module.register_forward_hook(lambda _module, _inputs, output, name=name: hear(name, output))
        for name, module in (("", model), *model.named_children())
    ]
    try:
        yield heard
    finally:
        for handle in handles:
            handle.remove()
        for name in [name for name in heard if name and "" in heard]:
            del heard[name]
