"""Declared parts, each with those that it is made of. Whose classes and models they are is for the caller to say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from processing import tokenizer

__all__ = ["Classes", "Models", "build"]

Classes = Callable[[str], Any]
"""Gives the class of a name."""
Models = Callable[[str, Any], Any]
"""Gives the model, in eval mode, of a class's name and a config."""


def build(
    declared: Mapping[str, Mapping[str, Any]], names: Iterable[str], classes: Classes, models: Models
) -> dict[str, Any]:
    """The named ones of the declared parts; those that only a library makes are left out.

    Raises:
        Exception: whatever the classes raise for arguments that do not fit them.
    """
    made: dict[str, Any] = {}
    wanted = list(names)
    for name in wanted:
        _make(name, declared, made, classes, models)
    return {name: made[name] for name in wanted if name in made}


def _make(
    name: str, declared: Mapping[str, Mapping[str, Any]], made: dict[str, Any], classes: Classes, models: Models
) -> None:
    """Put the part, and those that it is made of, to those that are made already."""
    part = declared[name]
    if name in made or "requires" in part:
        return
    for source in part.get("parts", {}).values():
        _make(source, declared, made, classes, models)
    found = classes(part["class_name"])
    if "vocabulary" in part:
        made[name] = tokenizer.make(found, part)
    elif "config" in part:
        made[name] = models(part["class_name"], found.config_class(**part["config"]))
    else:
        given = {argument: made[source] for argument, source in part.get("parts", {}).items()}
        made[name] = found(**given, **part["arguments"])
