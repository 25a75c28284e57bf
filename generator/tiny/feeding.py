"""What a head is fed: the likeliest meaning of its arguments with which it runs, and with which each modality is heard."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from generator.spec import InputSpec, OutputSpec
from generator.tiny import hearing, placeholders, probe, rows
from generator.tiny import inputs as declaring

__all__ = ["REFUSALS", "fed"]

REFUSALS = (
    RuntimeError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    AssertionError,
    NameError,
    StopIteration,
)
"""What models raise for inputs of a shape that is not meant."""
_FEW = 4
"""Choices that are tried with each argument that the signature calls optional."""
_LONGEST = 1024
"""Placeholders of a row at most: a number beyond it was misread, and texts of it would take all memory there is."""
_ROUNDS = 6
"""Runs in which the placeholders of a text are counted at most: two for each modality."""


@dataclass(frozen=True)
class _Way:
    """One way to feed a head."""

    given: Mapping[str, InputSpec | None]
    """Inputs that are stated, or None for those that are withheld."""
    choice: Mapping[str, int]
    """Which of several meanings an input takes, by its name."""
    placeholders: Mapping[str, int] | None = None
    """Placeholders of a row of the text by modality; None where the model's features are counted."""

    def without(self, names: Sequence[str]) -> _Way:
        """The same with some inputs withheld."""
        return dataclasses.replace(self, given={**self.given, **dict.fromkeys(names)})


def fed(
    model: Any, context: declaring.Context, exceptions: Sequence[rows.Row], method: str, call: Mapping[str, Any]
) -> tuple[list[InputSpec], tuple[OutputSpec, ...], tuple[str, ...]]:
    """Inputs that the head runs with, what it gives for them, and why a modality that it could take is not among them.

    Where a name leaves open what is meant, the first meaning that runs is taken. If none runs, the head may need an
    argument that its signature calls optional; if that does not help either, the first error says why.
    """
    given = {
        name: InputSpec(name, item[0], dict(item[1])) if item else None
        for exception in exceptions
        for name, item in exception.inputs.items()
    }
    first: Exception | None = None
    for likely in _ways(context, given):
        try:
            inputs = _inputs(model, context, likely)
            outputs = probe.run(model, inputs, method, call)
        except REFUSALS as error:
            first = first or error
            continue
        silenced, bound = False, list[str]()
        if method == "forward":
            way, inputs, silenced = _heard(model, context, likely, inputs)
            inputs = _undrawn(model, context, way, inputs, call)
            outputs = probe.run(model, inputs, method, call)
            bound = _bound(model, inputs, call)
        for name in (name for exception in exceptions for name in exception.indifferent):
            next(item for item in inputs if item.name == name).arguments["matters"] = False
        notes = [f"{name} cannot change alone: other inputs go by what it leaves" for name in bound]
        return inputs, outputs, (*_unfed(context, given, inputs, silenced=silenced), *notes)
    raise first or LookupError("the head takes no inputs")


def _ways(context: declaring.Context, given: Mapping[str, InputSpec | None]) -> Iterator[_Way]:
    """What may be fed, the likeliest first."""
    choices = list(declaring.choices(context, given))
    for choice in choices:
        yield _Way(given, choice)
    for name in declaring.withholdable(
        context, given
    ):  # of the choices above there may have been too many to come to it
        known = {**given, name: None}
        yield from (_Way(known, choice) for choice in declaring.choices(context, known))
    for known in declaring.instead(context, given):
        yield from (_Way(known, choice) for choice in declaring.choices(context, known))
    for count in _patches(context.config):
        for choice in choices:
            yield _Way(given, choice, {"image": count})
    for item in declaring.optional(context, given):
        known = {**given, item.name: item}
        for choice in islice(declaring.choices(context, known), _FEW):
            yield _Way(known, choice)


