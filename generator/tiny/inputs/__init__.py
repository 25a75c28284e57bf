"""Inputs of a head, by the names of ``forward``'s parameters and what the config says of their sizes; knows no model."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice, product

from generator.spec import InputSpec
from generator.tiny import roles
from generator.tiny.inputs import audio, series, text, vision
from generator.tiny.inputs.context import BATCH, Context, Rule, batch
from generator.tiny.inputs.guess import documented, guess
from generator.tiny.inputs.text import placeholder, specials, tokens

__all__ = [
    "BATCH",
    "LATER",
    "Context",
    "NoRule",
    "alone",
    "batch",
    "carried",
    "carriers",
    "choices",
    "declare",
    "documented",
    "instead",
    "noise",
    "optional",
    "placeholder",
    "placeholders",
    "ruled",
    "specials",
    "tokens",
    "withheld",
    "withholdable",
]

_MOST = 32
"""Combinations of what could be meant by inputs' names that are tried at most."""
_MOST_WAYS = 1024
"""Combinations among which those are chosen."""
_CARRIES: Mapping[str, str] = {
    "pixel_values": "image",
    "pixel_values_images": "image",
    "pixel_values_videos": "video",
    "input_features": "audio",
    "input_values": "audio",
    "audio_input_ids": "audio",
}
"""Inputs that carry a modality: a head goes without one only if it does not run with it, whatever else is tried."""
LATER = ("video", "audio", "image")
"""Modalities in the order in which a head that cannot take all of them goes without one."""
_RULES: Mapping[str, Rule] = {**text.RULES, **vision.RULES, **audio.RULES, **series.RULES}
"""The rule of each parameter that is fed; all others keep their defaults."""
_NEVER = frozenset({"self", "labels"})
_ALWAYS_LEFT_OUT = frozenset({"inputs_embeds", "position_ids", "head_mask", "logits_to_keep", "past_key_values"})
"""Optional tensors that every model does without."""
_STRUCTURES = ("dict", "list", "tuple", "Cache")
"""Words in the annotation of an argument that is no tensor, but holds some."""
_FEW_GUESSES = 3
"""Guesses that are tried of an optional argument."""


class NoRule(LookupError):  # noqa: N818  # it says what is lacking, and is always told with the head's name
    """A parameter without default that no rule makes; no other config would help."""


def declare(
    context: Context, given: Mapping[str, InputSpec | None], choice: Mapping[str, int] | None = None
) -> list[InputSpec]:
    """The inputs that the head is fed, in the order of its signature, without what goes with a modality that it is not.

    Args:
        context: what the rules may look at.
        given: inputs that a row states, or None for those that it withholds; they go before the rules.
        choice: which of several meanings an input takes, by its name; the first where it says nothing.

    Raises:
        LookupError: a parameter without default has no rule.
    """
    chosen = choice or {}
    specs = [item for name, item in given.items() if item is not None and name not in context.forward]
    for name, meanings in _meanings(context, given).items():
        meant = meanings[min(chosen.get(name, 0), len(meanings) - 1)]
        if meant is not None:
            specs.append(meant)
    idle = {_CARRIES[name] for name in withheld(context, [item.name for item in specs])}
    return [item for item in specs if item.name in given or not any(modality in item.name for modality in idle)]


def choices(context: Context, given: Mapping[str, InputSpec | None]) -> Iterator[dict[str, int]]:
    """Ways to take the inputs whose names leave open what is meant, those that withhold no modality first, then the
    likeliest.

    Raises:
        LookupError: a parameter without default has no rule.
    """
    meanings = {name: items for name, items in _meanings(context, given).items() if len(items) > 1}

    def withheld(picked: tuple[int, ...]) -> int:
        pairs = zip(meanings.items(), picked, strict=True)
        return sum(items[place] is None and name in _CARRIES for (name, items), place in pairs)

    likeliest = islice(product(*(range(len(items)) for items in meanings.values())), _MOST_WAYS)
    for picked in islice(sorted(likeliest, key=withheld), _MOST):
        yield dict(zip(meanings, picked, strict=True))


