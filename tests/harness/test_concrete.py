"""A head that computes with what its tensors hold: its graph is right for inputs of which it reads the same, and refuses
others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch

from harness.call import Call
from harness.hardware import UnsupportedError
from harness.hardware.concrete import concrete
from harness.hardware.onnxruntime import OnnxRuntime
from harness.hardware.openvino import OpenVino
from harness.hardware.routes import Asked, InapplicableError
from harness.hardware.settled import Settled

Tensors = dict[str, torch.Tensor]


class Head(torch.nn.Module):
    """A head that does with its inputs what it is told."""

    def __init__(self, does: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.does = does
        self.weight = torch.nn.Parameter(torch.ones(6))

    def forward(self, **inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"answer": self.does(**inputs, weight=self.weight)}


def asked(does: Callable[..., torch.Tensor], inputs: Mapping[str, torch.Tensor]) -> Asked:
    return Asked.of(Head(does).eval(), Call(), inputs)


def images(pixels: torch.Tensor, grid: torch.Tensor, mask: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Positions as Qwen2-VL makes them: by Python, of grids and masks, and put where a mask says."""
    positions = torch.zeros(2, len(mask), 6)
    for row, (height, width) in enumerate(grid.tolist()):
        found = pixels[row][mask[row]] * weight[: height * width]
        positions[:, row, mask[row]] = torch.stack([found, found.cumsum(0) + width])
    return positions


PIXELS = torch.arange(12.0).reshape(2, 6) + 0.5
GRID = torch.tensor([[2, 2], [1, 4]])
MASK = torch.tensor([[1, 1, 0, 1, 1, 0], [0, 1, 1, 1, 0, 1]], dtype=torch.bool)
SAMPLE = {"pixels": PIXELS, "grid": GRID, "mask": MASK}
COMPILED = pytest.mark.parametrize("base", [OpenVino, OnnxRuntime])


def compiled(base: Any, does: Callable[..., torch.Tensor], inputs: Tensors) -> tuple[Any, Any]:
    """The runner of a head, and the head."""
    head = Head(does).eval()
    return base(route="concrete").prepare(head, inputs), head


@COMPILED
def test_a_graph_follows_its_inputs_and_its_masks(base: Any) -> None:
    runner, head = compiled(base, images, SAMPLE)
    for inputs in (SAMPLE, {**SAMPLE, "pixels": PIXELS.flip(1)}, {**SAMPLE, "mask": MASK.flip(1)}):
        torch.testing.assert_close(runner.run(inputs)["answer"], head(**inputs)["answer"])
    assert runner.facts["route"] == "concrete"


@COMPILED
@pytest.mark.parametrize(
    ("change", "read"),
    [
        ({"grid": GRID.flip(1)}, r"reads \[2, 2, 1, 4\], .* reads \[2, 2, 4, 1\]"),
        ({"mask": ~MASK}, "reads 4, .* reads 2"),
    ],
    ids=["grid", "mask"],
)
def test_inputs_of_which_something_else_is_read_are_refused(base: Any, change: Tensors, read: str) -> None:
    runner, _ = compiled(base, images, SAMPLE)
    with pytest.raises(UnsupportedError, match=f"the graph was made for inputs of which the head's code {read}"):
        runner.run({**SAMPLE, **change})


