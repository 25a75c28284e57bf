"""The skills on disk: which are ours, which were edited, and how a new one gets there, whole or not at all.

A skill is staged beside its place, announced in a journal and moved in one step; the manifest follows. Whoever is
killed on the way leaves whole files and a journal, from which the next one tells its files from edited ones.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from filelock import BaseFileLock

MANIFEST = "manifest.json"
STAGING = ".staging"
OURS = frozenset({"__init__.py", "README.md", MANIFEST, STAGING, "__pycache__"})
"""What lies in the folder without being a skill."""

_MODULE = re.compile(r"hf_[a-z0-9_]+")
_REMEDIES = {
    errno.EACCES: "Run: chmod u+rwx {path}",
    errno.EPERM: "Run: chmod u+rwx {path}",
    errno.EROFS: "Make its file system writable, then run the same command again",
    errno.ENOSPC: "Make room, then run the same command again",
    errno.EDQUOT: "Make room, then run the same command again",
    errno.EFBIG: "Raise the limit on file sizes (ulimit -f), then run the same command again",
    errno.ENOTDIR: "Move away the file that stands where the folder belongs",
    errno.EEXIST: "Move away the file that stands where the folder belongs",
}


class PublishError(Exception):
    """The folder of skills cannot be used as asked; the message is for people and says what to run."""


class EditedError(PublishError):
    """A file that the generator did not write, or that was changed since, stands where a skill would go."""


@dataclass(frozen=True)
class Entry:
    """A generated skill, as the manifest records it."""

    model_type: str
    """Canonical key of the architecture."""
    module: str
    """Module of the skill without the package: hf_gptj."""
    sha256: str
    """Digest of the file's bytes as generated."""
    template: str
    """Template that it was rendered from, relative to ``templates/skills``."""
    transformers: str
    """Release that its facts were read from."""
    package: str | None = None
    """Package that registers the architecture; None for transformers' own."""
    of: str | None = None
    """Architecture that a folder's values configure, after which the skill is named; None for one of its own."""

    @property
    def file(self) -> str:
        """Name of the file in the folder of skills."""
        return f"{self.module}.py"


@dataclass(frozen=True)
class Shelf:
    """What lies in the folder of skills, and what the generator knows of it."""

    folder: Path
    """Folder of the skills."""
    entries: dict[str, Entry]
    """By model type, what was generated: the manifest, and the journal of a generator that was killed."""

    @cached_property
    def files(self) -> dict[str, str]:
        """Digest of every Python file that looks like a skill, by file name, sorted."""
        paths = sorted(path for path in self.folder.glob("hf_*.py") if path.is_file())
        return {path.name: digest(path.read_bytes()) for path in paths}

    @property
    def edited(self) -> list[Entry]:
        """Entries whose file no longer holds what was generated."""
        return [entry for entry in self.entries.values() if self.files.get(entry.file) not in (entry.sha256, None)]

    @property
    def missing(self) -> list[Entry]:
        """Entries whose file is gone."""
        return [entry for entry in self.entries.values() if entry.file not in self.files]

    @property
    def unknown(self) -> list[str]:
        """Names of what lies in the folder and that neither the generator nor the project put there, sorted."""
        known = OURS | {entry.file for entry in self.entries.values()}
        return sorted(path.name for path in self.folder.iterdir() if path.name not in known) if self.exists else []

    @property
    def exists(self) -> bool:
        """Whether there is such a folder."""
        return self.folder.is_dir()

    @property
    def generated(self) -> frozenset[str]:
        """Model types whose skill is there, edited or not."""
        return frozenset(name for name, entry in self.entries.items() if entry.file in self.files)

    def has(self, entry: Entry) -> bool:
        """Whether exactly this skill is there and recorded."""
        return self.entries.get(entry.model_type) == entry and self.files.get(entry.file) == entry.sha256


