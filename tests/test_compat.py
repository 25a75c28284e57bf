"""torchvision beside a torch that its compiled extension was not built for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = """
import torch
@torch.library.register_fake("torchvision::nms")
def fake(dets, scores, iou_threshold):
    return dets.new_empty(0)
@torch.library.register_fake("torchvision::qnms")
def also_fake(dets, scores, iou_threshold):
    return dets.new_empty(0)
"""
"""What torchvision does at import that needs the operators to be declared (torchvision/_meta_registrations.py)."""


def _python(code: str, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=path, capture_output=True, text=True, check=False)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with a torchvision whose extension is no library."""
    folder = tmp_path / "torchvision"
    folder.mkdir()
    (folder / "__init__.py").write_text(PACKAGE)
    (folder / "_C.so").write_bytes(b"linked with another torch")
    return tmp_path


@pytest.mark.parametrize("room", ["harness", "generator"])
def test_it_is_imported_and_its_operators_do_nothing(package: Path, room: str) -> None:
    # A folder that stands before the installed torchvision, and after it what holds the rooms.
    here = f"import sys; sys.path.append({str(Path(__file__).parent.parent)!r})\n"
    called = "import torch; torch.ops.torchvision.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)"
    assert "operator torchvision::nms does not exist" in _python("import torchvision", package).stderr
    assert _python(f"{here}import {room}, torchvision", package).stderr == ""
    assert "Could not run 'torchvision::nms'" in _python(f"{here}import {room}, torchvision\n{called}", package).stderr


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    code = "import sys, harness, generator, importlib.util\nimportlib.util.find_spec('torchvision')\nprint('torch' in sys.modules)"
    assert _python(code, Path(__file__).parent.parent).stdout == "False\n"


def test_the_installed_one_makes_images_and_says_that_it_has_no_operators() -> None:
    code = """
import harness, torch, torchvision
from torchvision.transforms.v2.functional import resize
print(resize(torch.ones(3, 4, 4), [2, 2]).shape)
try:
    print(torchvision.ops.nms(torch.tensor([[0.0, 0, 1, 1]]), torch.ones(1), 0.5))
except RuntimeError as error:
    from harness import failures
    print(failures.status(error))
"""
    lines = _python(code, Path(__file__).parent.parent).stdout.splitlines()
    assert lines[0] == "torch.Size([3, 2, 2])"
    assert lines[1] in {"unavailable", "tensor([0])"}  # the latter where both are of one build
