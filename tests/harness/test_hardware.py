"""Hardwares: what is here, what a torch device does with a model, and what it reads back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from harness import weights
from harness.call import Call
from harness.hardware import BUILTIN, UnknownHardwareError, UnsupportedError, hardware, names
from harness.hardware.__main__ import main
from harness.hardware.accelerator import Accelerator
from harness.hardware.cuda import Cuda
from harness.hardware.mps import Mps
from harness.hardware.rocm import Rocm
from harness.hardware.torch_device import AttendingRunner, TorchDevice, TorchRunner, counting, pinned, translated
from harness.hardware.xpu import Xpu
from harness.inputs import draw
from harness.session import FellBackError, Session, Subject
from tests.harness.architectures.hf_bert import Bert
from tests.harness.architectures.hf_dac import Dac
from tests.harness.architectures.hf_vit import ViT
from tests.harness.conftest import Ask


class Meta(TorchDevice):
    """torch's device without storage: all of placement, none of the numbers."""

    name = "meta"
    device = "meta"


@pytest.mark.parametrize("dtype", ["fp32", "fp16", "bf16"])
def test_a_model_is_moved_and_the_original_stays(dtype: str) -> None:
    head = ViT.heads[0]
    model, inputs = weights.build(ViT, head), draw(head.inputs, 0)
    runner = Meta().prepare(model, inputs, dtype)
    outputs = runner.run(inputs)
    wanted = getattr(torch, weights.DTYPES[dtype])
    assert {parameter.device.type for parameter in runner.model.parameters()} == {"meta"}
    assert {parameter.dtype for parameter in runner.model.parameters()} == {wanted}
    assert {(name, tensor.dtype, tuple(tensor.shape)) for name, tensor in outputs.items()} == {
        ("logits", wanted, (2, 3))
    }
    assert runner.executed_on() == "meta"
    assert {parameter.device.type for parameter in model.parameters()} == {"cpu"}


def test_only_floating_inputs_take_the_dtype() -> None:
    runner = TorchRunner(torch.nn.Identity(), "meta", "bf16")
    placed = runner.place({"ids": torch.tensor([1]), "mask": torch.tensor([True]), "pixels": torch.tensor([1.0])})
    assert {name: (tensor.device.type, tensor.dtype) for name, tensor in placed.items()} == {
        "ids": ("meta", torch.int64),
        "mask": ("meta", torch.bool),
        "pixels": ("meta", torch.bfloat16),
    }


def test_a_model_that_writes_into_its_inputs_does_not_reach_ours() -> None:
    class Writing(torch.nn.Module):
        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return pixels.zero_()

    inputs = {"pixels": torch.ones(2)}
    TorchRunner(Writing(), "cpu", "fp32").run(inputs)
    assert bool(inputs["pixels"].all())


def test_devices_are_read_from_parameters_and_outputs() -> None:
    class Split(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(1, device="meta"))

        def forward(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"out": torch.ones(1)}

    runner = TorchRunner(Split(), "meta", "fp32")
    runner.run({"pixels": torch.ones(1)})
    assert runner.executed_on() == "cpu+meta"


def test_precision_and_attention_are_pinned_and_put_back() -> None:
    before = torch.backends.fp32_precision
    convolutions, legacy = torch.backends.cudnn.conv.fp32_precision, torch.backends.cudnn.allow_tf32
    with pinned("meta"):
        assert torch.backends.fp32_precision == torch.backends.cudnn.conv.fp32_precision == "ieee"
        assert not torch.backends.cudnn.allow_tf32  # which torch would refuse to say if the two disagreed
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.is_grad_enabled()
        assert torch.backends.cuda.math_sdp_enabled()
        assert not torch.backends.cuda.flash_sdp_enabled()
    assert torch.backends.fp32_precision == before
    assert (torch.backends.cudnn.conv.fp32_precision, torch.backends.cudnn.allow_tf32) == (convolutions, legacy)
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.backends.cuda.flash_sdp_enabled()


