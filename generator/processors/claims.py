"""What a processor class says of itself, in its signature and in its code: the parts that it puts together, what it
lacks here, and what its arguments and its calls may be told."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from generator.processors import building, tokenizer, words
from generator.processors.trial import TEXT
from generator.tiny import inputs as declaring
from generator.tiny import libraries
from generator.tiny.config import networks

if TYPE_CHECKING:
    from generator.spec import HeadSpec

__all__ = [
    "CODEC",
    "COUNTS",
    "arguments",
    "asked",
    "attributes",
    "calls",
    "clips",
    "gainsaid",
    "hopes",
    "keywords",
    "lacking",
    "modality",
    "promised",
    "source",
    "started",
    "vocabulary",
]

COUNTS = {
    "image": ("image_seq_length", "image_seq_len", "num_image_tokens"),
    "audio": ("audio_seq_length",),
}
"""Arguments that are the placeholders of one image or sound."""
_ELSEWHERE = {"img_size": "image_size", "pooling_ratio": "projector_pooling_ratio"}
"""Config fields of arguments that are named otherwise there."""
_ONE_MORE = "num_additional_image_tokens"
"""An argument that is 1 for towers with a token for the entire image, which no config says."""
_HEARS = ("feature_extractor", "audio_processor")
CODEC = "audio_tokenizer"
"""What processors call a model of another architecture that encodes and decodes sound for them."""
_HERE = ("torch", "vision")
"""Backends that are here wherever skills are written, or that parts say they lack."""
_FILED = "a vocabulary file of mistral-common's"
"""What the skill says of a processor with a tokenizer that no words in a skill could make."""
_SEVERAL = 6
"""Images or tiles in a row of a head's inputs at most."""


def attributes(found: Any) -> list[str]:
    """The parts that a class puts together, in its own order."""
    if hasattr(found, "get_attributes"):
        return list(found.get_attributes())
    return list(found.attributes)  # before 5.0


def source(attribute: str) -> str:
    """The part that an argument takes."""
    return "feature_extractor" if attribute in _HEARS else attribute


def modality(attribute: str) -> str:
    return "audio" if attribute in _HEARS else attribute.partition("_")[0]


def keywords(found: Any) -> Any:
    """The class of the keywords of a call, where they are told by what takes them (before 5.23); None where there is none."""
    return vars(inspect.getmodule(found)).get(f"{found.__name__}Kwargs")


def lacking(found: Any) -> str | None:
    """What is not here and what methods of the class ask for: a library, or a tokenizer that only a file holds."""
    for names in re.findall(r"@requires\(backends=\(([^)]*)\)", inspect.getsource(found)):
        for name in re.findall(r"\"([\w-]+)\"", names):
            if name not in _HERE and libraries.installed(name) is None:
                return str(name)
    # Mistral's own tokenizer writes their chats; it is read from a file, and cannot be made of a few words. Said in a
    # comment alone it is one tokenizer of several (Pixtral's, in 5.10).
    code = inspect.getsource(inspect.getmodule(found) or found)
    return _FILED if re.search(r"^[^#\n]*\bMistralCommonBackend\b", code, re.MULTILINE) else None


def asked(found: Any) -> Any:
    """The tokenizer class that a processor insists on: before 5.0 each names its own, or leaves it open."""
    named = getattr(found, "tokenizer_class", None)
    return None if named is None or named == "AutoTokenizer" else named


def vocabulary(named: Any) -> str:
    """What a processor lacks here that insists on a tokenizer which is made of files alone (SpeechT5's, before 5.0)."""
    name = next(item for item in (named if isinstance(named, tuple) else [named]) if item is not None)
    return building.absent(name) if building.public(name) is None else f"a vocabulary file of {name}'s"


def hopes(found: Any) -> bool:
    """Whether a processor asks for words that it says it can do without."""
    return any(word.hoped for word in words.read(found))


def promised(found: Any, heads: Sequence[HeadSpec]) -> dict[str, bool]:
    """Settings of the tokenizer with which a processor makes all that it says it does: its class may leave it to them
    whether it returns what its ``model_input_names`` has (Cosmos3-Edge's types of tokens, without which no image is
    taken); not what no head takes (MiniMax-M3-VL's).
    """
    names = inspect.getattr_static(found, "model_input_names", None)
    if not isinstance(names, property) or names.fget is None:
        return {}
    own = re.findall(r"\"(\w+)\"", inspect.getsource(names.fget))
    taken = {item.name for head in heads for item in head.inputs}
    return {f"return_{name}": True for name in own if name in taken and getattr(found, f"return_{name}", None) is False}


