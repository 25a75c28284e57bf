"""What a user can cause, as one sentence on standard error and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from invoke import Exit

from commands.releases import ReleaseError

__all__ = ["FAILED", "INTERRUPTED", "MISUSED", "sentences"]

FAILED, MISUSED, INTERRUPTED = 1, 2, 130
"""Exit codes beside 0; options that invoke itself does not know end with 1, by invoke's own rule."""


@contextmanager
def sentences(name: str, packages: Iterable[str] = ()) -> Iterator[None]:
    """Turn what a user can cause into its sentence on standard error and its exit code; let defects show themselves.

    Within it, and in every process started there, the architectures of ``packages`` are known.
    """
    from generator import plugins
    from generator.catalog import CatalogError, UnknownModelError
    from generator.catalog.ledger import LedgerError
    from generator.facts import FactsError
    from generator.folders import FolderError
    from generator.publish import PublishError
    from generator.selection import SelectionError
    from harness.results.expectations import ExpectationError
    from reporting.archive import ArchiveError
    from reporting.history import HistoryError

    try:
        plugins.use(packages)
        yield
        sys.stdout.flush()
    except (SelectionError, HistoryError) as error:
        raise Exit(f"{name}: {error}", code=MISUSED) from error
    except (UnknownModelError, ExpectationError) as error:
        raise Exit(str(error), code=MISUSED) from error
    except ReleaseError as error:
        raise Exit(f"{name}: {error}", code=error.code) from error
    except (FactsError, FolderError) as error:
        raise Exit(f"{name}: {error}", code=FAILED) from error
    except (ArchiveError, CatalogError, LedgerError, PublishError, plugins.PluginError) as error:
        raise Exit(str(error), code=FAILED) from error
    except ModuleNotFoundError as error:
        needed = f"{name}: {error.name} is not installed. {name} cannot work without it."
        raise Exit(f"{needed} Run: {sys.executable} -m pip install -e '.[generate]'", code=FAILED) from error
    except BrokenPipeError as error:
        # Whoever read the output has left, as `head` does; what Python still holds of it must go somewhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise Exit(code=FAILED) from error
    except OSError as error:
        if error.errno not in {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR}:
            raise
        raise Exit(
            f"{name}: {error.filename}: {error.strerror}. Nothing half-written was left.", code=FAILED
        ) from error
    except KeyboardInterrupt as error:
        kept = "What was finished until then is kept, and nothing is half-written."
        raise Exit(f"{name}: interrupted. {kept} Run the same command again to go on.", code=INTERRUPTED) from error
