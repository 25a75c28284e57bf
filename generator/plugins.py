"""Architectures that transformers does not ship: packages that register theirs with its Auto classes, and what they
registered. Which of transformers' own classes there are is the catalogue's business."""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = [
    "GROUP",
    "VARIABLE",
    "Plugin",
    "PluginError",
    "active",
    "fingerprint",
    "load",
    "public_class",
    "trust",
    "use",
]

GROUP = "skillmatrix.architectures"
"""Entry point group by which an installed package is found without being named."""

VARIABLE = "SKILLMATRIX_PLUGINS"
"""Environment variable that names the packages, so that every process that a command starts has them too."""

_REFERENCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(:[A-Za-z_]\w*)?", re.ASCII)
_MODEL_TYPE = re.compile(r"[A-Za-z0-9][\w.\-]*", re.ASCII)
_CLASS = re.compile(r"[A-Za-z_]\w*\.[A-Za-z_]\w*", re.ASCII)
_PATTERNS = ("*.py", "*.json")
"""Files of a package on which its skills depend."""


class PluginError(RuntimeError):
    """A package whose architectures cannot be had; the message is one sentence for people."""


@dataclass(frozen=True)
class Plugin:
    """What one package registered."""

    package: str
    """As it was named: acme_models, or acme_models:register where a function has to be called."""
    configs: Mapping[str, Any]
    """model_type -> config class."""
    heads: Mapping[str, Mapping[str, tuple[Any, ...]]]
    """MODEL_FOR_CAUSAL_LM_MAPPING -> model_type -> model classes."""

    def classes(self) -> dict[str, Any]:
        """Every class by its name, and the config classes that only the models name."""
        models = {item.__name__: item for table in self.heads.values() for found in table.values() for item in found}
        taken = [item.config_class for item in models.values() if getattr(item, "config_class", None) is not None]
        return {item.__name__: item for item in (*taken, *self.configs.values())} | models


def use(packages: Iterable[str]) -> None:
    """Name packages for this process and all that it starts, beside those that are named already.

    Raises:
        PluginError: a name that no package can have.
    """
    names = list(packages)
    for name in names:
        if not _REFERENCE.fullmatch(name):
            raise PluginError(
                f"--plugin {name[:80]!a}: is no name of a Python package. Run it again with one such as acme_models, "
                "or acme_models:register where a function registers its classes."
            )
    _add(names)


def trust(folders: Iterable[str]) -> None:
    """Name folders whose own code is to be run, by their absolute paths, as ``use`` names packages."""
    _add(folders)


def _add(names: Iterable[str]) -> None:
    os.environ[VARIABLE] = "\n".join(dict.fromkeys([*_named(), *names]))


def active() -> tuple[str, ...]:
    """The packages that were named, then those that are found by their entry point."""
    return tuple(dict.fromkeys([*_named(), *_installed()]))


def load() -> tuple[Plugin, ...]:
    """Import every active package, and tell what each registered.

    Raises:
        PluginError: one cannot be imported, registers nothing, or takes a name that is taken.
    """
    return tuple(_loaded(package) for package in active())


def public_class(name: str) -> Any:
    """A class of transformers by its public name, or else one that an active package registered.

    Raises:
        AttributeError: neither has it.
        ImportError, RuntimeError: transformers has it, and cannot import it.
        PluginError: as ``load``.
    """
    import transformers

    for plugin in load():
        if name in (classes := plugin.classes()):
            return classes[name]
    return getattr(transformers, name)


def config_class(name: str, head: str) -> Any:
    """A config class by its public name, or the one of that name that a head takes where there is none: before 5.0 some of
    those of parts are known to their modules alone (Mllama's).

    Raises:
        Exception: as ``public_class``.
    """
    try:
        return public_class(name)
    except AttributeError:
        own = getattr(public_class(head), "config_class", None)
        if getattr(own, "__name__", None) != name:
            raise
        return own


def fingerprint(package: str | None = None) -> str:
    """What the architectures of one package, or of all active ones, depend on: releases and contents of files.

    Raises:
        PluginError: there is no such package.
    """
    packages = active() if package is None else (package,)
    return "\0".join(f"{name}={_contents(name)}" for name in packages)


@functools.cache
def _installed() -> tuple[str, ...]:
    return tuple(sorted(entry.value.replace(" ", "") for entry in metadata.entry_points(group=GROUP)))


def _named() -> list[str]:
    return [name for name in os.environ.get(VARIABLE, "").split("\n") if name]


def _contents(package: str) -> str:
    from generator import cache

    top = _top(package)
    parts: list[str | bytes] = []
    for path in _files(top):
        parts += [path.name, path.read_bytes()]
    return cache.key(*(f"{name} {version}" for name, version in _releases(top)), *parts)


def _releases(module: str) -> Iterator[tuple[str, str]]:
    for name in sorted(set(metadata.packages_distributions().get(module, ()))):
        yield name, metadata.version(name)


def _files(module: str) -> list[Path]:
    """The package's own files: of its top folder, since a module may use its neighbours."""
    if _is_folder(module):
        return sorted(path for pattern in _PATTERNS for path in Path(module).glob(pattern))
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None or (spec.origin is None and not spec.submodule_search_locations):
        raise PluginError(
            f"plugin {module}: there is no such package here, so that none of its architectures can be had. "
            f"Run: python -m pip install {module.replace('_', '-')}"
        )
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    if not folders:
        return [Path(str(spec.origin))]
    return sorted(path for folder in folders for pattern in _PATTERNS for path in folder.rglob(pattern))


