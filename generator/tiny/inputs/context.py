"""What the rules for inputs look at: the tiny config, the head's signature, and how long everything is."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from generator import configuration
from generator.spec import InputSpec

__all__ = [
    "BATCH",
    "CHOICES",
    "FRAMES",
    "LENGTH",
    "MELS",
    "PATCHES",
    "SAMPLES",
    "TARGET",
    "Answer",
    "Context",
    "Rule",
    "batch",
    "configs",
    "frames",
    "frames_masked",
    "own",
]

BATCH = 2
"""Rows: the least in which one row can leak into another."""
LENGTH = 12
"""Tokens of a text."""
TARGET = 8
"""Tokens of a decoder's text, another length than the encoder's so that a mix-up shows."""
FRAMES = 4
"""Frames of a video."""
SAMPLES = 6400
"""Samples of a sound: 0.4 seconds at 16 kHz, 19 frames of the usual convolutional front end."""
MELS = 64
"""Frames of a spectrogram."""
PATCHES = 8
"""Patches of a document image that comes as a sequence of patches, in two rows."""
CHOICES = 3
"""Answers of a multiple-choice question."""


@dataclass(frozen=True)
class Context:
    """What a rule may look at."""

    config: Any
    """The tiny config, as an object of transformers."""
    forward: Mapping[str, inspect.Parameter]
    """Parameters of the head's ``forward``."""
    mappings: tuple[str, ...]
    """Mappings that hold the head."""
    placeholders: Mapping[str, int] = field(default_factory=dict)
    """Placeholder tokens that each row needs, by the modality's name: image, video, audio."""
    shapes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Axes of the parameters to which the head's docstring gives a shape, as written there."""

    def find(self, *names: str, within: str | None = None) -> Any:
        """The first of these attributes that is set, in the config or in a nested one whose field's name starts with ``within``."""
        for config in configs(self.config, within):
            for name in names:
                value = own(config, name)
                if value is not None:
                    return value
        return None


Answer = InputSpec | Sequence[InputSpec | None] | None
"""What a rule gives: the input, several that could be meant with the likeliest first, or nothing to feed."""
Rule = Callable[[Context, str], Answer]
"""A rule for the parameters of one name."""


def configs(config: Any, within: str | None) -> Iterator[Any]:
    """The config and those nested in it; with ``within`` only those below fields whose names start so."""
    if within is None:
        yield config
    for name, child in configuration.nested(config).items():
        if within is None or name.startswith(within):
            yield from configs(child, None)


def own(config: Any, name: str) -> Any:
    """An attribute of a config, None where it has none."""
    try:
        return getattr(config, name)
    except (AttributeError, ValueError):  # configs with a value a layer refuse to give one for all of them
        return None


def batch(context: Context) -> int:
    """Rows of the inputs: prompts with marked questions come one at a time, since each has its own answers."""
    return 1 if "marks" in context.forward else BATCH


def frames(context: Context) -> int:
    """Frames of a spectrogram."""
    positions: int | None = context.find("max_source_positions")
    # A front end that halves the frames and has a position for each that is left takes exactly twice as many.
    if positions:
        return 2 * positions
    # One that cuts them into chunks takes a whole number of them; windows are half a chunk.
    window = context.find("n_window", within="audio")
    return 4 * window if type(window) is int else MELS


def frames_masked(context: Context) -> bool:
    """Whether a mask says which frames of a spectrogram are there: not where the encoder takes a fixed number."""
    return "input_features" in context.forward and context.find("max_source_positions") is None
