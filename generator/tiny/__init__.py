"""The tiny model of an architecture: its config, and for each head what it takes, gives and generates.

Everything is found by rules over the library's own classes, then by ``rows``, and proved by a run on the CPU.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from generator import configuration, modalities, plugins
from generator.plugins import public_class
from generator.spec import HeadSpec, InputSpec, OutputSpec
from generator.tiny import config as shrinking
from generator.tiny import feeding, generating, handing, hearing, libraries, probe, roles, rows, serving, steps
from generator.tiny import inputs as declaring

if TYPE_CHECKING:
    from generator.catalog import HeadRow, Row

__all__ = ["Tiny", "TinyError", "build"]


_LABELS = 2
"""Labels of a head that has any number of them."""
_MOST_LABELS = 8
_NOISE = "vae_std"
"""What scales the noise that is added to what an encoder gives."""
_ONE_AT_A_TIME = (
    "it is fed one row: how long what it speaks becomes follows the weights, and beside a longer row it would be padded "
    "with what its decoder hears"
)


class TinyError(ValueError):
    """An architecture that could not be built tiny, with the head and the library's own words."""


@dataclass(frozen=True)
class Tiny:
    """What the tiny builder knows of an architecture."""

    config: dict[str, Any]
    """Explicit arguments of the config class."""
    facts: dict[str, Any]
    """Figures of that config which the family's template may state."""
    heads: tuple[HeadSpec, ...]
    """Every head of the catalogue's row, in its order."""


def build(row: Row) -> Tiny:
    """The tiny model of an architecture, every head of it built and run.

    Without a library that the architecture needs, all its heads are unsettled. One that could be neither built nor run
    for another reason is unsettled too, unless it is the primary one.

    Raises:
        TinyError: the config or the primary head could not be built, fed or run.
    """
    if absent := libraries.missing(row):
        return Tiny({}, {}, tuple(_unsettled(head, absent) for head in row.heads))
    arguments = settle(row)
    made: dict[str, HeadSpec] = {}
    for head in sorted(row.heads, key=lambda head: not head.primary):
        spec, changes = _head(row, head, arguments)
        if head.primary and spec.config_class is None:  # what it takes to build it is the architecture's config
            arguments, changes = shrinking.merge(arguments, changes), {}
        made[head.class_name] = dataclasses.replace(spec, config=shrinking.merge(spec.config, changes))
    heads = tuple(made[head.class_name] for head in row.heads)
    context = declaring.Context(configuration.make(public_class(row.config_class), arguments), {}, ())
    facts = {
        name: value for name, (names, part) in roles.FACTS.items() if (value := _fact(context, names, part)) is not None
    }
    return Tiny(arguments, facts, heads)


def settle(row: Row) -> dict[str, Any]:
    """The config arguments that all heads of an architecture share.

    Raises:
        TinyError: no rule makes a valid config.
    """
    try:
        config_class = public_class(row.config_class)
        arguments = shrinking.shrink(config_class, modalities=row.modalities, values=row.values)
        for exception in rows.of(row.config_type, ""):
            arguments = shrinking.merge(arguments, shrinking.spelled(exception.config, config_class))
        arguments = _valid(config_class, arguments, stated=row.values is not None)
        if any(map(_generates, row.heads)):
            arguments |= _starts(configuration.make(config_class, arguments))
        return shrinking.settled(arguments, configuration.make(config_class, arguments))
    except Exception as error:
        raise TinyError(f"{row.model_type}: {row.config_class} could not be built tiny: {_reason(error)}") from error


def _valid(config_class: Any, arguments: dict[str, Any], *, stated: bool) -> dict[str, Any]:
    """The arguments, changed where the config class refuses them; not what a folder ``stated`` as it would have it."""

    def tried(changes: Mapping[str, Any]) -> shrinking.Tried[Any]:
        try:
            if stated:
                shrinking.not_gainsaid(arguments, changes)
            return shrinking.Tried(configuration.make(config_class, shrinking.merge(arguments, changes)), None, (0, 0))
        except Exception as error:  # noqa: BLE001  # whatever the library raises is what the search goes by
            return shrinking.Tried(None, error, (0, 0))

    first = tried({})
    if first.error is None:
        return arguments
    found = shrinking.mended(config_class, arguments, first, tried, manners=shrinking.MANNERS)
    if found is None:
        raise first.error
    return shrinking.merge(arguments, found[1])


