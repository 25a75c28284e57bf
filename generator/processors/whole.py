"""Processors that put text together with images, video and sound: transformers' own class of the architecture, with the
arguments that the tiny config gives, so that it writes as many placeholders as the model makes features."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator import configuration
from generator.modalities import carries
from generator.processors import building, claims, mapped, media, prompts, tokenizer, words
from generator.processors.trial import Trial
from generator.tiny import config as shrinking
from generator.tiny import inputs as declaring

if TYPE_CHECKING:
    from generator.spec import HeadSpec

__all__ = ["Subject", "declare"]

Parts = dict[str, dict[str, Any]]

_WORDS = ("a", "cat")
"""Words on a page, of letters that are in every tiny vocabulary."""
_TOGETHER = frozenset({"any-to-any", "image-text-to-text"})
"""Pipelines that are made with a processor and nothing else."""
_WRITES = "DonutProcessor"
"""The processor that stands in for an encoder that sees and a decoder that writes, of any types: a checkpoint of those names
one in a file of its own. TrOCR's would be another, but of a text it makes labels, which no pipeline goes on with."""
_MOVING = frozenset({"pixel_values_videos", "videos"})
"""Inputs that are a video's alone."""
_AS_THEY_COME: Sequence[Mapping[str, Any]] = (
    {"do_sample_frames": False},
    {"do_sample_frames": False, "return_metadata": True},
)
"""What a processor is told each time that would else choose some of a video's frames by how fast they follow each other, or
that writes when each was taken."""
_ROUNDS = 2
"""Rounds in which it is learned which words stand for features."""
_MOST = 12
"""Ways to fill in the arguments that are tried."""


@dataclass(frozen=True)
class Subject:
    """An architecture whose processor is to be declared."""

    model_type: str
    """Key in transformers' mappings."""
    config_class: str
    """Public config class."""
    arguments: Mapping[str, Any]
    """Those of the tiny config."""
    config: Any
    """The tiny config."""
    heads: Sequence[HeadSpec]
    """Heads with their inputs, which say how many placeholders there are."""


def declare(subject: Subject, parts: Parts) -> Parts:
    """The parts, with the processor that puts them together as ``processor``, which names them under ``parts``; the
    special words that it looks for are in the tokenizer then.

    The parts are as they were where transformers has no processor for the type; where it needs a library that is not
    installed, ``processor`` has ``requires`` alone. Of several ways to fill in its arguments the first is taken with
    which the tiny model takes what it makes of a small sample, or the likeliest one if there is none.
    """
    name = _named(subject)
    if name is None:
        return parts
    found = building.public(name)
    if found is None:
        return {**parts, "processor": {"requires": building.absent(name)}}
    if (library := claims.lacking(found)) is not None:
        return {**parts, "processor": {"requires": library}}
    if (asked := claims.asked(found)) is not None and not tokenizer.made(asked):
        return {**parts, "processor": {"requires": claims.vocabulary(asked)}}
    if (
        (decodes := getattr(found, f"{claims.CODEC}_class", None))
        and building.exists(decodes)
        and not building.public(decodes)
    ):
        return {**parts, "processor": {"requires": building.absent(decodes)}}
    sources = {attribute: claims.source(attribute) for attribute in claims.attributes(found)}
    more = {name: part for name, part in _siblings(name, subject).items() if name in sources.values()}
    given = {**more, **parts}
    if "image_processor" in sources.values() and "image_processor" not in given:
        given |= _seeing(found, subject)
    told = _told(found, subject, given, {})
    for source in sources.values():
        if source not in told:
            return parts
        if "requires" in told[source]:
            return {**told, "processor": {"requires": told[source]["requires"]}}
    if (codec := _codec(found)) is not None:
        given, sources = {**given, claims.CODEC: codec}, {**sources, claims.CODEC: claims.CODEC}
    return _fitted(found, subject, given, sources)


