"""Stage ``syntax``: the text is Python, on the oldest version that the project supports and on this one."""

from __future__ import annotations

import ast
import warnings

from generator.validation.errors import SyntaxStageError

OLDEST = (3, 11)
"""Lowest version in ``requires-python``; grammar is only ever added, so what it parses, later versions parse."""


def check(text: str, model_type: str) -> ast.Module:
    """The syntax tree of the text.

    Raises:
        SyntaxStageError: it does not parse or compile, does so only with a warning that a later Python makes an
            error, or holds characters that a source file cannot.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        raise SyntaxStageError(
            model_type, f"line {line} holds {text[error.start]!r}, which UTF-8 cannot encode"
        ) from error
    if "\r" in text or "\0" in text:
        character = "\r" if "\r" in text else "\0"
        line = text.count("\n", 0, text.index(character)) + 1
        raise SyntaxStageError(model_type, f"line {line} holds a bare {character!r}, which does not survive in a file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", SyntaxWarning)
            # Invalid escapes were deprecations until Python 3.12, and will be errors; here both are errors already.
            warnings.simplefilter("error", DeprecationWarning)
            tree = ast.parse(text, f"<skill of {model_type}>", feature_version=OLDEST)
            compile(tree, f"<skill of {model_type}>", "exec", dont_inherit=True)
    except SyntaxError as error:
        shown = (error.text or "").strip()
        raise SyntaxStageError(
            model_type, f"line {error.lineno}: {error.msg}" + (f" in {shown[:120]!r}" if shown else "")
        ) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxStageError(model_type, f"cannot be compiled: {error}") from error
    return tree
