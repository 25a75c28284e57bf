"""Which changes to a config an error of its model suggests: from its words and the code that raised it."""

from __future__ import annotations

import inspect
import linecache
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import permutations, zip_longest
from types import FrameType
from typing import Any

from generator import configuration
from generator.tiny import roles
from generator.tiny.config import attention
from generator.tiny.config.layers import COUNTS
from generator.tiny.config.sizes import LARGEST, NUMBER, WORD, measured, proportioned, restored, said
from generator.tiny.config.tree import STAGES, Change, Field

__all__ = ["changes", "further"]

_READ = re.compile(r"getattr\(\s*(?:self\.)?config, \"(\w+)\", ([\d_]+)\)")
"""A field that code reads from a config with a default of its own."""
_SHARED = re.compile(r'\.get\(\s*"(\w+)", \[([\d, ]+)\]\)')
"""The same of a list in a mapping."""
_TURNING = {"rope_type": "default", "rope_theta": 10000.0}
"""What the rotary positions of a kind of layers are where a config says nothing of them."""
_FEW = 4
"""Entries of a table by count, at most."""
_KINDS = ("is_encoder_decoder", "is_decoder", "add_cross_attention")
"""Fields of every config that say what kind of a model it is of."""
_ROTARY = ("rope_scaling", "rope_parameters")
"""What rotary parameters are called, before 5.0 and since."""
_STRATEGY, _ALL = "vision_feature_select_strategy", "full"
"""What says which of an image's features are taken, and that it is all of them."""
_HERE = 4
"""Rank below which a word stands in the message, or in the function that raised the error or its class's making."""
_LABELS = 2
"""Classes of a config that names none."""
_FAR = 10_000
"""Rank of a field that the code that raised the error does not name."""


def changes(error: BaseException, fields: Sequence[Field]) -> Iterator[Change]:
    """Changes that could mend the error, the likeliest first.

    Args:
        error: what the model or its config raised, with its traceback.
        fields: all fields of the config's tree.
    """
    words = _named_by(error)
    ranked = sorted(fields, key=lambda field: words.get(field.path[-1], _FAR))
    near = [field for field in ranked if words.get(field.path[-1], _FAR) < _FAR]
    message = str(error)
    yield from _lacking(error, fields)
    yield from _refused_kind(error)
    yield from _undeclared(error, fields)
    yield from _shared(error, fields)
    yield from _unlisted(error, fields)
    yield from _empty(ranked, error)
    yield from _unset(near, error)
    yield from _all_stages(fields)
    yield from _classless(message, fields)
    # None of these is the likeliest for every model: each has its turn, so that a few tries serve them all.
    ways = (
        said(message, ranked),
        measured(message, ranked),
        restored(near),
        proportioned(near, fields),
        _switched(field for field in near if words[field.path[-1]] < _HERE),
        _more_layers(fields, near, error),
    )
    for turn in zip_longest(*ways):
        yield from (change for change in turn if change is not None)
    yield from restored(ranked[len(near) :])


def _named_by(error: BaseException) -> dict[str, int]:
    """Words by how near they stand to what went wrong: the message, then line, function and class of each frame."""
    found: dict[str, int] = {}

    def add(words: Sequence[str], rank: int) -> None:
        for word in words:
            found.setdefault(word, rank)

    add(WORD.findall(str(error)), 0)
    for distance, (frame, line) in enumerate(_frames(error)):
        add(WORD.findall(linecache.getline(frame.f_code.co_filename, line)), 10 * distance + 1)
        add(frame.f_code.co_names, 10 * distance + 2)
        init = getattr(type(frame.f_locals.get("self")), "__init__", None)
        add(getattr(getattr(init, "__code__", None), "co_names", ()), 10 * distance + 3)
    return found


