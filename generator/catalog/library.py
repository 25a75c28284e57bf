"""What the installed transformers says of itself: config classes, mappings, pipelines, processors. Facts as they stand;
nothing is judged here. This is the one module of the catalogue that imports transformers and torch."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from generator import plugins
from generator.catalog.modeling import Models
from generator.catalog.spelling import squash

__all__ = ["Entry", "Library", "SubConfig", "fields", "read"]

CHECKPOINT_ARGUMENT = re.compile(
    r"""@auto_docstring\([^)]*?checkpoint\s*=\s*["']([^"']+)["'][^)]*\)(?:\s*@[^\n]*)*\s*class (\w+)"""
)
NAMED_SUB = re.compile(r"""(\w+)\["model_type"\] = (?:self\.)?\1\.get\("model_type", "(\w+)"\)""")
"""How classes before 5.1 say which type a config has that may be of any: by what they put into one that does not say."""
CHECKPOINT_LINK = re.compile(r"\[([\w.\-]+(?:/[\w.\-]+)?)\]\(https://huggingface\.co/\1/?\)")


@dataclass(frozen=True)
class SubConfig:
    """A config that another one holds by default."""

    field: str
    """Name of the field: text_config."""
    model_type: str
    """Type that it has by default; empty where the library states none."""
    optional: bool
    """Whether the outer config may go without."""


@dataclass(frozen=True)
class Entry:
    """One entry of ``CONFIG_MAPPING``, as the library states it."""

    model_type: str
    """Its key."""
    config_class: str
    """Name of the config class."""
    declared_type: str
    """``model_type`` of the class itself, which saved checkpoints carry; differs from the key for aliases."""
    folder: str
    """Package below ``transformers.models`` that defines the class."""
    subs: tuple[SubConfig, ...]
    """Configs that it holds."""
    fields: Mapping[str, object]
    """Default of each field that has one."""
    encoder_decoder: bool
    """Default of ``is_encoder_decoder``."""
    documentation: str
    """Docstring of the class."""
    checkpoint: str | None
    """Checkpoint that its documentation names."""
    checkpoint_source: str
    """Where that was read."""
    package: str | None = None
    """Package that registered it; None for transformers' own."""


@dataclass(frozen=True)
class Library:
    """The installed transformers."""

    release: str
    """Its version."""
    entries: Mapping[str, Entry]
    """model_type -> entry, sorted."""
    mappings: Mapping[str, Mapping[str, tuple[str, ...]]]
    """MODEL_FOR_CAUSAL_LM_MAPPING -> model_type -> class names."""
    pipelines: Mapping[str, tuple[str, ...]]
    """Pipeline task -> mappings behind its auto classes."""
    pipeline_types: Mapping[str, str]
    """Pipeline task -> the registry's ``type``: text, image, audio, video, multimodal."""
    titles: Mapping[str, str]
    """model_type -> name for people, where the release has such a table (before 5.0)."""
    modules: Mapping[str, str]
    """Public model class -> dotted module below ``transformers``."""
    models: Models
    """Reader of the modelling files."""


def read() -> Library:
    """Read the installed transformers.

    Raises:
        ImportError: transformers or torch cannot be imported.
        PluginError: a package that was named has no architectures that can be had.
    """
    import torch  # noqa: F401 - without it transformers hands out empty mappings instead of failing
    import transformers
    from transformers import pipelines
    from transformers.models.auto import configuration_auto, modeling_auto

    package = Path(transformers.__file__).parent
    modules: dict[str, str] = getattr(transformers, "_class_to_module", {})
    guests = plugins.load()
    foreign = {name: kind for plugin in guests for name, kind in plugin.classes().items()}
    tables = _with_guests(_tables(modeling_auto), guests)
    own = {name: _entry(name, configuration_auto.CONFIG_MAPPING[name]) for name in _keys(configuration_auto)}
    entries = own | {name: entry for plugin in guests for name, entry in _guests(plugin, own)}
    return Library(
        release=transformers.__version__,
        entries=dict(sorted(entries.items())),
        mappings=tables,
        pipelines={
            task: tuple(sorted({name for auto in row["pt"] for name in _behind(auto, modeling_auto) if name in tables}))
            for task, row in sorted(pipelines.SUPPORTED_TASKS.items())
        },
        pipeline_types={task: row["type"] for task, row in pipelines.SUPPORTED_TASKS.items()},
        titles=dict(getattr(configuration_auto, "MODEL_NAMES_MAPPING", {})),
        modules={**modules, **{name: kind.__module__ for name, kind in foreign.items()}},
        models=Models(package, modules, foreign),
    )


def _keys(configuration_auto: ModuleType) -> list[str]:
    return sorted(configuration_auto.CONFIG_MAPPING_NAMES)


