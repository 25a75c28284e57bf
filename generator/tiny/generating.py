"""What a user asks of a generative head, by the signature of its ``forward`` and by how it reckons the length of its text."""

from __future__ import annotations

import inspect
import re
import string
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from generator.tiny import probe, roles

if TYPE_CHECKING:
    from generator.spec import InputSpec
    from generator.tiny.rows import Row

__all__ = ["generation", "tables"]

NEW_TOKENS = 6
"""Tokens that a generative head is asked for: enough for the cache to be read several times."""
LANGUAGE = "eng"
"""A language that every model of several is told to know."""
_LANGUAGE_ID = 4
"""Its id: after the usual special tokens, and below any number of languages."""
_CACHED = frozenset({"use_cache", "past_key_values", "cache_params"})
"""Parameters of a model whose cache can be left out."""


def tables(model: Any) -> dict[str, Any]:
    """What the methods that generate look up in a checkpoint's generation config beside the usual: the ids of languages,
    the texts of tokens, and the ids of characters, each under the name that they ask for it by; nothing where they do not.
    """
    cls = type(model)
    asked = " ".join(inspect.getsource(part) for part in vars(cls).values() if inspect.isfunction(part))
    asked += " ".join(inspect.getsource(base) for base in cls.__mro__[1:] if base.__module__ == cls.__module__)
    letters = string.ascii_lowercase
    known: dict[str, Any] = {
        name: {LANGUAGE: _LANGUAGE_ID} for name in re.findall(r'"(\w*lang_(?:code_)?to_(?:code_)?id)"', asked)
    }
    if 'generation_config, "id_to_text"' in asked:
        known["id_to_text"] = {str(token): letters[token % len(letters)] for token in range(roles.VOCABULARY)}
    if 'generation_config, "char_to_id"' in asked:
        known["char_to_id"] = {letter: place + 2 for place, letter in enumerate(letters)}
    return known


def _spoken(model: Any, looked_up: Mapping[str, Any]) -> dict[str, Any]:
    """In which language a model of several is to answer. One that speaks what it wrote hands the arguments of the call to
    two models, of which the second must give units alone."""
    if not looked_up or "tgt_lang" not in inspect.signature(model.generate).parameters:
        return {}
    speaks = hasattr(model, "vocoder")
    return {"tgt_lang": LANGUAGE, **({"speech_return_dict_in_generate": False} if speaks else {})}


def generation(
    model: Any,
    inputs: Sequence[InputSpec],
    exceptions: Sequence[Row],
    call: Mapping[str, Any],
    looked_up: Mapping[str, Any],
) -> dict[str, Any] | None:
    """Arguments of ``generate()``, with the keys that the harness's check documents; None for a head that does not.

    Args:
        model: the head.
        inputs: those of its ``forward``.
        exceptions: rows about it, whose arguments go before the rules'.
        call: further arguments of ``forward``.
        looked_up: what ``tables`` gave for it.
    """
    if not model.can_generate():
        return None
    own = any("method" in (exception.generation or ()) for exception in exceptions)
    heard = _lasts_as_long_as_its_sound(model)
    arguments: dict[str, Any] = {} if own or heard else {"max_new_tokens": NEW_TOKENS}
    arguments |= {name: value for name, value in call.items() if name == "sample"}
    taken = probe.parameters(model, "forward")
    if not taken.keys() & _CACHED and any(name.endswith("_cache") for name in taken):
        arguments["cache"] = False  # it steps through a cache of its own, which generate() always makes (transducers)
    if arguments and _own(model, "_get_logits_processor"):
        # What holds off a text's end and its placeholders is not made for what it writes (HiggsAudio).
        arguments |= {"min_new_tokens": None, "suppress_tokens": None}
    arguments |= _spoken(model, looked_up)
    names = [item.name for item in inputs if not item.name.startswith(("decoder_", "labels"))]
    if heard and "input_ids" in names:  # a text as long as the sound, after which there is nothing left to write
        names = [name for name in names if name not in ("input_ids", "attention_mask")]
    if len(names) < len(inputs):
        arguments["inputs"] = names  # generation writes the decoder's text itself
    for exception in exceptions:
        if exception.generation is None:
            return None
        arguments |= exception.generation
    return arguments


def _lasts_as_long_as_its_sound(model: Any) -> bool:
    """Whether what is generated ends where the sound does: the model reckons the length of the text by itself."""
    own = _own(model, "_prepare_generated_length")
    return own is not None and "inputs_tensor" in inspect.signature(own).parameters


def _own(model: Any, name: str) -> Any:
    """A hook of generation that the model's class has made its own, None where it is the library's for all."""
    found = getattr(type(model), name, None)
    return None if found is None or found.__module__ == "transformers.generation.utils" else found