def further(error: BaseException | None, than: BaseException | None) -> bool:
    """Whether the function that raised one error came to a later line of its own than when it raised the other."""
    here, there = ([] if item is None else _frames(item) for item in (error, than))
    return bool(here and there) and here[0][0].f_code is there[0][0].f_code and here[0][1] > there[0][1]


def _frames(error: BaseException) -> list[tuple[FrameType, int]]:
    """Frames of the model's own code, the innermost first."""
    found = []
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        module = frame.f_globals.get("__name__", "")
        # The shared layers of the library and the tensors of torch serve all models.
        if not module.startswith(("torch", "generator", "transformers.utils", "huggingface_hub")):
            found.append((frame, trace.tb_lineno))
        trace = trace.tb_next
    return found[::-1]


def _lacking(error: BaseException, fields: Sequence[Field]) -> Iterator[Change]:
    """An attribute that the model reads although its config does not declare it: as other configs have it."""
    if not isinstance(error, AttributeError) or not hasattr(error.obj, "sub_configs"):
        return
    lacking = str(error.name)
    owner = type(error.obj).__name__
    places = dict.fromkeys(field.path[:-1] for field in fields if field.owner == owner)
    for value in (*_beside(lacking, fields), *_elsewhere(lacking)) or _by_name(lacking):
        for place in places:
            yield {(*place, lacking): value}
    # An outer config may make a nested one of another's class where it is given a dict (SAM2 video's, in 5.10), so that
    # what the right class has by default must be stated.
    yield from ({field.path: field.small} for field in fields if field.path[-1] == lacking and field.owner != owner)


def _refused_kind(error: BaseException) -> Iterator[Change]:
    """A head that takes half of an architecture may refuse a config that says that it is the whole: the other kind."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or not isinstance(error, ValueError):
        return
    frame = trace.tb_frame
    asked = linecache.getline(frame.f_code.co_filename, trace.tb_lineno - 1)
    config = frame.f_locals.get("config")
    for kind in _KINDS:
        if re.search(rf"\bif\b.*\bconfig\.{kind}\b", asked) and isinstance(value := getattr(config, kind, None), bool):
            yield {(kind,): not value}


def _beside(name: str, fields: Sequence[Field]) -> list[Any]:
    """What the same field is in other configs of the tree; key heads that none has are as many as heads."""
    values = [field.small for field in fields if field.path[-1] == name and field.small is not None]
    # What was once a field of its own may now stand in a mapping, such as the base of rotary positions.
    values += [field.small[name] for field in fields if isinstance(field.small, dict) and name in field.small]
    if not values and roles.named(name) == "key-value heads":
        values = [roles.HEADS]
    return values[:2]


@lru_cache(maxsize=256)
def _elsewhere(name: str) -> tuple[Any, ...]:
    """The small values of what most configs of the library have for a field of that name."""
    from transformers import CONFIG_MAPPING

    found: Counter[str] = Counter()
    values: dict[str, Any] = {}
    for config_class in CONFIG_MAPPING.values():
        value = configuration.arguments(config_class).get(name)
        if isinstance(value, (bool, int, float, str)):
            found[repr(value)] += 1
            values[repr(value)] = value
    best = [values[text] for text, _ in found.most_common(2)]
    return tuple(roles.small(name, item) if type(item) is int else item for item in best)


def _by_name(name: str) -> tuple[Any, ...]:
    """What a field that no config of the library declares must be by its name: the checkpoint's own brings it."""
    if roles.named(name) in roles.WIDTHS:
        return (roles.small(name, LARGEST),)
    return (False,) if name.endswith("_bias") else ()


