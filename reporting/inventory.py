"""What there is to report on: the catalogue's rows as the caller hands them in, and the skills on disk."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reporting.evidence import Damage

__all__ = ["Architecture", "Skills", "architecture", "memory", "skills"]


@dataclass(frozen=True)
class Architecture:
    """A row of the catalogue, as far as reports need it."""

    model_type: str
    state: str
    """``architecture``, ``component``, ``alias`` or ``impossible``."""
    tier: str
    family: str
    reason: str
    """Why it is not an architecture; empty for those that are."""
    module: str
    """Module of its skill: hf_gptj."""
    heads: tuple[str, ...]
    """Class names of its heads."""


@dataclass(frozen=True)
class Skills:
    """The skill files on disk."""

    digests: Mapping[str, str]
    """SHA-256 of each file's bytes, by model type."""
    validated: Mapping[str, str]
    """Why a skill does not count as validated, by model type; empty text for one that does."""
    damage: tuple[Damage, ...]


def architecture(row: Mapping[str, Any]) -> Architecture:
    """The row as data: needs ``model_type``, ``state``, ``tier`` and ``family``, may have ``reason``, ``module``, ``heads``.

    Heads are class names, or mappings that have one under ``class_name``, so that a catalogue row that went through
    ``dataclasses.asdict`` will do as it is.

    Raises:
        KeyError: a fact is missing.
    """
    model_type = str(row["model_type"])
    heads = (head["class_name"] if isinstance(head, Mapping) else head for head in row.get("heads") or ())
    return Architecture(
        model_type=model_type,
        state=str(row["state"]),
        tier=str(row["tier"]),
        family=str(row["family"]),
        reason=str(row.get("reason") or ""),
        module=str(row.get("module") or "hf_" + re.sub(r"\W", "_", model_type)),
        heads=tuple(str(head) for head in heads),
    )


def skills(directory: Path, catalogue: Iterable[Architecture], remembered: Path | None = None) -> Skills:
    """The skill files of ``directory`` and what its ``manifest.json`` says of them.

    A skill is validated if the manifest, which is written only after every stage of the validation, holds exactly
    the file's digest. One that has no file there is as ``remembered`` has it, if that does.
    """
    earlier, lost = _manifest(remembered, needed=False) if remembered is not None else ({}, ())
    digests: dict[str, str] = {}
    validated: dict[str, str] = {}
    here = []
    for row in catalogue:
        if row.state == "architecture" and row.model_type in earlier:
            digests[row.model_type], validated[row.model_type] = earlier[row.model_type], ""
        file = directory / f"{row.module}.py"
        if row.state == "architecture" and row.module.isidentifier() and file.is_file():
            digests[row.model_type] = hashlib.sha256(file.read_bytes()).hexdigest()
            here.append(row.model_type)
    published, damage = _manifest(directory / "manifest.json", needed=bool(here))
    for model_type in here:
        digest, known = digests[model_type], published.get(model_type)
        validated[model_type] = (
            "" if known == digest else "not in the manifest" if known is None else "changed since it was generated"
        )
    return Skills(digests, validated, (*damage, *lost))


def memory(shelf: Skills) -> bytes:
    """What ``skills`` takes as remembered: the digests of the validated ones."""
    known = {name: {"sha256": digest} for name, digest in sorted(shelf.digests.items()) if not shelf.validated[name]}
    return (json.dumps({"skills": known}, indent=1) + "\n").encode()


def _manifest(file: Path, *, needed: bool) -> tuple[dict[str, str], Sequence[Damage]]:
    """Digest by model type, from ``{"skills": {model_type: {"sha256": …}}}``."""
    where = f"{file.parent.name}/{file.name}"
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))["skills"]
        return {str(name): str(entry["sha256"]) for name, entry in entries.items()}, ()
    except FileNotFoundError:
        return {}, [Damage(where, "missing, so that no skill counts as validated")] if needed else ()
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        return {}, [Damage(where, f"unreadable, so that no skill counts as validated: {type(error).__name__}: {error}")]
