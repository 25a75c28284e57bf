"""Classes that a skill names: transformers' own, or those that the skill's package registers with its Auto classes.

A package is imported when a check first needs one of its classes, never when its skill is collected.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

__all__ = ["MissingLibraryError", "UnknownClassError", "public_class"]


class UnknownClassError(LookupError):
    """A class that a skill names is not in the installed transformers, nor registered by the skill's package."""


class MissingLibraryError(LookupError):
    """A library that the architecture's code needs is not installed."""


def public_class(name: str, package: str | None = None) -> Any:
    """A class by its name: of transformers, or of those that ``package`` registered.

    Raises:
        MissingLibraryError: there is no such package here.
        UnknownClassError: there is no such class.
    """
    import transformers

    if package is not None:
        _load(package)
        found = _registered().get(name) or getattr(
            transformers, name, None
        )  # one of its parts may be transformers' own
        if found is None:
            raise UnknownClassError(f"{package} registers no class {name} with the Auto classes of transformers")
        return found
    found = getattr(transformers, name, None)
    if found is None:
        raise UnknownClassError(f"transformers {transformers.__version__} has no class {name}")
    return found


@cache
def _load(package: str) -> None:
    """Import the package, and call the function that is named after a colon."""
    name, _, function = package.partition(":")
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise MissingLibraryError(f"needs the package {name}: {error}") from error
    if function:
        getattr(module, function)()


def _registered() -> dict[str, Any]:
    """Every registered class by its name, and the config classes that only models name."""
    from transformers.models.auto import configuration_auto, modeling_auto

    configs = list(configuration_auto.CONFIG_MAPPING._extra_content.values())
    models: list[Any] = []
    for name, table in vars(modeling_auto).items():
        if name.startswith("MODEL_") and name.endswith("MAPPING"):
            for found in table._extra_content.values():
                models += found if isinstance(found, (list, tuple)) else [found]
    taken = [model.config_class for model in models if getattr(model, "config_class", None) is not None]
    return {item.__name__: item for item in (*taken, *configs, *models)}
