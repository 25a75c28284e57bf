"""Rendered skills to their final text: ruff's fixes, then black, until neither finds anything to change.

A whole batch costs two ruff processes and no black process. It lays text out; text that is wrong is refused, not
mended.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from black.mode import Mode

LINE_LENGTH = 120
"""As in the project's own configuration, to which a test holds the skills."""

RULES = ("E", "F", "I", "UP", "W")
"""Rules of ruff whose fixes are taken, and whose other findings refuse the text."""

_ROUNDS = 3


class FormatError(Exception):
    """A skill that the formatters refuse; the message is one sentence for people."""

    stage = "format"

    def __init__(self, model_type: str, message: str) -> None:
        super().__init__(message)
        self.model_type = model_type
        self.message = message

    def __str__(self) -> str:
        return f"{self.model_type}: {self.stage}: {self.message}"


def format_batch(texts: Mapping[str, str]) -> dict[str, str | FormatError]:
    """The final text of each rendered skill, or why there is none; by model type, in the order given.

    Raises:
        OSError, RuntimeError: ruff could not be run at all.
    """
    results: dict[str, str | FormatError] = {}
    pending = dict(texts)
    for first in (True, *(False,) * _ROUNDS):
        fixed, seen, pending = _ruff(pending), pending, {}
        for model_type, text in fixed.items():
            # After the first round what ruff sees is black's; if it leaves that alone, the two agree.
            settled = not first and text == seen[model_type]
            outcome = text if settled or isinstance(text, FormatError) else _black(model_type, text)
            if isinstance(outcome, FormatError) or outcome == text:
                results[model_type] = outcome
            else:
                pending[model_type] = outcome
        if not pending:
            return {model_type: results[model_type] for model_type in texts}
    for model_type in pending:
        results[model_type] = FormatError(model_type, f"ruff and black still disagree after {_ROUNDS} rounds")
    return {model_type: results[model_type] for model_type in texts}


@lru_cache
def tools() -> tuple[str, ...]:
    """Names and releases of what decides over the layout of a text."""
    return tuple(f"{name} {metadata.version(name)}" for name in ("black", "ruff"))


def _ruff(texts: Mapping[str, str]) -> dict[str, str | FormatError]:
    if not texts:
        return {}
    from ruff import find_ruff_bin  # type: ignore[import-untyped]

    with tempfile.TemporaryDirectory(prefix="skillmatrix-") as staging:
        paths = {model_type: Path(staging, f"skill_{number}.py") for number, model_type in enumerate(texts)}
        for model_type, path in paths.items():
            path.write_bytes(texts[model_type].encode())
        command = [
            *(find_ruff_bin(), "check", "--isolated", "--no-cache", "--fix", "--exit-zero", "--output-format=json"),
            *(f"--line-length={LINE_LENGTH}", "--target-version=py311", f"--select={','.join(RULES)}"),
            # Black holds the length of code; docstrings and headers are as long as the names in them.
            *("--ignore=E501", "--config=lint.isort.known-first-party=['harness']", staging),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"ruff ended with {done.returncode}: {done.stderr.strip()}")
        findings: dict[str, str] = {}
        for item in json.loads(done.stdout):
            name = Path(item["filename"]).name
            findings.setdefault(
                name,
                f"line {item['location']['row']}: ruff finds {item['code'] or 'a syntax error'}: {item['message']}",
            )
        return {
            model_type: (
                FormatError(model_type, findings[path.name]) if path.name in findings else path.read_bytes().decode()
            )
            for model_type, path in paths.items()
        }


def _black(model_type: str, text: str) -> str | FormatError:
    import black
    from black.parsing import InvalidInput

    try:
        formatted: str = black.format_str(text, mode=_mode())
        # Black alone would compare the syntax trees here too; the structure stage compares what they state.
        if formatted != text and black.format_str(formatted, mode=_mode()) != formatted:
            return FormatError(model_type, "black does not agree with itself on a second pass")
    except InvalidInput as error:
        return FormatError(model_type, f"black cannot read it: {error}")
    return formatted


@lru_cache
def _mode() -> Mode:
    from black.mode import Mode, TargetVersion

    versions = {TargetVersion.PY311, TargetVersion.PY312, TargetVersion.PY313}
    return Mode(line_length=LINE_LENGTH, target_versions=versions)
