"""A tokenizer with the vocabulary of a tiny config: special tokens at the ids that the config names, letters at the rest."""

from __future__ import annotations

import inspect
import string
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from generator.processors import building, mapped
from generator.processors.building import GENERIC
from generator.processors.words import Word
from generator.tiny import inputs as declaring

if TYPE_CHECKING:
    from generator.spec import HeadSpec

__all__ = ["BLANK", "around", "closes", "declare", "fed", "made", "tabular"]

FILE = "vocab_file"
"""The argument that is a file with a word a line."""
BLANK = "▁"
"""What stands for a blank in the vocabularies that are written here."""

_MOST = 512
"""Words that are written out at most; ids beyond are never made of a text."""
_ROLES = ("pad", "bos", "eos", "unk", "cls", "sep", "mask")
"""Special tokens, in the order in which they are given ids where the config names none."""
_INSTEAD = {"cls": ("bos",), "sep": ("eos",), "bos": ("cls",), "eos": ("sep",), "pad": ("eos",), "unk": ("eos",)}
"""The role whose token another takes over where neither config nor class has one of its own."""
_MEDIA = ("image", "video", "audio")
_NOTHING: Mapping[str, Any] = {"extra_ids": 0, "offset": 0}
"""Arguments of classes that add words beyond the vocabulary."""


def declare(
    model_type: str,
    config: Any,
    *,
    spoken: bool,
    fed: AbstractSet[str] = frozenset(),
    words: Sequence[Word] = (),
    carriers: Mapping[str, str] | None = None,
    named: Any = None,
    closes: bool = False,
) -> dict[str, Any] | None:
    """The tokenizer of an architecture; None where it has no vocabulary of words.

    Args:
        model_type: key in transformers' mapping.
        config: the tiny config.
        spoken: whether the model writes letters down from a waveform, so that words are parted by a letter of their own.
        fed: names of the inputs that all heads with a text take; without one, those that its class gives.
        words: special words that a processor looks for in it, beside those of the usual roles.
        named: the class, or a slow one and a fast one, where a processor asks for it; else the mapping's for the type.
        carriers: the words that stand for the features of a modality, where they are not those with its name.
        closes: whether a text is told where it ends, as by all that does not go on with it.
    """
    context = declaring.Context(config, {}, ())
    size = context.find("vocab_size", within="text") or context.find("vocab_size")
    if not isinstance(size, int) or size <= len(_ROLES):
        return (
            _characters(named or mapped.name("tokenizer", model_type, config), context) if "input_ids" in fed else None
        )
    placed = _placed(words, carriers or {}, context, min(size, _MOST))
    name = _named(named or mapped.name("tokenizer", model_type, config))
    declared = _declared(name, context, min(size, _MOST), placed, spoken=spoken) if name is not None else None
    if declared is None or not _fits(declared, size):
        declared = _declared(GENERIC, context, min(size, _MOST), placed, spoken=spoken)
    if declared is not None and closes and "model" in declared and _around(declared["class_name"]):
        declared.setdefault("ends", declared["arguments"]["eos_token"])
        if declared["class_name"] != GENERIC and (times := _parted(declared)) > 1:
            declared["between"] = " ".join([declared["ends"]] * times)
    if declared is not None:
        given = building.public(declared["class_name"]).model_input_names
        # Checkpoints name what the model takes: a class may give types of tokens to a model that has none.
        withheld = {*given} - fed if declared["class_name"] == GENERIC else {"token_type_ids"} - fed
        if fed and withheld & {*given} and "file" not in declared:  # one that takes a table gives its own types
            declared["arguments"]["model_input_names"] = [name for name in given if name not in withheld]
    return declared


def _characters(name: Any, context: declaring.Context) -> dict[str, Any] | None:
    """The tokenizer of a model that has no vocabulary, but hashes characters by their code points: one made of nothing but
    how long a text may be, to which pipelines that were told nothing would fill it up with padding."""
    own = _named(name)
    if own is None or _written(own) or own == GENERIC:
        return None
    longest = context.find("max_position_embeddings")
    return {"class_name": own, "arguments": {"model_max_length": longest} if isinstance(longest, int) else {}}


def fed(heads: Sequence[HeadSpec]) -> set[str]:
    """Names of the inputs that all heads with a text take, one number a token: TAPAS has seven types of each, which no
    tokenizer gives but its own, that takes a table."""
    named = []
    for head in heads:
        axes = {item.name: len(item.arguments.get("shape", ())) for item in head.inputs}
        other = {"token_type_ids"} if axes.get("token_type_ids") != axes.get("input_ids") else set[str]()
        named.append(axes.keys() - other)
    return set.intersection(*texts) if (texts := [names for names in named if "input_ids" in names]) else set()


def _written(name: str) -> bool:
    """Whether a class is made of its vocabulary, and not around a tokenizer as a whole."""
    return "vocab" in _parameters(building.public(name))


