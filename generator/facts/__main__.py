"""Prints the facts of the installed transformers as JSON: ``python -m generator.facts``."""

from __future__ import annotations

import sys

from generator.facts.record import to_json
from generator.facts.store import of_installed

if __name__ == "__main__":
    sys.stdout.write(to_json(of_installed()))
