"""What a processor that was built in memory makes of a small text, image and sound, and whether the tiny model takes it."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from generator import configuration
from generator.plugins import public_class
from generator.processors import building
from generator.tiny import config as shrinking
from generator.tiny import inputs as declaring
from generator.tiny import probe

if TYPE_CHECKING:
    from generator.spec import HeadSpec

__all__ = ["TEXT", "Trial", "picture", "sound"]

TEXT = "a cat"
"""A text whose every letter is in every tiny vocabulary."""
_SIDE = 48
"""Height and width in pixels of the sample image."""
_LARGEST = 3_000_000
"""Numbers in an input at most: Aria's processor makes every image one of 980 pixels a side, of three channels."""
_SAMPLING_RATE = 16_000
_FRAMES = 4
"""Frames of the sample video."""
_STILL = ("image", "audio")
"""Modalities of which one may be shown for another."""


@dataclass(frozen=True)
class Trial:
    """A head that text and other modalities are put to."""

    model: Any
    """The tiny model, or None where no head takes what a processor makes."""
    counts: Mapping[str, int]
    """Placeholders in a row of the head's own inputs, by modality."""
    tokens: Mapping[int, str]
    """Modalities by the id of the token that stands for them."""
    told: Mapping[str, Any] = field(default_factory=dict)
    """What its users tell ``generate()`` where that is all that it has."""

    @classmethod
    def of(cls, config_class: str, arguments: Mapping[str, Any], heads: Sequence[HeadSpec]) -> Trial:
        """The trial of the first head that takes text and is built of the skill's own config."""
        made = public_class(config_class)
        for head in heads:
            names = {item.name for item in head.inputs}
            if head.unsettled is not None or head.part or head.within or not {"input_ids"} & names:
                continue
            config = configuration.make(made, shrinking.merge(arguments, head.config))
            context = declaring.Context(config, {}, ())
            tokens = declaring.placeholders(context)
            # One token may stand for all that is seen (Molmo 2); it is an image that is shown.
            shared = {declaring.placeholder(context, modality): modality for modality in _STILL}
            tokens |= {token: modality for token, modality in shared.items() if token in tokens}
            counts: dict[str, int] = {}
            for item in head.inputs:
                for token, _, length in item.arguments.get("runs", ()) if item.name == "input_ids" else ():
                    if token in tokens:
                        counts[tokens[token]] = counts.get(tokens[token], 0) + length
            model = probe.build(head.class_name, config)
            for name, value in head.generation_config.items():
                setattr(model.generation_config, name, value)
            return cls(model, counts, tokens, head.arguments if head.method == "generate" else {})
        return cls(None, {}, {})

    def inputs(
        self, parts: Mapping[str, Mapping[str, Any]], modalities: Sequence[str], text: str = TEXT
    ) -> dict[str, Any]:
        """What the declared processor makes of the sample: of a chat where it has a template for one, else of its prompt
        and a text.

        Raises:
            Exception: whatever its classes raise.
        """
        processor = building.build(parts)["processor"]
        call = parts["processor"].get("call", {})
        media = [(modality, _SAMPLES[modality]()) for modality in modalities if modality in _SAMPLES]
        if processor.chat_template is not None:
            content = [{"type": modality, modality: sample} for modality, sample in media]
            chat = [{"role": "user", "content": [*content, {"type": "text", "text": text}]}]
            # In 4.57 what the processor is told goes among the template's own keywords.
            apart = call and "processor_kwargs" in inspect.signature(processor.apply_chat_template).parameters
            told = {"processor_kwargs": dict(call)} if apart else dict(call)  # a copy, to which the library adds
            made = processor.apply_chat_template(
                chat, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt", **told
            )
            return self._cast(made)
        names = {"image": "images", "video": "videos", "audio": "audio"}
        given = {names[modality]: sample for modality, sample in media}
        if frames := parts["processor"].get("frames"):
            given = {"images": [picture()] * frames}
        text = parts["processor"].get("prompt", "") + text
        return self._cast(processor(text=text, **given, return_tensors="pt", **call))

    def _cast(self, made: Mapping[str, Any]) -> dict[str, Any]:
        """Numbers in the model's own precision, as the pipelines turn them: Llama 4's images come in half of it."""
        return {
            name: item.to(self.model.dtype) if hasattr(item, "dtype") and item.is_floating_point() else item
            for name, item in made.items()
        }

    def overlooks(self, parts: Mapping[str, Mapping[str, Any]], modalities: Sequence[str]) -> bool:
        """Whether the declared processor makes the same ids of any text (ShieldGemma 2's, which asks about its own policies)."""
        return self.model is not None and _ids(self.inputs(parts, modalities)) == _ids(
            self.inputs(parts, modalities, TEXT[::-1])
        )

    def carriers(self, parts: Mapping[str, Mapping[str, Any]], modalities: Sequence[str]) -> dict[str, str]:
        """The special words that stand most often in the text that the declared processor writes, by modality, for those
        modalities of which the model's own placeholders do not stand there, or once at most, as a mark; none if the
        processor does not run."""
        try:
            inputs = self.inputs(parts, modalities)
        except Exception:  # noqa: BLE001, each class has errors of its own for parts that do not fit it
            return {}
        ids = _ids(inputs)
        shown = {name for name in modalities if name in _SAMPLES}
        missing = [name for token, name in self.tokens.items() if name in shown and ids.count(token) <= 1]
        processor = building.build(parts)["processor"]
        special = {
            token: str(word)
            for token, word in processor.tokenizer.added_tokens_decoder.items()
            if token not in self.tokens
        }
        often = Counter(token for token in ids if token in special).most_common()
        found = [special[token] for token, times in often if times > 1]
        # What the processor itself calls so, then those that say what they stand for, then the others in order.
        named = {name: word for name in missing for word in found[::-1] if name in word}
        called = {name: str(getattr(processor, f"{name}_token", None)) for name in missing}
        named |= {name: word for name, word in called.items() if word in [special[token] for token, _ in often]}
        unnamed = [word for word in found if word not in named.values()]
        return named | dict(zip([name for name in missing if name not in named], unnamed, strict=False))

    def takes(self, parts: Mapping[str, Mapping[str, Any]], modalities: Sequence[str]) -> bool:
        """Whether the model runs with what the declared processor makes, with a placeholder in it for every modality that
        needs one, and no image of a size that a tiny model is not meant for; true of any processor where there is no model.
        """
        import torch

        if self.model is None:
            return True
        try:
            inputs = self.inputs(parts, modalities)
            ids = _ids(inputs)
            framed = {"video"} if "frames" in parts["processor"] else set()
            shown = {name for name in modalities if name in {*_SAMPLES, *framed} and name in self.counts}
            needed = {token for token, name in self.tokens.items() if name in shown}
            if modalities and not any(hasattr(item, "dtype") and item.is_floating_point() for item in inputs.values()):
                return False  # nothing that was shown or heard has come through
            if needed - set(ids) or any(getattr(item, "numel", int)() > _LARGEST for item in inputs.values()):
                return False
            torch.manual_seed(0)
            with torch.no_grad():
                if self.model.can_generate():
                    self.model.generate(**inputs, max_new_tokens=1, do_sample=False, **self.told)
                else:
                    self.model(**inputs)
        except Exception:  # noqa: BLE001, each class has errors of its own for what is not meant for it
            return False
        return True


