"""Is what the attention mask hides unseen?

Other tokens are put where the mask hides them, and nothing may change at the tokens that it does not hide. ``vacuity`` asks
only whether anything follows the mask: a mask that one layer of several ignores shows here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from harness.checks.protocol import Check, Outcome, passed
from harness.comparison import difference
from harness.hardware import UnsupportedError
from harness.inputs import Booleans, Mask, Tokens
from harness.tolerances import tolerance

if TYPE_CHECKING:
    import torch

    from harness.session import Session
    from harness.skill import Head

_FEW = 2
"""Tokens of a row that are hidden."""
_MASKS = {"attention_mask": "input_ids", "decoder_attention_mask": "decoder_input_ids"}
"""Masks, each with the tokens that it may hide."""


def applicable(head: Head) -> str | None:
    """It must take tokens with a mask, and give something for each of them."""
    if head.steps or head.method != "forward":
        return "it is not asked by its forward"
    masks = dict(_masked(head))
    if not masks:
        return "it takes no tokens with an attention mask"
    if all(mask.leaks for mask, _ in masks.values()):
        return "what its mask hides is seen by other ways than attention, as its notes say"
    if not any(_told(head, tokens) for mask, tokens in masks.values() if not mask.leaks):
        return "it gives nothing token by token"
    return None


def run(session: Session) -> Outcome:
    """Fails on the first mask under which something is seen; vacuous where the tokens cannot be seen without it either."""
    told = {output for _, (_, tokens) in _masked(session.head) for output in _told(session.head, tokens)}
    if not session.given(dict.fromkeys(told)):
        raise UnsupportedError(f"of what it gives token by token {session.hardware.name} gives nothing")
    bound = tolerance(session.hardware.name, session.dtype, "masking").rel_max
    metrics: dict[str, float | int | str] = {"tolerance": bound}
    largest = 0.0
    for name, (mask, tokens) in _masked(session.head):
        if mask.leaks or not _told(session.head, tokens):
            continue
        seen = []
        for side, columns in _sides(session.head, tokens).items():
            hidden = {item: tensor.clone() for item, tensor in session.inputs.items()}
            hidden[name][:, columns] = 0
            worst = _change(session, hidden, (_MASKS[name], tokens), columns)
            metrics[f"change_by_{side}_of_{_MASKS[name]}"] = worst[1]
            metrics["rel_max"] = largest = max(largest, worst[1])
            if worst[1] > bound:
                return Outcome(
                    "failed",
                    f"{_MASKS[name]} that {name} hides, the {side} {_FEW}, change {worst[0]} by {worst[1]:.1e} of its scale",
                    metrics,
                )
            seen.append(_change(session, session.inputs, (_MASKS[name], tokens), columns)[1])
        if max(seen) <= bound:  # a token that is seen would not show
            return Outcome("vacuous", f"no token is seen by another, whatever {name} is", metrics)
    return passed(metrics)


def _masked(head: Head) -> Iterator[tuple[str, tuple[Mask, Tokens]]]:
    for name, hides in _MASKS.items():
        mask, tokens = head.inputs.get(name), head.inputs.get(hides)
        if (
            isinstance(mask, Mask)
            and isinstance(tokens, Tokens)
            and mask.shape == tokens.shape
            and len(mask.shape) == 2
        ):
            yield name, (mask, tokens)


def _sides(head: Head, tokens: Tokens) -> dict[str, list[int]]:
    """Columns that are hidden, one side at a time: what is causal sees nothing that comes later, masked or not. A
    placeholder must stand where it stands."""
    placed = {column for _, start, count in tokens.runs for column in range(start, start + count)}
    for item in head.inputs.values():
        if isinstance(item, Booleans) and item.shape == tokens.shape:  # where features take the place of tokens
            placed |= set(range(item.true))
    drawn = [column for column in range(tokens.shape[1]) if column not in placed]
    return {"first": drawn[:_FEW], "last": drawn[-_FEW:]}


def _told(head: Head, tokens: Tokens) -> list[str]:
    """Outputs with a place for each token, or for each of those that a decoder was given beside them."""
    rows = tokens.shape[0]
    lengths = {tokens.shape[1], *(item.shape[1] for name, item in head.inputs.items() if name == "decoder_input_ids")}
    return [
        name
        for name, (shape, dtype) in head.outputs.items()
        if dtype.startswith("float") and len(shape) > 1 and shape[0] == rows and shape[1] in lengths
    ]


def _change(
    session: Session, inputs: Mapping[str, torch.Tensor], drawn: tuple[str, Tokens], columns: list[int]
) -> tuple[str, float]:
    """The output that follows other tokens in these columns most, and by how much of its scale."""
    name, tokens = drawn
    other = inputs[name].clone()
    # Another token for each, whichever it was.
    span = tokens.high - tokens.low
    other[:, columns] = tokens.low + (other[:, columns] - tokens.low + max(span // 3, 1)) % span
    before, after = session.run(inputs), session.run({**inputs, name: other})
    kept = [place for place in range(tokens.shape[1]) if place not in columns]
    moved = {}
    for output in session.given(dict.fromkeys(_told(session.head, tokens))):
        one, two = before.get(output), after.get(output)
        if one is None or two is None or one.shape != two.shape:
            return output, 1.0
        if one.shape[1] == tokens.shape[1]:
            one, two = one[:, kept], two[:, kept]
        moved[output] = difference(two, one).rel_max
    return max(moved.items(), key=lambda item: item[1])


CHECK = Check("masking", "Is what the attention mask hides unseen?", "matches", applicable, run, compiled=True)