def digest(content: bytes) -> str:
    """SHA-256 of a skill's bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def read(folder: Path) -> Shelf:
    """The folder of skills as it is, with nothing changed in it.

    Raises:
        PublishError: the folder is no folder, or its manifest cannot be read.
    """
    if folder.exists() and not folder.is_dir():
        raise PublishError(
            f"{folder}: is a file where the folder of skills belongs. Nothing was generated. Run: mv {folder} {folder}.old"
        )
    entries = _manifest(folder / MANIFEST)
    for entry in _journal(folder / STAGING / "journal.jsonl"):
        path = folder / entry.file
        # Announced but never moved into place: what stands there is still what the manifest says.
        if path.is_file() and digest(path.read_bytes()) == entry.sha256:
            entries[entry.model_type] = entry
    return Shelf(folder, dict(sorted(entries.items())))


class Publisher:
    """The only writer of a folder of skills, while it is open; use it as a context manager.

    Raises, when it is opened:
        PublishError: the folder cannot be written, another generator has it open, or its manifest cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._staging = folder / STAGING
        self._lock: BaseFileLock | None = None
        self._entries: dict[str, Entry] = {}
        self._dirty = False

    def __enter__(self) -> Self:
        read(self.folder)
        with _explained(self.folder, "Nothing was generated"):
            if self.folder.is_dir() and not self.folder.stat().st_mode & 0o222:
                # Root could, but whoever took the permission from everybody meant root too.
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self.folder))
            self._staging.mkdir(parents=True, exist_ok=True)
            self._acquire()
            try:
                # A folder whose inside is writable may itself be read-only: only a move shows it.
                probe = self._staging / "probe"
                probe.write_bytes(b"")
                probe.replace(self.folder / ".probe")
                (self.folder / ".probe").unlink()
                self._recover()
            except BaseException:
                self._release()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.checkpoint()
        finally:
            self._release()

    @property
    def shelf(self) -> Shelf:
        """The folder as it is now."""
        return Shelf(self.folder, dict(sorted(self._entries.items())))

    def publish(self, entry: Entry, text: str, *, force: bool = False) -> bool:
        """Put a skill in its place, and say whether anything was written.

        Raises:
            EditedError: the file there is not one that the generator wrote, and ``force`` is not given.
            PublishError: it cannot be written; what was there is still there, whole.
        """
        content = text.encode()
        if not _MODULE.fullmatch(entry.module) or digest(content) != entry.sha256:
            raise ValueError(f"{entry} does not describe a skill of {len(content)} bytes")
        path = self.folder / entry.file
        standing = digest(path.read_bytes()) if path.is_file() else None
        known = {item.sha256 for item in self._entries.values() if item.module == entry.module}
        if standing is not None and standing not in {*known, entry.sha256} and not force:
            raise EditedError(edited(path, entry.model_type))
        if standing != entry.sha256:
            with _explained(path, "The skill that was there is untouched"):
                staged = self._staging / entry.file
                _write(staged, content)
                _append(self._staging / "journal.jsonl", json.dumps(asdict(entry)))
                staged.replace(path)
        changed = standing != entry.sha256 or self._entries.get(entry.model_type) != entry
        self._entries[entry.model_type] = entry
        self._dirty |= changed
        return standing != entry.sha256

    def remove(self, entry: Entry, *, force: bool = False) -> None:
        """Take a skill away.

        Raises:
            EditedError: the file is not as it was generated, and ``force`` is not given.
            PublishError: it cannot be removed.
        """
        path = self.folder / entry.file
        if path.is_file() and digest(path.read_bytes()) != entry.sha256 and not force:
            raise EditedError(
                f"{path}: was edited since it was generated. Pruning would lose the edit. "
                "Run: invoke generate --prune --force"
            )
        with _explained(path, "The skill is still there"):
            path.unlink(missing_ok=True)
        del self._entries[entry.model_type]
        self._dirty = True

    def checkpoint(self) -> None:
        """Write the manifest, after which the journal is no longer needed.

        Raises:
            PublishError: it cannot be written; the journal still holds what is missing from it.
        """
        if not self._dirty:
            return
        manifest = {
            "about": "Written by invoke generate; do not edit.",
            "skills": {
                name: {key: value for key, value in asdict(entry).items() if key != "model_type" and value is not None}
                for name, entry in sorted(self._entries.items())
            },
        }
        with _explained(self.folder / MANIFEST, "The skills that were written are kept, and known from the journal"):
            staged = self._staging / MANIFEST
            _write(staged, (json.dumps(manifest, indent=2) + "\n").encode())
            staged.replace(self.folder / MANIFEST)
            (self._staging / "journal.jsonl").unlink(missing_ok=True)
        self._dirty = False

    def _recover(self) -> None:
        recorded = _manifest(self.folder / MANIFEST)
        self._entries = read(self.folder).entries
        self._dirty = self._entries != recorded
        self.checkpoint()
        for path in self._staging.iterdir():
            if path.name != "lock":
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _acquire(self) -> None:
        from filelock import FileLock, Timeout

        self._lock = FileLock(self._staging / "lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise PublishError(
                f"{self.folder}: another generator is writing there. Two at once would undo each other's work. "
                "Run the same command again when it has ended"
            ) from error

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None


class Rehearsal:
    """A publisher that writes nothing and refuses what the real one would refuse."""

    def __init__(self, folder: Path) -> None:
        self.shelf = read(folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def publish(self, entry: Entry, text: str, *, force: bool = False) -> bool:
        """Whether the skill would be written.

        Raises:
            EditedError: as ``Publisher.publish``.
        """
        standing = self.shelf.files.get(entry.file)
        known = {item.sha256 for item in self.shelf.entries.values() if item.module == entry.module}
        if standing is not None and standing not in {*known, digest(text.encode())} and not force:
            raise EditedError(edited(self.shelf.folder / entry.file, entry.model_type))
        return standing != entry.sha256

    def remove(self, entry: Entry, *, force: bool = False) -> None:
        """Nothing, unless the real one would refuse.

        Raises:
            EditedError: as ``Publisher.remove``.
        """
        if entry in self.shelf.edited and not force:
            raise EditedError(edited(self.shelf.folder / entry.file, entry.model_type))

    def checkpoint(self) -> None:
        """Nothing."""


def edited(path: Path, model_type: str) -> str:
    """The sentence for a file that the generator would not overwrite."""
    return (
        f"{path}: does not hold what was generated. Writing it anew would lose the edit. "
        f"Run: invoke generate --model {model_type} --force"
    )


def _manifest(path: Path) -> dict[str, Entry]:
    try:
        raw = json.loads(path.read_bytes())
        return {name: Entry(model_type=name, **fields) for name, fields in raw["skills"].items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PublishError(
            f"{path}: cannot be read ({error}). Without it, generated skills cannot be told from edited ones. "
            f"Run: git checkout -- {path}"
        ) from error


def _journal(path: Path) -> Iterator[Entry]:
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return
    for number, line in enumerate(lines, 1):
        try:
            yield Entry(**json.loads(line))
        except (ValueError, TypeError):
            # A last line cut short was never acted upon: the move comes only after it is on disk.
            if number != len(lines):
                raise PublishError(
                    f"{path}: line {number} cannot be read. It tells finished skills from edited ones. Run: rm {path}"
                ) from None


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _append(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _explained(path: Path, consequence: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "Run: ls -ld {path}").format(path=path)
        raise PublishError(f"{path}: cannot be written ({error.strerror}). {consequence}. {remedy}") from error