def _around(name: str) -> bool:
    return not {"vocab", FILE} & _parameters(building.public(name)).keys()


def _parameters(found: Any) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(found.__init__).parameters


def around(declared: Mapping[str, Any]) -> bool:
    """Whether a declared tokenizer is of a class that is made around one as a whole, with the blanks that are written here."""
    return BLANK in declared.get("vocabulary", "").split(" ") and _around(declared["class_name"])


def tabular(found: Any) -> bool:
    """Whether a tokenizer takes a table beside a question, and its vocabulary from a file with a word a line (TAPAS's)."""
    return "table" in inspect.signature(found.__call__).parameters and FILE in _parameters(found)


def closes(heads: Sequence[HeadSpec]) -> bool:
    """Whether no head goes on with a text."""
    return not any(head.generation for head in heads)


def _named(name: Any) -> str | None:
    """The class, or of a slow class and a fast one the fast one, where it can be made in memory: of a vocabulary, of a
    tokenizer as a whole, or of nothing."""
    if isinstance(name, tuple):  # the slow class and the fast one, before 5.0
        name = name[1] or name[0]
    found = building.public(name) if isinstance(name, str) else None
    if found is None:
        return None
    taken = inspect.signature(found.__init__).parameters
    whole = issubclass(found, building.public(GENERIC))
    return str(name) if "vocab" in taken or whole or _needless(taken) or tabular(found) else None


def _parted(declared: Mapping[str, Any]) -> int:
    """How many words part a text from another that follows it, by the class's own rule: before 5.0 each fast class says how
    it puts ids together (RoBERTa's with two)."""
    whole = building.build({"tokenizer": declared})["tokenizer"]
    base = building.public(GENERIC)
    rule = "build_inputs_with_special_tokens"
    if getattr(type(whole), rule, None) is getattr(base, rule, None):
        return 1
    one, other = -1, -2  # no ids of words
    together = getattr(whole, rule)([one], [other])
    return int(together.index(other) - together.index(one) - 1)


def made(name: Any) -> bool:
    """Whether a class, or one of a slow class and a fast one, can be made in memory."""
    return _named(name) is not None


def _needless(taken: Mapping[str, inspect.Parameter]) -> bool:
    """Whether a class asks for nothing, files included: it has its own idea of words, such as bytes."""
    own = [item for name, item in taken.items() if name != "self" and item.kind is not item.VAR_KEYWORD]
    return not any(item.default is item.empty or "file" in item.name for item in own)


@dataclass(frozen=True)
class _Place:
    """A further special word."""

    word: Word
    identity: int | None
    """Its id; None where the config names none."""


def _placed(words: Sequence[Word], carriers: Mapping[str, str], context: Any, size: int) -> list[_Place]:
    """The further special words, those with an id first."""
    standing: dict[int, Word] = {}
    for modality in _MEDIA:
        token = declaring.placeholder(context, modality)
        if token is not None and token < size:
            text = carriers.get(modality) or next((word.text for word in words if word.role == modality), None)
            known = next((word for word in words if word.text == text), None)
            standing.setdefault(token, known or Word(modality, text or f"<{modality}>"))
    for word in words:
        token = context.find(*word.fields)
        if type(token) is int and 0 <= token < size and word not in standing.values():
            standing.setdefault(token, word)
    given = {word.role for word in standing.values()}
    return [
        *(_Place(word, token) for token, word in standing.items()),
        *(_Place(word, None) for word in words if word.role not in given),
    ]