@pytest.mark.parametrize(
    "error",
    [
        NotImplementedError("Could not run 'aten::unfold' with arguments from the 'X' backend"),
        RuntimeError("\"upsample\" not implemented for 'Half'"),
    ],
)
def test_an_operation_that_a_device_lacks_is_unsupported_in_its_own_words(error: Exception) -> None:
    with pytest.raises(UnsupportedError, match=r"unfold|upsample"), translated():
        raise error


@pytest.mark.parametrize("error", [NotImplementedError("no such head"), RuntimeError("shapes differ")])
def test_other_errors_are_the_models(error: Exception) -> None:
    with pytest.raises(type(error), match=str(error)), translated():
        raise error


def test_a_call_may_name_another_method_with_arguments() -> None:
    class Speaking(torch.nn.Module):
        def speak(self, pixels: torch.Tensor, times: int, return_dict: bool = False) -> dict[str, torch.Tensor]:
            return {"sound": pixels * times, "named": torch.tensor(return_dict)}

    runner = TorchRunner(Speaking(), "cpu", "fp32", Call("speak", {"times": 3}))
    outputs = runner.run({"pixels": torch.ones(1)})
    assert (float(outputs["sound"]), bool(outputs["named"])) == (3.0, True)


def test_the_built_in_hardwares_are_known_and_others_answered_with_the_nearest() -> None:
    assert names()[:2] == ("cpu", "cuda")
    assert hardware("cpu") is hardware("cpu")
    with pytest.raises(UnknownHardwareError, match="Known here: cuda"):
        hardware("cdua")


def test_a_third_party_adds_a_hardware_by_an_entry_point(tmp_path: Path) -> None:
    package = tmp_path / "thirdparty-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: thirdparty\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[skillmatrix.hardware]\nabacus = abacus:Abacus\n")
    (tmp_path / "abacus.py").write_text(
        "from harness.hardware.cpu import Cpu\nclass Abacus(Cpu):\n    name = 'abacus'\n    dtypes = ('fp32',)\n"
    )
    program = (
        "from harness.hardware import *; print(names(), hardware('abacus').probe(), hardware('abacus').probe('bf16'))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == f"{(*BUILTIN, 'abacus')} None abacus has no cells in bf16, only in fp32"


def test_the_command_tells_what_is_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cpu", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"cpu": None}
    assert main([]) == 0
    assert "cuda" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="2"):
        main(["gpu"])


def test_the_command_says_why_cuda_is_not_here(capsys: pytest.CaptureFixture[str]) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    assert main(["cuda", "--json"]) == 3
    assert "CUDA" in json.loads(capsys.readouterr().out)["cuda"]
    assert hardware("cuda").describe() == {}


def test_the_reference_runs_the_model_itself_without_a_copy() -> None:
    model = weights.build(Bert, Bert.heads[0])
    assert hardware("cpu").prepare(model, {}).model is model


def test_another_way_of_attending_is_a_hardware_of_its_own(ask: Ask) -> None:
    record = ask(Bert, "parity", "cpu@sdpa")
    assert (record.status, record.hardware, record.executed_on) == ("passed", "cpu@sdpa", "cpu")
    assert (record.metrics["attention"], record.metrics["attention_calls"]) == ("sdpa", "2")
    assert (
        hardware("cpu@sdpa").prepare(weights.build(Bert, Bert.heads[0]), {}).model.config._attn_implementation == "sdpa"
    )


def test_a_model_that_cannot_attend_so_says_it_itself(ask: Ask) -> None:
    record = ask(Dac, "forward", "cpu@sdpa")
    assert (record.status, "does not support" in str(record.reason)) == ("unsupported", True)


