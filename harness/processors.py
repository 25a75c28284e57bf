"""Tokenizers, image processors and feature extractors as a skill declares them, built in memory; nothing is downloaded.

``Skill.processor`` names each part by the pipelines' argument: ``tokenizer``, ``image_processor``,
``feature_extractor``. A part has ``class_name`` and ``arguments``; a tokenizer also the ``model`` of its vocabulary (BPE,
WordPiece, Unigram), the ``vocabulary``, words parted by blanks that stand at their ids, and the word that ``ends`` a text
where a general class stands in for the model's own. A part that only a library
makes has its name under ``requires``.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness import weights

if TYPE_CHECKING:
    from harness.skill import Skill

__all__ = ["build"]

GENERIC = "PreTrainedTokenizerFast"
"""The class that is made around a tokenizer of any kind."""


def build(skill: type[Skill]) -> dict[str, Any]:
    """All parts that the skill declares, by name; those whose library is not here are left out.

    Raises:
        harness.weights.UnknownClassError: the installed transformers has no such class.
    """
    parts = {}
    for name, declared in (skill.processor or {}).items():
        if "requires" not in declared:
            parts[name] = _tokenizer(declared) if "vocabulary" in declared else _plain(declared)
    return parts


def _plain(declared: Mapping[str, Any]) -> Any:
    return weights.public_class(declared["class_name"])(**declared["arguments"])


def _tokenizer(declared: Mapping[str, Any]) -> Any:
    made = weights.public_class(declared["class_name"])
    words = {word: place for place, word in enumerate(declared["vocabulary"].split(" "))}
    arguments = dict(declared["arguments"])
    if declared["class_name"] == GENERIC:
        return made(tokenizer_object=_letters(words, arguments["unk_token"], declared.get("ends")), **arguments)
    if declared["model"] == "Unigram":
        arguments["vocab"] = [(word, -1.0 - place / len(words)) for word, place in words.items()]
    else:
        arguments["vocab"] = words
    if "merges" in inspect.signature(made.__init__).parameters:
        arguments["merges"] = []
    return made(**arguments)


def _letters(words: Mapping[str, int], unknown: str, ends: str | None) -> Any:
    """A tokenizer of letters, with a mark in the place of each blank and a token at the end."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    mark = "|" if "|" in words else "▁"
    tokenizer = Tokenizer(models.BPE(vocab=dict(words), merges=[], unk_token=unknown))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=mark)
    tokenizer.decoder = decoders.Metaspace(replacement=mark)
    if ends is not None:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"$A {ends}", pair=f"$A {ends} $B {ends}", special_tokens=[(ends, words[ends])]
        )
    return tokenizer
