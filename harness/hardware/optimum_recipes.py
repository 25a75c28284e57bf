"""What optimum-intel expects of a checkpoint that a tiny one is not: written, or told it, for the time of an export."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

__all__ = ["published", "sized"]

SIZES = {
    "height": ("pixel_values", -2),
    "width": ("pixel_values", -1),
    "nb_max_frames": ("input_features", -1),
    "audio_sequence_length": ("input_values", -1),
}
"""Sizes of optimum's dummy inputs (``optimum.utils.DEFAULT_DUMMY_SHAPES``) that it takes from no config, each with the
input and its axis: those of trained models (3000 frames of sound) are no sizes of tiny ones."""

TOKENS = ("bos_token_id", "eos_token_id", "pad_token_id")


@contextlib.contextmanager
def sized(inputs: Mapping[str, torch.Tensor]) -> Iterator[None]:
    """Have an export trace the model with the sizes that it will be used with, as ``optimum-cli``'s options of the same
    names have it."""
    from optimum.utils import DEFAULT_DUMMY_SHAPES

    before = dict(DEFAULT_DUMMY_SHAPES)
    found = {size: inputs[name].shape[axis] for size, (name, axis) in SIZES.items() if name in inputs}
    DEFAULT_DUMMY_SHAPES.update(found)
    try:
        yield
    finally:
        DEFAULT_DUMMY_SHAPES.update(before)


def published(folder: Path, config: Any, inputs: Mapping[str, torch.Tensor]) -> None:
    """Make the config of a checkpoint like those that are published.

    - transformers 4 wrote the token ids of the text at the top, where transformers 5 has none and optimum looks for them
      (LLaVA's ``pad_token_id``).
    - How many tokens stand for an image (``image_seq_length``) fits its size there; the class's default is for 336 pixels,
      and with fewer tokens optimum takes a prompt for one of old that has one for each image.
    """
    file = folder / "config.json"
    written: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    text = written.get("text_config")
    if not isinstance(text, dict):
        return
    above = {name: text.get(name) for name in TOKENS if name not in written}
    token = getattr(config, "image_token_index", None)
    if hasattr(config, "image_seq_length") and token is not None and "input_ids" in inputs:
        above["image_seq_length"] = int((inputs["input_ids"] == token).sum(-1).max())
    file.write_text(json.dumps({**written, **above}, indent=2) + "\n", encoding="utf-8")