def _undeclared(error: BaseException, fields: Sequence[Field]) -> Iterator[Change]:
    """A token id that the model's code reads from the config with a default of its own, beyond the small vocabulary."""
    if not isinstance(error, IndexError) or not fields:
        return
    named = set(NUMBER.findall(str(error)))
    code = _sources(error)
    beyond = {name: int(text) for name, text in _READ.findall(code) if int(text) >= roles.VOCABULARY}
    if named & {str(value) for value in beyond.values()}:
        names = [name for name in beyond if roles.TOKEN_ID.fullmatch(name)]
        yield {(name,): roles.VOCABULARY // 2 + place for place, name in enumerate(names)}


def _shared(error: BaseException, fields: Sequence[Field]) -> Iterator[Change]:
    """Shares of a size for which the code has a default in other proportions than they were given."""
    for name, text in _SHARED.findall(_sources(error)):
        whole = [int(item) for item in NUMBER.findall(text)]
        for field in fields:
            given = field.small.get(name) if isinstance(field.small, dict) else None
            if isinstance(given, list) and len(given) == len(whole):
                shares = attention.shares(sum(given), whole)
                if shares != given:
                    yield {field.path: {**field.small, name: shares}}


def _unlisted(error: BaseException, fields: Sequence[Field]) -> Iterator[Change]:
    """A mapping that has no entry for what is asked of it: a number of its own kind, or a kind of layer."""
    if not isinstance(error, KeyError):
        return
    numbers = [int(item) for item in NUMBER.findall(str(error))]
    for field in fields:
        if not isinstance(field.small, dict):
            continue
        if field.small and all(type(item) is int for pair in field.small.items() for item in pair):
            asked = [number for number in numbers if number not in field.small]
            # As text, for a config is JSON.
            yield from ({field.path: {str(number): min(*field.small.values(), _FEW)}} for number in asked)
        kinds = next((other.small for other in fields if other.path == (*field.path[:-1], "layer_types")), None)
        if kinds and error.args[0] in kinds and field.path[-1].startswith("rope"):
            yield {field.path: {kind: dict(field.small or _TURNING) for kind in dict.fromkeys(kinds)}}


def _more_layers(fields: Sequence[Field], near: Sequence[Field], error: BaseException) -> Iterator[Change]:
    """Two layers of each kind for those that share something; other kinds where the defaults have but one."""
    for count in fields:
        if count.path[-1] not in COUNTS or type(count.small) is not int or count.small > roles.LAYERS:
            continue
        lists = [
            field
            for field in fields
            if field.path[:-1] == count.path[:-1]
            and isinstance(field.small, (list, tuple))
            and len(field.small) == count.small
            and isinstance(field.default, (list, tuple))
            and len(field.default) == count.default
        ]
        if lists:
            yield {count.path: 2 * count.small, **{field.path: [*field.small, *field.small] for field in lists}}
    for field in fields if "layers" in str(error) else near:
        if field.path[-1].endswith("layer_types") and field.small and len(set(field.small)) == 1:
            alone = field.small[0]
            others = [kind for kind in _spoken(field, error) if kind != alone]
            yield from ({field.path: [alone, kind]} for kind in others)
            yield from ({field.path: [kind] * roles.LAYERS} for kind in others)


def _empty(fields: Sequence[Field], error: BaseException) -> Iterator[Change]:
    """A list that the default leaves empty, where something is missing that its items would have made."""
    for field in fields if "empty" in str(error) else ():
        if isinstance(field.small, (list, tuple)) and not field.small:
            yield from ({field.path: [value]} for value in _typed(field))


def _unset(near: Sequence[Field], error: BaseException) -> Iterator[Change]:
    """A field that the default leaves out and the code asks for."""
    for field in near:
        if field.small is not None:
            continue
        name = field.path[-1]
        if name.endswith("layer_types"):
            yield from _kinds(field, error)
        for value in (*_beside(name, near), *_elsewhere(name), *_typed(field), *_numbered(field, error)):
            yield {field.path: value}


def _numbered(field: Field, error: BaseException) -> tuple[int, ...]:
    """A number for a field that an error says had become one, where no class declares what it holds (before 5.0)."""
    name = field.path[-1]
    return (roles.small(name, roles.WIDTH),) if re.search(rf"\b{name} \(\d+\)", str(error)) else ()


def _typed(field: Field) -> tuple[Any, ...]:
    """A value of the kind that the field, or an item of it, is declared to hold."""
    if field.path[-1] in _ROTARY:
        return ({"rope_type": "default"},)
    owner = next((item for item in _descendants(configuration.base()) if item.__name__ == field.owner), None)
    declared = _declared(owner, field.path[-1])
    before = r"(?<!\[)" if field.small is None else r"(?<=\[)"
    kinds = {"bool": True, "int": roles.small(field.path[-1], roles.WIDTH), "float": 1.0}
    one = [value for kind, value in kinds.items() if re.search(rf"{before}\b{kind}\b", declared)]
    if field.small is not None:
        return tuple(one)
    widths = roles.STAGE_WIDTHS.fullmatch(field.path[-1]) is not None  # other lists have an entry for each class
    lists = {"int": [roles.WIDTH] * roles.LAYERS if widths else list(range(_LABELS)), "float": [0.5] * _LABELS}
    return (*one, *(value for kind, value in lists.items() if f"list[{kind}]" in declared))


def _declared(owner: Any, name: str) -> str:
    """How a config class annotates a field: in its body, or before 5.0 in the signature that it is made by."""
    stated = getattr(owner, "__annotations__", {}).get(name)
    if stated is None and owner is not None:
        parameter = inspect.signature(owner.__init__).parameters.get(name)
        stated = "" if parameter is None or parameter.annotation is parameter.empty else parameter.annotation
    # The older spelling of `X | None` must not be read as a list of X.
    return re.sub(r"(?:typing\.)?Optional\[(.+)\]", r"\1 | None", str(stated or ""))


def _all_stages(fields: Sequence[Field]) -> Iterator[Change]:
    """The features of every stage of a backbone, which gives those of the last one unless it is told otherwise."""
    for field in fields:
        if field.path[-1] == STAGES:
            yield {(*field.path[:-1], "out_features"): field.default[1:]}


def _classless(message: str, fields: Sequence[Field]) -> Iterator[Change]:
    """All features of a tower that gives none for the image as a whole, where the first is left out as if it were that."""
    counts = {int(item) for item in re.findall(r"\b\d+\b", message)}
    if any(count + 1 in counts for count in counts):
        yield from ({field.path: _ALL} for field in fields if field.path[-1] == _STRATEGY and field.small != _ALL)


def _descendants(kind: Any) -> Iterator[Any]:
    """A class and all that derive from it, as far as they are imported."""
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)