def _ids(inputs: Mapping[str, Any]) -> list[int]:
    return list(inputs["input_ids"].flatten().tolist()) if "input_ids" in inputs else []


def picture() -> Any:
    """An RGB image with a gradient and a square."""
    import numpy as np
    import PIL.Image

    ramp = np.linspace(0, 255, _SIDE, dtype=np.uint8)
    pixels = np.stack([np.tile(ramp, (_SIDE, 1)), np.tile(ramp[:, None], (1, _SIDE)), np.full((_SIDE, _SIDE), 90)], -1)
    pixels[12:24, 12:24] = (250, 20, 20)
    return PIL.Image.fromarray(pixels.astype(np.uint8))


def sound() -> Any:
    """Half a second of 440 Hz: float32, (8000,)."""
    import numpy as np

    moments = np.arange(_SAMPLING_RATE // 2) / _SAMPLING_RATE
    return (0.5 * np.sin(2 * np.pi * 440 * moments)).astype(np.float32)


def clip() -> Any:
    """A video of an image that turns: uint8, (4, 48, 48, 3)."""
    import numpy as np

    return np.stack([np.asarray(picture().rotate(10 * frame)) for frame in range(_FRAMES)])


_SAMPLES: Mapping[str, Callable[[], Any]] = {"image": picture, "video": clip, "audio": sound}
"""What is put to a processor, by modality."""
