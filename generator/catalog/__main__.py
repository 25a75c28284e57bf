"""Takes wheels of transformers into the table of which release has which types: ``python -m generator.catalog WHEEL...``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from generator.catalog import history

if __name__ == "__main__":
    table = history.grown(dict(history.wheel(Path(name)) for name in sys.argv[1:]))
    history.TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