def _head(row: Row, head: HeadRow, shared: Mapping[str, Any]) -> tuple[HeadSpec, dict[str, Any]]:
    """The head, and changes to the config that it takes to build and run it."""
    try:
        place = _place(row, head, shared)
        first = _tried(row, head, shared, {})
        if first.result is not None:
            return _filled(row, head, shared, first.result)
        if isinstance(first.error, feeding.REFUSALS) and not isinstance(
            first.error, (NotImplementedError, declaring.NoRule)
        ):
            overlay = _overlay(row, head, place, shared)
            config_class = plugins.config_class(place.get("config_class", row.config_class), head.class_name)
            found = shrinking.mended(
                config_class,
                shrinking.merge(_arguments(row, place, shared), overlay),
                first,
                lambda changes: _tried(row, head, shared, changes),
                manners=shrinking.MANNERS if head.primary and not place else (),
                modalities=row.modalities,
            )
            if found is not None:
                return found
        raise first.error or LookupError(f"{head.class_name} was neither built nor refused")
    except Exception as error:
        if not head.primary:
            return _unsettled(head, _reason(error)), {}
        raise TinyError(f"{row.model_type}: {head.class_name} could not be built tiny: {_reason(error)}") from error


def _filled(row: Row, head: HeadRow, shared: Mapping[str, Any], spec: HeadSpec) -> tuple[HeadSpec, dict[str, Any]]:
    """The head, with as many labels as it takes for no output to be without a number where two leave one so: they are the
    channels of an image, cut into colours and what is left (Sapiens2's matting)."""
    for count in range(_LABELS + 1, _MOST_LABELS + 1):
        if not any(0 in output.shape for output in spec.outputs):
            break
        changes = {"num_labels": count}
        found = _tried(row, head, shared, changes).result
        if found is not None and not any(0 in output.shape for output in found.outputs):
            return found, changes
    return spec, {}


def _unsettled(head: HeadRow, reason: str) -> HeadSpec:
    return HeadSpec(
        class_name=head.class_name,
        mappings=head.mappings,
        pipelines=head.pipelines,
        primary=head.primary,
        config={},
        inputs=(),
        outputs=(),
        parameters=0,
        batch=1,
        generation=None,
        unsettled=reason,
    )


def _tried(row: Row, head: HeadRow, shared: Mapping[str, Any], changes: Mapping[str, Any]) -> shrinking.Tried[HeadSpec]:
    with probe.watched(head.class_name) as watch:
        try:
            if row.values is not None:
                shrinking.not_gainsaid(_arguments(row, _place(row, head, shared), shared), changes)
            return shrinking.Tried(_undisturbed(row, head, shared, changes), None, watch.progress)
        except Exception as error:  # noqa: BLE001  # whatever the library raises is what the search goes by
            return shrinking.Tried(None, error, watch.progress)


def _undisturbed(row: Row, head: HeadRow, shared: Mapping[str, Any], changes: Mapping[str, Any]) -> HeadSpec:
    """The head, without noise that nothing but its config turns off (VibeVoice ASR's, before 5.23)."""
    spec, place = _proved(row, head, shared, changes), _place(row, head, shared)
    config = _config(row, head, place, shared, shrinking.merge(spec.config, changes))
    noise = {} if spec.steps or spec.method != "forward" or "sample" in spec.arguments else _noise(config)
    if not noise or not hearing.drawn(probe.build(head.class_name, config), spec.inputs, spec.arguments):
        return spec
    still = _proved(row, head, shared, shrinking.merge(changes, noise))
    return dataclasses.replace(still, config=shrinking.merge(still.config, noise))


