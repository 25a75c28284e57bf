"""How fast is it: latency, throughput, time to the first token and for each after it, memory; measured, and not judged.

``benchmark`` measures the tiny model, of which most is dispatch; ``benchmark-small`` and ``benchmark-medium`` the same head made wide
(``harness.sizes``), with random weights. torch has its own settings there, as people run it, and not those that make numbers
comparable. A run is compared with another by whoever reads both: without a baseline there is nothing to fail by, so that the
verdict on ``speed`` is that it was measured.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.checks.generation import arguments, drawn
from harness.checks.protocol import Check, Outcome, always
from harness.hardware import Runner, UnsupportedError, generator
from harness.session import Session, Subject
from harness.sizes import SIZES, wider
from harness.timing import Memory, interval, median, sampled

if TYPE_CHECKING:
    import torch

    from harness.hardware import Generator

Metrics = dict[str, float | int | str]

TINY = "tiny"


def run(session: Session, size: str = TINY) -> Outcome:
    """Measures; fails only as running does. A head that cannot be made so wide is unavailable in that size."""
    memory = Memory()
    subject = session.subject
    if size != TINY:
        subject, refusals = _wide(session, size)
        if refusals:
            return Outcome("unavailable", f"there is no {size} one of it to time: {'; then, '.join(refusals)}")
    model, inputs = subject.model, subject.inputs
    session.at("prepare")
    runner = session.hardware.prepare(model, inputs, session.dtype, subject.call)
    session.run(inputs, runner)
    session.at("run")
    metrics: Metrics = {"size": size, "parameters": sum(item.numel() for item in model.parameters()), **_threads()}
    samples: dict[str, Sequence[float]] = {"latency": _latencies(runner, inputs)}
    metrics |= _summary("latency", samples["latency"])
    rows = subject.head.batch
    metrics |= {"rows": rows, "throughput_per_second": rows / median(samples["latency"])}
    if subject.head.generation is not None:
        metrics |= _generation(session, subject, runner, samples)
    metrics |= _memory(runner, memory)
    return Outcome("passed", metrics={**runner.facts, **metrics}, samples=samples)


def _wide(session: Session, size: str) -> tuple[Subject, list[str]]:
    """The head at a size, as it builds and runs on the CPU, or why not by each rule."""
    refusals: list[str] = []
    seed, tiny = session.subject.seed, sum(item.numel() for item in session.subject.model.parameters())
    for head in wider(session.subject.skill, session.head, size):
        subject = Subject(session.subject.skill, head, seed)
        try:
            subject.runner.run(subject.inputs, seed)
        # A model says in all sorts of errors that its sizes do not fit each other.
        except Exception as error:  # noqa: BLE001
            refusals.append(f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:200])
            continue
        count = sum(item.numel() for item in subject.model.parameters())
        if count >= SIZES[size] * tiny:
            return subject, []
        refusals.append(f"its fields made {SIZES[size]} times as wide give {count / tiny:.1f} times the parameters")
    return session.subject, refusals


def _latencies(runner: Runner, inputs: Mapping[str, torch.Tensor]) -> list[float]:
    """Seconds of each inference: bare where the runner has a way to repeat it, else with what surrounds its ``run``."""
    repeating = getattr(runner, "repeating", None)
    bare = contextlib.nullcontext(partial(runner.run, inputs)) if repeating is None else repeating(inputs)
    with bare as call:
        return sampled(call, runner.synchronize)


def _generation(session: Session, subject: Subject, runner: Runner, samples: dict[str, Sequence[float]]) -> Metrics:
    """Time to the first token, and for each after it: of one token, and of as many as the skill asks for."""
    method, options, given = arguments(subject.head, drawn(session, 0))
    tokens = options.get("max_new_tokens", 1)
    if method != "generate" or tokens < 2:
        return {"generation": f"not timed: its {method} has no count of tokens that could be one and more"}
    try:
        made = generator(session.hardware, subject.model, session.dtype, lambda: runner)
        for name, count in (("first_token", 1), ("all_tokens", tokens)):
            length = {"max_new_tokens": count, "min_new_tokens": count}
            samples[name] = sampled(partial(_generate, made, given, {**options, **length}), lambda: None)
    except UnsupportedError as error:
        return {"generation": f"not timed: {str(error).splitlines()[0]}"}
    first, whole = median(samples["first_token"]), median(samples["all_tokens"])
    rest: Metrics = {"token_seconds": (whole - first) / (tokens - 1), "tokens": tokens}
    return {**_summary("first_token", samples["first_token"]), **rest}


def _generate(made: Generator, given: Mapping[str, torch.Tensor], options: Mapping[str, Any]) -> None:
    made.generate(given, options)


def _summary(name: str, samples: Sequence[float]) -> Metrics:
    low, high = interval(samples)
    return {
        f"{name}_seconds": median(samples),
        f"{name}_seconds_low": low,
        f"{name}_seconds_high": high,
        f"{name}_samples": len(samples),
    }


def _memory(runner: Runner, memory: Memory) -> Metrics:
    """The device's own count, or else how far the process grew, told as that."""
    if (peak := runner.peak_memory()) is not None:
        return {"peak_memory_bytes": peak}
    grown = memory.growth()
    return {} if grown is None else {"process_growth_bytes": grown}


def _threads() -> Metrics:
    import torch

    return {"threads": torch.get_num_threads()}


CHECK = Check("benchmark", "How fast is it?", "speed", always, run, compiled=True, extra=True)

SIZED = tuple(
    Check(
        f"benchmark-{size}",
        f"How fast is it, made wide ({size})?",
        "speed",
        always,
        partial(run, size=size),
        compiled=True,
        extra=True,
    )
    for size in SIZES
)
"""The same at other sizes, as cells of their own."""
