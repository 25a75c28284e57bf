"""Inputs of a head, by the names of ``forward``'s parameters and what the config says of their sizes; knows no model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product

from generator.spec import InputSpec
from generator.tiny.inputs import audio, series, text, vision
from generator.tiny.inputs.context import Context, Rule, batch
from generator.tiny.inputs.text import specials, tokens

__all__ = ["Context", "NoRule", "batch", "choices", "declare", "specials", "tokens"]

_MOST = 32
"""Combinations of what could be meant by inputs' names that are tried at most."""
_RULES: Mapping[str, Rule] = {**text.RULES, **vision.RULES, **audio.RULES, **series.RULES}
"""The rule of each parameter that is fed; all others keep their defaults."""
_NEVER = frozenset({"self", "labels"})


class NoRule(LookupError):  # noqa: N818  # it says what is lacking, and is always told with the head's name
    """A parameter without default that no rule makes; no other config would help."""


def declare(
    context: Context, given: Mapping[str, InputSpec | None], choice: Mapping[str, int] | None = None
) -> list[InputSpec]:
    """The inputs that the head is fed, in the order of its signature.

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
    return specs


def choices(context: Context, given: Mapping[str, InputSpec | None]) -> Iterator[dict[str, int]]:
    """Ways to take the inputs whose names leave open what is meant, the likeliest first.

    Raises:
        LookupError: a parameter without default has no rule.
    """
    open_names = {name: range(len(items)) for name, items in _meanings(context, given).items() if len(items) > 1}
    for picked in islice(product(*open_names.values()), _MOST):
        yield dict(zip(open_names, picked, strict=True))


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
            raise NoRule(f"no rule makes the input {name!r}")
    return found
