"""ExecuTorch: which route served, what of it is delegated, and what each fault is called."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from harness import weights
from harness.call import Call
from harness.cells import Selection, cells
from harness.hardware import UnknownHardwareError, hardware
from harness.hardware.executorch import ExecuTorch, ExecuTorchRunner
from harness.hardware.executorch_routes import Lowered
from harness.hardware.routes import InapplicableError, Program
from harness.inputs import draw
from harness.results.record import Record
from tests.harness.architectures.hf_bert import Bert
from tests.harness.architectures.hf_dac import Dac

Ask = Callable[..., Record]
Change = Callable[[torch.Tensor], torch.Tensor]
Install = Callable[[Any], str]

here = pytest.mark.skipif(hardware("executorch").probe() is not None, reason=str(hardware("executorch").probe()))
"""What needs the runtime; the rest is asked of every machine."""


def plan(delegates: tuple[str, ...] = (), kernels: tuple[str, ...] = ()) -> Any:
    """What a program's plan tells of itself."""
    named = (name.partition(".") for name in kernels)
    return SimpleNamespace(
        delegates=[SimpleNamespace(id=name) for name in delegates],
        operators=[SimpleNamespace(name=name, overload=overload) for name, _, overload in named],
    )


class Runtime:
    """A runtime with one kernel, and a method that gives back what it is fed."""

    operator_registry = SimpleNamespace(operator_names={"aten::add.out"})

    def load_program(self, buffer: bytes) -> Any:
        """See ``executorch.runtime.Runtime``."""
        assert buffer == b"program"
        return SimpleNamespace(load_method=lambda _: SimpleNamespace(execute=list))


def loaded(made: Any, constants: dict[str, Any] | None = None, inputs: tuple[str, ...] = ("ids",)) -> ExecuTorchRunner:
    """A runner of a program with this plan."""
    lowered = Lowered(b"program", made, inputs, constants or {})
    program = Program(lowered, {name: name for name in inputs}, ["logits"])
    return ExecuTorchRunner(program, Runtime(), {"ids": torch.ones(2)})


@pytest.fixture(scope="module")
def portable() -> ExecuTorchRunner:
    """BERT, lowered once for all that ask the same program."""
    head = Bert.heads[0]
    inputs = draw(head.inputs, 0)
    runner = hardware("executorch@portable").prepare(weights.build(Bert, head), inputs, "fp32", Call.of(head))
    assert isinstance(runner, ExecuTorchRunner)
    return runner


class Prepared(ExecuTorch):
    """The runtime with a program that is there, and with outputs as they are changed."""

    def __init__(self, runner: ExecuTorchRunner, change: Change = torch.Tensor.clone) -> None:
        super().__init__("portable")
        self.runner, self.change = copy.copy(runner), change
        self.runner.run = self.run  # type: ignore[method-assign]
        self.made = runner

    def prepare(self, *_: Any, **__: Any) -> ExecuTorchRunner:
        """What is there."""
        return self.runner

    def run(self, inputs: Mapping[str, torch.Tensor], seed: int = 0) -> dict[str, torch.Tensor]:
        """What the program gives, changed."""
        return {name: self.change(item) for name, item in self.made.run(inputs, seed).items()}


# --- what runs ------------------------------------------------------------------------------------------------------


@here
def test_a_head_runs_there_and_matches(ask: Ask) -> None:
    record = ask(Bert, "parity", "executorch")
    assert (record.status, record.executed_on, record.metrics["route"]) == (
        "passed",
        "executorch:CPU",
        "exporter",
    ), record
    assert int(record.metrics["delegated_parts"]) > 0


@here
def test_the_portable_route_delegates_nothing(ask: Ask, install: Install, portable: ExecuTorchRunner) -> None:
    record = ask(Bert, "parity", install(Prepared(portable)))
    assert (record.status, record.metrics["route"], record.metrics["delegated_parts"]) == (
        "passed",
        "portable",
        "0",
    ), record


@here
def test_what_is_called_otherwise_than_by_forward_is_none_of_the_exporters(ask: Ask) -> None:
    record = ask(Dac, "forward", "executorch@exporter")
    assert record.status == "unsupported"
    assert "forward only" in str(record.reason)


def test_only_what_needs_no_module_is_asked() -> None:
    asked = {cell.check.name for cell in cells(Bert, Selection(hardware=("executorch",)))}
    assert asked == {"forward", "determinism", "masking", "parity"}


@pytest.mark.parametrize(
    ("name", "told"), [("executorch@xnpack", "Known: xnnpack"), ("executorch:GPU", "no device to choose")]
)
def test_a_wrong_name_is_answered(name: str, told: str) -> None:
    with pytest.raises(UnknownHardwareError, match=told):
        hardware(name)


# --- what is read of a program --------------------------------------------------------------------------------------


def test_a_kernel_that_the_runtime_lacks_refuses_the_route_by_its_name() -> None:
    with pytest.raises(InapplicableError, match=r"no kernel of aten::fft\.out$"):
        loaded(plan(kernels=("aten::add.out", "aten::fft.out")))


def test_what_is_delegated_to_another_processor_did_not_run_on_this_one() -> None:
    assert loaded(plan(("XnnpackBackend",))).executed_on() == "executorch:CPU"
    assert loaded(plan(("XnnpackBackend", "QnnBackend"))).executed_on() == "executorch:QnnBackend"


def test_constants_are_fed_where_they_were_when_it_was_made() -> None:
    runner = loaded(plan(), {"use_cache": None}, ("use_cache", "ids"))
    runner.method = SimpleNamespace(execute=lambda fed: [fed[1]] if fed[0] is None else [])
    assert torch.equal(runner.run({"ids": torch.tensor([1.0, 2.0])})["logits"], torch.tensor([1.0, 2.0]))


# --- controls -------------------------------------------------------------------------------------------------------


@here
@pytest.mark.parametrize(
    ("check", "change", "status"),
    [
        ("parity", lambda tensor: tensor + 1e-2 * tensor.abs().max(), "failed"),
        ("parity", lambda tensor: tensor[..., :0], "failed"),
        ("forward", lambda tensor: tensor * float("nan"), "vacuous"),
        ("forward", lambda tensor: tensor.half(), "failed"),
    ],
    ids=["off", "empty", "nan", "dtype"],
)
def test_a_fault_of_the_runtime_is_caught(
    ask: Ask, install: Install, *, portable: ExecuTorchRunner, check: str, change: Change, status: str
) -> None:
    assert ask(Bert, check, install(Prepared(portable, change))).status == status


def test_without_the_package_it_is_unavailable_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "executorch.runtime", None)
    monkeypatch.setitem(sys.modules, "executorch", None)
    assert "executorch is not installed" in str(ExecuTorch().probe())
