"""``python -m harness.hardware [NAME...]``: which hardwares are here, and why the others are not.

Exit code 0 if all that were named (or any, if none was) are here, 3 if one is not, 2 for a wrong name.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from tabulate import tabulate

from harness.hardware import UnknownHardwareError, hardware, names

UNAVAILABLE = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; the exit code is as the module says."""
    parser = argparse.ArgumentParser(prog="python -m harness.hardware", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="hardwares to ask for; all if none is given")
    parser.add_argument(
        "--json", action="store_true", help="print JSON: name to the reason why it is not here, or null"
    )
    options = parser.parse_args(arguments)
    try:
        answers = {name: hardware(name).probe() for name in options.names or names()}
    except UnknownHardwareError as error:
        parser.error(str(error))
    if options.json:
        sys.stdout.write(json.dumps(answers) + "\n")
    else:
        rows = [(name, "here" if reason is None else reason) for name, reason in answers.items()]
        sys.stdout.write(tabulate(rows, headers=("hardware", "state")) + "\n")
    wanted = all if options.names else any
    return 0 if wanted(reason is None for reason in answers.values()) else UNAVAILABLE


if __name__ == "__main__":
    raise SystemExit(main())
