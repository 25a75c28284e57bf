"""The special words that a processor looks for in its tokenizer, as its own code names them."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["Word", "read"]

_ROLES = frozenset({"pad", "bos", "eos", "unk", "cls", "sep", "mask", "add_bos", "add_eos"})
"""Roles that every tokenizer knows, which are given words of their own, and its settings that are named like roles."""
_SPECIAL = re.compile(r"\]<\]\w+\[>\[|<[^<>\s]{1,60}>|\[[A-Z][A-Z_0-9]*\]|\|[A-Z]+\|")
"""How special words are written."""
_ATTRIBUTE = re.compile(r"([a-z][a-z_0-9]*)_token(?:_id)?")
"""How the attributes of a tokenizer that hold one, or its id, are named."""
_ENDINGS = ("_token_id", "_token_index", "_id", "_index")
"""Endings of the config fields that hold the id of a word."""
_MOST = 40
"""Words of one processor: more are a family of places or languages, of which a short text has none."""


@dataclass(frozen=True)
class Word:
    """A special word."""

    role: str
    """What it is for: image, boi, vision_start."""
    text: str
    """How it is written."""
    required: bool = False
    """Whether the processor reads it as an attribute of the tokenizer, without asking first whether it is there."""
    hoped: bool = False
    """Whether the processor asks for it as an attribute of the tokenizer, and does without it where there is none."""

    attribute: str = ""
    """The attribute of the tokenizer as which it is read, where that is not named like the role."""

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the config fields that may hold its id."""
        return tuple(self.role + ending for ending in _ENDINGS)


@cache
def read(processor: type) -> tuple[Word, ...]:
    """The special words of a processor class, in the order in which its code comes upon them.

    They are the attributes ``…_token`` that it reads of a tokenizer, and every text that is written like a special word
    in the modules of the class and its bases, docstrings left out. A word that an argument of the class is named after
    is written as that argument's default.
    """
    written: dict[str, str] = {}
    for name, parameter in inspect.signature(processor.__init__).parameters.items():  # type: ignore[misc]
        found = _ATTRIBUTE.fullmatch(name)
        if found and isinstance(parameter.default, str):
            written.setdefault(found[1], parameter.default)
    texts: dict[str, None] = dict.fromkeys(written.values())
    required: set[str] = set()
    hoped: set[str] = set()
    named: dict[str, str] = {}
    for base in processor.__mro__:
        module = inspect.getmodule(base)
        if base.__name__ == "ProcessorMixin" or module is None or base.__module__ == "builtins":
            break
        code = _of(module)
        for role, text in code.instead.items():
            written.setdefault(role, text)
        for role in (*code.read, *code.asked):
            written.setdefault(role, _plain(role))
        required |= code.read.keys() - code.asked.keys()
        hoped |= code.hoped.keys()
        named = code.named | named
        texts |= code.texts
    # What an argument says goes before what stands in the code, and that before a spelling of our own.
    spelled = {_purpose(text): text for text in reversed(texts) if text not in written.values()}
    words = {role: text if text != _plain(role) else spelled.get(role, text) for role, text in written.items()}
    words |= {role: text for role, text in spelled.items() if role not in words}
    every = (Word(role, text, role in required, role in hoped, named.get(role, "")) for role, text in words.items())
    return tuple(word for word in every if word.role not in _ROLES)[:_MOST]


@dataclass
class _Code:
    """What a module's code names; the values of the dicts are nothing, their keys are in order."""

    read: dict[str, None] = field(default_factory=dict)
    """Roles that it reads of a tokenizer."""
    asked: dict[str, None] = field(default_factory=dict)
    """Roles of which it asks whether a tokenizer has them."""
    instead: dict[str, str] = field(default_factory=dict)
    """Words that it takes for roles which a tokenizer has not."""
    hoped: dict[str, None] = field(default_factory=dict)
    """Roles of which it takes what a tokenizer has, or None: there is no other word for them."""
    named: dict[str, str] = field(default_factory=dict)
    """Attributes of a tokenizer that are not named like words, by the roles for which it keeps them."""
    texts: dict[str, None] = field(default_factory=dict)
    """Special words that it writes."""


@cache
def _of(module: ModuleType) -> _Code:
    code = _Code()
    for node in _code(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Attribute) and _is_tokenizer(node.value):
            code.read |= _role(node.attr)
        elif isinstance(node, ast.Call) and _called(node) in ("getattr", "hasattr") and len(node.args) > 1:
            name = node.args[1]
            if _is_tokenizer(node.args[0]) and isinstance(name, ast.Constant):
                code.asked |= _role(str(name.value))
                if (
                    len(node.args) > 2
                    and isinstance(node.args[2], ast.Constant)
                    and isinstance(node.args[2].value, str)
                ):
                    code.instead |= dict.fromkeys(_role(str(name.value)), node.args[2].value)
        elif isinstance(node, ast.Assign):
            code.hoped |= _role(_or_none(node.value))
            if (attribute := _oddly(node)) is not None:
                role = _role(str(getattr(node.targets[0], "attr", "")))
                code.read |= role
                code.named |= dict.fromkeys(role, attribute)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            code.texts |= dict.fromkeys(_SPECIAL.findall(node.value))
    return code


def _code(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but texts that stand alone, which are for readers."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        yield node
        yield from _code(node)


def _plain(role: str) -> str:
    return f"<{role}>"


def _purpose(text: str) -> str:
    """What a special word is for, by how it is written: ``<|image_pad|>`` is image_pad, ``</img>`` end_img."""
    return re.sub(r"\W+", "_", text.replace("</", "end_")).strip("_").lower()


def _role(attribute: str) -> Mapping[str, None]:
    found = _ATTRIBUTE.fullmatch(attribute)
    return {found[1]: None} if found and found[1] not in _ROLES else {}


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _oddly(node: ast.Assign) -> str | None:
    """The attribute of a tokenizer that a processor keeps as it is, where it is not named like a word: ``image_thumbnail``
    (LFM2-VL's, before 5.0)."""
    value = node.value
    if isinstance(value, ast.Attribute) and _is_tokenizer(value.value) and not _ATTRIBUTE.fullmatch(value.attr):
        return value.attr
    return None


def _or_none(node: ast.expr) -> str:
    """The attribute of a tokenizer of an expression that is None where there is none: of
    ``getattr(tokenizer, "audio_token", None)``; nothing of any other."""
    match node:
        case ast.Call(args=[owner, ast.Constant(value=str(name)), ast.Constant(value=None)]) if _called(
            node
        ) == "getattr" and _is_tokenizer(owner):
            return name
    return ""


def _is_tokenizer(node: Any) -> bool:
    name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")
    return str(name).endswith("tokenizer")