def _patches(config: Any) -> list[int]:
    """How many features an image may be, for a model that does not show it: one a patch, with or without one for all."""
    vision = getattr(config, "vision_config", None)
    image, patch = getattr(vision, "image_size", None), getattr(vision, "patch_size", None)
    if not (isinstance(image, int) and isinstance(patch, int)):
        return []
    return [(image // patch) ** 2, (image // patch) ** 2 + 1]


def _inputs(model: Any, context: declaring.Context, way: _Way) -> list[InputSpec]:
    """The inputs of one way, with as many placeholders as the model makes features, or as the way says.

    A model that looks for placeholders before it makes features is first given two.
    """
    if way.placeholders is not None:
        return declaring.declare(_counting(context, way.placeholders), way.given, way.choice)
    stands_for = declaring.placeholders(context)
    needed: dict[str, int] = {}
    for _ in range(_ROUNDS):
        specs = declaring.declare(_counting(context, needed), way.given, way.choice)
        try:
            learned = placeholders.learn(model, specs, stands_for)
        except REFUSALS:
            fed = declaring.carried(specs)
            learned = {modality: 2 for modality in stands_for.values() if modality in fed and modality not in needed}
            if not learned:
                raise
        if needed | learned == needed:
            break
        needed = needed | learned
    return specs


def _counting(context: declaring.Context, needed: Mapping[str, int]) -> declaring.Context:
    """The context of a text with so many placeholders.

    Raises:
        ValueError: more than any tiny model has use for.
    """
    if sum(needed.values()) > _LONGEST:
        raise ValueError(f"a row of the text would hold {sum(needed.values())} placeholders")
    return dataclasses.replace(context, placeholders=needed)


def _heard(
    model: Any, context: declaring.Context, way: _Way, inputs: list[InputSpec]
) -> tuple[_Way, list[InputSpec], bool]:
    """The way and its inputs, changed where no output follows a modality, and whether another had to go for it.

    Some models put features in the places of placeholders without asking whether there are any (ColQwen2, PI0): the
    text is then given some. Others put those of a video where those of the image were (GLM-4V, which takes either).
    """
    fed = declaring.carriers(inputs)
    if not any(item.name == "input_ids" for item in inputs) or not (deaf := hearing.deaf(model, inputs, fed)):
        return way, inputs, False
    ways: list[tuple[_Way, bool]] = []
    if way.placeholders is None:
        ways += [(dataclasses.replace(way, placeholders=counts), False) for counts in hearing.made(model, inputs)]
    for modality in (item for item in declaring.LATER if len(declaring.carried(inputs)) > 1):
        ways.append((way.without(declaring.carriers(inputs, modality)), True))
    for other, silenced in ways:
        try:
            changed = _inputs(model, context, other)
            left = declaring.carriers(changed)
            if set(deaf) & set(left) and not hearing.deaf(model, changed, left):
                return other, changed, silenced
        except REFUSALS:
            continue
    return way, inputs, False


def _undrawn(
    model: Any, context: declaring.Context, way: _Way, inputs: list[InputSpec], call: Mapping[str, Any]
) -> list[InputSpec]:
    """The inputs, and what the head would otherwise draw at random for each row: noise that an optional argument takes."""
    drawn = hearing.drawn(model, inputs, call)
    known = dict(way.given)
    for item in declaring.optional(context, known) if drawn else ():
        if not drawn or item.name in known:
            continue
        # One number for each row may be drawn by way of several (of a beta distribution).
        for shape, kind in [*drawn, *((shape[:1], kind) for shape, kind in drawn)]:
            meant = declaring.noise(context, item.name, shape, kind)
            try:
                more = _inputs(model, context, dataclasses.replace(way, given={**known, item.name: meant}))
                left = hearing.drawn(model, more, call)
            except REFUSALS:
                continue
            if len(left) < len(drawn):
                known[item.name] = meant
                drawn, inputs = left, more
                break
    return inputs


def _bound(model: Any, inputs: Sequence[InputSpec], call: Mapping[str, Any]) -> list[str]:
    """Masks with which other inputs go, such as one of patches of which the text holds a placeholder each: the head
    refuses another one beside the same inputs. The outputs are not asked to follow them."""
    given = {**probe.tensors(inputs), **call}
    found = []
    for item in inputs:
        if item.kind != "Mask" or item.name == "attention_mask":
            continue
        changed, hidden = given[item.name].clone(), item.arguments.get("hidden", 2)
        if item.arguments.get("padded"):  # as many as before in all, but not in each row
            changed[...] = 1
            changed[1::2, ..., -2 * hidden :] = 0
        else:
            changed[..., -hidden:] = 0
        try:
            probe.forward(model, {**given, item.name: changed})
        except REFUSALS:
            item.arguments["matters"] = False
            found.append(item.name)
    return found


def _unfed(
    context: declaring.Context, given: Mapping[str, InputSpec | None], inputs: Sequence[InputSpec], *, silenced: bool
) -> Iterator[str]:
    """A sentence for each modality that the head has an argument for and is not fed, unless a row withholds it."""
    why = "beside it, no output follows another modality" if silenced else "the head does not run with it beside these"
    for name in declaring.withheld(context, [item.name for item in inputs]):
        if name not in given:
            yield f"{name} is not fed: {why if declaring.ruled(context, name) else 'no rule makes one'}"
