"""The catalogue as commands get it: from the cache where it is true of what is installed, else built and cached."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from generator import cache, plugins
from generator.catalog.row import Catalog, from_json, to_json

__all__ = ["CatalogError", "digest", "load"]

INSTALL = 'python -m pip install ".[generate]"'


class CatalogError(RuntimeError):
    """The installed transformers cannot be read; the message is for the user."""


def load(refresh: bool = False) -> Catalog:
    """The catalogue of the installed transformers; only a first call after a change imports transformers and torch.

    Args:
        refresh: build it anew even where the cache has it.

    Raises:
        CatalogError: transformers or torch is not installed, or cannot be imported.
        LedgerError: the installed transformers has an entry that the ledger cannot place.
        PluginError: the architectures of a package that was named cannot be had.
    """
    mark = digest()
    path = cache.directory() / "catalog" / f"{mark}.json"
    if not refresh and (text := cache.read(path)) is not None:
        try:
            return from_json(text)
        except (KeyError, TypeError, ValueError):  # sealed, yet not a catalogue: made by hand; make it again
            pass
    from generator.catalog.build import build

    try:
        catalog = build(mark)
    except ImportError as error:
        raise CatalogError(
            f"catalog: {error.name or 'transformers'} cannot be imported ({error}). The catalogue is read from it. Run: {INSTALL}"
        ) from error
    text = to_json(catalog)
    try:
        cache.write(path, text)
    except OSError as error:  # the catalogue is good all the same; only the next call has to wait again
        warnings.warn(f"catalog: {cache.directory()} cannot be written ({error}); nothing was cached.", stacklevel=2)
    return from_json(
        text
    )  # as the next call will read it, to the order of its parts: what is kept by them is then found


def digest() -> str:
    """Key of all that the catalogue is made from: the release, its auto mappings, plugins, this package, Python's version.

    Raises:
        CatalogError: transformers is not installed.
        PluginError: a package that was named is not installed.
    """
    # A third of what importing this package would cost, and of no use to those who only want its names.
    from importlib.metadata import PackageNotFoundError, version
    from importlib.util import find_spec

    spec = find_spec("transformers")
    try:
        release = version("transformers")
    except PackageNotFoundError:
        spec = None
    if spec is None or spec.origin is None:
        raise CatalogError(f"catalog: transformers is not installed. The catalogue is read from it. Run: {INSTALL}")
    auto = sorted((Path(spec.origin).parent / "models" / "auto").glob("*.py"))
    own = sorted(path for path in Path(__file__).parent.iterdir() if path.suffix in (".py", ".json"))
    own.append(Path(plugins.__file__))
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return cache.key(
        release,
        python,
        plugins.fingerprint(),
        *(part for path in [*auto, *own] for part in (path.name, path.read_bytes())),
    )
