"""Declared parts built in memory, to see what they make; the harness builds them by itself in the same way."""

from __future__ import annotations

import inspect
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generator.processors import mapped
from generator.tiny import libraries, probe

__all__ = ["GENERIC", "absent", "build", "exists", "public"]

GENERIC = "PreTrainedTokenizerFast"
"""The class that is made around a tokenizer of any kind."""


def public(name: str) -> Any:
    """A class of transformers whose libraries are here, or one that a package registered; None where there is none."""
    import transformers
    from transformers.utils.import_utils import DummyObject

    try:
        found = getattr(transformers, name, None) or mapped.registered().get(name)
    except ImportError:  # a file that imports its library without asking whether it is there
        return None
    return None if isinstance(found, DummyObject) else found


def exists(name: str) -> bool:
    """Whether transformers has such a class, be its libraries here or not."""
    import transformers

    try:
        return hasattr(transformers, name)
    except ImportError:
        return True


def absent(name: str) -> str:
    """The first library, by name, that a class of transformers lacks here: it lists them in no order."""
    import transformers

    try:
        listed: list[str] = getattr(transformers, name)._backends  # noqa: SLF001, the library tells it nowhere else
    except ImportError as error:
        return _missed(error)
    backends = sorted(listed)
    return next((item for item in backends if libraries.installed(item) is None), backends[0])


def _missed(error: BaseException) -> str:
    """The library whose import failed first."""
    while isinstance(error.__cause__, ImportError):
        error = error.__cause__
    return str(getattr(error, "name", None) or error)


def build(parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """All declared parts by name; the processor last, of the others.

    Raises:
        Exception: whatever the classes raise for arguments that do not fit them.
    """
    made = {name: _made(part) for name, part in parts.items() if "requires" not in part and "parts" not in part}
    for name, part in parts.items():
        if "parts" in part:
            given = {argument: made[source] for argument, source in part["parts"].items()}
            made[name] = public(part["class_name"])(**given, **part["arguments"])
    return made


def _made(part: Mapping[str, Any]) -> Any:
    if "vocabulary" in part:
        return _tokenizer(part)
    found = public(part["class_name"])
    return (
        probe.build(part["class_name"], found.config_class(**part["config"]))
        if "config" in part
        else found(**part["arguments"])
    )


def _tokenizer(declared: Mapping[str, Any]) -> Any:
    from tokenizers import AddedToken

    tokenizer = _empty(declared)
    words: list[Any] = declared.get("special", "").split()
    if "starts" in declared:  # which is put there when a text is normalised: these are looked for after that
        words = [AddedToken(word, normalized=True, special=True) for word in words]
    tokenizer.add_tokens(words, special_tokens=True)
    return tokenizer


def _empty(declared: Mapping[str, Any]) -> Any:
    """The tokenizer of the vocabulary and the usual special words."""
    found = public(declared["class_name"])
    words = {word: place for place, word in enumerate(declared["vocabulary"].split(" "))}
    arguments = dict(declared["arguments"])
    if "file" in declared:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "vocab.txt"
            place.write_text("\n".join(words), encoding="utf-8")
            return found(**{declared["file"]: str(place)}, **arguments)
    if "vocab" not in inspect.signature(found.__init__).parameters:
        return found(tokenizer_object=_letters(words, arguments["unk_token"], declared), **arguments)
    if declared["model"] == "Unigram":
        arguments["vocab"] = [(word, -1.0 - place / len(words)) for word, place in words.items()]
    else:
        arguments["vocab"] = words
    if "merges" in inspect.signature(found.__init__).parameters:
        arguments["merges"] = []
    return found(**arguments)


def _letters(words: Mapping[str, int], unknown: str, declared: Mapping[str, Any]) -> Any:
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    mark = "|" if "|" in words else "▁"
    tokenizer = Tokenizer(models.BPE(vocab=dict(words), merges=[], unk_token=unknown))
    # It changes nothing, but some classes before 5.0 look at it when they are made (BERT's).
    tokenizer.normalizer = normalizers.BertNormalizer(False, False, False, False)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=mark)
    tokenizer.decoder = decoders.Metaspace(replacement=mark)
    if (starts := declared.get("starts")) is not None:
        # Special words are normalised too before they are looked for, so they alone have nothing before them.
        alone = "|".join(re.escape(word) for word in declared.get("special", "").split())
        tokenizer.normalizer = normalizers.Replace(Regex(rf"\A(?!(?:{alone})\z)"), starts)
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=mark, prepend_scheme="never")
    if (ends := declared.get("ends")) is not None:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"$A {ends}",
            pair=f"$A {declared.get('between', ends)} $B {ends}",
            special_tokens=[(ends, words[ends])],
        )
    return tokenizer
