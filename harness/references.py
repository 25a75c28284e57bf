"""References on disk: what the CPU gives in float32, kept under all that it follows from, and shared by all hardware of a
machine. Deleting the folder costs time and nothing else.

Two hardwares of a sweep, and two workers of one, are so held against the same numbers, which a record names by their digest.
A file is named by what its numbers follow from: the skill, the head, the seed, the inputs themselves, the versions and the
code that computes them, and the machine. What it holds is told by a digest of its own: a file that was altered or cut short
is not believed, but computed anew, and said so.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from harness.comparison import identical
from harness.hardware import hardware

if TYPE_CHECKING:
    import torch

    from harness.session import Subject

__all__ = ["Key", "Reference", "References", "digest"]

CODE = (
    "call",
    "inputs",
    "outputs",
    "packages",
    "references",
    "steps",
    "weights",
    "hardware/cpu",
    "hardware/torch_device",
)
"""Modules of the harness that the numbers of a reference follow from."""

LIBRARIES = ("torch", "transformers", "numpy")
"""Libraries that they follow from, beside those that a skill requires."""


@dataclass(frozen=True)
class Reference:
    """What the CPU gave in float32."""

    outputs: Mapping[str, torch.Tensor]
    settled: bool
    """Whether two runs gave equal numbers."""
    digest: str
    """Of the outputs: sixteen hexadecimal digits."""
    source: str
    """Where it is from: ``stored``, ``computed``, or ``computed`` and why no file served."""

    @classmethod
    def of(cls, outputs: Mapping[str, torch.Tensor], again: Mapping[str, torch.Tensor]) -> Self:
        """The reference of two runs."""
        settled = set(again) == set(outputs) and all(identical(again[name], item) for name, item in outputs.items())
        return cls(outputs, settled, digest(outputs), "computed")

    @property
    def facts(self) -> dict[str, str]:
        """What a record keeps of it."""
        return {"reference": self.digest, "reference_from": self.source}


@dataclass(frozen=True)
class Key:
    """What the numbers of a reference follow from."""

    name: str
    """Head and inputs, for people and for what an older file of the same is told by."""
    mark: str
    """Digest of it all."""

    @classmethod
    def of(cls, subject: Subject, inputs: Mapping[str, torch.Tensor]) -> Self:
        """The key of a head's reference for these inputs; the model is built for it."""
        given = digest(inputs)
        parts = [
            *(subject.skill.sha256(), repr(subject.head), str(subject.seed), given),
            *_versions((*LIBRARIES, *subject.skill.requires)),
            *map(_file, sorted({*_harness(), *_modelling(subject.model)})),
            *_machine(),
        ]
        name = f"{subject.skill.model_type}-{subject.head.class_name}-{given[:8]}"
        return cls(name, sha256(json.dumps(parts).encode()).hexdigest()[:32])


class References:
    """A folder of them; any number of processes may read and write it at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: Key, compute: Callable[[], Reference]) -> Reference:
        """The reference of a key, read or else computed and kept."""
        words = ""
        try:
            if (found := self._read(key)) is not None:
                return found
        except _DamagedError as damage:
            words = f", for the file of it {damage}"
        return self._keep(key, compute(), words)

    def kept(self, key: Key, reference: Reference) -> Reference:
        """A reference that was computed here, kept for others unless there is one that can be believed."""
        with contextlib.suppress(_DamagedError):
            if self._read(key) is not None:
                return reference
        return self._keep(key, reference)

    def _keep(self, key: Key, reference: Reference, words: str = "") -> Reference:
        try:
            self.put(key, reference)
        except OSError as error:
            words += f"; not kept ({error.strerror})"
        return replace(reference, source=reference.source + words)

    def put(self, key: Key, reference: Reference) -> None:
        """Keep a reference, whole or not at all, in place of what was kept of the head and inputs before.

        Raises:
            OSError: the folder cannot be written.
        """
        from safetensors.torch import save_file

        self.folder.mkdir(parents=True, exist_ok=True)
        told = {
            "key": key.mark,
            "digest": reference.digest,
            "settled": "yes" if reference.settled else "no",
            "names": json.dumps(list(reference.outputs)),
        }
        draft = self.folder / f".{key.name}.{os.getpid()}"
        # Copies: views of one storage, which a model may give, cannot be saved as they are.
        save_file(
            {name: item.detach().cpu().clone().contiguous() for name, item in reference.outputs.items()}, draft, told
        )
        older = [path for path in self.folder.glob(f"{key.name}-*.safetensors") if path != self.path(key)]
        draft.replace(self.path(key))
        for path in older:
            with contextlib.suppress(FileNotFoundError):  # another process may have been faster
                path.unlink()

    def path(self, key: Key) -> Path:
        """The file of a key."""
        return self.folder / f"{key.name}-{key.mark}.safetensors"

    def _read(self, key: Key) -> Reference | None:
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            # Its bytes, not a mapping of the file: one that is cut short while it is mapped ends the process.
            data = self.path(key).read_bytes()
            tensors, told = load(data), _metadata(data)
            outputs = {name: tensors[name] for name in json.loads(told.get("names", "[]"))}
        except FileNotFoundError:
            return None
        except (OSError, SafetensorError, ValueError, KeyError) as error:
            raise _DamagedError(f"cannot be read ({str(error).splitlines()[0]})") from error
        if told.get("key") != key.mark:
            raise _DamagedError("is of something else")
        if told.get("digest") != digest(outputs):
            raise _DamagedError("was altered")
        return Reference(outputs, told.get("settled") == "yes", told["digest"], "stored")


def _metadata(data: bytes) -> dict[str, str]:
    """What a safetensors file says of itself: in its header, a JSON object after eight bytes that hold its length."""
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    told: dict[str, str] = header.get("__metadata__", {})
    return told


class _DamagedError(Exception):
    """A file that cannot be believed."""


def digest(tensors: Mapping[str, torch.Tensor]) -> str:
    """Sixteen hexadecimal digits that differ where a name, their order, a dtype, a shape or a bit does."""
    import torch

    found = sha256()
    for name, tensor in tensors.items():
        plain = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()
        found.update(f"{name} {plain.dtype} {tuple(plain.shape)}\n".encode())
        found.update(plain.flatten().view(torch.uint8).numpy().tobytes() if plain.numel() else b"")
    return found.hexdigest()[:16]


def _versions(libraries: Iterable[str]) -> Iterator[str]:
    return (f"{name} {_version(name)}" for name in libraries)


@cache
def _version(library: str) -> str | None:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None


def _harness() -> Iterator[str]:
    folder = Path(__file__).parent
    return (str(folder / f"{name}.py") for name in CODE)


def _modelling(model: Any) -> Iterator[str]:
    """Files of the classes that a model is made of, but for torch's: a package's code may change under one version."""
    names = {type(module).__module__ for module in model.modules()}
    own = (sys.modules.get(name) for name in names if not name.startswith("torch."))
    return (str(file) for module in own if (file := getattr(module, "__file__", None)) is not None)


@cache
def _file(path: str) -> str:
    """A file's name and digest, read once: what is imported does not follow it when it changes."""
    place = Path(path)
    return f"{place.name} {sha256(place.read_bytes()).hexdigest()}" if place.is_file() else place.name


def _machine() -> tuple[str, ...]:
    """This machine, and how torch computes on it: another one's numbers are not its own."""
    import torch

    return *_place(), torch.backends.cpu.get_cpu_capability(), str(torch.get_num_threads())


@cache
def _place() -> tuple[str, ...]:
    return platform.node(), platform.platform(), *sorted(hardware("cpu").describe().values())