def test_a_model_that_attends_otherwise_than_it_was_told_is_unsupported() -> None:
    runner = AttendingRunner(torch.nn.Identity(), "cpu", "fp32", Call("forward"), counted=False, route="sdpa")
    with pytest.raises(UnsupportedError, match="nothing in it calls scaled_dot_product_attention"):
        runner.run({"input": torch.ones(1)})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cpu:1", "cpu has no device to choose"),
        ("cpu@flash", "there is no attention 'flash' to choose. Known: sdpa"),
        ("cuda:first", "'first' is no index of a device"),
        ("mps@", "Known here"),
    ],
)
def test_a_variant_that_there_is_not_is_a_sentence(name: str, words: str) -> None:
    with pytest.raises(UnknownHardwareError, match=words):
        hardware(name)


@pytest.mark.parametrize("kind", [Cuda, Rocm, Xpu, Mps])
def test_an_accelerator_is_known_by_its_index_and_its_attention(kind: type[Accelerator]) -> None:
    name = kind.name
    assert (hardware(name).name, hardware(name).device) == (name, kind.kind)
    assert (hardware(f"{name}:1").name, hardware(f"{name}:1").device) == (f"{name}:1", f"{kind.kind}:1")
    assert hardware(f"{name}:1@sdpa").name == f"{name}:1@sdpa"


@pytest.mark.parametrize("kind", [Cuda, Rocm, Xpu, Mps])
def test_what_is_not_here_is_unavailable_with_a_reason(kind: type[Accelerator], ask: Ask) -> None:
    if torch.accelerator.is_available():
        pytest.skip("this machine has an accelerator")
    record = ask(Bert, "forward", kind.name)
    assert (record.status, f"without {kind.label}" in str(record.reason)) == ("unavailable", True)
    assert kind().describe() == {}


def test_a_build_for_hip_is_rocm_and_no_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.version, "hip", "7.1")
    assert "hardware rocm" in str(Cuda().probe())
    assert Rocm().foreign() is None


def test_what_metal_lacks_may_not_be_run_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTORCH_ENABLE_MPS_FALLBACK", "1")
    assert "PYTORCH_ENABLE_MPS_FALLBACK" in str(Mps().probe())


def test_a_build_without_a_device_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    if torch.accelerator.is_available():
        pytest.skip("this machine has an accelerator")
    monkeypatch.setattr(torch.version, "xpu", "20260000")
    assert Xpu().probe() == f"torch {torch.__version__} finds no XPU device or no working driver"
    assert Xpu().probe("fp64") == "xpu has no cells in fp64, only in fp32, fp16, bf16"


def test_workers_side_by_side_take_a_device_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 2)
    taken = {}
    for worker in ("gw0", "gw1", "gw2"):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
        taken[worker] = Cuda().target
    assert taken == {"gw0": "cuda:0", "gw1": "cuda:1", "gw2": "cuda:0"}
    assert Cuda("1").target == "cuda:1"
    monkeypatch.delenv("PYTEST_XDIST_WORKER")
    assert Cuda().target == "cuda"


def test_running_on_another_device_of_the_kind_is_a_fall_back() -> None:
    subject = Subject(Bert, Bert.heads[0])
    Session(subject, Cuda(), "fp32").verify("cuda:1")
    Session(subject, Cuda("1"), "fp32").verify("cuda:1")
    with pytest.raises(FellBackError, match="fell back to cuda:0: cuda:1 was asked for"):
        Session(subject, Cuda("1"), "fp32").verify("cuda:0")
    with pytest.raises(FellBackError, match="fell back to cpu"):
        Session(subject, Xpu(), "fp32").verify("cpu")


def test_a_device_whose_memory_nobody_counts_has_no_peak() -> None:
    assert not TorchRunner(torch.nn.Identity(), "mps", "fp32", counted=Mps.counted).counted
    assert TorchRunner(torch.nn.Identity(), "cuda:1", "fp32").counted
    assert TorchRunner(torch.nn.Identity(), "cpu", "fp32").peak_memory() is None


def test_what_a_model_is_warned_of_while_calls_are_counted_is_not_held_against_the_harness() -> None:
    values = torch.ones(1, requires_grad=True) * 2
    with counting("detach", lambda arguments: arguments[0].requires_grad) as calls:
        torch.tensor(values.detach())
        torch.ones(1).detach()
    assert calls == ["detach"]
