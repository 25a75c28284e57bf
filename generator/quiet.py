"""What other libraries say while tiny models are made: warnings of the odd sizes that are made on purpose, and prints.

Neither is for who generates, and what is printed would spoil the one document of ``--json``. Errors are exceptions, and
pass; so do warnings of this package's own code, and all that a process writes to standard error by itself.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

__all__ = ["quiet"]


@contextmanager
def quiet() -> Iterator[None]:
    """Let other libraries neither warn nor print; also a decorator."""
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        warnings.filterwarnings("default", module=r"generator(\.|$)")
        yield
