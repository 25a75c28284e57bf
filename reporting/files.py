"""The reports' files on disk: one writer at a time, all of them replaced whole or none."""

from __future__ import annotations

import errno
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

__all__ = ["ReportError", "alone", "write"]


class ReportError(Exception):
    """The reports were not written; the message is the user's sentence."""


@contextmanager
def alone(reports: Path) -> Iterator[None]:
    """Hold the reports against another process that would update them."""
    from filelock import FileLock, Timeout

    try:
        (reports / "runs").mkdir(parents=True, exist_ok=True)
        lock = FileLock(reports / "runs" / ".lock", timeout=120)
        lock.acquire()
    except Timeout as error:
        raise ReportError(
            f"{reports}: another process has been updating the reports for two minutes. Two at once would undo each "
            "other's work. Run: invoke report, once it has ended"
        ) from error
    except OSError as error:
        raise _unwritable(reports, error) from error
    try:
        yield
    except OSError as error:
        raise _unwritable(Path(error.filename or reports), error) from error
    finally:
        lock.release()


def _unwritable(path: Path, error: OSError) -> ReportError:
    folder = shlex.quote(str(path if path.is_dir() else path.parent))
    remedy = f"chmod u+rwx {folder}" if error.errno in {errno.EACCES, errno.EPERM} else f"ls -la {folder}"
    return ReportError(
        f"{path}: {(error.strerror or str(error)).lower()}. Reports that are written in part would not be true, so they "
        f"were left as they are. Run: {remedy} && invoke report"
    )


def write(contents: Mapping[Path, bytes | None]) -> tuple[Path, ...]:
    """Give each file its content, or remove it for None, once all of the new ones are safely on disk."""
    changed = {path: new for path, new in contents.items() if new is None or not _holds(path, new)}
    staged: dict[Path, Path] = {}
    try:
        for path, new in changed.items():
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, "is a directory, where a file belongs", str(path))
            if new is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                staged[path] = path.with_name(f".{path.name}.new")
                _stage(staged[path], new, path)
        for path in changed:
            if path in staged:
                staged[path].replace(path)
            else:
                path.unlink()
    finally:
        for file in staged.values():
            file.unlink(missing_ok=True)
    return tuple(sorted(changed))


def _stage(draft: Path, content: bytes, path: Path) -> None:
    try:
        draft.write_bytes(content)
    except OSError as error:
        # People know the file that it stands for.
        raise OSError(error.errno, error.strerror, str(path)) from error


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content
