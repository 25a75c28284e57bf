"""What stands for an image, a video or a sound in a prompt to a processor, and the chat template that puts it there."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from generator.processors import building
from generator.processors.words import Word
from generator.tiny import inputs as declaring

if TYPE_CHECKING:
    from generator.processors.trial import Trial

__all__ = ["speakers", "template", "ways"]

_WORDS = ("{}_placeholder_token", "{}_token")
"""Attributes of processors that hold what stands for a modality in a prompt, the surest first."""
_STARTS = ("{}_start_token", "start_{}_token", "{}_bos_token")
_ENDS = ("{}_end_token", "end_{}_token", "{}_eos_token")
"""Attributes that hold what some want around it."""
_SPEAKERS = ("user", "assistant")
"""Who speaks in a chat: a model that is told one of them from the other has a token for each, which its config names."""
_OPENS, _CLOSES = "im_start", "im_end"
"""What stands around a message, by the names of its ids in such a config."""


def speakers(config: Any) -> tuple[Word, ...]:
    """The words by which a model tells who speaks in a chat, where its config names their ids (Qwen3-Omni's, whose talker
    looks for where the user and where the assistant began); none for any other."""
    context = declaring.Context(config, {}, ())
    found = tuple(
        Word(role, role if role in _SPEAKERS else f"<|{role}|>", required=False)
        for role in (_OPENS, _CLOSES, *_SPEAKERS)
        if type(context.find(f"{role}_token_id")) is int
    )
    return found if {_OPENS, *_SPEAKERS} <= {word.role for word in found} else ()


def ways(parts: dict[str, dict[str, Any]], trial: Trial) -> Iterator[dict[str, dict[str, Any]]]:
    """The parts with what stands for an image or a sound in a prompt, the likeliest first: in a chat template, where the
    processor takes one and has none, or else as ``prompt`` before the text, where anything stands there at all."""
    whole = parts["processor"]
    parameter = inspect.signature(building.public(whole["class_name"]).__init__).parameters.get("chat_template")
    try:
        made = building.build(parts)["processor"]
    except Exception:  # noqa: BLE001, each class has errors of its own for parts that do not fit it
        yield parts
        return
    if parameter is not None and isinstance(parameter.default, str):
        yield parts
        return
    vocabulary = parts.get("tokenizer", {}).get("vocabulary", "").split(" ")
    spoken = {f"<|{_OPENS}|>", *_SPEAKERS} <= {*vocabulary}
    found = list(_marks(made, vocabulary, trial))
    for marks in found if parameter is not None else ():
        arguments = {**whole["arguments"], "chat_template": template(marks, spoken=spoken)}
        yield {**parts, "processor": {**whole, "arguments": arguments}}
    for marks in found:
        prompt = "".join(marks.values())
        yield {**parts, "processor": {**whole, "prompt": prompt}} if prompt else parts


def template(marks: Mapping[str, str], *, spoken: bool = False) -> str:
    """A chat template that writes each part of each message as it comes, with these words for images and the like; with
    ``spoken`` who said it before it, and who is to speak next."""
    kinds = "".join(f"{{% elif part['type'] == '{name}' %}}{mark}" for name, mark in marks.items())
    part = f"{{% if part['type'] == 'text' %}}{{{{ part['text'] }}}}{kinds}{{% endif %}}"
    parts = f"{{% for part in message['content'] %}}{part}{{% endfor %}}"
    text = f"{{% if message['content'] is string %}}{{{{ message['content'] }}}}{{% else %}}{parts}{{% endif %}}"
    if not spoken:
        return f"{{% for message in messages %}}{text}{{% endfor %}}"
    said = f"<|{_OPENS}|>{{{{ message['role'] }}}}{text}<|{_CLOSES}|>"
    next_one = f"{{% if add_generation_prompt %}}<|{_OPENS}|>{_SPEAKERS[1]}{{% endif %}}"
    return f"{{% for message in messages %}}{said}{{% endfor %}}{next_one}"


def _marks(processor: Any, vocabulary: list[str], trial: Trial) -> Iterator[dict[str, str]]:
    """What may stand for each modality: one word, with a start and an end around it, nothing, as where the processor writes
    the placeholders by itself, as many placeholders as the model makes features, or the beginning of an image alone, which
    Gemma's turned into all that follows until 5.10."""
    words: dict[str, str] = {}
    framed: dict[str, str] = {}
    for modality in ("image", "video", "audio"):
        word = _first(processor, _WORDS, modality)
        if word:
            words[modality] = word
            framed[modality] = _first(processor, _STARTS, modality) + word + _first(processor, _ENDS, modality)
    placeholders = {modality: vocabulary[token] for token, modality in trial.tokens.items() if token < len(vocabulary)}
    repeated = {modality: placeholders.get(modality, "") * count for modality, count in trial.counts.items()}
    begins = {modality: _first(processor, ("bo{0[0]}_token",), modality) for modality in words}
    told: list[dict[str, str]] = []
    for marks in (words, framed, {}, repeated, begins):
        if marks not in told:
            told.append(marks)
            yield marks


def _first(processor: Any, names: tuple[str, ...], modality: str) -> str:
    found = (getattr(processor, name.format(modality), None) for name in names)
    return str(next(filter(None, found), ""))