@pytest.mark.parametrize(
    "does",
    [
        lambda x, mask, **_: x[mask],
        lambda x, mask, **_: x[:, mask[0]],
        lambda x, mask, **_: x.masked_select(mask),
        lambda x, mask, **_: x * mask.nonzero().sum() + torch.stack(torch.where(mask)).sum(),
        lambda x, mask, **_: x.repeat_interleave(mask[0].long() + 1, dim=1),
        lambda x, mask, **_: x if torch.equal(mask, mask.clone()) and bool(mask.any()) else -x,
        lambda x, mask, **_: x * mask.sum().item() + int(mask[0].sum()) + torch.tensor(mask.numpy().sum()),
        lambda x, mask, **_: x.clone().index_put_((mask,), torch.tensor(7.0)),
        lambda x, mask, **_: x.clone().index_put(
            (mask[:, 2].long(), mask[:, 5].long()), torch.ones(2) * int(mask[0, 0]), accumulate=True
        ),
        lambda x, mask, **_: x
        * int(mask[0, 0])
        * ((mask.long() - 4) // 3 + (mask.long() - 6).div(torch.tensor(4), rounding_mode="floor")),
    ],
    ids=["mask", "partly", "select", "nonzero", "repeat", "decide", "number", "put", "add", "floor"],
)
def test_what_is_recorded_gives_what_the_head_gives(does: Callable[..., torch.Tensor]) -> None:
    inputs = {"x": PIXELS, "mask": MASK}
    question = asked(does, inputs)
    found = concrete(question)
    for x in (PIXELS, PIXELS.sin()):
        wanted = question.model(x=x, mask=MASK)["answer"]
        given = found.module(**dict(zip(found.inputs, (x, MASK), strict=True)))
        torch.testing.assert_close(given["answer"], wanted)
        for name, value in found.read.items():
            torch.testing.assert_close(given[name], value)


def written(x: torch.Tensor, n: torch.Tensor, **_: torch.Tensor) -> torch.Tensor:
    """Reads what was put together piece by piece, twice, and goes on writing into it."""
    sizes = torch.zeros(3, dtype=torch.long)
    sizes[0] = n[0]
    first = int(sizes.sum())
    before = sizes.tolist()
    sizes[:1] += n[1]
    after = sizes.tolist()
    sizes += 1
    return x * first + torch.tensor(before) + torch.tensor(after)


@COMPILED
def test_what_is_read_of_memory_that_is_written_into_is_what_was_there(base: Any) -> None:
    inputs = {"x": torch.ones(3), "n": torch.tensor([2, 5])}
    assert [value.tolist() for value in concrete(asked(written, inputs)).read.values()] == [2, [2, 0, 0], [7, 0, 0]]
    runner, head = compiled(base, written, inputs)
    torch.testing.assert_close(runner.run(inputs)["answer"], head(**inputs)["answer"])
    for other, read in (([3, 5], "reads 2, .* reads 3"), ([2, 4], r"reads \[7, 0, 0\], .* reads \[6, 0, 0\]")):
        with pytest.raises(UnsupportedError, match=read):
            runner.run({**inputs, "n": torch.tensor(other)})


def test_what_is_read_twice_is_looked_at_once() -> None:
    inputs = {"x": PIXELS, "n": torch.tensor([2, 5])}
    found = concrete(asked(lambda x, n, **_: x * sum(n.tolist()) + max(n.tolist()), inputs))
    assert [value.tolist() for value in found.read.values()] == [[2, 5]]


@pytest.mark.parametrize("places", [(0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (1, 2, 3), (0, 2, 3)])
def test_a_mixed_assignment_puts_what_torch_puts(places: tuple[int, ...]) -> None:
    def put(x: torch.Tensor, number: torch.Tensor, mask: torch.Tensor, **_: torch.Tensor) -> torch.Tensor:
        index: list[Any] = [slice(None)] * 4
        for place in places:
            index[place] = number
        index[places[-1]] = mask
        target = torch.zeros(2, 2, 2, 2)
        target[tuple(index)] = x[: target[tuple(index)].numel()].reshape(target[tuple(index)].shape)
        return target

    inputs = {"x": torch.arange(16.0), "number": torch.tensor([1, 0]), "mask": torch.tensor([True, True])}
    question = asked(put, inputs)
    found = concrete(question)
    given = found.module(**found.sample(question))["answer"]
    torch.testing.assert_close(given, question.model(**inputs)["answer"])
    assert given.count_nonzero() > 0


@pytest.mark.parametrize(
    ("does", "follows"),
    [
        (lambda x, **_: x[x > 1], "follows x"),
        (lambda x, **_: x * int(x.sum()), "follows x"),
        (lambda n, weight, **_: weight[: int((n * weight[0]).sum())], "follows the weights and no image"),
        (lambda x, n, **_: x * (n + torch.randint(1000, (2,))).tolist()[0], "follows random numbers"),
    ],
)
def test_a_number_that_another_image_or_other_weights_would_change_is_a_refusal(
    does: Callable[..., torch.Tensor], follows: str
) -> None:
    inputs = {"x": torch.tensor([0.1, 0.2, 0.4, 0.8, 1.6]), "n": torch.tensor([1, 2])}
    with pytest.raises(InapplicableError, match=follows):
        concrete(asked(does, inputs))


def test_a_decision_that_follows_floating_inputs_is_checked_at_every_run() -> None:
    runner, _ = compiled(OpenVino, lambda x, **_: x if bool(x.sum() > 0) else -x, {"x": PIXELS})
    torch.testing.assert_close(runner.run({"x": PIXELS + 1})["answer"], PIXELS + 1)
    with pytest.raises(UnsupportedError, match="reads True, and of these it reads False"):
        runner.run({"x": -PIXELS})


def test_whole_numbers_below_zero_are_divided_downwards() -> None:
    """OpenVINO's own conversion divides them towards zero, by which sounds get longer than they are."""
    numbers = torch.tensor([-5, -1, 0, 1, 5])
    runner, head = compiled(OpenVino, lambda n, **_: n // 2 * -int(n[1]), {"n": numbers})
    assert torch.equal(runner.run({"n": numbers})["answer"].long(), head(n=numbers)["answer"])
    (given,) = OpenVino(route="trace").prepare(head, {"n": numbers}).run({"n": numbers}).values()
    assert given.tolist() == [-2, 0, 0, 0, 2], "OpenVINO has mended it: see harness/hardware/settled.py"


def test_a_graph_that_computes_something_else_where_the_code_reads_is_a_refusal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Settled, "floor_divide", lambda *_: NotImplemented)
    with pytest.raises(UnsupportedError, match="concrete: its graph computes 0 where the head's code reads -1"):
        compiled(OpenVino, lambda n, **_: n * int(n[1] // 2), {"n": torch.tensor([-5, -1, 0])})


def test_an_operator_whose_shape_follows_its_values_is_a_refusal() -> None:
    with pytest.raises(InapplicableError, match="unique"):
        concrete(asked(lambda n, **_: n.unique(), {"n": torch.tensor([1, 1, 2])}))


def test_a_graph_that_is_too_long_to_export_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.hardware.concrete.LONGEST", 5)
    with pytest.raises(InapplicableError, match="nodes, and exporters take minutes for more than 5"):
        concrete(asked(images, SAMPLE))


def test_a_head_whose_code_reads_nothing_is_left_to_the_other_routes() -> None:
    with pytest.raises(InapplicableError, match="its code reads nothing of its tensors"):
        concrete(asked(lambda x, weight, **_: x * weight, {"x": PIXELS}))
