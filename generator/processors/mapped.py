"""Which classes make a type's inputs: those of transformers' own mappings, or those that a package registered with them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

__all__ = ["TABLES", "known", "name", "registered"]

TABLES: Mapping[str, tuple[str, str]] = {
    "tokenizer": ("tokenization_auto", "TOKENIZER_MAPPING"),
    "image_processor": ("image_processing_auto", "IMAGE_PROCESSOR_MAPPING"),
    "video_processor": ("video_processing_auto", "VIDEO_PROCESSOR_MAPPING"),
    "feature_extractor": ("feature_extraction_auto", "FEATURE_EXTRACTOR_MAPPING"),
    "processor": ("processing_auto", "PROCESSOR_MAPPING"),
}
"""Part -> module of transformers' Auto classes, and its mapping."""


def name(part: str, model_type: str, config: Any) -> Any:
    """The class's name; a tuple of them, the slow class and the fast one, before 5.0; a mapping of them by backend since
    5.3; None where there is none.

    Args:
        part: a key of ``TABLES``.
        model_type: key in transformers' mappings.
        config: a config of the type, whose class a package may have registered others for.
    """
    module, table = TABLES[part]
    auto = importlib.import_module(f"transformers.models.auto.{module}")
    known = getattr(auto, f"{table}_NAMES")
    if model_type in known:
        return known[model_type]
    return _named(getattr(auto, table)._extra_content.get(type(config)))


def known(part: str, model_type: str, config: Any) -> bool:
    """Whether there is a class for the part at all, be its library here or not."""
    module, table = TABLES[part]
    auto = importlib.import_module(f"transformers.models.auto.{module}")
    return model_type in getattr(auto, f"{table}_NAMES") or type(config) in getattr(auto, table)._extra_content


def registered() -> dict[str, Any]:
    """Every class that packages registered for a part, by its name."""
    found: dict[str, Any] = {}
    for module, table in TABLES.values():
        auto = importlib.import_module(f"transformers.models.auto.{module}")
        for value in getattr(auto, table)._extra_content.values():
            found |= {item.__name__: item for item in _classes(value)}
    return found


def _named(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _named(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(_named(item) for item in value)
    return getattr(value, "__name__", None)


def _classes(value: Any) -> list[Any]:
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else [value]
    return [item for item in items if item is not None]
