"""Declared parts, of whatever classes and models the caller gives."""

from __future__ import annotations

from typing import Any

from processing import parts

DECLARED: dict[str, dict[str, Any]] = {
    "processor": {
        "class_name": "Whole",
        "arguments": {"size": 2},
        "parts": {"seen": "image_processor", "codec": "codec"},
    },
    "image_processor": {"class_name": "Image", "arguments": {"side": 4}},
    "codec": {"class_name": "Codec", "config": {"width": 8}},
    "feature_extractor": {"requires": "no-such-library"},
}


class _Class:
    """Of a name; what is made of it is the name with what it was given."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.config_class = dict

    def __call__(self, **arguments: Any) -> tuple[str, dict[str, Any]]:
        return self.name, arguments


def _build(*names: str) -> dict[str, Any]:
    return parts.build(DECLARED, names, _Class, lambda name, config: (name, config))


def test_a_processor_is_made_of_its_parts_and_models_are_the_callers() -> None:
    image, codec = ("Image", {"side": 4}), ("Codec", {"width": 8})
    assert _build("processor") == {"processor": ("Whole", {"seen": image, "codec": codec, "size": 2})}


def test_what_only_a_library_makes_is_left_out() -> None:
    assert list(_build(*DECLARED)) == ["processor", "image_processor", "codec"]
