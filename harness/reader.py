"""Inputs of a head made of what a user has: text, images, videos, sound. By the processor that a checkpoint holds, or by
those that the skill declares, which stand beside a tiny model as a checkpoint's do beside a trained one."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness import processors
from harness.failures import sentence

if TYPE_CHECKING:
    from harness.skill import Skill

__all__ = ["Reader", "ReaderError", "of_checkpoint", "of_skill"]

MEDIA = {
    "text": "tokenizer",
    "images": "image_processor",
    "videos": "video_processor",
    "audio": "feature_extractor",
}
"""What a user has, and the part that makes inputs of it."""

SETTINGS = {"sampling_rate": "audio"}
"""What can be said beside it, and of which."""

KINDS = {
    "ProcessorMixin": "processor",
    "PreTrainedTokenizerBase": "tokenizer",
    "BaseVideoProcessor": "video_processor",
    "ImageProcessingMixin": "image_processor",
    "FeatureExtractionMixin": "feature_extractor",
}
"""Base classes of transformers and the part that each is; the first that fits."""


class ReaderError(ValueError):
    """No inputs can be made of this; the message says why."""


@dataclass(frozen=True)
class Reader:
    """What makes inputs: a whole processor, or a part for each of what a user has."""

    parts: Mapping[str, Any]
    """By the names of MEDIA; under ``processor`` one that takes everything by itself."""
    told: Mapping[str, Any] = field(default_factory=dict)
    """What the whole processor is told at each call."""
    lacks: str = ""
    """Why there is no more, in a sentence; empty where nothing is known to be absent."""

    @property
    def main(self) -> Any:
        """The whole processor, else the first of the parts, else None."""
        return self.parts.get("processor", next(iter(self.parts.values()), None))

    @property
    def takes(self) -> tuple[str, ...]:
        """Names of what it makes inputs of, and of what can be said beside it."""
        media = [name for name, part in MEDIA.items() if part in self.parts or self._whole_takes(name)]
        return (*media, *(name for name, of in SETTINGS.items() if of in media))

    def read(self, given: Mapping[str, Any], *, left: bool = False) -> dict[str, Any]:
        """Inputs of what is given, rows of different length padded where the part can; as torch tensors for the most part.

        Args:
            given: by the names of ``takes``.
            left: whether texts are padded before their beginning, as those that are to be continued.

        Raises:
            ReaderError: a part does not take it, in its own words.
        """
        made: dict[str, Any] = {}
        for part, arguments in self._calls(given, left):
            positional, named = arguments
            try:
                made |= part(*positional, **named, return_tensors="pt")
            # Whatever is wrong with what a user gave, each class has an error of its own for it.
            except (ValueError, TypeError, KeyError, IndexError, AttributeError, ImportError) as error:
                raise ReaderError(f"{type(part).__name__} does not take it: {sentence(error)}") from error
        return made

    def _calls(self, given: Mapping[str, Any], left: bool) -> Iterator[tuple[Any, tuple[list[Any], dict[str, Any]]]]:
        whole = self.parts.get("processor")
        if whole is not None:
            yield whole, ([], {**self.told, **given, **self._padding(whole, given, left)})
            return
        for name in MEDIA:
            if name not in given:
                continue
            part = self.parts[MEDIA[name]]
            beside = {item: given[item] for item, of in SETTINGS.items() if of == name and item in given}
            # By its place: what a tokenizer calls text a feature extractor calls raw_speech.
            yield part, ([given[name]], {**beside, **self._padding(part, {name: given[name]}, left)})

    def _whole_takes(self, name: str) -> bool:
        whole = self.parts.get("processor")
        if whole is None:
            return False
        return hasattr(whole, MEDIA[name]) or name in inspect.signature(type(whole).__call__).parameters

    def _padding(self, part: Any, given: Mapping[str, Any], left: bool) -> dict[str, Any]:
        """How several rows are brought to one length."""
        several = {name for name, value in given.items() if isinstance(value, (list, tuple)) and len(value) > 1}
        tokenizer = getattr(part, "tokenizer", part)
        if "text" in several and getattr(tokenizer, "pad_token", None) is not None:
            return {"padding": True, **({"padding_side": "left"} if left else {})}
        hearing = getattr(part, "feature_extractor", part)
        pads = inspect.signature(type(hearing).__call__).parameters.get("padding")
        # Whisper's pads to the length that its model is made for, unless it is told otherwise.
        return {"padding": True} if "audio" in several and pads is not None and not pads.default else {}


def of_skill(skill: type[Skill]) -> Reader:
    """What the skill declares; a part whose library is not here is left out, and told as what it lacks.

    Raises:
        harness.weights.UnknownClassError: the installed transformers has no such class.
    """
    declared = skill.processor or {}
    wanted = [name for name in ("processor", *MEDIA.values()) if name in declared]
    absent = [f"its {name} needs {declared[name]['requires']}" for name in wanted if "requires" in declared[name]]
    try:
        parts = processors.build(skill, wanted)
    except ImportError as error:
        parts, absent = {}, [sentence(error)]
    if not wanted:
        absent = ["its skill declares nothing that makes inputs of text, images or sound"]
    return Reader(parts, declared.get("processor", {}).get("call", {}), "; ".join(absent))


def of_checkpoint(checkpoint: str, *, trust_remote_code: bool) -> Reader:
    """The most that a checkpoint holds: a processor, else a tokenizer, image processor or feature extractor, or nothing."""
    import transformers

    for name in ("AutoProcessor", "AutoTokenizer", "AutoImageProcessor", "AutoFeatureExtractor"):
        try:
            made = getattr(transformers, name).from_pretrained(checkpoint, trust_remote_code=trust_remote_code)
        # Each class has its own errors for a checkpoint that has none of its kind.
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
        kinds = {kind: getattr(transformers, base, None) for base, kind in KINDS.items()}
        kind = next((kind for kind, base in kinds.items() if base is not None and isinstance(made, base)), "processor")
        return Reader({kind: made})
    return Reader({}, lacks=f"{checkpoint} holds no processor, tokenizer, image processor or feature extractor")
