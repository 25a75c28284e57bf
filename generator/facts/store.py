"""Where facts are found: read from the installed transformers, in the cache, or in the folder that is kept in git.

The facts of a release do not change, so what another environment has read is remembered by the release alone.
"""

from __future__ import annotations

import gzip
import re
import warnings
import zlib
from functools import cache as once
from pathlib import Path

from generator import cache, catalog
from generator.facts.record import Facts, FactsError, from_json, to_json

__all__ = ["keep", "kept", "name", "of_installed", "previous", "remember", "remembered"]

SUFFIX = ".json.gz"


def of_installed() -> Facts:
    """The facts of the installed transformers; only a first call after a change reads it.

    Raises:
        CatalogError, LedgerError, PluginError: as ``generator.catalog.load``.
    """
    known = catalog.load()
    path = cache.directory() / "facts" / f"installed-{cache.key(known.digest, _code())}.json"
    found = _cached(path)
    if found is None:
        from generator.facts.reading import read

        found = read(known)
        _write(path, found)
    return found


def remembered(release: str) -> Facts | None:
    """The facts of a release that another environment has read; None where none has, or this package has changed since."""
    return _cached(_memory(release))


def remember(facts: Facts) -> None:
    """Note what another environment has read."""
    _write(_memory(facts.release), facts)


def kept(folder: Path, release: str) -> Facts | None:
    """The facts of a release in a folder; None where they are not, or are of another format.

    Raises:
        FactsError: the file cannot be read.
    """
    path = folder / name(release)
    try:
        text = gzip.decompress(path.read_bytes()).decode()
    except FileNotFoundError:
        return None
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise FactsError(f"{path}: cannot be read ({error}). Run: git checkout {path}") from error
    try:
        return from_json(text)
    except FactsError as error:
        raise FactsError(f"{path}: {error}. Run: git checkout {path}") from error


def name(release: str) -> str:
    """The file of a release in a folder of facts."""
    return f"{release}{SUFFIX}"


def keep(facts: Facts, folder: Path) -> bool:
    """Put the facts of a release into a folder; whether the file changed.

    Raises:
        OSError: it cannot be written.
    """
    path, text = folder / name(facts.release), to_json(facts)
    try:
        # Another zlib may write the same text in other bytes: only another text is a change.
        if gzip.decompress(path.read_bytes()).decode() == text:
            return False
    except (OSError, EOFError, UnicodeDecodeError, zlib.error):
        pass
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    return True


def previous(folder: Path, release: str) -> str | None:
    """The newest release older than this one whose facts are in a folder; None where there is none."""
    found = [path.name.removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}")]
    older = [item for item in found if _order(item) < _order(release)]
    return max(older, key=_order, default=None)


def _order(release: str) -> tuple[list[int], bool, str]:
    """Sorts releases: by their numbers, a pre-release before what it leads to."""
    numbers = [int(part) for part in re.findall(r"\d+", release)[:3]]
    return numbers, re.fullmatch(r"[\d.]+(\.post\d+)?", release) is not None, release


def _memory(release: str) -> Path:
    return cache.directory() / "facts" / f"{cache.key(release, _code())}.json"


def _cached(path: Path) -> Facts | None:
    text = cache.read(path)
    try:
        return None if text is None else from_json(text)
    except FactsError:  # sealed, yet no facts: made by hand; make them again
        return None


def _write(path: Path, facts: Facts) -> None:
    try:
        cache.write(path, to_json(facts))
    except OSError as error:  # the facts are good all the same; only the next call has to wait again
        warnings.warn(f"catalog: {path.parent} cannot be written ({error}); nothing was cached.", stacklevel=3)


@once
def _code() -> bytes:
    """What reads facts: a part of this package, and the catalogue that it stands on."""
    here = Path(__file__).parent
    paths = [here / "reading.py", here / "record.py", *sorted(here.parent.glob("catalog/*.py"))]
    return b"\0".join(path.read_bytes() for path in paths)