def _proved(row: Row, head: HeadRow, shared: Mapping[str, Any], changes: Mapping[str, Any]) -> HeadSpec:
    exceptions = rows.of(row.config_type, head.class_name)
    place = _place(row, head, shared)
    overlay = _overlay(row, head, place, shared)
    config = _config(row, head, place, shared, shrinking.merge(overlay, changes))
    model = probe.build(head.class_name, config)
    method, call, generation_config = "forward", dict[str, Any](), dict[str, Any]()
    for exception in exceptions:
        if exception.method != "forward":
            method, call = exception.method, dict(exception.arguments)
        generation_config |= exception.generation_config
    looked_up = generating.tables(model) if method == "forward" and model.can_generate() else {}
    generation_config = looked_up | generation_config
    for name, value in generation_config.items():
        setattr(model.generation_config, name, value)
    shapes = declaring.documented(inspect.getdoc(getattr(model, method)) or "")
    seen = declaring.Context(config, probe.parameters(model, method), head.mappings, shapes=shapes)
    if isinstance(getattr(seen.forward.get("sample"), "default", None), bool):
        call.setdefault("sample", False)  # the features themselves, without noise that no two rows share
    inputs, outputs, notes, rows_fed, done = _run(model, seen, exceptions, method, call)
    outputs = probe.loosened(model, outputs, lambda: probe.run(model, inputs, method, call, done))
    if not done and rows_fed == declaring.BATCH and any(-1 in item.shape for item in outputs):
        inputs, rows_fed, notes = declaring.alone(inputs), 1, (*notes, _ONE_AT_A_TIME)
        outputs = probe.alike(probe.run(model, inputs, method, call), outputs)
    batch = next((exception.batch for exception in exceptions if exception.batch is not None), rows_fed)
    pipelines, unserved = serving.untold(head.pipelines, done)
    if method == "forward" and pipelines:
        pipelines, unserved = serving.served(model, pipelines, inputs)
    notes += unserved
    fixed = hearing.fixed(model, inputs, call) if method == "forward" and not done else ()
    if fixed:
        notes += (f"{', '.join(fixed)}: made of what it is fed alone, whatever the weights",)
    infinite = hearing.padded(model, inputs) if method == "forward" and not done and not call else ()
    if infinite:
        notes += (f"{', '.join(infinite)}: minus infinity for the tokens that a text has not",)
    leaky = hearing.leaky(model, inputs, call) if method == "forward" and not done else ()
    if leaky:
        inputs = [
            dataclasses.replace(item, arguments={**item.arguments, "leaks": True}) if item.name in leaky else item
            for item in inputs
        ]
        notes += (f"{', '.join(leaky)}: what it hides is seen, in what the model does beside attending",)
    spec = HeadSpec(
        class_name=head.class_name,
        mappings=head.mappings,
        pipelines=pipelines,
        primary=head.primary,
        config=overlay,
        inputs=tuple(inputs),
        outputs=outputs,
        parameters=probe.count(model),
        batch=batch,
        generation=generating.generation(model, inputs, exceptions, call, looked_up),
        notes=(*(exception.reason for exception in exceptions), *notes),
        infinite=infinite,
        fixed=fixed,
        config_class=place.get("config_class"),
        part=place.get("part"),
        within=place.get("within"),
        method=method,
        arguments=call,
        steps=tuple(done),
        generation_config=generation_config,
    )
    silent = tuple(map(modalities.note, modalities.unfed(row.modalities, spec))) if head.primary else ()
    return dataclasses.replace(spec, notes=(*spec.notes, *silent))


def _run(
    model: Any, seen: declaring.Context, exceptions: Sequence[rows.Row], method: str, call: Mapping[str, Any]
) -> tuple[list[InputSpec], tuple[OutputSpec, ...], tuple[str, ...], int, list[dict[str, Any]]]:
    """What the head is fed and gives for it, why a modality is not among that, its rows, and the steps where one call is not
    all."""
    inputs, done = _stepped(model, seen, exceptions, method)
    handed, notes = handing.fed(model, "generate", seen.mappings, exceptions)
    if handed:
        done = handing.told(done, "generate", handed)
        return handed, probe.run(model, handed, method, call, done), notes, declaring.batch(seen), done
    if done:
        rows_fed = declaring.batch(seen) if _stated(exceptions) else 1
        return inputs, probe.run(model, inputs, steps=done), (), rows_fed, done
    inputs, outputs, notes = feeding.fed(model, seen, exceptions, method, call)
    if method == "forward" and steps.is_codec(model):
        done = steps.codec(model, inputs, lambda some: probe.follow(model, inputs, some))
        outputs = probe.run(model, inputs, steps=done)
    return inputs, outputs, notes, declaring.batch(seen), done


def _noise(config: Any) -> dict[str, Any]:
    """Arguments by which no noise is added to what an encoder gives: no two rows would share it."""
    found = {name: noise for name, child in configuration.nested(config).items() if (noise := _noise(child))}
    return {**({_NOISE: 0.0} if vars(config).get(_NOISE) else {}), **found}


def _stated(exceptions: Sequence[rows.Row]) -> list[dict[str, Any]]:
    return [dict(step) for exception in exceptions for step in exception.steps]


