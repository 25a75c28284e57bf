"""torch.compile: what was compiled ran, what was not is told, and no backend leaves anything to another unseen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.cells import Selection, cells
from harness.hardware import UnknownHardwareError, UnsupportedError, hardware
from harness.hardware.torch_compile import TorchCompile
from harness.hardware.torch_device import TorchRunner
from harness.results.record import Record
from tests.harness.architectures.hf_bert import Bert
from tests.harness.architectures.hf_dac import Dac
from tests.harness.architectures.hf_gpt2 import GPT2

Ask = Callable[..., Record]
Install = Callable[[Any], str]
Swap = Callable[[str, type], None]
Outputs = dict[str, torch.Tensor]

# OpenVINO's back end sets an option of torch.compile that is none any more; imported by the harness, it is kept quiet.
imports_openvino = pytest.mark.filterwarnings("ignore:torch._dynamo.config.inline_inbuilt_nn_modules:FutureWarning")

INPUTS = {"tensor": torch.arange(12.0).reshape(2, 6)}


class Drawing(torch.nn.Module):
    """Something to fuse, something of a library, and random numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(6, 3)

    def forward(self, tensor: torch.Tensor) -> Outputs:
        return {"output": self.linear(tensor).tanh() * 2 + torch.rand(3)}


class Branching(torch.nn.Module):
    """Which way it goes depends on a number, so that a graph ends there."""

    def forward(self, tensor: torch.Tensor) -> Outputs:
        total = tensor.sum()
        if total > 0:
            return {"output": tensor * 2}
        return {"output": tensor * 3}


# --- what runs ------------------------------------------------------------------------------------------------------


def test_inductor_compiles_and_draws_the_random_numbers_of_torch() -> None:
    where, model = TorchCompile(), Drawing().eval()
    if (reason := where.probe()) is not None:
        pytest.skip(reason)
    runner = where.prepare(model, INPUTS)
    outputs = runner.run(INPUTS, seed=3)
    torch.testing.assert_close(outputs, TorchRunner(model, "cpu", "fp32").run(INPUTS, seed=3))
    assert runner.executed_on() == where.device == "compile:inductor"
    assert {"backend": "inductor", "graphs": 1, "graph_breaks": 0, "compiled_calls": 1}.items() <= runner.facts.items()
    assert not hasattr(model, "_compiled_call_impl") or model._compiled_call_impl is None  # it stays as it was


@pytest.mark.parametrize("backend", ["eager", "aot_eager", "openvino"])
def test_a_head_runs_there_and_matches(ask: Ask, backend: str) -> None:
    record = ask(Bert, "parity", f"compile:{backend}")
    assert (record.status, record.executed_on) == ("passed", f"compile:{backend}"), record
    assert (record.metrics["graphs"], record.metrics["compiled_calls"]) == (1, 1)
    assert ("openvino_executions" in record.metrics) == (backend == "openvino")


def test_other_methods_than_forward_are_compiled_too(ask: Ask) -> None:
    record = ask(Dac, "parity", "compile:eager")
    assert record.status == "passed", record
    assert int(record.metrics["compiled_calls"]) > 0


def test_its_steps_generate_what_the_cpu_does(ask: Ask) -> None:
    record = ask(GPT2, "generation", "compile:eager")
    assert (record.status, record.executed_on) == ("passed", "compile:eager"), record


def test_it_is_asked_what_needs_no_other_weights() -> None:
    asked = {cell.check.name for cell in cells(Bert, Selection(hardware=("compile",)))}
    assert asked == {"forward", "determinism", "masking", "parity"}


def test_the_next_call_writes_into_nothing_that_was_given() -> None:
    runner = hardware("compile:openvino").prepare(Drawing().eval(), INPUTS)
    first = runner.run(INPUTS)["output"]
    kept = first.clone()
    runner.run({"tensor": -INPUTS["tensor"]})
    assert torch.equal(first, kept)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("compile:opnvino", "Known: openvino"),
        ("compile:gpu", "Known: inductor"),
        ("compile@trace", "no route to choose"),
    ],
)
def test_a_wrong_backend_is_answered_with_the_nearest(name: str, told: str) -> None:
    with pytest.raises(UnknownHardwareError, match=told):
        hardware(name)


# --- what was not compiled ------------------------------------------------------------------------------------------


def test_where_a_graph_broke_off_is_told() -> None:
    runner = hardware("compile:eager").prepare(Branching(), INPUTS)
    runner.run(INPUTS)
    assert (runner.facts["graphs"], runner.facts["graph_breaks"], runner.facts["compiled_calls"]) == (2, 1, 2)
    assert "test_torch_compile.py:" in str(runner.facts["first_break"])
    assert hardware("compile:eager").prepare(Drawing().eval(), INPUTS).facts["graph_breaks"] == 0  # of another model


