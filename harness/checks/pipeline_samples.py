"""The small real texts, images, sounds and tables that pipelines are asked about; it runs none of them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import PIL.Image

__all__ = [
    "CAPTION",
    "LABELS",
    "SENTENCES",
    "TABLE",
    "Asked",
    "answered",
    "chat",
    "chatted",
    "clip",
    "decided",
    "document",
    "heard",
    "masked",
    "questioned",
    "sentence",
    "shown",
    "spoken",
    "tabled",
    "tone",
    "twice",
]

SENTENCES = ("the cat sat on a mat", "his dog ran by a bed", "one fox hid in a box", "you can run to a hut")
"""Texts whose every letter is in every tiny vocabulary, with words of the same lengths, so that a model that is deaf to them
does not tell one from another by its length."""
LABELS = ("cat", "dog")
SAMPLING_RATE = 16_000
"""Samples a second of the sound."""
CAPTION = "a cat"
"""A text of few letters, beside the many placeholders of an image or a sound, which must tell one turn from the next."""
TABLE = {"who": ["cat", "dog"], "on": ["mat", "bed"]}
"""A table of few letters: columns by their names."""
_FRAMES = 32
"""Frames of the video."""
_PLACE = "[picture]"
"""Where an image stands in the text of a question."""


@dataclass(frozen=True)
class Asked:
    """What a question is put together of."""

    parts: Mapping[str, Any]
    """What the pipeline is built with, by its arguments."""
    modalities: frozenset[str]
    """What the head takes beside text: image, audio."""
    prompt: str = ""
    """What stands for them before a text that is no chat."""
    frames: int = 0
    """How many images are shown as the frames of a video, where it is one that is taken for the image."""
    turn: int = 0
    """Which of several questions it is: what is shown, said and written differs from one to the next."""

    @property
    def sentence(self) -> str:
        """The text of this turn."""
        return SENTENCES[self.turn]


def picture(turn: int = 0, side: int = 48) -> PIL.Image.Image:
    """An RGB image with a gradient and a square, the same everywhere; another gradient, place and colour each turn."""
    import numpy as np
    import PIL.Image

    ramp = np.linspace(0, 255, side, dtype=np.uint8)
    pixels = np.stack([np.tile(ramp, (side, 1)), np.tile(ramp[:, None], (1, side)), np.full((side, side), 90)], -1)
    pixels = np.rot90(np.roll(pixels, turn, -1), turn).copy()
    start = side // 4 + 3 * turn
    pixels[start : start + side // 4, side // 4 : side // 2] = (250 - 70 * turn, 20 + 60 * turn, 20)
    return PIL.Image.fromarray(pixels.astype(np.uint8))


def sound(turn: int = 0, seconds: float = 0.5, rate: int = SAMPLING_RATE) -> np.ndarray[Any, Any]:
    """A tone of 440 Hz, higher and softer each turn: float32, (samples,), of which ``rate`` are a second."""
    import numpy as np

    moments = np.arange(int(rate * seconds)) / rate
    wave = (0.5 - 0.1 * turn) * np.sin(2 * np.pi * 440 * (1 + turn / 2) * moments)
    samples: np.ndarray[Any, Any] = wave.astype(np.float32)
    return samples


def clip(asked: Asked) -> tuple[Any, ...]:
    """A video of an image that turns, as a file."""
    import av  # type: ignore[import-not-found,unused-ignore]

    place = Path(tempfile.mkdtemp()) / "clip.mp4"
    with av.open(str(place), "w") as container:
        stream = container.add_stream("mpeg4", rate=8)
        stream.width = stream.height = 48
        for frame in range(_FRAMES):
            image = picture(asked.turn).rotate(10 * frame)
            container.mux(stream.encode(av.VideoFrame.from_image(image)))
        container.mux(stream.encode())
    return (str(place),)


def sentence(asked: Asked) -> tuple[Any, ...]:
    """A text."""
    return (asked.sentence,)


def masked(asked: Asked) -> tuple[Any, ...]:
    """A text with a gap."""
    words = asked.sentence.split()
    return (" ".join([*words[:2], asked.parts["tokenizer"].mask_token, *words[3:]]),)


def answered(asked: Asked) -> tuple[Any, ...]:
    """A question, and the text that answers it."""
    return ({"question": "who sat", "context": asked.sentence},)


def decided(asked: Asked) -> tuple[Any, ...]:
    """A question of yes or no about a text, and an image where the head sees."""
    if "image" in asked.modalities:
        # So few words that the last is not out of sight of the image, of which layers may look back eight tokens each.
        question = {"questions": {"sat": {"type": "noul", "instructions": "sat"}}}
        return ({"state": f"{_PLACE} {CAPTION}", "assets": {_PLACE: picture(asked.turn)}, **question},)
    return ({"state": asked.sentence, "questions": {"sat": {"type": "noul", "instructions": "did it sit"}}},)


def tabled(asked: Asked) -> tuple[Any, ...]:
    """A table, and a question about it."""
    return ({"table": TABLE, "query": asked.sentence},)


def document(asked: Asked) -> tuple[Any, ...]:
    """A page with its words and their places, and a question about it."""
    boxes = [(word, [40 * place, 10, 40 * place + 30, 30]) for place, word in enumerate(asked.sentence.split())]
    return ({"image": picture(asked.turn), "question": "who sat", "word_boxes": boxes},)


def questioned(asked: Asked) -> tuple[Any, ...]:
    """An image and a question about it."""
    return ({"image": picture(asked.turn), "question": "who sat"},)


def twice(asked: Asked) -> tuple[Any, ...]:
    """The same image as both of a pair: of what random weights make of two that differ, nothing need be nearest both ways."""
    return ([picture(asked.turn), picture(asked.turn)],)


def spoken(asked: Asked) -> tuple[Any, ...]:
    """A text to be spoken, which ends where the sound begins if there is a token for that, as a chat's template has it; in a
    chat where a template says who speaks, for a model that speaks what an assistant answers (Qwen3-Omni)."""
    template = getattr(asked.parts.get("processor"), "chat_template", None)
    if isinstance(template, str) and "add_generation_prompt" in template:
        return ([{"role": "user", "content": [{"type": "text", "text": sentence(asked)[0]}]}],)
    return (sentence(asked)[0] + (getattr(asked.parts["tokenizer"], "audio_bos_token", None) or ""),)


def tone(asked: Asked) -> tuple[Any, ...]:
    """A sound."""
    return (sound(asked.turn),)


def shown(asked: Asked) -> tuple[Any, ...]:
    """An image."""
    return (picture(asked.turn),)


def heard(asked: Asked) -> tuple[Any, ...]:
    """A sound that says how fast it is: as fast as what takes it wants it, so that nothing needs to be resampled."""
    rate = getattr(asked.parts.get("feature_extractor"), "sampling_rate", SAMPLING_RATE)
    return ({"raw": sound(asked.turn, rate=rate), "sampling_rate": rate},)


def _seen(asked: Asked) -> Any:
    """An image, or as many as are the frames of a video, each another."""
    if asked.frames:
        return [picture(asked.turn).rotate(10 * frame) for frame in range(asked.frames)]
    return picture(asked.turn)


def chat(asked: Asked) -> tuple[Any, ...]:
    """A chat about an image, or an image and a text where the processor has no template for chats."""
    if asked.parts["processor"].chat_template is None:
        return (_seen(asked), asked.prompt + CAPTION)
    content = [{"type": "image", "image": picture(asked.turn)}, {"type": "text", "text": CAPTION}]
    return ([{"role": "user", "content": content}],)


def chatted(asked: Asked) -> tuple[Any, ...]:
    """A chat about all that the head takes, or all of it beside a text where there is no template for chats."""
    seen = _seen(asked) if "image" in asked.modalities else None
    spoken = sound(asked.turn) if "audio" in asked.modalities else None
    if asked.parts["processor"].chat_template is None:
        return (asked.prompt + CAPTION, seen, None, spoken)
    media = [{"type": name, name: item} for name, item in (("image", seen), ("audio", spoken)) if item is not None]
    return ([{"role": "user", "content": [*media, {"type": "text", "text": CAPTION}]}],)
