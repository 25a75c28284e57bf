"""Hardware that compiles a head: which route served, what was checked, and what each fault of a backend is called."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch

from harness import weights
from harness.call import Call
from harness.cells import Selection, cells
from harness.checks import CHECKS
from harness.hardware import UnknownHardwareError, UnsupportedError, hardware
from harness.hardware.onnxruntime import OnnxRuntime
from harness.hardware.openvino import OpenVino
from harness.hardware.openvino_routes import ROUTES
from harness.hardware.routes import Asked, InapplicableError, Program, convert
from harness.inputs import draw
from harness.results.record import Record
from harness.skill import Skill
from tests.harness.architectures.hf_bert import Bert
from tests.harness.architectures.hf_clip import CLIP
from tests.harness.architectures.hf_dac import Dac
from tests.harness.architectures.hf_gpt2 import GPT2
from tests.harness.architectures.hf_llava import Llava
from tests.harness.architectures.hf_t5 import T5

Ask = Callable[..., Record]
Install = Callable[[Any], str]

COMPILED = ("openvino", "onnxruntime")


# --- what runs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMPILED)
@pytest.mark.parametrize("skill", [Bert, CLIP, GPT2, T5], ids=lambda skill: skill.model_type)
def test_a_compiled_head_runs_there_and_matches(ask: Ask, name: str, skill: type[Skill]) -> None:
    for check in ("forward", "parity"):
        record = ask(skill, check, name)
        assert (record.status, record.executed_on) == ("passed", f"{name}:CPU"), record
        assert record.metrics["route"] == "exporter"


@pytest.mark.parametrize("route", ROUTES)
def test_each_route_is_a_hardware_of_its_own(ask: Ask, route: str) -> None:
    # The concrete route is for heads whose code reads its tensors, as LLaVA's counts its images' tokens.
    record = ask(Llava if route == "concrete" else Bert, "parity", f"openvino@{route}")
    assert (record.status, record.metrics["route"], record.cell.split("/")[2]) == ("passed", route, f"openvino@{route}")


def test_what_is_called_otherwise_than_by_forward_takes_the_next_route(ask: Ask) -> None:
    record = ask(Dac, "parity", "openvino")
    assert record.status == "passed", record
    assert record.metrics["route"] != "exporter"
    assert "forward only" in str(record.metrics["refused_exporter"])


@pytest.mark.parametrize("name", COMPILED)
def test_only_what_needs_no_module_is_asked(name: str) -> None:
    asked = {cell.check.name for cell in cells(Bert, Selection(hardware=(name,)))}
    assert asked == {"forward", "determinism", "masking", "parity"}
    assert asked < set(CHECKS)


def test_16_bits_are_the_devices_own_and_looser(ask: Ask) -> None:
    if (reason := hardware("openvino").probe("bf16")) is not None:
        pytest.skip(reason)
    exact, rounded = ask(Bert, "parity", "openvino"), ask(Bert, "parity", "openvino", "bf16")
    assert rounded.status == "passed", rounded
    assert float(rounded.metrics["rel_max"]) > 100 * float(exact.metrics["rel_max"])


# --- names ----------------------------------------------------------------------------------------------------------


def test_a_device_that_is_not_here_is_unavailable_and_what_is_here_is_told(ask: Ask) -> None:
    record = ask(Bert, "parity", "openvino:NPU")
    assert record.status == "unavailable"
    assert "finds no NPU, only" in str(record.reason)
    assert "TensorrtExecutionProvider" in str(ask(Bert, "parity", "onnxruntime:Tensorrt").reason)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("openvino@tracing", "Known: trace"),
        ("openvino@", "openvino"),
        ("openvno:GPU", "openvino"),
        ("cpu@trace", "cpu"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(name: str, told: str) -> None:
    with pytest.raises(UnknownHardwareError, match=told):
        hardware(name)


# --- routes ---------------------------------------------------------------------------------------------------------


NOTHING = Asked(None, Call(), {}, {})


def make(_: Asked) -> Program:
    return Program("graph", {}, [])


def test_the_first_route_that_takes_it_serves_and_the_others_are_quoted() -> None:
    def refuse(*_: Any) -> Program:
        raise InapplicableError("not for this")

    def break_down(*_: Any) -> Program:
        print("a graph of a thousand lines")
        raise RuntimeError("Check 'false' failed at src/x.cpp:1:\nNo lowering for aten::diff\n")

    routes = {"first": refuse, "second": break_down, "third": make}
    made = convert(routes, NOTHING, lambda program: program)
    assert (made.route, made.graph) == ("third", "graph")
    assert made.refused == {"first": "not for this", "second": "RuntimeError: No lowering for aten::diff"}
    del routes["third"]
    with pytest.raises(UnsupportedError, match="first: not for this; second: RuntimeError: No lowering"):
        convert(routes, NOTHING, lambda program: program)


def test_a_compiler_is_kept_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    test_the_first_route_that_takes_it_serves_and_the_others_are_quoted()
    assert capfd.readouterr() == ("", "")


def test_a_refusal_is_heard_once(ask: Ask, install: Install) -> None:
    asked = []

    class Refusing(OpenVino):
        def prepare(self, *args: Any, **kwargs: Any) -> Any:
            asked.append(args)
            raise UnsupportedError("no lowering for aten::diff")

    refusing = Refusing()
    install(refusing)
    from harness.engines.local import Engine

    wanted = Selection(hardware=("openvino",), head="primary")
    records = list(Engine(threads=1).run(cells(Bert, wanted)))
    assert {(record.status, record.stage) for record in records} == {("unsupported", "prepare")}
    assert (len(records), len(asked)) == (4, 1)


def test_a_program_that_the_device_does_not_take_is_a_refusal_too() -> None:
    def compiles(program: Program) -> Program:
        if program.graph == "dynamic":
            raise RuntimeError("the plug-in does not support Tile of dynamic rank")
        return program

    made = convert({"first": lambda _: Program("dynamic", {}, []), "second": make}, NOTHING, compiles)
    assert made.route == "second"
    assert "Tile of dynamic rank" in made.refused["first"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda result: result[:, :1], r"its graph gives logits of shape \[2, 1, 99\] where the head gives"),
        (lambda _: 1 / 0, "ZeroDivisionError: division by zero"),
    ],
    ids=["shape", "raises"],
)
def test_what_shows_at_a_first_run_is_a_refusal_too(change: Callable[[Any], Any], told: str) -> None:
    class Changed(OpenVino):
        def ready(self, program: Program, *args: Any) -> Any:
            runner = super().ready(program, *args)
            if program.route == "first":
                infer = runner.infer
                runner.infer = lambda arrays: [change(result) for result in infer(arrays)]  # type: ignore[method-assign]
            return runner

    where = Changed()
    where.routes = {"first": ROUTES["trace"], "second": ROUTES["trace"]}
    runner = where.prepare(weights.build(Bert, Bert.heads[0]), draw(Bert.heads[0].inputs, 0))
    assert runner.facts["route"] == "second"
    assert re.search(told, runner.facts["refused_first"])


def test_too_little_memory_says_nothing_of_a_route(ask: Ask, install: Install) -> None:
    def exhausted(_: Asked) -> Program:
        raise MemoryError("std::bad_alloc")

    with pytest.raises(MemoryError):
        convert({"first": exhausted, "second": make}, NOTHING, lambda program: program)
    where = OpenVino()
    where.routes = {"first": exhausted}
    assert ask(Bert, "parity", install(where)).status == "out_of_memory"


# --- controls -------------------------------------------------------------------------------------------------------


ROUTE = {OpenVino: "trace", OnnxRuntime: "torch"}
"""The quickest of each, where it does not matter which."""


def faulty(
    base: type[OpenVino | OnnxRuntime], change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]
) -> Any:
    """A backend that gives something else than it computed."""

    class Faulty(base):  # type: ignore[misc, valid-type]
        def prepare(self, *args: Any, **kwargs: Any) -> Any:
            runner = super().prepare(*args, **kwargs)
            run = runner.run
            runner.run = lambda inputs, seed=0: change(run(inputs, seed))
            return runner

    return Faulty(route=ROUTE[base])


def each(
    change: Callable[[torch.Tensor], torch.Tensor],
) -> Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]:
    return lambda outputs: {name: change(tensor) for name, tensor in outputs.items()}


def one_nan(tensor: torch.Tensor) -> torch.Tensor:
    broken = tensor.clone()
    broken.flatten()[0] = float("nan")
    return broken


def swapped(outputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return dict(zip(outputs, reversed(outputs.values()), strict=True))


@pytest.mark.parametrize("base", [OpenVino, OnnxRuntime])
@pytest.mark.parametrize(
    ("question", "change", "status"),
    [
        ((Bert, "parity"), each(lambda tensor: tensor), "passed"),
        ((Bert, "parity"), each(lambda tensor: tensor + 1e-2 * tensor.abs().max()), "failed"),
        ((Bert, "parity"), each(one_nan), "failed"),
        ((Bert, "forward"), each(one_nan), "vacuous"),
        ((Bert, "parity"), each(lambda tensor: tensor[..., :0]), "failed"),
        ((Bert, "forward"), each(lambda tensor: tensor[..., :0]), "failed"),
        ((Bert, "forward"), each(torch.Tensor.half), "failed"),
        ((Bert, "parity"), lambda _outputs: {}, "failed"),
        ((Dac, "parity"), each(lambda tensor: tensor if tensor.is_floating_point() else tensor + 1), "failed"),
        ((CLIP, "parity"), swapped, "failed"),
    ],
    ids=["right", "off", "nan", "nan-forward", "empty", "empty-forward", "dtype", "none", "off-by-one", "swapped"],
)
def test_a_fault_of_a_backend_is_caught(
    ask: Ask, install: Install, *, base: Any, question: tuple[type[Skill], str], change: Any, status: str
) -> None:
    record = ask(*question, install(faulty(base, change)))
    assert record.status == status, record
    if question[1] == "parity":
        assert (record.runs, record.matches) == ("passed", status)
    else:
        assert (record.runs, record.matches) == (status, None)


@pytest.mark.parametrize("base", [OpenVino, OnnxRuntime])
def test_a_silent_fall_back_is_caught(ask: Ask, install: Install, base: Any) -> None:
    class Elsewhere(base):  # type: ignore[misc]
        def prepare(self, *args: Any, **kwargs: Any) -> Any:
            runner = super().prepare(*args, **kwargs)
            self.device = f"{base().name}:GPU"
            return runner

    where = install(Elsewhere(route=ROUTE[base]))
    for check in ("forward", "parity"):
        record = ask(Bert, check, where)
        assert (record.status, record.stage) == ("failed", "run")
        assert str(record.reason).startswith(f"fell back to {base().name}:CPU")


def test_an_input_that_became_a_constant_is_caught(ask: Ask, install: Install) -> None:
    class Constant(OpenVino):
        def prepare(self, model: Any, inputs: Mapping[str, torch.Tensor], *args: Any, **kwargs: Any) -> Any:
            runner = super().prepare(model, inputs, *args, **kwargs)
            run, kept = runner.run, {name: tensor.clone() for name, tensor in inputs.items()}
            runner.run = lambda given, seed=0: run({**given, "input_ids": kept["input_ids"]}, seed)  # type: ignore[method-assign]
            return runner

    record = ask(Bert, "parity", install(Constant(route="trace")))
    assert (record.status, record.matches) == ("failed", "failed")
    assert str(record.reason).startswith("right for the inputs it was compiled with; for others, ")


@pytest.mark.parametrize("name", COMPILED)
def test_a_missing_input_and_another_shape_are_refused(name: str) -> None:
    head = Bert.heads[0]
    inputs = draw(head.inputs, 0)
    runner = hardware(name).prepare(weights.build(Bert, head), inputs, "fp32", Call.of(head))
    with pytest.raises(UnsupportedError, match="input_ids"):
        runner.run({key: tensor for key, tensor in inputs.items() if key != "input_ids"})
    with pytest.raises(UnsupportedError, match="input_ids"):
        runner.run({**inputs, "input_ids": inputs["input_ids"][:1]})


def test_a_silently_wrong_conversion_is_no_pass(ask: Ask) -> None:
    """OpenVINO's TorchScript front end converts an assignment by a mask wrongly (Qwen2-VL's positions), and says nothing."""
    from skills.hf_qwen2_vl import Qwen2VL

    assert ask(Qwen2VL, "forward", "openvino@trace").status == "passed"
    record = ask(Qwen2VL, "parity", "openvino@trace")
    assert (record.status, record.runs, record.matches) == ("failed", "passed", "failed"), record


# --- the precision of its own --------------------------------------------------------------------------------------


def test_the_default_precision_is_a_row_of_its_own_and_is_read_back(ask: Ask) -> None:
    import openvino

    exact, default = ask(Bert, "parity", "openvino@trace"), ask(Bert, "parity", "openvino@trace", "default")
    assert (exact.metrics["precision"], exact.metrics["execution_mode"]) == ("f32", "ACCURACY")
    assert (default.status, default.dtype, default.cell.split("/")[3]) == ("passed", "default", "default"), default
    own = openvino.Core().get_property("CPU", "INFERENCE_PRECISION_HINT").get_type_name()
    assert default.metrics["precision"] == own
    assert ask(Bert, "forward", "openvino@trace", "default").status == "passed"


def test_what_was_compiled_for_another_precision_than_was_asked_for_is_no_pass(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.hardware import openvino as module

    monkeypatch.setattr(module, "_plain", lambda _: "f32")
    record = ask(Bert, "parity", "openvino@trace", "bf16")
    assert record.status == "unsupported"
    assert "asked for bf16, and compiled the model for f32" in str(record.reason)


@pytest.mark.parametrize("name", ["cpu", "onnxruntime", "optimum"])
def test_where_there_is_no_precision_of_its_own_the_cell_is_unavailable(ask: Ask, name: str) -> None:
    record = ask(Bert, "parity", name, "default")
    assert (record.status, f"{name} has no cells in default" in str(record.reason)) == ("unavailable", True)