@functools.cache
def _loaded(package: str) -> Plugin:
    _files(_top(package))
    before = _registered()
    try:
        _import(package)
    except Exception as error:  # a package's own code may raise anything, and its author has to be told
        raise PluginError(
            f"plugin {package}: importing it fails: {type(error).__name__}: {_sentence(error)}"
        ) from error
    after = _registered()
    # One that was imported before, by another plugin say, adds nothing now: then its classes are those that it defines.
    new = _part(package, after, lambda item: item not in before.models)
    plugin = new if new.configs else _part(package, after, lambda item: _top(item.__module__) == _top(package))
    _refuse(plugin)
    return plugin


def _import(package: str) -> None:
    """Import a package, and call the function that is named after the colon; or register the classes of a folder."""
    if _is_folder(package):
        _register(Path(package))
        return
    name, _, function = package.partition(":")
    module = importlib.import_module(name)
    if function:
        getattr(module, function)()


@dataclass(frozen=True)
class _Registered:
    """What the Auto classes hold beside transformers' own."""

    configs: Mapping[str, Any]
    """model_type -> config class."""
    heads: Mapping[str, Mapping[str, tuple[Any, ...]]]
    """Mapping -> model_type -> model classes."""

    @property
    def models(self) -> set[Any]:
        """All classes."""
        return {
            *self.configs.values(),
            *(item for table in self.heads.values() for found in table.values() for item in found),
        }


def _registered() -> _Registered:
    import torch  # noqa: F401 - without it transformers hands out empty mappings instead of failing
    from transformers.models.auto import configuration_auto, modeling_auto

    configs = dict(configuration_auto.CONFIG_MAPPING._extra_content)
    types = {config: model_type for model_type, config in configs.items()}
    heads: dict[str, dict[str, tuple[Any, ...]]] = {}
    for name, table in sorted(vars(modeling_auto).items()):
        if not re.fullmatch(r"MODEL_(\w+_)?MAPPING", name):
            continue
        for config, models in getattr(table, "_extra_content", {}).items():
            found = models if isinstance(models, (list, tuple)) else (models,)
            heads.setdefault(name, {})[types.get(config, config.__name__)] = tuple(found)
    return _Registered(configs, heads)


def _part(package: str, registered: _Registered, wanted: Callable[[Any], bool]) -> Plugin:
    heads = {
        mapping: {name: models for name, models in table.items() if any(map(wanted, models))}
        for mapping, table in registered.heads.items()
    }
    return Plugin(
        package,
        {name: config for name, config in registered.configs.items() if wanted(config)},
        {mapping: table for mapping, table in heads.items() if table},
    )


def _register(folder: Path) -> None:
    """Register the classes that a folder's config names as its own code with the Auto classes that it names them for."""
    import transformers
    from transformers.dynamic_module_utils import get_class_from_dynamic_module

    values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    listed = {name: place for name, place in values["auto_map"].items() if isinstance(place, str)}
    for name, place in listed.items():
        # Neither another repository's code nor a file elsewhere: trust was given to this folder.
        if not _CLASS.fullmatch(place) or not (folder / f"{place.partition('.')[0]}.py").is_file():
            raise ValueError(
                f"its auto_map names {place[:80]!a} for {name[:80]!a}, which is no class of a file beside it"
            )
    if "AutoConfig" not in listed:
        raise ValueError("its auto_map names no class for AutoConfig")
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


def _is_folder(package: str) -> bool:
    return package.startswith("/")


def _top(name: str) -> str:
    if _is_folder(name):
        return name
    return re.split(r"[.:]", name, maxsplit=1)[0]


def _refuse(plugin: Plugin) -> None:
    """Raises PluginError for what no skill could be made of, or not without being taken for another."""
    import transformers
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    where = f"plugin {plugin.package}"
    if not plugin.configs:
        raise PluginError(
            f"{where}: importing it registers no config with AutoConfig, so that it has no architecture. "
            "A package does so by AutoConfig.register(model_type, ConfigClass), and AutoModelFor….register for its models."
        )
    for name, config in plugin.configs.items():
        if not _MODEL_TYPE.fullmatch(name):
            raise PluginError(f"{where}: {name[:80]!a} cannot be a model type: letters, digits, '-', '_' and '.' can.")
        if name in CONFIG_MAPPING_NAMES:
            raise PluginError(
                f"{where}: registers {name}, which is a type of transformers itself; two architectures of one name "
                "cannot be told apart. Give the config a model_type of its own."
            )
        if config.model_type != name:
            raise PluginError(
                f"{where}: registers {config.__name__} as {name}, but its model_type is {config.model_type!r}; "
                "a saved checkpoint could not be loaded again."
            )
    for table in plugin.heads.values():
        for name, models in table.items():
            for model in models:
                _refuse_head(where, name, model, plugin)
    for name, item in plugin.classes().items():
        other = getattr(transformers, name, None)
        if other is not None and other is not item:
            raise PluginError(
                f"{where}: its class {name} is called like one of transformers; a skill could not say which is meant."
            )


def _refuse_head(where: str, model_type: str, model: Any, plugin: Plugin) -> None:
    config = plugin.configs.get(model_type)
    if config is None:
        raise PluginError(
            f"{where}: registers {model.__name__} for {model_type}, a config that it does not register with AutoConfig."
        )
    if getattr(model, "config_class", None) is not config:
        taken = getattr(getattr(model, "config_class", None), "__name__", "none")
        raise PluginError(
            f"{where}: registers {model.__name__} for {config.__name__}, but the class's own config_class is {taken}."
        )
    if not inspect.isclass(model) or not hasattr(model, "_from_config"):
        raise PluginError(f"{where}: registers {model.__name__}, which is no PreTrainedModel.")


def _sentence(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or "no message"