def _codec(found: Any) -> dict[str, Any] | None:
    """The model that turns codes or latents to sound for a processor that takes one, and tiny arguments of its config; None
    where the class names none, or one that the rules do not make tiny."""
    named = building.public(str(getattr(found, f"{claims.CODEC}_class", None)))
    if claims.CODEC not in inspect.signature(found.__init__).parameters or named is None:
        return None
    declared = {"class_name": named.__name__, "config": shrinking.shrink(named.config_class)}
    try:
        building.build({claims.CODEC: declared})
    except Exception:  # noqa: BLE001, each class has errors of its own for sizes that do not meet
        return None
    return declared


def _fitted(found: Any, subject: Subject, parts: Parts, sources: Mapping[str, str]) -> Parts:
    """The first way to declare the processor with which the tiny model takes what it makes, or the likeliest one."""
    fed = {item.name for head in subject.heads for item in head.inputs}
    shown = [claims.modality(attribute) for attribute in sources if not attribute.endswith("tokenizer")]
    modalities = [item for item in shown if carries(fed, item)]  # a relative's processor may take more than the model
    trial = Trial.of(subject.config_class, subject.arguments, subject.heads)
    context = declaring.Context(subject.config, {}, ())
    queries = context.find("latent_query_num", within="vision") or context.find("latent_query_num")
    counts = {**({"image": queries} if queries else {}), **trial.counts}
    parts, page = _unread(found, _lent(found, parts, counts))
    choices = claims.arguments(found, context, counts)
    filled = [(given, parts) for given in islice(choices, _MOST)]
    hoped = (False, True) if claims.hopes(found) else (False,)
    told: list[dict[str, Any]] = [page] if page else [*(claims.clips(found) or [{}, *claims.calls(found, counts)])]
    if instead := claims.gainsaid(found, parts):
        told = [{**item, "call": {**instead, **item.get("call", {})}} for item in told]
    clips = [{**item, "call": {**item.get("call", {}), **call}} for call in _AS_THEY_COME for item in told]
    ways = _Ways(found, subject, sources, [*product(hoped, [*filled, *_smaller(found, filled)])])
    still = [item for item in modalities if item != "video"]
    stages = [(modalities if "frames" in told[0] else still, told)]
    if moving := _MOVING & fed:  # where there is no way to show a video beside the rest, without it
        stages = [(modalities, [*told, *clips]), (still, told)]
    likeliest: Parts = {}
    for shown, calls in stages:
        likely, accepted = ways.first(trial, shown, calls)
        if accepted:
            unshown = ["video"] if moving and "video" not in shown else []
            return _unshown(likely, [*unshown, *(["text"] if trial.overlooks(likely, shown) else [])])
        likeliest = likeliest or likely
    return _untaken(likeliest, instead) if likeliest else parts


def _untaken(parts: Parts, instead: Mapping[str, Any]) -> Parts:
    """The parts, of which the model takes nothing that they make: so nothing speaks for telling the processor something
    ``instead`` of its own defaults (Aria's images are 490 or 980 pixels a side, or an error)."""
    processor = {**parts["processor"], "untaken": True}
    call = {name: value for name, value in processor.pop("call", {}).items() if name not in instead}
    return {**parts, "processor": {**processor, **({"call": call} if call else {})}}


def _unshown(parts: Parts, kinds: Sequence[str]) -> Parts:
    """The parts, and what cannot be shown to the processor here or is passed over by it."""
    return {**parts, "processor": {**parts["processor"], "unshown": " ".join(kinds)}} if kinds else parts


@dataclass(frozen=True)
class _Ways:
    """Ways to declare a processor."""

    found: Any
    """Its class."""
    subject: Subject
    sources: Mapping[str, str]
    """The part that it takes as each argument."""
    filled: Sequence[tuple[bool, tuple[dict[str, Any], Parts]]]
    """Whether the tokenizer has every word that it hopes for, and its further arguments with the parts."""

    def first(self, trial: Trial, modalities: Sequence[str], told: Sequence[Mapping[str, Any]]) -> tuple[Parts, bool]:
        """The first way with which the tiny model takes what it makes of these, or the likeliest one, and whether it does.

        Args:
            trial: the model, and what it is shown.
            modalities: which it is shown.
            told: what the processor may be told each time, or how many frames a video has.
        """
        likeliest: Parts = {}
        carriers: dict[str, str] = {}
        for every, (given, others) in self.filled:
            whole = {"class_name": self.found.__name__, "arguments": given, "parts": dict(self.sources)}
            for call in (item for item in told for _ in range(_ROUNDS)):
                parts = _told(self.found, self.subject, others, carriers, every=every)
                learned: dict[str, str] = {}
                for way in prompts.ways({**parts, "processor": {**whole, **call}}, trial):
                    likeliest = likeliest or way
                    if trial.takes(way, modalities):
                        return way, True
                    learned = learned or trial.carriers(way, modalities)
                if learned:
                    carriers |= learned
                    likeliest = {}
        return likeliest, False