@pytest.mark.parametrize("backend", ["eager", "openvino"])
def test_a_model_of_which_nothing_is_compiled_fell_back(ask: Ask, swap: Swap, backend: str) -> None:
    from transformers import BertForMaskedLM

    class Uncompiled(BertForMaskedLM):  # type: ignore[misc]
        @torch.compiler.disable
        def forward(self, *args: Any, **kwargs: Any) -> Any:
            return super().forward(*args, **kwargs)

    swap("BertForMaskedLM", Uncompiled)
    for check in ("forward", "parity"):
        record = ask(Bert, check, f"compile:{backend}")
        assert (record.status, record.executed_on) == ("failed", "eager"), record
        assert str(record.reason).startswith("fell back to eager")


def test_too_many_shapes_are_an_error_and_not_left_to_python() -> None:
    from torch._dynamo import config

    runner = hardware("compile:eager").prepare(Drawing().eval(), INPUTS)
    with config.patch(recompile_limit=2, automatic_dynamic_shapes=False):
        runner.run({"tensor": torch.ones(3, 6)})
        with pytest.raises(UnsupportedError, match="compiled anew too often"):
            runner.run({"tensor": torch.ones(4, 6)})


def test_what_the_model_raises_is_the_models() -> None:
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        hardware("compile:eager").prepare(Drawing(), {"tensor": torch.ones(2, 5)})


# --- controls: backends that do not do it ---------------------------------------------------------------------------


def test_inductor_without_a_compiler_is_unavailable_and_says_so() -> None:
    from torch._inductor import config

    with config.patch({"cpp.cxx": (None, "no-such-compiler")}):
        assert "finds none (no-such-compiler)" in str(TorchCompile().probe())


def test_a_compiler_that_does_not_work_is_found_by_using_it(tmp_path: Path) -> None:
    from torch._inductor import config
    from torch._inductor.utils import fresh_cache

    broken = tmp_path / "broken-g++"
    broken.write_text(
        "#!/bin/sh\n[ \"$1\" = --version ] && echo 'g++ 1.0' && exit\necho 'Python.h: No such file' >&2; exit 1\n"
    )
    broken.chmod(0o755)
    with fresh_cache(), config.patch({"cpp.cxx": (None, str(broken)), "compile_threads": 1}):
        assert "does not compile by inductor here (" in str(TorchCompile().probe())


class Probed(TorchCompile):
    """OpenVINO as it was found to work, so that what is broken after that shows in a model."""

    def __init__(self) -> None:
        super().__init__("openvino")

    def probe(self, dtype: str | None = None) -> None:
        """It is here."""


def refusing(*_: Any, **__: Any) -> Any:
    raise RuntimeError("Check 'false' failed at x.cpp:1:\nNo lowering for aten::tanh")


@imports_openvino
def test_a_part_that_openvino_leaves_to_torch_is_unsupported_in_its_words(
    ask: Ask, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    from openvino.frontend.pytorch.torchdynamo import execute

    monkeypatch.setattr(execute, "openvino_compile", refusing)
    record = ask(Bert, "parity", install(Probed()))
    assert (record.status, record.stage) == ("unsupported", "prepare"), record
    assert record.reason == "a part of it is left to torch: RuntimeError: No lowering for aten::tanh"


@imports_openvino
def test_a_graph_that_openvino_hands_to_inductor_is_unsupported_in_its_words(
    ask: Ask, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    from openvino.frontend.pytorch.torchdynamo.backend import Partitioner

    monkeypatch.setattr(Partitioner, "make_partitions", refusing)
    record = ask(Bert, "parity", install(Probed()))
    assert (record.status, record.reason) == ("unsupported", "RuntimeError: No lowering for aten::tanh"), record


@imports_openvino
def test_a_graph_of_which_openvino_runs_no_part_fell_back(
    ask: Ask, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    from openvino.frontend.pytorch.torchdynamo.backend import Partitioner

    monkeypatch.setattr(Partitioner, "make_partitions", lambda _self, graph, _options: graph)
    record = ask(Bert, "parity", install(Probed()))
    assert (record.status, record.executed_on) == ("failed", "eager"), record
    assert str(record.reason).startswith("fell back to eager")


def test_a_backend_that_computes_something_else_is_caught(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._dynamo.backends import registry

    def off(graph: Any, _inputs: Any) -> Any:
        return lambda *tensors: tuple(tensor + 1e-2 * tensor.abs().max() for tensor in graph(*tensors))

    monkeypatch.setitem(registry._COMPILER_FNS, "eager", off)
    record = ask(Bert, "parity", "compile:eager")
    assert (record.status, record.runs, record.matches) == ("failed", "passed", "failed"), record


def test_a_dtype_that_a_backend_has_not_is_unavailable() -> None:
    assert "only in fp32" in str(hardware("compile:openvino").probe("bf16"))
