"""The heads and inputs that a skill declares, read from their calls in the syntax tree; knows no other part of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from generator.spec import HeadSpec, InputSpec, OutputSpec
from generator.validation import literals

INPUTS: dict[str, frozenset[str]] = {
    "Booleans": frozenset({"shape", "matters", "axis", "true"}),
    "FlattenedPatches": frozenset({"shape", "matters", "axis", "columns"}),
    "Floats": frozenset({"shape", "matters", "axis", "scale", "uniform"}),
    "Integers": frozenset({"shape", "matters", "axis", "low", "high"}),
    "Literal": frozenset({"shape", "matters", "axis", "values", "dtype", "step"}),
    "Mask": frozenset({"shape", "matters", "axis", "dtype", "hidden", "leaks", "padded"}),
    "Tokens": frozenset({"shape", "matters", "axis", "low", "high", "runs"}),
}
"""Input classes of the harness and their keyword arguments; a test holds this table to the classes themselves,
which the generator may not import."""

HEAD: dict[str, tuple[type, ...]] = {
    "mappings": (tuple,),
    "pipelines": (tuple,),
    "primary": (bool,),
    "config": (dict,),
    "outputs": (dict,),
    "parameters": (int,),
    "batch": (int,),
    "generation": (dict, type(None)),
    "notes": (tuple,),
    "infinite": (tuple,),
    "fixed": (tuple,),
    "config_class": (str, type(None)),
    "part": (str, type(None)),
    "within": (str, type(None)),
    "method": (str,),
    "arguments": (dict,),
    "steps": (tuple,),
    "generation_config": (dict,),
    "made_by": (str, type(None)),
    "unsettled": (str, type(None)),
}
"""Keywords of a head, beside its inputs, with the types of their values."""

DEFAULTS: dict[str, Any] = {
    "pipelines": (),
    "primary": False,
    "config": {},
    "batch": 1,
    "generation": None,
    "notes": (),
    "infinite": (),
    "fixed": (),
    "config_class": None,
    "part": None,
    "within": None,
    "method": "forward",
    "arguments": {},
    "steps": (),
    "generation_config": {},
    "made_by": None,
    "unsettled": None,
}
"""What a head that leaves a keyword out says by that."""


class FaultError(Exception):
    """What is wrong, before it is known of which skill."""


def heads(node: ast.expr, used: set[str]) -> tuple[HeadSpec, ...]:
    """The heads of a tuple of ``Head(...)``; the input classes that they name are added to ``used``.

    Raises:
        FaultError, NotALiteralError: anything else stands there.
    """
    if not isinstance(node, ast.Tuple):
        raise FaultError(f"line {node.lineno}: heads must be a tuple of Head(...)")
    return tuple(_head(element, used) for element in node.elts)


def _head(node: ast.expr, used: set[str]) -> HeadSpec:
    match node:
        case ast.Call(func=ast.Name(id="Head"), args=[ast.Constant(value=str(class_name))], keywords=keywords):
            pass
        case _:
            raise FaultError(f'line {node.lineno}: a head is written Head("ClassName", keyword=value, ...)')
    stated: dict[str, Any] = {}
    for keyword in keywords:
        if keyword.arg == "inputs":
            stated["inputs"] = _inputs(keyword.value, used)
            continue
        if keyword.arg not in HEAD:
            raise FaultError(f"line {node.lineno}: {class_name}: a head has no keyword {keyword.arg}")
        stated[keyword.arg] = literals.value(keyword.value)
        if type(stated[keyword.arg]) not in HEAD[keyword.arg]:
            raise FaultError(f"line {keyword.value.lineno}: {class_name}: {keyword.arg} is of the wrong type")
    facts = {**DEFAULTS, **stated}
    missing = [name for name in ("inputs", *HEAD) if name not in facts]
    if missing:
        raise FaultError(f"line {node.lineno}: {class_name} does not state {', '.join(missing)}")
    if facts["unsettled"] is not None:
        if facts["inputs"] or facts["outputs"] or facts["parameters"]:
            raise FaultError(f"line {node.lineno}: {class_name} is unsettled, and yet states what it takes or gives")
    elif not facts["inputs"] or not facts["outputs"]:
        raise FaultError(f"line {node.lineno}: {class_name} states no inputs or no outputs, so that nothing could fail")
    if facts["parameters"] < 0 or facts["batch"] < 1:
        raise FaultError(f"line {node.lineno}: {class_name} has a negative count of parameters, or no rows")
    _check_steps(class_name, facts["steps"], {item.name for item in facts["inputs"]})
    return HeadSpec(class_name=class_name, **{**facts, "outputs": _outputs(class_name, facts["outputs"])})


def _inputs(node: ast.expr, used: set[str]) -> tuple[InputSpec, ...]:
    if not isinstance(node, ast.Dict):
        raise FaultError(f"line {node.lineno}: inputs must be a dict by parameter name")
    inputs: dict[str, InputSpec] = {}
    for key, call in zip(node.keys, node.values, strict=True):
        match key, call:
            case (
                ast.Constant(value=str(name)),
                ast.Call(func=ast.Name(id=kind), args=[], keywords=keywords),
            ) if (
                kind in INPUTS and name not in inputs
            ):
                pass
            case _:
                raise FaultError(f"line {call.lineno}: `{ast.unparse(call)}` is not an input of a kind that is known")
        arguments = {item.arg or "**": literals.value(item.value) for item in keywords}
        unknown = sorted(set(arguments) - INPUTS[kind])
        if unknown:
            raise FaultError(f"line {call.lineno}: {name}: {kind} has no argument {', '.join(unknown)}")
        shape = arguments.get("shape")
        if not (kind == "Literal" and shape is None) and not _is_shape(shape):
            raise FaultError(f"line {call.lineno}: {name}: the shape of {kind} must be a tuple of sizes, not {shape!r}")
        used.add(kind)
        inputs[name] = InputSpec(name, kind, arguments)
    return tuple(inputs.values())


STEP: dict[str, tuple[type, ...]] = {"call": (str,), "arguments": (dict, list), "name": (str,), "stream": (bool,)}
"""Keys of a step, with the types of their values; a test holds them to what the harness reads."""


def _check_steps(class_name: str, steps: tuple[Any, ...], inputs: set[str]) -> None:
    known = {"device", "dtype", "model", *inputs}
    for number, step in enumerate(steps):
        if not isinstance(step, dict) or "call" not in step or not step.keys() <= STEP.keys():
            raise FaultError(
                f"{class_name}: step {number} is not a dict of {', '.join(STEP)}, the first of them always"
            )
        for key, value in step.items():
            if type(value) not in STEP[key]:
                raise FaultError(f"{class_name}: {key} of step {number} is of the wrong type")
        for name in references([step["call"], step.get("arguments", {})]):
            if name not in known:
                raise FaultError(
                    f"{class_name}: step {number} refers to ${name}, which is no input and no earlier step"
                )
        known.add(step.get("name") or step["call"].rpartition(".")[2].lstrip("$"))


def references(value: Any) -> Iterator[str]:
    """Names of the inputs and steps that a declared value refers to."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from references(item)
    elif isinstance(value, str) and value.startswith("$"):
        yield value[1:].split(".")[0]


_FREE = -1
"""In an output's shape: any size, where it follows the weights."""


def _outputs(class_name: str, raw: dict[Any, Any]) -> tuple[OutputSpec, ...]:
    outputs = []
    for name, item in raw.items():
        match item:
            case (tuple() as shape, str(dtype)) if isinstance(name, str) and _is_shape(shape, _FREE):
                outputs.append(OutputSpec(name, shape, dtype))
            case _:
                raise FaultError(f"{class_name}: output {name!r} is not stated as (shape, dtype)")
    return tuple(outputs)


def _is_shape(shape: object, least: int = 0) -> bool:
    return isinstance(shape, tuple) and all(type(size) is int and size >= least for size in shape)
