"""Reads transformers' modelling files as text: the signature, attributes and needs of a class, without importing it.

Importing all of them costs 15 s and half a gigabyte, and fails where an optional library is missing; reading them
costs a second and cannot fail for that reason. It is not a general Python analyser: a file is cut at its top-level
statements, and only the pieces asked for are parsed.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ModelClass", "Models"]

TOP_LEVEL = re.compile(
    r"^(?=class |def |async def |@|if |try:|with |from |import |[A-Za-z_]\w*(?: ?:[^=\n]+)? = )", re.MULTILINE
)
CLASS = re.compile(r"^class (\w+)", re.MULTILINE)
IMPORT = re.compile(r"^from (\.+[\w.]*) import (\([^)]*\)|[^\n]*)", re.MULTILINE)
UNGUARDED = re.compile(r"^(?:import|from) ([A-Za-z]\w*)", re.MULTILINE)


@dataclass(frozen=True)
class ModelClass:
    """One class of a modelling file."""

    name: str
    """Name of the class."""
    module: str
    """Dotted module below ``transformers``: models.gptj.modeling_gptj."""
    tree: ast.ClassDef
    """Its syntax tree."""
    foreign: bool = False
    """Whether a plugin defines it; the module then is a whole name: acme_models.modeling."""

    @property
    def folder(self) -> str:
        """Package below ``transformers.models`` that holds it, or a plugin's module; empty for the library's core."""
        parts = self.module.split(".")
        if self.foreign:
            return self.module
        return ".".join(parts[1:-1]) if parts[0] == "models" else ""

    @property
    def bases(self) -> tuple[str, ...]:
        """Names of its bases, as written."""
        return tuple(base.id for base in self.tree.bases if isinstance(base, ast.Name))

    def method(self, name: str) -> ast.FunctionDef | None:
        """The method that the class itself defines."""
        found = [node for node in self.tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
        return found[-1] if found else None

    def constant(self, name: str) -> object | None:
        """The literal that the class itself assigns to an attribute; None where it assigns none."""
        for node in self.tree.body:
            targets = (
                node.targets
                if isinstance(node, ast.Assign)
                else [node.target] if isinstance(node, ast.AnnAssign) else []
            )
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
                try:
                    return None if value is None else ast.literal_eval(value)
                except ValueError:
                    return None
        return None


class Models:
    """The modelling files of one installed transformers, and those of plugins."""

    def __init__(self, package: Path, modules: Mapping[str, str], foreign: Mapping[str, type] | None = None) -> None:
        self._package = package
        """Folder of the transformers package."""
        self._modules = modules
        """Public class name -> dotted module below ``transformers``."""
        self._foreign = dict(foreign or {})
        """Class name -> class of a plugin, which is imported already."""
        self._homes: dict[str, Path] = {}
        """Module of a plugin -> its file."""
        self._live: dict[tuple[str, str], type] = {}
        """Module and name -> class that a plugin defines."""
        for kind in self._foreign.values():
            self._settle(kind)
        self._files: dict[str, dict[str, str]] = {}
        self._headers: dict[str, str] = {}
        self._classes: dict[tuple[str, str], ModelClass | None] = {}
        self._lines: dict[tuple[str, str], tuple[ModelClass, ...]] = {}

    def public(self, name: str) -> ModelClass | None:
        """The class that transformers exports under this name from a modelling file."""
        module = self._foreign[name].__module__ if name in self._foreign else self._modules.get(name)
        return None if module is None else self.at(module, name)

    def at(self, module: str, name: str) -> ModelClass | None:
        """The class of this name that the module defines or imports from elsewhere in transformers."""
        if (module, name) not in self._classes:
            self._classes[module, name] = None  # an import cycle ends here
            self._classes[module, name] = self._find(module, name)
        return self._classes[module, name]

    def line(self, start: ModelClass) -> tuple[ModelClass, ...]:
        """The class and all its bases that transformers itself defines, nearest first."""
        key = (start.module, start.name)
        if key not in self._lines and start.foreign:
            self._lines[key] = tuple(self._bases(self._live[key]))
        elif key not in self._lines:
            queue, seen = [start], {}
            while queue:
                current = queue.pop(0)
                if (current.module, current.name) not in seen:
                    seen[current.module, current.name] = current
                    queue += [base for name in current.bases if (base := self.at(current.module, name)) is not None]
            self._lines[key] = tuple(seen.values())
        return self._lines[key]

    def forward(self, start: ModelClass) -> tuple[str, ...]:
        """Names of the arguments of ``forward``, self and catch-alls left out; empty where no class defines it."""
        return tuple(self.signature(start))

    def signature(self, start: ModelClass) -> dict[str, str | None]:
        """Arguments of ``forward``, self and catch-alls left out, with their defaults as written; None for those without."""
        for item in self.line(start):
            found = item.method("forward")
            if found is not None and item.name != "PreTrainedModel":
                stated = _signature(found.args)
                if stated or found.args.kwarg is None:  # else it only hands on what it is given
                    return stated
        return {}

    def attribute(self, start: ModelClass, name: str) -> object | None:
        """The literal that the class or its nearest base in a model's folder assigns to ``name``."""
        for item in self.line(start):
            if item.folder and (value := item.constant(name)) is not None:
                return value
        return None

    def exported(self, folder: str) -> tuple[str, ...]:
        """Public names of model classes that the folder's modelling files define, abstract ones left out."""
        prefix = f"models.{folder}.modeling_"
        names = [name for name, module in self._modules.items() if module.startswith(prefix)]
        return tuple(name for name in sorted(names) if self._is_model(name))

    def has_code(self, folder: str) -> bool:
        """Whether the folder holds a modelling file at all."""
        return any((self._package / "models" / folder.replace(".", "/")).glob("modeling_*.py"))

    def reachable(self, start: ModelClass) -> Iterator[ModelClass]:
        """The class, its bases, and the classes of the same file that building it will build."""
        queue, seen = list(self.line(start)), set()
        while queue:
            current = queue.pop()
            if not current.folder or (current.module, current.name) in seen:
                continue
            seen.add((current.module, current.name))
            yield current
            init = current.method("__init__")
            if init is None:
                continue
            pieces = self._pieces(current.module)
            built = {node.id for node in ast.walk(init) if isinstance(node, ast.Name) and node.id in pieces}
            for name in sorted(built):
                found = self.at(current.module, name)
                queue += [] if found is None else list(self.line(found))

    def mentions(self, module: str, text: str) -> bool:
        """Whether the module's classes hold this text anywhere."""
        return any(text in piece for piece in self._pieces(module).values())

    def header_imports(self, module: str) -> frozenset[str]:
        """Top-level packages that the module imports unconditionally."""
        self._pieces(module)
        return frozenset(UNGUARDED.findall(self._headers[module]))

    def _settle(self, kind: type) -> None:
        """Note where a plugin's class and its bases lie; one whose source cannot be read is as good as unknown."""
        for item in kind.__mro__:
            if item.__module__.partition(".")[0] in ("transformers", "torch", "builtins"):
                continue
            try:
                self._homes[item.__module__] = Path(inspect.getfile(item))
            except (OSError, TypeError):
                continue
            self._live[item.__module__, item.__name__] = item

    def _bases(self, kind: type) -> Iterator[ModelClass]:
        """A plugin's class and its bases, by Python's own order."""
        for item in kind.__mro__:
            module = item.__module__.removeprefix("transformers.")
            if item.__module__ in self._homes or module != item.__module__:
                found = self.at(module, item.__name__)
                if found is not None:
                    yield found

    def _is_model(self, name: str) -> bool:
        found = self.public(name)
        if found is None or name.endswith("PreTrainedModel"):
            return False
        return any(item.name.endswith("PreTrainedModel") for item in self.line(found))

    def _find(self, module: str, name: str) -> ModelClass | None:
        pieces = self._pieces(module)
        if name in pieces:
            tree = self._parse(module, name, pieces[name])
            return None if tree is None else ModelClass(name, module, tree, module in self._homes)
        for source, names in IMPORT.findall(self._headers[module]):
            if re.search(rf"\b{re.escape(name)}\b", names):
                found = self._resolve(module, source)
                if found is not None:
                    return self.at(found, name)
        return None

    def _parse(self, module: str, name: str, piece: str) -> ast.ClassDef | None:
        try:
            body = ast.parse(piece).body
        except SyntaxError:  # the cut fell into a string: read the whole file instead
            body = ast.parse(self._path(module).read_text(encoding="utf-8")).body
        return next((node for node in body if isinstance(node, ast.ClassDef) and node.name == name), None)

    def _pieces(self, module: str) -> dict[str, str]:
        if module not in self._files:
            path = self._path(module)
            cuts = TOP_LEVEL.split(path.read_text(encoding="utf-8")) if path.is_file() else []
            self._headers[module] = "".join(cut for cut in cuts if cut.startswith(("from ", "import ")))
            classes: dict[str, str] = {}
            decorators = ""
            for cut in cuts:
                if cut.startswith("@"):
                    decorators += cut
                    continue
                match = CLASS.match(cut)
                if match:
                    classes[match[1]] = decorators + cut
                decorators = ""
            self._files[module] = classes
        return self._files[module]

    def _path(self, module: str) -> Path:
        return self._homes.get(module) or self._package.joinpath(*module.split(".")).with_suffix(".py")

    def _resolve(self, module: str, source: str) -> str | None:
        dots = len(source) - len(source.lstrip("."))
        parts = module.split(".")[:-dots] if dots <= module.count(".") + 1 else []
        target = [*parts, *[part for part in source.lstrip(".").split(".") if part]]
        path = self._package.joinpath(*target)
        if path.with_suffix(".py").is_file():
            return ".".join(target)
        return None


def _signature(arguments: ast.arguments) -> dict[str, str | None]:
    placed = [*arguments.posonlyargs, *arguments.args]
    bare = [None] * (len(placed) - len(arguments.defaults))
    given = [*zip(placed, [*bare, *arguments.defaults], strict=True)]
    given += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return {
        item.arg: None if default is None else ast.unparse(default) for item, default in given if item.arg != "self"
    }
