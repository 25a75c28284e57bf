"""How fast the road is: each figure beside the bound it is held to, with the machine that gave it.

Ratios and seconds of CPU, so that a busy machine gives the same answer; seconds of wall time only where a bound is
one. Not a test: nothing here fails a build.

    python -m benchmarks.measure [--repeat N] [FIGURE ...]
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from tabulate import tabulate

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
TIER = "critical"


@dataclass(frozen=True)
class Figure:
    """One thing measured."""

    name: str
    """What was measured."""
    command: str
    """How to measure it again."""
    samples: tuple[float, ...]
    """Each repetition, in ``unit``."""
    unit: str
    """``CPU s`` (user and system, children included), ``s`` (wall) or ``x`` (a ratio)."""
    bound: float | None
    """What the median must stay under; None for a figure that is there to compare."""
    note: str = ""
    """What the figure is made of."""

    @property
    def median(self) -> float:
        """The middle sample."""
        return statistics.median(self.samples)


def _cpu() -> float:
    """Seconds of CPU of this process and of those of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _spend(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of CPU and of wall time that a piece of work takes."""
    cpu, wall = _cpu(), time.perf_counter()
    work()
    return _cpu() - cpu, time.perf_counter() - wall


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Environment variables for the commands that are started meanwhile."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _call(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)


def _command(name: str, bound: float, repeat: int, *arguments: str, wall: bool = False) -> Figure:
    _call(*arguments)  # the first call may fill a cache, and is not what is measured
    samples = tuple(_spend(lambda: _call(*arguments))[wall] for _ in range(repeat))
    return Figure(name, f"python -m {' '.join(arguments)}", samples, "s" if wall else "CPU s", bound)


def start(repeat: int) -> list[Figure]:
    """Both command lines, doing nothing but say what they know."""
    return [
        _command("invoke --list", 0.5, repeat, "invoke", "--list"),
        _command("nox -l", 0.5, repeat, "nox", "-l"),
    ]


def generate(repeat: int) -> list[Figure]:
    """One model, with a warm catalogue."""
    name = "generate one model, warm"
    return [_command(name, 1.5, repeat, "invoke", "generate", "--model", "gpt-j", wall=True)]


def noop(repeat: int) -> list[Figure]:
    """A tier, and everything, when all skills are as they would be generated."""
    name = f"generate --tier {TIER}, nothing to do"
    return [
        _command(name, 1.0, repeat, "invoke", "generate", "--tier", TIER, wall=True),
        _command("generate --all, nothing to do", 2.0, repeat, "invoke", "generate", "--all", wall=True),
    ]


def catalogue(repeat: int) -> list[Figure]:
    """The catalogue of the whole of transformers, made anew."""
    again = "from generator.catalog import load; load(refresh=True)"

    def once() -> None:
        subprocess.run([sys.executable, "-c", again], cwd=ROOT, check=True)

    samples = tuple(_spend(once)[0] for _ in range(repeat))
    return [Figure("the catalogue, made anew", f'python -c "{again}"', samples, "CPU s", 60.0)]


def road(repeat: int) -> list[Figure]:
    """Rendering, formatting and the four static stages of validation, against black alone on the same texts."""
    import black

    from generator import catalog, postprocess, validation
    from generator.assemble import specs as assembled
    from generator.rendering import render
    from generator.spec import SkillSpec

    known = catalog.load()
    specs = [spec for spec in assembled(known.architectures(TIER), known) if isinstance(spec, SkillSpec)]
    rendered = {spec.model_type: render(spec) for spec in specs}
    versions = {black.TargetVersion.PY311, black.TargetVersion.PY312, black.TargetVersion.PY313}
    mode = black.Mode(line_length=postprocess.LINE_LENGTH, target_versions=versions)

    def whole() -> None:
        final = postprocess.format_batch({spec.model_type: render(spec) for spec in specs})
        for spec in specs:
            text = final[spec.model_type]
            if isinstance(text, Exception):
                raise text
            validation.static(text, spec.model_type, known, spec)

    def alone(fast: bool) -> None:
        for text in rendered.values():
            black.format_file_contents(text, fast=fast, mode=mode)

    def ratios(fast: bool) -> tuple[float, ...]:
        # One after the other, so that whatever else the machine does weighs on both.
        return tuple(_spend(whole)[0] / _spend(lambda: alone(fast))[0] for _ in range(repeat))

    whole()
    alone(fast=False)
    note = f"{len(specs)} skills of the {TIER} tier; CPU, ruff's processes included"
    again = "python -m benchmarks.measure road"
    return [
        Figure("render, format, validate / black", again, ratios(fast=False), "x", 1.3, note),
        Figure(
            "render, format, validate / black --fast",
            again,
            ratios(fast=True),
            "x",
            None,
            f"{note}; black --fast leaves out its own checks, and is here to compare",
        ),
    ]


def whole(repeat: int) -> list[Figure]:
    """All skills from their specs to the disk, on every core, against the black command with its workers."""
    from benchmarks import cold
    from generator import catalog
    from generator.rendering import render

    found = cold.specs(ROOT / "skills", catalog.load())
    with tempfile.TemporaryDirectory(prefix="skillmatrix-") as scratch:
        place = Path(scratch)
        cold.keep(found, place / "specs")
        # The settings that the formatter takes, as black's command reads them: from the file above what it is given.
        shutil.copy(ROOT / "pyproject.toml", place)

        def ours() -> None:
            shutil.rmtree(place / "skills", ignore_errors=True)
            _call("benchmarks.cold", str(place / "specs"), str(place / "skills"))

        def blacks() -> None:
            shutil.rmtree(place / "black", ignore_errors=True)
            (place / "black").mkdir()
            for spec in found:
                (place / "black" / f"{spec.module}.py").write_text(render(spec))

        def ratio() -> float:
            # One after the other, so that whatever else the machine does weighs on both; cold each time.
            mine = _spend(ours)[1]
            blacks()
            with _environment(BLACK_CACHE_DIR=str(place / "cache")):
                theirs = _spend(lambda: _call("black", "--quiet", str(place / "black")))[1]
            shutil.rmtree(place / "cache", ignore_errors=True)
            return mine / theirs

        ratio()
        samples = tuple(ratio() for _ in range(repeat))
    return [
        Figure(
            "all skills, rendered to published / black with its workers",
            "python -m benchmarks.measure whole",
            samples,
            "x",
            1.3,
            f"{len(found)} skills; wall time of two commands, each from its start, on {os.cpu_count()} cores",
        )
    ]


def sweep(repeat: int) -> list[Figure]:
    """The tier's skills on the CPU, all heads and checks, in an environment that is there already."""
    arguments = ("nox", "-s", "test_cpu", "--", "--tier", TIER)
    _call("nox", "-s", "test_cpu", "--", "--model", "gpt-j")
    samples = tuple(_spend(lambda: _call(*arguments))[1] for _ in range(repeat))
    return [Figure(f"cpu sweep, {TIER} tier", f"python -m {' '.join(arguments)}", samples, "s", 90.0)]


FIGURES: dict[str, Callable[[int], list[Figure]]] = {
    "start": start,
    "generate": generate,
    "noop": noop,
    "road": road,
    "whole": whole,
    "catalog": catalogue,
    "sweep": sweep,
}


def _machine() -> dict[str, str]:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    distributions = ("black", "ruff", "torch", "transformers")
    return {
        "taken": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "cpu": models[0] if models else platform.machine(),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in distributions},
    }