def _smaller(found: Any, ways: Sequence[tuple[dict[str, Any], Parts]]) -> Iterator[tuple[dict[str, Any], Parts]]:
    """The ways with images that are not as small as those of the heads, but as the patches are, where it is told these."""
    parameter = inspect.signature(found.__init__).parameters.get("patch_size")
    default = parameter.default if parameter is not None else None
    for given, parts in ways:
        if type(default) is int and type(given.get("patch_size")) is int and "image_processor" in parts:
            image = media.proportionate(parts["image_processor"], Fraction(given["patch_size"], default))
            yield given, {**parts, "image_processor": image}


def _named(subject: Subject) -> str | None:
    """The processor class that transformers maps the type to, or the one beside the config's own code, or that of a
    relative; checkpoints name it in a file of theirs."""
    name = mapped.name("processor", subject.model_type, subject.config)
    if isinstance(name, str):
        return name
    package = type(subject.config).__module__.rpartition(".")[0]
    if not package:  # a module by itself
        return None
    try:
        module = importlib.import_module(f"{package}.processing_{package.rpartition('.')[2]}")
    except ImportError:
        return _lineage(subject, package)
    return next((item for item in getattr(module, "__all__", ()) if item.endswith("Processor")), None)


def _lineage(subject: Subject, package: str) -> str | None:
    """For pipelines that need one, the processor of the first type that has one, of those whose head theirs is (GLMGA's is
    GLM-4.6V's), whose head it was made of (by ``modular_*.py``, which transformers is written from), and that the config
    joins; or a usual one for a head that writes down what it sees."""
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES

    asked = next((head for head in subject.heads if _TOGETHER & {*head.pipelines}), None)
    if asked is None:
        return None
    head = building.public(asked.class_name)
    types = [str(getattr(getattr(head, "config_class", None), "model_type", ""))]
    place = importlib.util.find_spec(f"{package}.modular_{package.rpartition('.')[2]}")
    if head is not None and place is not None and place.origin is not None:
        types += _made_of(head.__name__, Path(place.origin).read_text(encoding="utf-8"))
    types += [str(getattr(part, "model_type", "")) for part in configuration.nested(subject.config).values()]
    found = (PROCESSOR_MAPPING_NAMES.get(item) for item in types)
    usual = _WRITES if _writes(asked) else None
    return next((item for item in found if isinstance(item, str)), usual)


def _writes(head: HeadSpec) -> bool:
    """Whether a head is shown an image and writes with a decoder, of whose text it takes the beginning."""
    names = {item.name for item in head.inputs}
    return {"pixel_values", "decoder_input_ids"} <= names and "input_ids" not in names


def _made_of(name: str, code: str) -> list[str]:
    """The types that the bases of a class are imported from in a module beside those of other types."""
    tree = ast.parse(code)
    bases = {
        base.id
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == name
        for base in node.bases
        if isinstance(base, ast.Name)
    }
    imports = (node for node in tree.body if isinstance(node, ast.ImportFrom) and node.level == 2)
    return [str(node.module).partition(".")[0] for node in imports if any(item.name in bases for item in node.names)]


def _siblings(name: str, subject: Subject) -> Parts:
    """The parts of the first type with this processor, for types of which the mappings of parts say nothing."""
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES

    first = next((item for item, named in PROCESSOR_MAPPING_NAMES.items() if named == name), None)
    return media.declare(first, subject.config, subject.heads) if first is not None else {}


