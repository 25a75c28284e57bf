"""Which releases have which config types: what a release lacks, and since when or until when others have it.

The table ``history.json`` is made from the wheels of releases, each read as text, and grows by one release at a time:

    pip download --no-deps transformers==5.24.0 -d build/wheels
    python -m generator.catalog build/wheels/*.whl
"""

from __future__ import annotations

import ast
import functools
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from generator.catalog.spelling import squash

__all__ = ["TABLE", "absence", "grown", "known", "wheel"]

TABLE = Path(__file__).parent / "history.json"

SOURCES = ("transformers/models/auto/auto_mappings.py", "transformers/models/auto/configuration_auto.py")
"""Where releases state their types: the second before 5.1, the first with additions in the second from then on."""


def absence(name: str, release: str) -> tuple[str, str] | None:
    """The type that a name stands for in other releases than this one, and which those are, in a few words.

    None for a name that is a type of no release that was read. A type that this release may have is not asked about.
    """
    found = known().get(squash(name))
    if found is None:
        return None
    model_type, first, gone = found
    here = _order(release)
    if gone is not None and _order(gone) <= here:
        return model_type, f"until {gone}"
    if _order(first) > here:
        return model_type, f"since {first}"
    return model_type, f"not in {release}"


@functools.cache
def known() -> Mapping[str, tuple[str, str, str | None]]:
    """Spelling, squashed -> the type, the first release that has it, and the first after that one that does not."""
    types: dict[str, tuple[str, str, str | None]] = {}
    for release, change in _table().items():
        for name in change["new"]:
            first = types.get(squash(name), (name, release, None))[1]
            types[squash(name)] = name, first, None
        for name in change["gone"]:
            types[squash(name)] = (*types[squash(name)][:2], release)
    return types


def wheel(path: Path) -> tuple[str, list[str]]:
    """The release of a wheel of transformers, and its config types, sorted.

    Raises:
        ValueError: it states none where releases state them.
    """
    with zipfile.ZipFile(path) as archive:
        texts = [archive.read(name).decode() for name in SOURCES if name in archive.namelist()]
    types = {name for text in texts for name in _stated(text)}
    if not types:
        raise ValueError(f"{path}: states no config types where releases of transformers do")
    return path.name.split("-")[1], sorted(types)


def _stated(text: str) -> Iterable[str]:
    """The keys of every literal that ``CONFIG_MAPPING_NAMES`` is given or updated with."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            named, value = any(_is_table(target) for target in targets), node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "update":
            named, value = _is_table(node.func.value), node
        else:
            continue
        if named and value is not None:
            for part in ast.walk(value):
                if isinstance(part, ast.Dict):
                    yield from (str(key.value) for key in part.keys if isinstance(key, ast.Constant))
                elif isinstance(part, ast.Tuple) and len(part.elts) == 2 and isinstance(part.elts[0], ast.Constant):
                    yield str(part.elts[0].value)


def _is_table(node: ast.expr) -> bool:
    if isinstance(node, ast.Subscript):
        return False
    return isinstance(node, ast.Name) and node.id == "CONFIG_MAPPING_NAMES"


def _table() -> dict[str, dict[str, list[str]]]:
    table: dict[str, dict[str, list[str]]] = json.loads(TABLE.read_text(encoding="utf-8")) if TABLE.exists() else {}
    return table


def _order(release: str) -> tuple[int, ...]:
    """Sorts releases by their numbers; what follows those, a pre-release's mark, says nothing of the types."""
    from re import findall

    return tuple(int(part) for part in findall(r"\d+", release)[:3])


def grown(releases: Mapping[str, Iterable[str]]) -> dict[str, dict[str, list[str]]]:
    """The table with these releases, each with its types, taken in among those that it has."""
    held: set[str] = set()
    all_of: dict[str, set[str]] = {}
    for release, change in _table().items():
        held = (held | set(change["new"])) - set(change["gone"])
        all_of[release] = held
    all_of |= {release: set(types) for release, types in releases.items()}
    table, before = {}, set[str]()
    for release in sorted(all_of, key=_order):
        now = all_of[release]
        table[release] = {"new": sorted(now - before), "gone": sorted(before - now)}
        before = now
    return table
