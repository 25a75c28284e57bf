"""Which modalities beside text the inputs of a head carry, by their names, and which of an architecture's it is not fed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generator.spec import HeadSpec

__all__ = ["carries", "note", "unfed"]

_MARKS: Mapping[str, tuple[str, ...]] = {
    "image": ("pixel_values", "flattened_patches", "image", "visual"),
    "video": ("pixel_values", "video", "visual"),
    "audio": ("input_features", "input_values", "audio"),
}
"""Parts of the names of inputs that carry a modality. The frames of a video are often called as an image's pixels are."""
_NOT_FED = " is not fed"


def note(modality: str) -> str:
    """What a head says of a modality of its architecture that it is not fed."""
    return f"{modality}{_NOT_FED} by an input of its own"


def carries(names: Collection[str], modality: str) -> bool:
    """Whether any input of these names carries the modality."""
    return any(mark in name for mark in _MARKS[modality] for name in names)


def unfed(modalities: Collection[str], head: HeadSpec) -> Iterator[str]:
    """The modalities of an architecture of several that no input of the head carries and no note of it owns up to: a note
    names the modality, or the argument that would carry it."""
    if len(modalities) < 2:
        return
    owned = [text.partition(_NOT_FED)[0] for text in head.notes if _NOT_FED in text]
    named = [*(item.name for item in head.inputs), *owned]
    for modality in _MARKS:
        if modality in modalities and modality not in owned and not carries(named, modality):
            yield modality
