"""A declared tokenizer, with a vocabulary that is a few words of the skill's."""

from __future__ import annotations

import inspect
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["make"]


def make(found: Any, declared: Mapping[str, Any]) -> Any:
    """The tokenizer of that class with all its words."""
    from tokenizers import AddedToken

    tokenizer = _without_words(found, declared)
    words: list[Any] = declared.get("special", "").split()
    if "starts" in declared:  # which is put there when a text is normalised: these are looked for after that
        words = [AddedToken(word, normalized=True, special=True) for word in words]
    tokenizer.add_tokens(words, special_tokens=True)
    return tokenizer


def _without_words(found: Any, declared: Mapping[str, Any]) -> Any:
    """The tokenizer of the vocabulary and the usual special words."""
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
    """A tokenizer of letters, with a mark in the place of each blank and a token at the end."""
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
