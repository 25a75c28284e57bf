"""Templates compiled once a process, from a directory of them, by the lexer that knows Python's contexts.

It is for templates that render Python; reports have an environment of their own.
"""

from __future__ import annotations

import os
import re
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from generator import cache
from generator.rendering.errors import RenderError, TemplateError

if TYPE_CHECKING:
    from mako.lookup import TemplateLookup

__all__ = ["SKILLS", "render_template", "sources"]

SKILLS = Path(__file__).resolve().parents[2] / "templates" / "skills"
"""Templates of the skills."""

_REFERENCE = re.compile(r"<%(?:inherit|include|namespace)\b[^>]*?\bfile\s*=\s*([\"'])(?P<file>.*?)\1")


def render_template(name: str, /, *, directory: Path = SKILLS, **values: object) -> str:
    """The text of a template for these values.

    Raises:
        ContextError: the template has an expression without a single, safe context.
        RenderError: a value that its context cannot hold, or an expression that fails; names the file that holds
            Mako's traceback.
        TemplateError: the template is not Mako.
    """
    from mako.exceptions import MakoException

    try:
        template = _lookup(directory).get_template(name)
        return str(template.render_unicode(**values))
    except TemplateError as error:
        raise _with_traceback(error, error, name) from None
    except MakoException as error:
        raise _with_traceback(TemplateError(f"{_shown(directory / name)}: {error}."), error, name) from error
    except Exception as error:
        where, line = _origin(error, directory / name)
        failed = RenderError(where, line, f"an expression failed with {type(error).__name__}: {error}.")
        raise _with_traceback(failed, error, name) from error


def sources(name: str, *, directory: Path = SKILLS) -> bytes:
    """The bytes of a template and of all that it inherits from, includes or takes defs from, with their names.

    Raises:
        TemplateError: one of them is missing.
    """
    found: dict[str, bytes] = {}
    pending = [name]
    while pending:
        current = pending.pop()
        if current in found:
            continue
        try:
            found[current] = (directory / current).read_bytes()
        except OSError as error:
            raise TemplateError(f"{_shown(directory / current)}: cannot be read: {error.strerror}.") from error
        folder = Path(current).parent
        text = found[current].decode("utf-8")
        pending += [os.path.normpath(folder / match["file"]) for match in _REFERENCE.finditer(text)]
    parts = [part for file, data in sorted(found.items()) for part in (file.encode(), data)]
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)


@lru_cache
def _lookup(directory: Path) -> TemplateLookup:
    from mako.lookup import TemplateLookup

    from generator.rendering.lexer import IMPORTS, ContextLexer

    return TemplateLookup(
        directories=[str(directory)],
        filesystem_checks=False,
        input_encoding="utf-8",
        lexer_cls=ContextLexer,
        imports=list(IMPORTS),
        default_filters=[],
        strict_undefined=True,
    )


def _origin(error: Exception, template: Path) -> tuple[str, int]:
    """File and line of the template's expression that raised the error."""
    from mako.exceptions import RichTraceback

    for _, _, _, _, file, line, _, _ in reversed(RichTraceback(error).records):
        if file is not None and line is not None:
            return _shown(Path(file)), line
    return _shown(template), 0


def _with_traceback(error: TemplateError, cause: Exception, name: str) -> TemplateError:
    """The error, naming the file into which Mako's view of its cause's traceback went."""
    from mako.exceptions import text_error_template

    text = str(text_error_template().render_unicode(error=cause, traceback=cause.__traceback__))
    directory = cache.directory() / "errors"
    path = directory / f"{Path(name).stem}-{cache.key(text)}.txt"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError:
        # A read-only cache must not hide what went wrong with the template.
        handle, temporary = tempfile.mkstemp(prefix="skillmatrix-", suffix=".txt")
        os.close(handle)
        path = Path(temporary)
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    error.args = (f"{error} Template traceback: {path}",)
    return error


def _shown(path: Path) -> str:
    root = SKILLS.parents[1]
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
