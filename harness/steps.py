"""What a user does with a model where one call is not all: a session made, prompts added, a video followed; sound encoded
and decoded again. Steps are plain data; it runs them, and knows what each of their results follows.

A step is a mapping. ``call`` is a method of the model (``encode``, or ``forward`` for the model itself), the name of a
class in the model's module (``Sam2VideoInferenceSession``), or a method of what an earlier step gave
(``$session.add_point_inputs``) or of an attribute of the model's (``$model.speaker_map.update``). ``arguments`` are keyword arguments, or a list of positional ones, plain values at any
depth; a string ``$name.path`` among them stands for an input or for what an earlier step gave, with attributes, keys and
indices after dots (``$encode.audio_codes``, ``$video.shape.-2``), and ``$device`` and ``$dtype`` for the model's own.
``name`` is what the result is called, the call's last word if it is left out. With ``stream`` the call gives one result
after the other, and each is a part of the answer.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.outputs import answers, named

if TYPE_CHECKING:
    import torch

__all__ = ["fixed", "follow", "parts", "title"]

Step = Mapping[str, Any]


def follow(model: Any, steps: Sequence[Step], inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors that the steps gave, one step after the other, each name beginning with its step's.

    Raises:
        LookupError: a step names what there is not.
    """
    known: dict[str, Any] = {"device": model.device, "dtype": model.dtype, "model": model, **inputs}
    given: dict[str, torch.Tensor] = {}
    for step in steps:
        call = _callable(model, step["call"], known)
        arguments = _meant(step.get("arguments", {}), known)
        if isinstance(arguments, Mapping):
            result = call(**{**fixed(getattr(call, "forward", call)), **arguments})
        else:
            result = call(*arguments)
        known[title(step)] = list(result) if step.get("stream") else result
        given |= named({title(step): known[title(step)]})
    return answers(given)


def fixed(method: Any) -> dict[str, Any]:
    """What every call says where the method has arguments for it: named fields, and no cache."""
    plain = inspect.ismethod(method) or inspect.isfunction(method)
    accepted = inspect.signature(method).parameters if plain else {}
    return {name: value for name, value in (("return_dict", True), ("use_cache", False)) if name in accepted}


def title(step: Step) -> str:
    """What the result of a step is called."""
    return str(step.get("name") or str(step["call"]).rpartition(".")[2].lstrip("$"))


def parts(steps: Sequence[Step], outputs: Sequence[str]) -> Iterator[tuple[str, frozenset[str], tuple[str, ...]]]:
    """The parts of an answer that must each follow what they were made of: a step's result, or each of a stream's.

    Gives the part's name, the inputs that it was made of at any remove, and the names of its outputs.
    """
    roots: dict[str, set[str]] = {}
    for step in steps:
        wanted = {name.split(".")[0] for name in _references([f"{step['call']}", step.get("arguments", {})])}
        own = {root for name in wanted for root in roots.get(name, {name})}
        roots[title(step)] = own
        for name in wanted & roots.keys():
            roots[name] |= own  # what a session was told is in it from then on
        found: dict[str, list[str]] = {}
        for output in outputs:
            words = output.split(".")
            if words[0] == title(step):
                found.setdefault(".".join(words[: 2 if step.get("stream") else 1]), []).append(output)
        for part, members in found.items():
            yield part, frozenset(own), tuple(members)


def _callable(model: Any, name: str, known: Mapping[str, Any]) -> Any:
    if name.startswith("$"):
        return _meant(name, known)
    if name == "forward":
        return model
    if hasattr(model, name):
        return getattr(model, name)
    for kind in type(model).__mro__:
        found = getattr(inspect.getmodule(kind), name, None)
        if found is not None:
            return found
    raise LookupError(f"{type(model).__name__} has no {name}, and neither has its module")


def _meant(value: Any, known: Mapping[str, Any]) -> Any:
    """A declared value with what its references stand for."""
    if isinstance(value, Mapping):
        return {key: _meant(item, known) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_meant(item, known) for item in value]
    if not isinstance(value, str) or not value.startswith("$"):
        return value
    name, *path = value[1:].split(".")
    found = known[name]
    for word in path:
        found = _within(found, word)
    return found


def _within(value: Any, word: str) -> Any:
    if word.lstrip("-").isdigit():
        return value[int(word)]
    return value[word] if isinstance(value, Mapping) and word in value else getattr(value, word)


def _references(value: Any) -> Iterator[str]:
    """Everything that a declared value refers to, without the sign."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _references(item)
    elif isinstance(value, str) and value.startswith("$"):
        yield value[1:]