def _stepped(
    model: Any, seen: declaring.Context, exceptions: Sequence[rows.Row], method: str
) -> tuple[list[InputSpec], list[dict[str, Any]]]:
    """The inputs of a head of which more is asked than one call, and the steps of that; none of either for others."""
    if done := _stated(exceptions):
        given = [(name, item) for exception in exceptions for name, item in exception.inputs.items()]
        return [InputSpec(name, item[0], dict(item[1])) for name, item in given if item is not None], done
    if method == "forward" and steps.session_of(model) is not None:
        return steps.session(model, seen)
    return [], []


def _fact(context: declaring.Context, names: tuple[str, ...], part: str) -> Any:
    value = context.find(*names, within=part)
    return context.find(*names) if value is None else value


def _starts(config: Any) -> dict[str, Any]:
    """A decoder's first token where the config leaves it to the checkpoint's generation config."""
    writes = declaring.Context(config, {}, ()).find("vocab_size", "decoder_vocab_size") is not None
    # What joins a decoder of its own may not say that it is of that kind (MusicGen Melody, before 5.0).
    decodes = config.is_encoder_decoder or "decoder" in configuration.nested(config)
    if writes and decodes and getattr(config, "decoder_start_token_id", None) is None:
        decoder = config.get_text_config(decoder=True)
        # Not the padding where there is another: a decoder may hide it (T5Gemma).
        named = ((part, f"{name}_token_id") for name in ("bos", "pad") for part in (config, decoder))
        first = next((value for part, name in named if (value := getattr(part, name, None)) is not None), 0)
        return {"decoder_start_token_id": first}
    return {}


def _generates(head: HeadRow) -> bool:
    try:
        return bool(getattr(public_class(head.class_name), "can_generate", bool)())
    except (AttributeError, ImportError):
        return False  # building the head says what is wrong with it


def _place(row: Row, head: HeadRow, shared: Mapping[str, Any]) -> dict[str, str]:
    """Where the head's config stands to the skill's: the same, a part of it, or around it, by the classes alone."""
    own = public_class(row.config_class)
    wanted = public_class(head.class_name).config_class
    if wanted is None or issubclass(own, wanted) or issubclass(wanted, own):
        return {}
    parts, others = configuration.parts(configuration.make(own, shared)), configuration.parts(wanted)
    for name, kind in parts.items():
        if kind is wanted:
            return {"config_class": wanted.__name__, "part": name}
    if parts and parts.keys() == others.keys():
        return {}  # a sister's model, which takes this config as its own
    for name, kind in others.items():
        if not configuration.is_config(kind) or kind is own:  # AutoConfig takes any type
            return {"config_class": wanted.__name__, "within": name}
    return {}


def _overlay(row: Row, head: HeadRow, place: Mapping[str, str], shared: Mapping[str, Any]) -> dict[str, Any]:
    overlay: dict[str, Any] = {}
    config = _config(row, head, place, shared, {})
    speaks = "MODEL_FOR_CAUSAL_LM_MAPPING" in head.mappings and not config.is_encoder_decoder
    if speaks and getattr(config, "is_decoder", None) is False:
        overlay["is_decoder"] = True  # an encoder's language model head is causal only when told so
    if "within" in place and getattr(config, "hidden_size", None) not in (None, shared.get("hidden_size")):
        inner = getattr(config, place["within"])
        width = getattr(inner, "hidden_size", None) or getattr(getattr(inner, "text_config", None), "hidden_size", None)
        if width is not None:
            overlay["hidden_size"] = width  # a head around the model is as wide as the model
    for exception in rows.of(row.config_type, head.class_name):
        if exception.heads:
            overlay = shrinking.merge(overlay, exception.config)
    return overlay


def _config(
    row: Row, head: HeadRow, place: Mapping[str, str], shared: Mapping[str, Any], overlay: Mapping[str, Any]
) -> Any:
    arguments = _arguments(row, place, shared)
    config_class = plugins.config_class(place.get("config_class", row.config_class), head.class_name)
    return configuration.make(config_class, shrinking.merge(arguments, overlay))


def _arguments(row: Row, place: Mapping[str, str], shared: Mapping[str, Any]) -> dict[str, Any]:
    if "part" in place:
        return {name: value for name, value in shared[place["part"]].items() if name != "model_type"}
    if "within" in place:
        return {place["within"]: {"model_type": row.config_type, **shared}}
    return dict(shared)


def _reason(error: Exception) -> str:
    """The error in a line that is the same on every machine: it becomes part of a skill."""
    text = re.sub(r"0x[0-9a-fA-F]+", "0x", " ".join(str(error).split()))
    printable = "".join(letter if letter.isprintable() else "?" for letter in text[:300])
    return f"{type(error).__name__}: {printable}"
