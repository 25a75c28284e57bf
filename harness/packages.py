"""Classes that a skill names: transformers' own, or those that the skill's package registers with its Auto classes.

A package is imported when a check first needs one of its classes, never when its skill is collected.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
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
    """Import the package, and call the function that is named after a colon; or register the classes of a folder."""
    if package.startswith("/"):
        _register(Path(package))
        return
    name, _, function = package.partition(":")
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise MissingLibraryError(f"needs the package {name}: {error}") from error
    if function:
        getattr(module, function)()


def _register(folder: Path) -> None:
    """Register the classes of a config folder's own code, which was trusted when the skill was generated."""
    import transformers
    from transformers.dynamic_module_utils import get_class_from_dynamic_module

    if not (folder / "config.json").is_file():
        raise MissingLibraryError(f"needs the folder {folder} with its config.json and code, which is not here")
    values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    listed = {name: place for name, place in values["auto_map"].items() if isinstance(place, str)}
    autos: dict[Any, str] = {getattr(transformers, name, None): place for name, place in listed.items()}
    models = {
        auto: get_class_from_dynamic_module(place, str(folder))
        for auto, place in autos.items()
        if getattr(auto, "_model_mapping", None) is not None
    }
    # A file that is loaded for its own sake gives another class than the one that its neighbours import.
    taken = [model.config_class for model in models.values() if getattr(model, "config_class", None) is not None]
    config = taken[0] if taken else get_class_from_dynamic_module(listed["AutoConfig"], str(folder))
    transformers.AutoConfig.register(values["model_type"], config)
    for auto, model in models.items():
        auto.register(config, model)


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
    return {item.__name__: item for item in (*taken, *configs, *models, *_parts())}


def _parts() -> Iterator[Any]:
    """Every registered class that makes inputs: tokenizers, what works on images and sound, and what joins these."""
    for kind in ("tokenization", "image_processing", "video_processing", "feature_extraction", "processing"):
        auto = importlib.import_module(f"transformers.models.auto.{kind}_auto")
        for name, table in vars(auto).items():
            if name.endswith("_MAPPING") and hasattr(table, "_extra_content"):
                for found in table._extra_content.values():
                    several = (
                        found.values() if isinstance(found, dict) else found if isinstance(found, tuple) else [found]
                    )
                    yield from (item for item in several if item is not None)
