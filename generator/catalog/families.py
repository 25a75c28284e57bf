"""What an architecture takes in, and the family that follows from it, from the library's statements about the primary head:
its declared modalities, the arguments of its ``forward``, its mappings, its config. Never from a name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from generator.catalog.library import Entry, Library
from generator.catalog.modeling import ModelClass
from generator.catalog.row import HeadRow

__all__ = ["ARGUMENTS", "Nature", "nature"]

CARRIERS = {
    "text": re.compile(r"(\w+_)?input_ids|inputs"),
    "image": re.compile(r"\w*pixel_values\w*|flattened_patches|image|image_patches|visual_(feats|embeds)"),
    "video": re.compile(r"\w*pixel_values\w*|frame"),
    "audio": re.compile(r"\w*input_features|input_values|audio_\w+|\w*audio_codes"),
    "time-series": re.compile(r"past_values"),
}
"""Modality -> the arguments of ``forward`` that can carry it."""

ARGUMENTS = {
    "input_ids": "text",
    "classes_input_ids": "text",
    "pixel_values": "image",
    "pixel_values_images": "image",
    "flattened_patches": "image",
    "image_patches": "image",
    "visual_feats": "image",
    "pixel_values_videos": "video",
    "input_features": "audio",
    "input_values": "audio",
    "user_audio_codes": "audio",
    "audio_codes": "audio",
    "past_values": "time-series",
}
"""Arguments of ``forward`` that carry one modality wherever nothing else is declared (before 5.0 nothing is)."""

TASKS = {
    "image": re.compile(r"IMAGE|VISUAL|DEPTH|SEGMENTATION|OBJECT|MASK_GENERATION"),
    "video": re.compile(r"VIDEO"),
    "audio": re.compile(r"AUDIO|SPEECH|CTC|RNNT|TDT"),
}
"""Modality -> words in names of mappings whose models take it."""

DECLARED = {"time": "time-series"}
"""transformers' words for modalities (PreTrainedModel.input_modalities) that are not ours."""

PLACES = re.compile(
    r"(image|video|audio|speech|media|vision|sound|modality)\w*_token_(id|index)|(image|video|audio|speech)_token"
)
"""Fields of configs that give media a token of their own in the text."""

MERGES = "get_placeholder_mask"
"""Method by which transformers' models put media where the text has placeholders for them."""

MASKS = frozenset(
    {"image_attention_mask", "image_embeds_position_mask", "cross_attention_mask", "image_patches_indices"}
)
"""Arguments of ``forward`` that say where in the text media stand."""

AUDIBLE = frozenset({"MODEL_FOR_TEXT_TO_WAVEFORM_MAPPING", "MODEL_FOR_TEXT_TO_SPECTROGRAM_MAPPING"})
WRITES = frozenset(
    {
        "MODEL_FOR_CAUSAL_LM_MAPPING",
        "MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING",
        "MODEL_FOR_MULTIMODAL_LM_MAPPING",
        "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING",
        "MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING",
    }
)
"""Mappings of heads that write text."""


@dataclass(frozen=True)
class Nature:
    """What an architecture takes in, and where it belongs."""

    family: str
    """One of generator.spec.FAMILIES."""
    modalities: tuple[str, ...]
    """Sorted."""
    family_source: str
    """The rule that gave the family."""
    modalities_source: str
    """Where the modalities were read."""


def nature(entry: Entry, heads: tuple[HeadRow, ...], library: Library) -> Nature:
    """The nature of a type, by its primary head; ``other`` where nothing is known."""
    if not heads:
        return Nature("other", (), "no heads", "no heads")
    model = library.models.public(heads[0].class_name)
    if model is None:
        return Nature("other", ("other",), "the primary head has no source", "the primary head has no source")
    arguments = library.models.forward(model)
    modalities, source = _modalities(model, heads[0].mappings, arguments, library)
    family, rule = _family(entry, heads[0].mappings, frozenset(modalities), model, library)
    return Nature(family, modalities, rule, source)


