"""Does greedy generation give the same with a cache as without (of what was compiled: as on the CPU), and does it follow
the inputs?

``Head.generation`` holds the arguments of the call, and may hold four keys that are for this check: ``method``, the
name of a model's own generating method; ``cache``, False where there is no cache to go without; ``inputs``, the names
of the inputs to hand over where not all are taken; and ``fed``, inputs that only this method takes, by name, each as its
class in ``harness.inputs`` and the arguments of that.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness import inputs as declared
from harness.checks.protocol import Check, Outcome, passed
from harness.checks.vacuity import NOTICEABLE
from harness.comparison import difference, identical
from harness.inputs import Tokens, draw
from harness.outputs import named
from harness.tolerances import tolerance

if TYPE_CHECKING:
    import torch

    from harness.hardware import Generator
    from harness.session import Session
    from harness.skill import Head


@dataclass(frozen=True)
class Generated:
    """What one call of the generating method gave, on the CPU."""

    sequences: torch.Tensor
    """Token ids without the prompt (rows, new tokens), or whatever the method makes: a waveform, an image."""
    logits: tuple[torch.Tensor, ...]
    """Unprocessed scores (rows, vocabulary) of each step; empty where the method does not give them."""


def applicable(head: Head) -> str | None:
    """There must be something that generates."""
    return "it does not generate" if head.generation is None else None


def run(session: Session) -> Outcome:
    """With a cache against without, or, where there is none to go without, twice; then with other inputs.

    What was compiled is held against the CPU in float32 instead, with other inputs too: those that it was compiled with would
    not show a constant, nor a first call a cache that the next one finds still full.
    """
    generation = session.head.generation or {}
    cached = bool(generation.get("cache", generation.get("method", "generate") == "generate"))
    cache = True if cached else None
    inputs, others = drawn(session, 0), drawn(session, 1)
    compiled = not session.hardware.module
    wanted = _generate(session, session.subject.generator, inputs, use_cache=cache) if compiled else None
    first = _generate(session, session.generator, inputs, use_cache=cache)
    second = wanted or _generate(session, session.generator, inputs, use_cache=False if cached else None)
    session.at("compare")
    against = "against the CPU in float32" if compiled else "without a cache" if cached else "in a second run"
    metrics: dict[str, float | int | str] = {"elements": first.sequences.numel(), **session.generator.facts}
    if first.sequences.numel() == 0:
        return Outcome("vacuous", "it generated nothing", metrics)
    if reason := _differs(session, first, second, metrics):
        return Outcome("failed", f"{against} it {reason}", metrics)
    other = _generate(session, session.generator, others, use_cache=cache)
    session.at("compare")
    metrics |= session.generator.facts
    if not _follows(first, other):
        return Outcome("vacuous", "what it generates does not follow the inputs", metrics)
    if not compiled:
        return passed(metrics)
    wanted = _generate(session, session.subject.generator, others, use_cache=cache)
    session.at("compare")
    if reason := _differs(session, other, wanted, metrics):
        return Outcome("failed", f"right for the first inputs; for others after them, {against} it {reason}", metrics)
    return passed(metrics)


def drawn(session: Session, more: int) -> dict[str, torch.Tensor]:
    """All that the method may be handed, drawn by the seed and as much more."""
    fed = (session.head.generation or {}).get("fed", {})
    only = {name: getattr(declared, kind)(**arguments) for name, (kind, arguments) in fed.items()}
    return draw({**session.head.inputs, **only}, session.subject.seed + more)


def arguments(head: Head, inputs: Mapping[str, torch.Tensor]) -> tuple[str, dict[str, Any], dict[str, torch.Tensor]]:
    """The method that generates, its keyword arguments for a greedy answer of the declared length, and of the inputs those that
    it takes."""
    options = dict(head.generation or {})
    method, fed = options.pop("method", "generate"), options.pop("fed", {})
    names = {*options.pop("inputs", inputs), *fed}
    options.pop("cache", None)
    if method == "generate":
        plain = {"do_sample": False, "num_beams": 1, "return_dict_in_generate": True, "output_logits": True}
        length = {"min_new_tokens": options["max_new_tokens"]} if "max_new_tokens" in options else {}
        options = {**plain, **length, **_never(head), **options}
    return method, options, {name: tensor for name, tensor in inputs.items() if name in names}


def _generate(
    session: Session, made: Generator, inputs: Mapping[str, torch.Tensor], use_cache: bool | None
) -> Generated:
    method, options, given = arguments(session.head, inputs)
    if use_cache is not None:
        options["use_cache"] = use_cache
    session.at("run")
    model = getattr(made, "model", None)
    with _overheard(model) as steps:
        result = made.generate(given, options, method, session.subject.seed)
    sequences, logits = _parts(result)
    if made is session.generator:
        session.verify(str(sequences.device) if session.hardware.module else made.executed_on())
    sequences = sequences.detach().cpu()
    for prompt in (inputs[name] for name in ("decoder_input_ids", "input_ids") if name in inputs):
        if sequences.ndim == prompt.ndim and identical(_head(sequences, prompt), prompt):
            sequences = sequences[:, prompt.shape[1] :]
            break
    return Generated(sequences, tuple(step.detach().float().cpu() for step in logits or steps))


@contextlib.contextmanager
def _overheard(model: Any) -> Iterator[list[torch.Tensor]]:
    """The logits of each step as the model's own forward gives them, for methods that answer with tokens alone
    (transducers): of random weights a few tokens may be the same whatever was heard. None where there is no module."""
    steps: list[torch.Tensor] = []
    if model is None:
        yield steps
        return

    def listen(_model: Any, _inputs: Any, output: Any) -> None:
        logits = getattr(output, "logits", None)
        if logits is not None and logits.ndim > 1:
            steps.append(logits[:, -1])

    handle = model.register_forward_hook(listen)
    try:
        yield steps
    finally:
        handle.remove()


def _never(head: Head) -> dict[str, list[int]]:
    """Tokens that stand in a prompt for an image or a sound: a trained model does not write them, and one that does
    has fewer features than places for them."""
    prompt = head.inputs.get("input_ids")
    tokens = sorted({token for token, _, _ in prompt.runs}) if isinstance(prompt, Tokens) else []
    return {"suppress_tokens": tokens} if tokens else {}


def _parts(result: Any) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
    import torch

    if isinstance(result, torch.Tensor):
        return result, ()
    sequences = getattr(result, "sequences", None)
    if isinstance(sequences, torch.Tensor):
        logits = getattr(result, "logits", None)
        if isinstance(logits, torch.Tensor):  # of all frames at once, as a CTC head gives them
            return sequences, tuple(logits.unbind(1))
        return sequences, tuple(logits or ())
    tensors = named(result)
    if not tensors:
        raise TypeError(f"the generating method gave a {type(result).__name__} without tensors")
    return tensors.get("sequences", next(iter(tensors.values()))), ()


def _head(sequences: torch.Tensor, prompt: torch.Tensor) -> torch.Tensor:
    return sequences[:, : prompt.shape[1]] if sequences.ndim > 1 else sequences


def _differs(
    session: Session, first: Generated, second: Generated, metrics: dict[str, float | int | str]
) -> str | None:
    """What differs, in a few words. Tokens may part only where the steps' logits agree, and so leave a tie."""
    bound = tolerance(session.hardware.name, session.dtype, "generation").rel_max
    metrics["tolerance"] = bound
    if first.sequences.shape != second.sequences.shape:
        return f"gives shape {tuple(second.sequences.shape)} instead of {tuple(first.sequences.shape)}"
    if first.sequences.is_floating_point():
        found = difference(second.sequences, first.sequences)
        metrics |= found.metrics()
        return f"differs by {found.rel_max:.1e} of its scale" if found.rel_max > bound else None
    same = identical(first.sequences, second.sequences)
    # Where the tokens part the steps after that have other inputs, and say nothing.
    steps = _common_steps(first.sequences, second.sequences)
    worst = 0.0
    for left, right in list(zip(second.logits, first.logits, strict=False))[:steps]:
        worst = max(worst, difference(left, right).rel_max)
    if first.logits:
        metrics["rel_max"] = worst
    if worst > bound:
        return f"gives logits that differ by {worst:.1e} of their scale, over {bound:.0e}"
    if not same and not first.logits:
        return "gives other tokens"
    if not same:
        metrics["ties"] = 1
    return None


def _common_steps(first: torch.Tensor, second: torch.Tensor) -> int:
    """Steps up to the first that chose differently, that one included."""
    apart = (first != second).flatten(0, -2).any(0) if first.ndim > 1 else first != second
    return int(apart.nonzero()[0]) + 1 if bool(apart.any()) else first.shape[-1]


def _follows(first: Generated, other: Generated) -> bool:
    """Whether other inputs gave other tokens, or, where a short answer happens to be the same, other logits."""
    if first.sequences.shape != other.sequences.shape or not identical(first.sequences, other.sequences):
        return True
    pairs = zip(first.logits, other.logits, strict=False)
    return any(difference(left, right).rel_max > NOTICEABLE for left, right in pairs)


CHECK = Check(
    "generation",
    "Does it generate the same with and without a cache?",
    "matches",
    applicable,
    run,
    compiled=True,
    costly=True,
)
