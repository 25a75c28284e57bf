"""Raw samples of measurements, beside the records of a run: JSON lines, one writer a file; nothing here reads them back."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["FOLDER", "keep"]

FOLDER = "samples"
"""Below the run's folder, whose own lines are records."""


def keep(run: Path, cell: str, samples: Mapping[str, Sequence[float]]) -> Path:
    """Append what a cell measured, a line for each name: ``{"cell": …, "name": "latency", "seconds": [0.0012, …]}``."""
    folder = run / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{os.getpid()}.jsonl"
    with path.open("a", encoding="utf-8") as lines:
        for name, seconds in samples.items():
            lines.write(json.dumps({"cell": cell, "name": name, "seconds": list(seconds)}) + "\n")
    return path
