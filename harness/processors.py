"""Tokenizers, image processors and the like as a skill declares them, built in memory; nothing is downloaded.

``Skill.processor`` names each part by the pipelines' argument: ``tokenizer``, ``image_processor``, ``video_processor``,
``feature_extractor``, ``processor``. A part has ``class_name`` and ``arguments``; a tokenizer also the ``model`` of its
vocabulary (BPE, WordPiece, Unigram), the ``vocabulary``, words parted by blanks that stand at their ids, those of them that
are ``special`` beside the usual ones, and the words that one ``starts`` and ``ends`` a text where a general class stands in for
the model's own. A class that takes its vocabulary from a file, with a word a line, has under ``file`` the argument that it is. A model that encodes and decodes sound for a processor has the arguments of its ``config`` in place of its own. A
processor has under ``parts`` the part that it takes as each argument, and as ``prompt`` what stands for an image or
a sound before a text that is no chat, as ``call`` what is told it at each call, and as ``frames`` how many images it takes
for one video. A part that only a library makes has its name under ``requires``.
"""

from __future__ import annotations

import inspect
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import weights

if TYPE_CHECKING:
    from harness.skill import Skill

__all__ = ["build"]


def build(skill: type[Skill], names: Iterable[str] | None = None) -> dict[str, Any]:
    """The named parts that the skill declares, or all of them; those whose library is not here are left out.

    Raises:
        harness.weights.UnknownClassError: the installed transformers has no such class.
        ImportError: a class asks for a library when it is made.
    """
    declared = skill.processor or {}
    parts: dict[str, Any] = {}
    for name in declared if names is None else names:
        _make(name, declared, parts, skill.package)
    return {name: parts[name] for name in (declared if names is None else names) if name in parts}


def _make(
    name: str, declared: Mapping[str, Mapping[str, Any]], parts: dict[str, Any], package: str | None = None
) -> None:
    """Put the part, and those that it is made of, to those that are made already."""
    part = declared[name]
    if name in parts or "requires" in part:
        return
    for source in part.get("parts", {}).values():
        _make(source, declared, parts, package)
    found = weights.public_class(part["class_name"], package)
    parts[name] = _tokenizer(found, part) if "vocabulary" in part else _plain(found, part, parts)


def _plain(found: Any, declared: Mapping[str, Any], parts: Mapping[str, Any]) -> Any:
    if "config" in declared:
        import torch

        torch.manual_seed(0)
        return weights.instantiate(found, found.config_class(**declared["config"])).eval()
    given = {argument: parts[name] for argument, name in declared.get("parts", {}).items()}
    return found(**given, **declared["arguments"])


def _tokenizer(found: Any, declared: Mapping[str, Any]) -> Any:
    from tokenizers import AddedToken

    tokenizer = _without_words(found, declared)
    words: list[Any] = declared.get("special", "").split()
    if "starts" in declared:  # which is put there when a text is normalised: these are looked for after that
        words = [AddedToken(word, normalized=True, special=True) for word in words]
    tokenizer.add_tokens(words, special_tokens=True)
    return tokenizer


def _without_words(made: Any, declared: Mapping[str, Any]) -> Any:
    """The tokenizer of the vocabulary and the usual special words."""
    words = {word: place for place, word in enumerate(declared["vocabulary"].split(" "))}
    arguments = dict(declared["arguments"])
    if "file" in declared:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "vocab.txt"
            place.write_text("\n".join(words), encoding="utf-8")
            return made(**{declared["file"]: str(place)}, **arguments)
    if "vocab" not in inspect.signature(made.__init__).parameters:
        return made(tokenizer_object=_letters(words, arguments["unk_token"], declared), **arguments)
    if declared["model"] == "Unigram":
        arguments["vocab"] = [(word, -1.0 - place / len(words)) for word, place in words.items()]
    else:
        arguments["vocab"] = words
    if "merges" in inspect.signature(made.__init__).parameters:
        arguments["merges"] = []
    return made(**arguments)


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