def started(found: Any, declared: Mapping[str, Any]) -> dict[str, str]:
    """Under ``starts``, a blank before every text: for a processor that takes it away again where special words begin one, by
    dropping the first id (Fuyu's)."""
    drops = re.search(r"\[\"input_ids\"\]\[\.\.\., 1:\]", inspect.getsource(found))
    return {"starts": tokenizer.BLANK} if drops and tokenizer.around(declared) else {}


def arguments(found: Any, context: declaring.Context, counts: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    """Arguments of the class, the likeliest first."""
    choices: dict[str, list[Any]] = {}
    for name, parameter in inspect.signature(found.__init__).parameters.items():
        if name in (*attributes(found), "self", "chat_template", CODEC) or name.endswith("_token"):
            continue
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        default = None if parameter.default is parameter.empty else parameter.default
        values = list(_values(name, default, context, counts))
        if values:
            choices[name] = values
    for combination in product(*choices.values()):
        given = dict(zip(choices, combination, strict=True))
        yield {name: value for name, value in given.items() if value is not None}


def calls(found: Any, counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """Under ``call``, what users tell the processor each time, since no file holds it: counts that are constants of the
    class, or of that of its keywords. None where there are none."""
    defaults = [value for value in getattr(keywords(found), "_defaults", {}).values() if isinstance(value, Mapping)]
    told = {name: value for values in [*defaults, vars(found)] for name, value in values.items()}
    names = [name for name in COUNTS["image"] if isinstance(told.get(name), int)]
    return [{"call": dict.fromkeys(names, counts["image"])}] if names and "image" in counts else []


def gainsaid(found: Any, parts: Mapping[str, Any]) -> dict[str, Any]:
    """What the class tells its image processor each time in place of what that was made with (SigLIP 2's patches of 16
    pixels): that is told each time instead, as users of a checkpoint with other patches must."""
    told = {**getattr(keywords(found), "_defaults", {}).get("images_kwargs", {})}
    told |= vars(found).get("images_kwargs") or {}
    made = parts.get("image_processor", {}).get("arguments", {})
    return {name: made[name] for name, value in told.items() if name in made and made[name] != value}


def clips(found: Any) -> list[dict[str, int]]:
    """Under ``frames``, of how many images a video is that a processor of videos alone takes as ``images``: as many as its
    code counts on, and no config says (InstructBLIPVideo's four). None for a processor of another kind."""
    own, taken = attributes(found), inspect.signature(found.__call__).parameters
    if "video_processor" not in own or "image_processor" in own or "videos" in taken:
        return []
    return [{"frames": count} for count in range(1, _SEVERAL)] if "images" in taken else []


def _values(name: str, default: Any, context: declaring.Context, counts: Mapping[str, int]) -> Iterator[Any]:
    for kind, names in COUNTS.items():
        if name in names and kind in counts:
            # Several images or tiles of one have each their share; or as many as an image has patches.
            yield from (counts[kind] // part for part in range(1, _SEVERAL) if counts[kind] % part == 0)
            yield from _patches(context) if kind == "image" else ()
            return
    if name.endswith("_definitions"):
        yield {"one": TEXT}  # of each of which a prompt is made, of the usual ones longer than any tiny model's text
        return
    if name == _ONE_MORE:
        yield from (0, 1)
        return
    field = _ELSEWHERE.get(name, name)
    network = context.find("model_args") or {}  # what timm's networks are told, where the tower is one of them
    for value in (context.find(field, within="vision"), context.find(field), network.get(name)):
        if type(value) in (bool, int, float, str) and (default is None or type(value) is type(default)):
            yield value
            return
    if name == "patch_size" and network and "image" in counts:  # a network of stages says it by what it gives alone
        yield networks.side(network) // math.isqrt(counts["image"])


def _patches(context: declaring.Context) -> list[int]:
    """How many patches an image has, where the config says it."""
    side, patch = (context.find(name, within="vision") for name in ("image_size", "patch_size"))
    return [(side // patch) ** 2] if isinstance(side, int) and isinstance(patch, int) else []
