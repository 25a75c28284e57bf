"""Declared parts built in memory, to see what they make; the harness builds them by the same code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generator.processors import mapped
from generator.tiny import libraries, probe
from processing import parts as declared

__all__ = ["GENERIC", "absent", "build", "exists", "public"]

GENERIC = "PreTrainedTokenizerFast"
"""The class that is made around a tokenizer of any kind."""


def public(name: str) -> Any:
    """A class of transformers whose libraries are here, or one that a package registered; None where there is none."""
    import transformers
    from transformers.utils.import_utils import DummyObject

    try:
        found = getattr(transformers, name, None) or mapped.registered().get(name)
    except ImportError:  # a file that imports its library without asking whether it is there
        return None
    return None if isinstance(found, DummyObject) else found


def exists(name: str) -> bool:
    """Whether transformers has such a class, be its libraries here or not."""
    import transformers

    try:
        return hasattr(transformers, name)
    except ImportError:
        return True


def absent(name: str) -> str:
    """The first library, by name, that a class of transformers lacks here: it lists them in no order."""
    import transformers

    try:
        listed: list[str] = getattr(transformers, name)._backends  # noqa: SLF001, the library tells it nowhere else
    except ImportError as error:
        return _missed(error)
    backends = sorted(listed)
    return next((item for item in backends if libraries.installed(item) is None), backends[0])


def _missed(error: BaseException) -> str:
    """The library whose import failed first."""
    while isinstance(error.__cause__, ImportError):
        error = error.__cause__
    return str(getattr(error, "name", None) or error)


def build(parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """All declared parts by name.

    Raises:
        Exception: whatever the classes raise for arguments that do not fit them.
    """
    return declared.build(parts, parts, public, probe.build)