def _modalities(
    model: ModelClass, mappings: tuple[str, ...], arguments: tuple[str, ...], library: Library
) -> tuple[tuple[str, ...], str]:
    """What the head declares, held against what its ``forward`` and its mappings can bear out.

    Declarations are inherited, and so are sometimes another model's: a modality that no argument carries and no task
    implies is left out, and one that an argument carries is added.
    """
    declared = _declared(model, "input_modalities", library)
    if not arguments:
        return (
            (tuple(sorted(declared)), f"input_modalities of {model.name}")
            if declared
            else (("text",), "PreTrainedModel")
        )
    carried = {kind for kind, carrier in CARRIERS.items() if any(carrier.fullmatch(name) for name in arguments)}
    implied = {kind for kind, words in TASKS.items() if any(words.search(name) for name in mappings)}
    kept = declared & (carried | implied)
    if (
        not kept - carried
    ):  # else an argument that reads as one modality carries another: ImageGPT's input_ids are pixels
        kept |= _unclaimed(arguments, kept)
    if not kept:
        return ("other",), f"{model.name}.forward has no argument that names a modality"
    if kept == declared:
        return tuple(sorted(kept)), f"input_modalities of {model.name}"
    against = f", against its input_modalities ({', '.join(sorted(declared))})" if declared else ""
    return tuple(sorted(kept)), f"arguments of {model.name}.forward{against}"


def _declared(model: ModelClass, attribute: str, library: Library) -> set[str]:
    value = library.models.attribute(model, attribute)
    words = [value] if isinstance(value, str) else list(value) if isinstance(value, (list, tuple)) else []
    return {DECLARED.get(word, word) for word in words}


def _unclaimed(arguments: tuple[str, ...], kept: set[str]) -> set[str]:
    """Modalities of arguments that none of the kept ones accounts for."""
    names = [name for name in arguments if name in ARGUMENTS]
    return {ARGUMENTS[name] for name in names if not any(CARRIERS[kind].fullmatch(name) for kind in kept)}


def _family(
    entry: Entry, mappings: tuple[str, ...], modalities: frozenset[str], model: ModelClass, library: Library
) -> tuple[str, str]:
    primary = set(mappings)
    writes = bool(primary & WRITES)
    seen, heard = bool(modalities & {"image", "video"}), "audio" in modalities
    if "time-series" in modalities:
        return "time-series", "takes a series"
    if seen and heard:
        return "multimodal", "takes both what is seen and what is heard"
    places = _places(entry, model, library)
    if writes and places and (seen or heard) and "text" in modalities:
        return "multimodal", f"writes text, and media have their place in the text it takes: {places}"
    if any("multimodal" in sub.field for sub in entry.subs):
        return "multimodal", "holds a config for an encoder over all modalities together"
    if heard:
        return "speech", "takes audio"
    if primary & AUDIBLE or _declared(model, "output_modalities", library) == {"audio"}:
        return "speech", "gives audio: a text-to-audio mapping or output_modalities says so"
    if seen and "text" in modalities:
        return "vision-text", "takes what is seen and text, each by its own way in"
    if seen and writes:
        return "vision-text", "takes what is seen and writes text"
    if seen:
        return "vision", "takes only what is seen"
    if modalities != {"text"}:
        return "other", "takes none of text, images, video, audio, series"
    return _text_family(entry, primary)


def _text_family(entry: Entry, mappings: set[str]) -> tuple[str, str]:
    """The family of what takes text only."""
    if entry.encoder_decoder:
        return "encoder-decoder", "takes text only; its config says is_encoder_decoder"
    if mappings & WRITES and "MODEL_FOR_MASKED_LM_MAPPING" not in mappings:
        return "decoder-only", "takes text only; its primary head writes on from it"
    return "encoder-only", "takes text only; its primary head writes none"


def _places(entry: Entry, model: ModelClass, library: Library) -> str | None:
    """What says where in the text media stand: a mask that ``forward`` takes, or, where text leads, a placeholder."""
    arguments = library.models.forward(model)
    mask = next((name for name in arguments if name in MASKS), None)
    if mask is not None:
        return f"argument {mask}"
    if (library.models.attribute(model, "main_input_name") or "input_ids") != "input_ids":
        return None
    field = next((name for name in sorted(entry.fields) if PLACES.fullmatch(name)), None)
    if field is not None:
        return f"{entry.config_class}.{field}"
    return MERGES if library.models.mentions(model.module, f"def {MERGES}(") else None
