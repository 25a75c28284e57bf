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
    "LABELS",
    "SENTENCE",
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
    "tone",
    "turned",
]

SENTENCE = "the cat sat on a mat"
"""A text whose every letter is in every tiny vocabulary."""
LABELS = ("cat", "dog")
SAMPLING_RATE = 16_000
"""Samples a second of the sound."""
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


def picture(side: int = 48) -> PIL.Image.Image:
    """An RGB image with a gradient and a square, the same everywhere."""
    import numpy as np
    import PIL.Image

    ramp = np.linspace(0, 255, side, dtype=np.uint8)
    pixels = np.stack([np.tile(ramp, (side, 1)), np.tile(ramp[:, None], (1, side)), np.full((side, side), 90)], -1)
    pixels[side // 4 : side // 2, side // 4 : side // 2] = (250, 20, 20)
    return PIL.Image.fromarray(pixels.astype(np.uint8))


def sound(seconds: float = 0.5) -> np.ndarray[Any, Any]:
    """A tone of 440 Hz: float32, (samples,)."""
    import numpy as np

    moments = np.arange(int(SAMPLING_RATE * seconds)) / SAMPLING_RATE
    samples: np.ndarray[Any, Any] = (0.5 * np.sin(2 * np.pi * 440 * moments)).astype(np.float32)
    return samples


def clip(asked: Asked) -> tuple[Any, ...]:
    """A video of an image that turns, as a file."""
    import av  # type: ignore[import-not-found,unused-ignore]

    del asked
    place = Path(tempfile.mkdtemp()) / "clip.mp4"
    with av.open(str(place), "w") as container:
        stream = container.add_stream("mpeg4", rate=8)
        stream.width = stream.height = 48
        for turn in range(_FRAMES):
            frame = av.VideoFrame.from_image(picture().rotate(10 * turn))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return (str(place),)


def sentence(asked: Asked) -> tuple[Any, ...]:
    """A text."""
    del asked
    return (SENTENCE,)


def masked(asked: Asked) -> tuple[Any, ...]:
    """A text with a gap."""
    return (SENTENCE.replace("sat", asked.parts["tokenizer"].mask_token),)


def answered(asked: Asked) -> tuple[Any, ...]:
    """A question, and the text that answers it."""
    del asked
    return ({"question": "who sat", "context": SENTENCE},)


def decided(asked: Asked) -> tuple[Any, ...]:
    """A question of yes or no about a text, and an image where the head sees."""
    question = {"questions": {"sat": {"type": "noul", "instructions": "did it sit"}}}
    if "image" in asked.modalities:
        return ({"state": f"{_PLACE} a cat", "assets": {_PLACE: picture()}, **question},)
    return ({"state": SENTENCE, **question},)


def document(asked: Asked) -> tuple[Any, ...]:
    """A page with its words and their places, and a question about it."""
    del asked
    boxes = [(word, [40 * place, 10, 40 * place + 30, 30]) for place, word in enumerate(SENTENCE.split())]
    return ({"image": picture(), "question": "who sat", "word_boxes": boxes},)


def questioned(asked: Asked) -> tuple[Any, ...]:
    """An image and a question about it."""
    del asked
    return ({"image": picture(), "question": "who sat"},)


def turned(asked: Asked) -> tuple[Any, ...]:
    """An image twice, once turned."""
    del asked
    return ([picture(), picture().rotate(90)],)


def tone(asked: Asked) -> tuple[Any, ...]:
    """A sound."""
    del asked
    return (sound(),)


def shown(asked: Asked) -> tuple[Any, ...]:
    """An image."""
    del asked
    return (picture(),)


def heard(asked: Asked) -> tuple[Any, ...]:
    """A sound that says how fast it is."""
    del asked
    return ({"raw": sound(), "sampling_rate": SAMPLING_RATE},)


def chat(asked: Asked) -> tuple[Any, ...]:
    """A chat about an image, or an image and a text where the processor has no template for chats."""
    if asked.parts["processor"].chat_template is None:
        return (picture(), asked.prompt + "a cat")
    content = [{"type": "image", "image": picture()}, {"type": "text", "text": "a cat"}]
    return ([{"role": "user", "content": content}],)


def chatted(asked: Asked) -> tuple[Any, ...]:
    """A chat about all that the head takes, or all of it beside a text where there is no template for chats."""
    seen = picture() if "image" in asked.modalities else None
    spoken = sound() if "audio" in asked.modalities else None
    if asked.parts["processor"].chat_template is None:
        return (asked.prompt + "a cat", seen, None, spoken)
    media = [{"type": name, name: item} for name, item in (("image", seen), ("audio", spoken)) if item is not None]
    return ([{"role": "user", "content": [*media, {"type": "text", "text": "a cat"}]}],)
