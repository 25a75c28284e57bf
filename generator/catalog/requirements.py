"""Which optional libraries a type cannot do without, read from the modelling code. Libraries that are used only when they
are there (fast kernels, quantisation), for training losses, or for converting checkpoints are not requirements."""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

from generator.catalog.library import Library
from generator.catalog.modeling import ModelClass
from generator.catalog.row import HeadRow

__all__ = ["DISTRIBUTIONS", "needs"]

DISTRIBUTIONS: Mapping[str, str] = {
    "vision": "pillow",
    "PIL": "pillow",
    "speech": "torchaudio",
    "sklearn": "scikit-learn",
    "cv2": "opencv-python",
    "bs4": "beautifulsoup4",
    "faiss": "faiss-cpu",
    "levenshtein": "python-Levenshtein",
    "yt_dlp": "yt-dlp",
    "g2p_en": "g2p-en",
}
"""Names of backends and packages whose distribution is called otherwise."""

GIVEN = frozenset({"torch", "transformers", "typing_extensions"})
"""Packages that are there whenever a skill runs, beyond what transformers itself depends on."""


def needs(model_type: str, heads: Mapping[str, tuple[HeadRow, ...]], library: Library) -> tuple[tuple[str, ...], str]:
    """The distributions that the primary head of a type needs, sorted, and where that was read.

    A config that the type always holds passes its own needs on; one that it may go without does not.
    """
    found: dict[str, str] = {}
    _collect(model_type, heads, library, found, set())
    source = "; ".join(f"{name}: {where}" for name, where in sorted(found.items()))
    return tuple(sorted(found)), source or "the modelling code asks for none"


def _collect(
    model_type: str, heads: Mapping[str, tuple[HeadRow, ...]], library: Library, found: dict[str, str], seen: set[str]
) -> None:
    if model_type in seen or model_type not in library.entries:
        return
    seen.add(model_type)
    primary = next(iter(heads.get(model_type, ())), None)
    model = library.models.public(primary.class_name) if primary else None
    if model is not None:
        for name, where in _own(model, library):
            found.setdefault(name, where)
    for sub in library.entries[model_type].subs:
        if not sub.optional:
            _collect(sub.model_type, heads, library, found, seen)


def _own(model: ModelClass, library: Library) -> Iterator[tuple[str, str]]:
    """Distributions that building the class, or importing its module, asks for, each with the place."""
    imports = sorted(library.models.header_imports(model.module))
    for package in _installed(imports, model) if model.foreign else imports:
        yield from _named([package], f"imported by {_file(model)}")
    for decorator in model.tree.decorator_list:
        if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id == "requires":
            for keyword in decorator.keywords:
                yield from _named(_strings(keyword.value), f"@requires on {model.name} in {_file(model)}")
    if not library.models.mentions(model.module, "requires_backends("):
        return
    for part in library.models.reachable(model):
        init = part.method("__init__")
        for node in _unconditional(init) if init is not None else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "requires_backends":
                names = [name for argument in node.args[1:] for name in _strings(argument)]
                yield from _named(names, f"requires_backends in {part.name} of {_file(part)}")


def _unconditional(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below, without what runs only where a field of the config says so: a tiny config says no."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and re.fullmatch(r"(self\.)?config\.use_\w+", ast.unparse(child.test)):
            continue
        yield child
        yield from _unconditional(child)


def _named(names: Iterable[str], where: str) -> Iterator[tuple[str, str]]:
    for name in names:
        distribution = DISTRIBUTIONS.get(name, name)
        if name not in sys.stdlib_module_names and distribution.lower() not in _given():
            yield distribution, where


def _installed(imports: Iterable[str], model: ModelClass) -> Iterator[str]:
    """Distributions behind a plugin's imports, but for itself; what no distribution holds lies beside the plugin."""
    known = packages_distributions()
    for package in imports:
        if package != model.module.partition(".")[0]:
            yield from sorted(set(known.get(package, ())))


def _strings(node: ast.expr) -> list[str]:
    return [item.value for item in ast.walk(node) if isinstance(item, ast.Constant) and isinstance(item.value, str)]


@functools.cache
def _given() -> frozenset[str]:
    """What transformers installs with itself."""
    try:
        lines = requires("transformers") or []
    except PackageNotFoundError:
        lines = []
    hard = {re.split(r"[^\w.\-]", line, maxsplit=1)[0].lower() for line in lines if "extra ==" not in line}
    return GIVEN | hard


def _file(model: ModelClass) -> str:
    return "/".join(model.module.split(".")[1:]) + ".py"
