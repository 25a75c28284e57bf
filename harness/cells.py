"""Cells: which question is put to which head on which hardware; it runs none of them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

from harness.checks import CHECKS, Check
from harness.hardware import hardware
from harness.weights import DEFAULT

if TYPE_CHECKING:
    from harness.skill import Head, Skill

__all__ = ["ASKED", "Cell", "Selection", "SelectionError", "cells", "heads", "of_file", "stated"]

ASKED = ("fp32", "fp16", "bf16", DEFAULT)
"""Dtypes that cells may have; which of them a hardware has is its own to say."""


class SelectionError(ValueError):
    """A selection names something that there is not; the message is the user's sentence."""


@dataclass(frozen=True)
class Cell:
    """One check of one head on one hardware in one dtype."""

    skill: type[Skill]
    head: Head
    hardware: str
    dtype: str
    check: Check

    @property
    def id(self) -> str:
        """``model_type/head/hardware/dtype/check``; it never changes."""
        return f"{self.skill.model_type}/{self.head.class_name}/{self.hardware}/{self.dtype}/{self.check.name}"


@dataclass(frozen=True)
class Selection:
    """Which cells of a skill to run."""

    hardware: tuple[str, ...] = ("cpu",)
    """Names of hardwares."""
    dtypes: tuple[str, ...] = ("fp32",)
    """Dtypes."""
    head: str = "all"
    """``primary``, ``all``, or the name of a class."""
    checks: tuple[str, ...] | None = None
    """Names of checks; None for all that are asked without being named."""

    def __post_init__(self) -> None:
        """Raises SelectionError for a check or a dtype that there is not."""
        for what, wanted, known in (("check", self.checks, tuple(CHECKS)), ("dtype", self.dtypes, ASKED)):
            for name in wanted or ():
                if name not in known:
                    near = get_close_matches(name, known, n=3) or known
                    raise SelectionError(f"no {what} is called {name!r}. Known: {', '.join(near)}")


def cells(skill: type[Skill], selection: Selection) -> Iterator[Cell]:
    """The cells of a skill, head by head, so that what the checks of a head share is made once.

    Checks that do not apply to a head (``Check.applicable`` says why), or that ask for a torch module where the hardware
    compiles one, give no cell, nor do those that are costly there (if generating is: see the protocol) and are not named.

    Raises:
        SelectionError: the skill has no such head.
        UnknownHardwareError: there is no such hardware.
    """
    named = selection.checks is not None
    asked = [check for name, check in CHECKS.items() if selection.checks is None or name in selection.checks]
    for head in heads(skill, selection.head):
        for where in selection.hardware:
            found = hardware(where)
            ready = getattr(found, "generates", False)
            for dtype in selection.dtypes:
                for check in asked:
                    if check.put(module=found.module, named=named, ready=ready) and check.applicable(head) is None:
                        yield Cell(skill, head, where, dtype, check)


def heads(skill: type[Skill], wanted: str) -> Sequence[Head]:
    """The heads of a skill by ``primary``, ``all``, or the name of a class.

    Raises:
        SelectionError: the skill has no such head.
    """
    if wanted == "all":
        return skill.heads
    if wanted == "primary":
        return [head for head in skill.heads if head.primary] or skill.heads[:1]
    if found := [head for head in skill.heads if head.class_name == wanted]:
        return found
    names = [head.class_name for head in skill.heads]
    near = get_close_matches(wanted, names, n=3) or names
    raise SelectionError(f"{skill.model_type} has no head {wanted!r}. Its heads: {', '.join(near)}")


def of_file(path: Path, identity: str) -> Cell | None:
    """The cell of this id of the skill in a file, for a process that has not collected it; None if it states no such cell.

    Raises:
        SelectionError: the skill has no such head.
        UnknownHardwareError: there is no such hardware.
    """
    parts = identity.split("/")
    if len(parts) != 5 or not path.is_file():
        return None
    selection = Selection((parts[2],), (parts[3],), parts[1], (parts[4],))
    return next((cell for skill in _skills(path) for cell in cells(skill, selection)), None)


def stated(files: Iterable[Path], hardware: Iterable[str]) -> set[str]:
    """Ids of all cells that the skills in these files have on the hardware, wherever the files lie."""
    selection = Selection(hardware=tuple(hardware))
    return {cell.id for file in files for skill in _skills(file) for cell in cells(skill, selection)}


def _skills(file: Path) -> list[type[Skill]]:
    """The skills that a file states; those that it only imports are others'."""
    from harness.skill import Skill

    # Not by its name, which the skills of several releases have; a file that stays the same is read once.
    path = file.resolve()
    name = f"_{path.stem}_{sha256(bytes(path) + path.read_bytes()).hexdigest()[:16]}"
    if name not in sys.modules:
        spec = spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{file} is no module")
        sys.modules[name] = module_from_spec(spec)  # where a skill finds its file
        spec.loader.exec_module(sys.modules[name])
    members = vars(sys.modules[name]).values()
    return [item for item in members if isinstance(item, type) and issubclass(item, Skill) and item.__module__ == name]