def _table(figures: list[Figure]) -> str:
    rows = [
        (
            figure.name,
            f"{figure.median:.2f} {figure.unit}",
            f"{min(figure.samples):.2f} to {max(figure.samples):.2f}",
            "" if figure.bound is None else f"{figure.bound:g} {figure.unit}",
            f"`{figure.command}`",
        )
        for figure in figures
    ]
    return tabulate(
        rows, headers=("what", "median", "samples", "bound", "again"), tablefmt="github", disable_numparse=True
    )


def _write(figures: list[Figure], machine: dict[str, str]) -> None:
    facts = "\n".join(f"- {name}: {value}" for name, value in machine.items())
    notes = "\n".join(f"- {figure.name}: {figure.note}." for figure in figures if figure.note)
    text = f"# Speed\n\nWritten by `python -m benchmarks.measure`.\n\n{_table(figures)}\n\n{notes}\n\n{facts}\n"
    document = {"machine": machine, "figures": [asdict(figure) for figure in figures]}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "speed.json").write_text(json.dumps(document, indent=1) + "\n")
    (RESULTS / "speed.md").write_text(text)


def main() -> int:
    """Measure and print; keep the results if all was measured; exit code 1 if a median is over its bound."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measure", description=__doc__.partition("\n")[0])
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=f"one of: {', '.join(FIGURES)} (default: all)")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="samples of each (default: 5)")
    options = parser.parse_args()
    unknown = sorted(set(options.figures) - set(FIGURES))
    if unknown:
        parser.error(f"nothing is called {unknown[0]!r}; there are: {', '.join(FIGURES)}")
    figures = [figure for name in options.figures or FIGURES for figure in FIGURES[name](options.repeat)]
    sys.stdout.write(_table(figures) + "\n")
    if not options.figures:
        _write(figures, _machine())
    return int(any(figure.bound is not None and figure.median > figure.bound for figure in figures))


if __name__ == "__main__":
    raise SystemExit(main())