def _kinds(field: Field, error: BaseException) -> Iterator[Change]:
    """Layers of those kinds that the model's code names, each kind first once."""
    spoken = _spoken(field, error)
    for kinds in (*permutations(spoken[:3], 2), *([kind] * roles.LAYERS for kind in spoken)):
        yield {field.path: list(kinds)}


def _spoken(field: Field, error: BaseException) -> list[str]:
    """Kinds of layers that the model's code names."""
    from transformers import configuration_utils

    known = getattr(configuration_utils, "ALLOWED_LAYER_TYPES", ())
    code = _sources(error)
    spoken = [kind for kind in known if f'"{kind}"' in code]
    mlp = [kind for kind in spoken if kind in ("sparse", "dense")]
    return mlp if field.path[-1].startswith("mlp") else [kind for kind in spoken if kind not in mlp]


def _sources(error: BaseException) -> str:
    """The code of the modules that the error passed through."""
    modules = [sys.modules[module] for frame, _ in _frames(error) if (module := frame.f_globals["__name__"])]
    return "".join("".join(linecache.getlines(str(module.__file__))) for module in dict.fromkeys(modules))


def _switched(near: Iterable[Field]) -> Iterator[Change]:
    """Switches that the class reads whose method raised the error, turned over: one may ask for kernels that only a
    device has (Jamba's, before 5.0)."""
    for field in near:
        if type(field.small) is bool:
            yield {field.path: not field.small}
