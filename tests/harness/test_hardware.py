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
from harness.hardware import UnknownHardwareError, UnsupportedError, hardware, names
from harness.hardware.__main__ import main
from harness.hardware.torch_device import TorchDevice, TorchRunner, pinned, translated
from harness.inputs import draw
from tests.harness.architectures.hf_bert import Bert
from tests.harness.architectures.hf_vit import ViT


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
    assert (
        answer.stdout.strip()
        == "('cpu', 'cuda', 'openvino', 'onnxruntime', 'abacus') None abacus has no cells in bf16, only in fp32"
    )


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