def _seeing(found: Any, subject: Subject) -> Parts:
    """The image processor of the first type that has one which takes all that the processor's images may be told, for types
    to which none is mapped, or the usual one where that is nothing of their own: a checkpoint names it in a file (Aya
    Vision's and InternVL's that of GOT-OCR2, before 5.0)."""
    from transformers.models.auto.image_processing_auto import IMAGE_PROCESSOR_MAPPING_NAMES
    from transformers.processing_utils import ImagesKwargs

    told = getattr(claims.keywords(found), "__annotations__", {}).get("images_kwargs")
    asked = {*getattr(told, "__annotations__", {})} - {*ImagesKwargs.__annotations__}
    types = [item for item in IMAGE_PROCESSOR_MAPPING_NAMES if asked] or [media.USUAL]
    for model_type in types:
        declared = media.declare(model_type, subject.config, subject.heads)
        image = declared.get("image_processor", {})
        reader = building.public(image.get("class_name", ""))
        if reader is not None and asked <= {*inspect.signature(reader.__init__).parameters}:
            return {"image_processor": image}
    return {}


def _told(found: Any, subject: Subject, parts: Parts, carriers: Mapping[str, str], *, every: bool = False) -> Parts:
    """The parts with every tokenizer that the processor takes, and in it ``every`` word that it asks for, or those alone that
    it cannot do without or that the model has an id for."""
    made = dict(parts)
    spoken = any(item.name == "input_values" for head in subject.heads for item in head.inputs)
    for attribute in claims.attributes(found):
        if not attribute.endswith("tokenizer"):
            continue
        inner = getattr(subject.config, f"{attribute.removesuffix('tokenizer')}config", subject.config)
        if attribute == "tokenizer":
            known = (*words.read(found), *prompts.speakers(subject.config))
            declared = tokenizer.declare(
                subject.model_type,
                subject.config,
                spoken=spoken,
                fed=tokenizer.fed(subject.heads),
                words=[replace(word, required=word.required or word.hoped) for word in known] if every else known,
                carriers=carriers,
                named=claims.asked(found),
                closes=tokenizer.closes(subject.heads),
            )
        else:
            declared = tokenizer.declare(str(getattr(inner, "model_type", "")), inner, spoken=False)
        if declared is not None:
            if attribute == "tokenizer":
                declared = {
                    **declared,
                    **claims.started(found, declared),
                    "arguments": declared["arguments"] | claims.promised(found, subject.heads),
                }
            made[attribute] = declared
    return made


def _lent(found: Any, parts: Parts, counts: Mapping[str, int]) -> Parts:
    """The parts with what the processor reads of its image processor but that has no value of its own there."""
    if "image" not in counts:
        return parts
    source, count = inspect.getsource(found), counts["image"]
    lent = dict.fromkeys(re.findall(rf"image_processor\.({'|'.join(claims.COUNTS['image'])})\b", source), count)
    for name in re.findall(r"self\.image_processor\.(\w+)\b", source):
        # What it squares to count the features of a tile is how many of them are on a side (Cohere's patch_size).
        if re.search(rf"self\.{name} ?\*\* ?2", source):
            lent[name] = math.isqrt(count)
    if not lent:
        return parts
    image = parts["image_processor"]
    return {**parts, "image_processor": {**image, "arguments": {**image["arguments"], **lent}}}


def _unread(found: Any, parts: Parts) -> tuple[Parts, dict[str, Any]]:
    """The parts with an image processor that reads no page by itself, and the ``call`` that tells what stands on one: for
    processors that take words with their places where nothing has read them."""
    image = parts.get("image_processor", {})
    reader = building.public(image.get("class_name", ""))
    told = {*inspect.signature(found.__call__).parameters}
    for group in getattr(claims.keywords(found), "__annotations__", {}).values():
        told |= {*getattr(group, "__annotations__", ())}
    if reader is None or media.preset(reader, "apply_ocr") is not True or "boxes" not in told:
        return parts, {}
    places = [[100 * place, 100, 100 * place + 80, 200] for place, _ in enumerate(_WORDS, 1)]
    unread = {**image, "arguments": {**image["arguments"], "apply_ocr": False}}
    return {**parts, "image_processor": unread}, {"call": {"text_pair": [*_WORDS], "boxes": places}}