def _tables(modeling_auto: ModuleType) -> dict[str, dict[str, tuple[str, ...]]]:
    names = sorted(name for name in vars(modeling_auto) if re.fullmatch(r"MODEL_(\w+_)?MAPPING_NAMES", name))
    return {
        name.removesuffix("_NAMES"): {
            model_type: (classes,) if isinstance(classes, str) else tuple(item for item in classes if item)
            for model_type, classes in sorted(getattr(modeling_auto, name).items())
        }
        for name in names
    }


def _with_guests(
    tables: dict[str, dict[str, tuple[str, ...]]], guests: Iterable[plugins.Plugin]
) -> dict[str, dict[str, tuple[str, ...]]]:
    """The mappings with what plugins registered in them."""
    for plugin in guests:
        for name, heads in plugin.heads.items():
            known = tables.setdefault(name, {})
            tables[name] = known | {key: tuple(item.__name__ for item in found) for key, found in heads.items()}
    return tables


def _guests(plugin: plugins.Plugin, taken: Mapping[str, Entry]) -> Iterator[tuple[str, Entry]]:
    """The entries of a plugin."""
    spelled = {squash(name): name for name in taken}
    for model_type, config in sorted(plugin.configs.items()):
        if (twin := spelled.get(squash(model_type))) is not None:
            raise plugins.PluginError(
                f"plugin {plugin.package}: registers {model_type}, which is but another spelling of {twin}; names are "
                "looked up without case and punctuation. Give the config a model_type of its own."
            )
        # The folder is only compared with those of others: the types of one package may hold each other.
        yield model_type, replace(_entry(model_type, config), folder=f"plugin {plugin.package}", package=plugin.package)


def _behind(auto: Any, modeling_auto: ModuleType) -> Iterable[str]:
    """Names of the mappings that an auto class looks its models up in."""
    mapping = getattr(auto, "_model_mapping", None)
    return (name for name, value in vars(modeling_auto).items() if value is mapping and name.startswith("MODEL_"))


def _entry(model_type: str, config: Any) -> Entry:
    declared = fields(config)
    checkpoint, source = _checkpoint(config)
    return Entry(
        model_type=model_type,
        config_class=config.__name__,
        declared_type=config.model_type,
        folder=".".join(config.__module__.split(".")[2:-1]),
        subs=_subs(config),
        fields=declared,
        encoder_decoder=bool(declared.get("is_encoder_decoder", False)),
        documentation=config.__doc__ or "",
        checkpoint=checkpoint,
        checkpoint_source=source,
    )


def _subs(config: Any) -> tuple[SubConfig, ...]:
    specs = getattr(config, "sub_configs_defaults", None)
    if specs is not None:
        return tuple(
            SubConfig(name, spec.model_type or "", bool(spec.optional)) for name, spec in sorted(specs.items())
        )
    classes = getattr(config, "sub_configs", {})
    if not isinstance(classes, Mapping):  # before 5.0 some classes have a property there, which only instances can ask
        return ()
    named = dict(NAMED_SUB.findall(inspect.getsource(config)) if classes else ())
    return tuple(
        SubConfig(name, getattr(kind, "model_type", "") or named.get(name, ""), False)
        for name, kind in sorted(classes.items())
    )


def fields(config: Any) -> dict[str, object]:
    """Defaults of the arguments of a config class: dataclass fields since 5.0, arguments of ``__init__`` before."""
    declared = [item.name for item in dataclasses.fields(config)] if dataclasses.is_dataclass(config) else []
    stated = {_public(name, config): getattr(config, name) for name in declared if hasattr(config, name)}
    # A class of a plugin may have an __init__ that is written out where transformers' have fields.
    if declared and config.__init__.__code__.co_filename.startswith("<"):
        return stated
    arguments = inspect.signature(config.__init__).parameters.values()
    given = {item.name: item.default for item in arguments if item.default is not inspect.Parameter.empty}
    return stated | {_public(name, config): default for name, default in given.items()}


def _public(name: str, config: Any) -> str:
    """The argument that a field is behind: a private field with a property of its name is given by the property's."""
    bare = name.removeprefix("_")
    return bare if isinstance(getattr(config, bare, None), property) else name


def _checkpoint(config: Any) -> tuple[str | None, str]:
    path = Path(inspect.getfile(config))
    for name, owner in CHECKPOINT_ARGUMENT.findall(path.read_text(encoding="utf-8")):
        if owner == config.__name__:
            return name, f"@auto_docstring of {owner} in {path.parent.name}/{path.name}"
    link = CHECKPOINT_LINK.search(config.__doc__ or "")
    if link:
        return link[1], f"docstring of {config.__name__}"
    return None, f"neither @auto_docstring nor the docstring of {config.__name__} names one"
