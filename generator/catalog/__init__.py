"""What an installed transformers contains: its architectures, their heads and tasks, the ledger of all its config types, and
what people call them. Importing this imports neither torch nor transformers."""

from generator.catalog.names import Answer, Resolution, UnavailableModelError, UnknownModelError, answer, find, resolve
from generator.catalog.row import Catalog, HeadRow, Row
from generator.catalog.store import CatalogError, load
from generator.catalog.tiers import TrackedName, tracked

__all__ = [
    "Answer",
    "Catalog",
    "CatalogError",
    "HeadRow",
    "Resolution",
    "Row",
    "TrackedName",
    "UnavailableModelError",
    "UnknownModelError",
    "answer",
    "find",
    "load",
    "resolve",
    "tracked",
]