def optional(context: Context, given: Mapping[str, InputSpec | None]) -> Iterator[InputSpec]:
    """Tensors that a signature calls optional and no rule feeds, for a head that may not do without one of them."""
    known = _meanings(context, given)
    for name, parameter in context.forward.items():
        if name in known or name in _NEVER or name in _ALWAYS_LEFT_OUT or "Tensor" not in str(parameter.annotation):
            continue
        if not any(word in str(parameter.annotation) for word in _STRUCTURES):
            yield from islice(guess(context, name), _FEW_GUESSES)


def alone(specs: Sequence[InputSpec]) -> list[InputSpec]:
    """The inputs of the first row of a batch."""

    def first(item: InputSpec) -> InputSpec:
        given = dict(item.arguments)
        if "shape" in given:
            given["shape"] = (given["shape"][0] // BATCH, *given["shape"][1:])
        if "values" in given:
            given["values"] = given["values"][: len(given["values"]) // BATCH]
        return InputSpec(item.name, item.kind, given)

    return [first(item) for item in specs]


def placeholders(context: Context) -> dict[int, str]:
    """Modalities by the id of the token that stands for them in a text."""
    found = {text.placeholder(context, modality): modality for modality in text.MODALITIES}
    return {token: modality for token, modality in found.items() if token is not None}


def carried(specs: Sequence[InputSpec]) -> set[str]:
    """Modalities, of those that have placeholders, that inputs carry."""
    return {_CARRIES[item.name] for item in specs if item.name in _CARRIES}


def carriers(specs: Sequence[InputSpec], modality: str | None = None) -> list[str]:
    """Names of the inputs that carry a modality, or this one."""
    return [item.name for item in specs if modality in (_CARRIES.get(item.name), None) and item.name in _CARRIES]


def withheld(context: Context, fed: Collection[str]) -> list[str]:
    """Names of arguments that carry a modality of which nothing is fed."""
    there = {_CARRIES[name] for name in fed if name in _CARRIES}
    return [name for name in context.forward if name in _CARRIES and _CARRIES[name] not in there]


def ruled(context: Context, name: str) -> bool:
    """Whether a rule makes an input of the argument at all."""
    rule = _RULES.get(name)
    return rule is not None and rule(context, name) is not None


def noise(context: Context, name: str, shape: tuple[int, ...], dtype: str) -> InputSpec:
    """An input in place of what a head draws at random."""
    if dtype.startswith("int"):
        size = context.find("vocab_size", within="text") or context.find("vocab_size") or roles.VOCABULARY
        return InputSpec(name, "Tokens", tokens(context, shape, size))
    return InputSpec(name, "Floats", {"shape": shape})


def withholdable(context: Context, given: Mapping[str, InputSpec | None]) -> list[str]:
    """Names of arguments that carry a modality which a head may go without, since it takes another."""
    names = [name for name, items in _meanings(context, given).items() if name in _CARRIES and None in items]
    return [name for name in names if name not in given and len(_CARRIES.keys() & context.forward.keys()) > 1]


def instead(context: Context, given: Mapping[str, InputSpec | None]) -> Iterator[dict[str, InputSpec | None]]:
    """What is given, without the text and its mask, for a head that takes a sound in the text's place: it has no token
    that stands for one, and takes the mask for that of the sound."""
    fed = _meanings(context, given)
    if (
        "audio" not in placeholders(context).values()
        and "input_ids" in fed
        and {"input_features", "input_values"} & {*fed}
    ):
        yield {**given, "input_ids": None, "attention_mask": None}


def _is_tensor(annotation: object) -> bool:
    """Whether an argument may be a tensor: annotated as one, or not at all."""
    return annotation is inspect.Parameter.empty or "Tensor" in str(annotation)


def _meanings(context: Context, given: Mapping[str, InputSpec | None]) -> dict[str, Sequence[InputSpec | None]]:
    found: dict[str, Sequence[InputSpec | None]] = {}
    for name, parameter in context.forward.items():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        if name in given:
            found[name] = [given[name]]
            continue
        rule = _RULES.get(name)
        answer = rule(context, name) if rule else None
        if answer is not None:
            found[name] = [answer] if isinstance(answer, InputSpec) else list(answer)
        elif parameter.default is parameter.empty and name not in _NEVER:
            if not _is_tensor(parameter.annotation):
                raise NoRule(f"no rule makes the input {name!r}")
            found[name] = guess(context, name)
    return found
