"""Skills of config folders: the row of an architecture with the values of a folder's ``config.json``, of which the tiny
config keeps what is unusual. Weights are not looked at; code is another matter and only run where that is said."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.catalog.spelling import printable
from generator.tiny import roles

if TYPE_CHECKING:
    from generator.catalog import Catalog, HeadRow, Row

__all__ = ["FolderError", "named", "place", "read", "row", "trusted", "variant"]

FILE = "config.json"
LARGEST_FILE = 4_000_000
"""Bytes of the largest file that is read; the largest on the hub has some hundred thousand, for its labels."""
LARGEST = 2**40
"""Beyond it a number is no size that any model has."""
DEEPEST = 2048
"""Layers beyond which a config is refused: config classes write out a list with an entry for each."""

_LAYERS = re.compile(r".*(num|n|encoder|decoder).*layers?|depth")
_SIZES = ("width", "feed-forward width", "head width", "heads", "key-value heads", "layers", "experts", "vocabulary")
"""Roles of fields that are never below zero."""
_WHOLE = re.compile(r"hidden_size|d_model|n_embd|vocab_size|num_(attention_heads|hidden_layers)|n_(head|layer)s?")
"""Fields without which there is no model."""
_OTHERS = frozenset(
    {
        "architectures",
        "attn_implementation",
        "auto_map",
        "dtype",
        "id2label",
        "label2id",
        "model_type",
        "output_attentions",
        "output_hidden_states",
        "quantization_config",
        "return_dict",
        "torch_dtype",
        "transformers_version",
    }
)
"""Fields that say nothing of what the model is built of: of weights, labels, versions, code and how it is run."""


class FolderError(ValueError):
    """A folder that no skill can be made of; the message is one printable sentence for people."""


def place(text: str) -> Path | None:
    """The folder that a name given to ``--model`` means; None where it means a model."""
    if not text.isprintable() or not text.strip():
        return None
    path = Path(text).expanduser()
    try:
        if path.name == FILE and path.is_file():
            return path.parent
        return path if path.is_dir() and ("/" in text or (path / FILE).exists()) else None
    except OSError:  # a name that is too long for any file
        return None


def read(folder: Path) -> dict[str, Any]:
    """The values of the folder's config.

    Raises:
        FolderError: there is no such file, or it holds no config.
    """
    where = printable(str(folder))
    path = folder / FILE
    try:
        if not path.is_file():
            raise FolderError(f"{where}: the folder holds no {FILE}, so that it says nothing of a model.")
        if path.stat().st_size > LARGEST_FILE:
            raise FolderError(f"{where}: its {FILE} has more than {LARGEST_FILE:,} bytes, which no config has.")
        values = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except OSError as error:
        raise FolderError(f"{where}: its {FILE} cannot be read ({error.strerror}).") from error
    except RecursionError as error:
        raise FolderError(f"{where}: its {FILE} is nested too deeply to be a config.") from error
    except FolderError:
        raise
    except ValueError as error:
        raise FolderError(f"{where}: its {FILE} is no JSON ({' '.join(str(error).split())[:120]}).") from error
    if not isinstance(values, dict):
        raise FolderError(f"{where}: its {FILE} holds a {type(values).__name__}, not a config.")
    for name, value in _numbers(values):
        if abs(value) > LARGEST or (_LAYERS.fullmatch(name) and value > DEEPEST):
            shown = f"{value:.3g}" if abs(value) < 1e300 else "a number of hundreds of digits"
            raise FolderError(f"{where}: its {printable(name)} is {shown}, which is no size of a model.")
        if (value < 0 and roles.named(name) in _SIZES) or (value == 0 and _WHOLE.fullmatch(name)):
            raise FolderError(f"{where}: its {printable(name)} is {value}, which is no size of a model.")
    if not isinstance(values.get("model_type"), str):
        raise FolderError(f"{where}: its {FILE} names no model_type, so that nobody can tell what it configures.")
    return values


def row(folder: Path, values: Mapping[str, Any], catalog: Catalog) -> Row:
    """The row of the folder's architecture, named after both, with the folder's values.

    Raises:
        FolderError: the installed transformers has no such architecture.
    """
    where, model_type = printable(str(folder)), str(values["model_type"])
    base = catalog.rows.get(model_type)
    if base is None or not base.heads:
        raise FolderError(
            f"{where}: its model_type is {printable(model_type)}, which transformers {catalog.transformers} has no model "
            f"for{_custom(values)}. Run: invoke catalog"
        )
    slug = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")[:40].strip("-") or "folder"
    kept = {name: value for name, value in values.items() if name not in _OTHERS and not name.startswith("_")}
    made = variant(base, f"{model_type}--{slug}")
    listed = values.get("architectures")
    return replace(
        made,
        heads=_primary(base.heads, listed if isinstance(listed, list) else []),
        values=kept,
        sources={**made.sources, "config_class": f"model_type of {FILE} in {slug}"},
    )


def variant(base: Row, name: str) -> Row:
    """The row of an architecture under the name of a folder's skill."""
    slug = name.partition("--")[2]
    words = "".join(part.capitalize() for part in slug.split("-"))
    return replace(
        base,
        model_type=name,
        state="architecture",
        of=base.model_type,
        reason=f"the config folder {slug}, of type {base.model_type}",
        title=f"{base.title} of the folder {slug}",
        tier="long-tail",
        checkpoint=None,
        module=f"{base.module}__{slug.replace('-', '_')}",
        class_name=f"{base.class_name}{words}",
        sources={**base.sources, "tier": f"the config folder {slug}"},
    )


def trusted(names: Iterable[str]) -> list[str]:
    """The absolute paths of those names that are folders with code of their own.

    Raises:
        FolderError: as ``read``.
    """
    folders = [folder for name in names if (folder := place(name)) is not None]
    return [str(folder.resolve()) for folder in folders if isinstance(read(folder).get("auto_map"), dict)]


def named(names: tuple[str, ...], catalog: Catalog) -> tuple[dict[str, Row], tuple[str, ...]]:
    """The rows of those names that are folders, and the other names.

    Raises:
        FolderError: as ``read`` and ``row``.
    """
    rows: dict[str, Row] = {}
    others = []
    for text in names:
        folder = place(text)
        if folder is None:
            others.append(text)
            continue
        found = row(folder, read(folder), catalog)
        rows[found.model_type] = found
    return rows, tuple(others)


def _primary(heads: tuple[HeadRow, ...], listed: list[Any]) -> tuple[HeadRow, ...]:
    """The heads with the one in front that the config lists, where it is one of them."""
    first = next((head for head in heads if head.class_name in listed), heads[0])
    rest = sorted((head for head in heads if head is not first), key=lambda head: head.class_name)
    return (replace(first, primary=True), *(replace(head, primary=False) for head in rest))


def _custom(values: Mapping[str, Any]) -> str:
    if "auto_map" not in values:
        return ""
    return "; its own code, which auto_map names, is not run, for --trust-remote-code was not given"


def _numbers(value: Any, name: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _numbers(item, str(key))
    elif isinstance(value, list):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield name, value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")
