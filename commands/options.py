"""The options behind ``nox -s test_HARDWARE --``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial

from commands.environments import Environment
from commands.releases import no_release, refused

__all__ = ["other_release", "parser"]


def other_release(environment: Environment, arguments: Sequence[str]) -> str | None:
    """The release that these arguments ask for, if it is not the environment's own."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--transformers", nargs="?")
    release: str | None = parser.parse_known_args([item for item in arguments if item != "--"])[0].transformers
    return None if release == environment.release else release


def parser(environment: Environment) -> argparse.ArgumentParser:
    """The parser of the options of a hardware's session."""
    made = argparse.ArgumentParser(
        prog=f"nox -s {environment.session} --",
        description=f"Run skills on {environment.hardware}, record every cell, and update the reports.",
        epilog="The session fails, after the reports are updated, if any cell neither passes nor fails as expected/ says; "
        "its last line has the exit code of pytest: 1 for another failure, 3 for cells that could not be run, 10 where "
        "expected/ is out of date. Without the device it is skipped, and each cell is recorded as unavailable.",
        allow_abbrev=False,
    )
    which = made.add_mutually_exclusive_group()
    which.add_argument("--all", action="store_true", help="every skill there is (the default)")
    which.add_argument("--tier", choices=("critical", "high", "medium", "long-tail"), help="the skills of one tier")
    which.add_argument(
        "--model", action="append", default=[], metavar="NAME", help="one skill, by any of its names; repeatable"
    )
    made.add_argument(
        "--plugin",
        action="append",
        default=[],
        metavar="PACKAGE",
        help="a package with architectures of its own, whose skills are run where nothing else is asked for; repeatable",
    )
    made.add_argument(
        "--plugin-from",
        action="append",
        default=[],
        metavar="WHAT",
        help="what pip installs a plugin from that is not installed where Nox runs: a folder, a wheel or a requirement",
    )
    made.add_argument(
        "--transformers",
        type=partial(_release, environment),
        metavar="X.Y.Z",
        help=f"a release other than {environment.release}: an environment, skills and reports of its own",
    )
    made.add_argument("--head", choices=("primary", "all"), default="all", help="which heads (default: all)")
    made.add_argument("--check", action="append", default=[], metavar="NAME", help="only this check; repeatable")
    made.add_argument(
        "--size", choices=("small", "medium"), help="what is timed at: the check benchmark-SIZE, for which it stands"
    )
    made.add_argument("--dtype", action="append", default=[], metavar="NAME", help="only this dtype; repeatable")
    made.set_defaults(device=None, route=None)
    for choice in environment.choices:
        made.add_argument(
            choice.option, dest=choice.part, metavar=choice.metavar, help=f"{choice.what}; it has cells of its own"
        )
    made.add_argument("--run", metavar="ID", help="id of the run (default: the time and six random digits)")
    made.add_argument(
        "--jobs",
        type=_positive,
        metavar="N",
        help=f"worker processes (default: {environment.jobs or 'one a core, no more than skills'})",
    )
    made.add_argument("--timeout", type=float, metavar="S", help="seconds that a cell may take (default: 300)")
    made.add_argument("--prepare", action="store_true", help="make the environment, and run nothing in it")
    made.add_argument("--require-hardware", action="store_true", help="fail, not skip, where there is no device")
    return made


def _release(environment: Environment, text: str) -> str:
    if why := no_release(text) or refused(environment, text):
        raise argparse.ArgumentTypeError(why)
    return text


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of workers; give 1 or more")
    return int(text)