def _declared(name: str, context: Any, size: int, placed: Sequence[_Place], *, spoken: bool) -> dict[str, Any] | None:
    found = building.public(name)
    model, prefix, suffix = "BPE", "", ""
    taken = inspect.signature(found.__init__).parameters
    filed = tabular(found)
    if "vocab" not in taken and not filed and not issubclass(found, building.public(GENERIC)):
        return {"class_name": name, "arguments": {}}
    if filed:
        model, prefix = "WordPiece", "##"
        more = {role.removesuffix("_token"): item.default for role, item in taken.items() if role.endswith("_token")}
        placed = [*placed, *(_Place(Word(role, text), None) for role, text in more.items() if role not in _ROLES)]
    if "vocab" in taken:
        try:
            backend = found().backend_tokenizer.model
        except Exception:  # noqa: BLE001, a class that does not build without files is not for us, for whatever reason
            return None
        model = type(backend).__name__
        prefix = getattr(backend, "continuing_subword_prefix", None) or ""
        suffix = getattr(backend, "end_of_word_suffix", None) or ""
    special = _special(taken, context, size)
    ids = {identity: word for word, identity in special.values()}
    further: dict[str, str] = {}
    held = (place.identity for place in placed if place.identity is not None)
    named = {*declaring.specials(context.config, size), *held, *ids}
    unnamed = (item for item in range(size) if item not in named)
    for place in placed:
        word, identity = place.word.text, place.identity
        if identity is not None and identity in ids:
            word = ids[identity]  # one id for both, as where a model hears at its padding
        elif word not in ids.values():
            ids[next(unnamed) if identity is None else identity] = word
        further[place.word.role] = word
    used = set(ids.values())
    free = (word for word in _words(prefix, suffix, spoken=spoken) if word not in used)
    vocabulary = [ids[place] if place in ids else next(free) for place in range(size)]
    arguments: dict[str, Any] = {f"{role}_token": word for role, (word, _) in special.items()}
    arguments |= {key: value for key, value in _NOTHING.items() if key in taken}
    # What a processor can do without is there where the model has an id for it.
    hoped = {place.word.role for place in placed if place.word.hoped and place.identity is not None}
    required = hoped | {place.word.role for place in placed if place.word.required}
    if required:
        read = {place.word.role: place.word.attribute or f"{place.word.role}_token" for place in placed}
        arguments["extra_special_tokens"] = {read[role]: further[role] for role in sorted(required)}
    declared = {"class_name": name, "model": model, "vocabulary": " ".join(vocabulary), "arguments": arguments}
    if filed:
        declared["file"] = FILE
    if others := sorted({word for role, word in further.items() if role not in required}):
        declared["special"] = " ".join(others)
    if "vocab" not in taken and context.config.is_encoder_decoder:
        declared["ends"] = special["eos"][0]  # encoders are told where the text ends
    return declared


def _special(taken: Mapping[str, inspect.Parameter], context: Any, size: int) -> dict[str, tuple[str, int]]:
    """Each special token's word and id, by its role. A role without an id in the config gets one only where the class
    has a token for it, and a word is never given two ids."""
    named = {role: _identity(context, role, size) for role in _ROLES}
    placed = set(declaring.specials(context.config, size)) | {item for item in named.values() if item is not None}
    free = (identity for identity in range(size) if identity not in placed)
    found: dict[str, tuple[str, int]] = {}
    for role in sorted(_ROLES, key=lambda role: named[role] is None):
        parameter = taken.get(f"{role}_token")
        default = parameter.default if parameter is not None else None
        word = str(default) if default not in (None, inspect.Parameter.empty) else f"<{role}>"
        identity = named[role]
        if identity is None:
            other = next((known for known in _INSTEAD.get(role, ()) if known in found), None)
            if other is not None:
                found[role] = found[other]
                continue
            identity = next(free)
        shared = {number: text for text, number in found.values()}
        if identity in shared:
            word = shared[identity]
        elif word in shared.values():
            word = f"<{role}>"
        found[role] = (word, identity)
    return found


def _identity(context: Any, role: str, size: int) -> int | None:
    for within in ("text", None):
        value = context.find(f"{role}_token_id", within=within)
        if isinstance(value, (list, tuple)) and value:
            value = value[0]
        if type(value) is int and 0 <= value < size:
            return value
    return None


def _words(prefix: str, suffix: str, *, spoken: bool) -> Iterator[str]:
    """Words without end: what parts words, small letters in each place in a word, then all else that is printed."""
    letters = string.ascii_lowercase
    yield from ["|"] if spoken else [BLANK, "Ġ"]
    yield from letters
    for mark in filter(None, (prefix,)):
        yield from (mark + letter for letter in letters)
    for mark in filter(None, (suffix,)):
        yield from (letter + mark for letter in chain(letters, ".?"))
    yield from chain(".,?!':;-", string.digits, string.ascii_uppercase)
    yield from (f"w{number}" for number in count())


def _fits(declared: Mapping[str, Any], size: int) -> bool:
    """Whether the class can be built of the declaration, with every special token at its id and none beyond the model's."""
    written = declared.get("vocabulary", "").split(" ")
    words = {word: place for place, word in enumerate(written)}
    try:
        made = building.build({"tokenizer": declared})["tokenizer"]
        parameters = inspect.signature(made.__call__).parameters
        words_and_places = {"text": ["a", "small", "test"], "boxes": [[0, 0, 9, 9]] * 3}
        told = words_and_places if "boxes" in parameters else {"text": "a small test"}
        if "table" in parameters:
            import pandas as pd  # type: ignore[import-untyped,import-not-found,unused-ignore]

            told = {"table": pd.DataFrame({"a": ["small"]}), "queries": "test"}
        ids = made(**told, add_special_tokens=True)["input_ids"]
    except Exception:  # noqa: BLE001, each class has errors of its own for a vocabulary that is not its own
        return False
    unknown = made.unk_token_id
    kept = all(made.convert_tokens_to_ids(word) == words[word] for word in made.all_special_tokens if word in words)
    return kept and len(made) <= size and len(set(ids) - {unknown}) > 3
