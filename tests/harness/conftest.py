"""Skills written by hand, and the means to put one check to one head."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import hardware as hardwares
from harness.cells import Cell
from harness.checks import CHECKS
from harness.engines.local import Engine
from harness.results.record import Record
from harness.skill import Head, Skill
from tests.harness.architectures.hf_bert import Bert
from tests.harness.architectures.hf_clip import CLIP
from tests.harness.architectures.hf_dac import Dac
from tests.harness.architectures.hf_gpt2 import GPT2
from tests.harness.architectures.hf_llama import Llama
from tests.harness.architectures.hf_llava import Llava
from tests.harness.architectures.hf_sam2_video import Sam2Video
from tests.harness.architectures.hf_t5 import T5
from tests.harness.architectures.hf_vit import ViT
from tests.harness.architectures.hf_whisper import Whisper

collect_ignore = ["architectures"]
"""They are material: test_checks runs them, and pytest needs not run their cells again."""

SKILLS: tuple[type[Skill], ...] = (Bert, CLIP, Dac, GPT2, Llama, Llava, Sam2Video, T5, ViT, Whisper)

Ask = Callable[..., Record]
Furnish = Callable[..., pytest.Pytester]


@pytest.fixture
def ask() -> Ask:
    """Put one check to the first head of a skill; keywords that a head has are changed in it first."""

    def put(skill: type[Skill], check: str, hardware: str = "cpu", dtype: str = "fp32", **changes: Any) -> Record:
        head: Head = replace(skill.heads[0], **changes)
        return Engine(threads=1).execute(Cell(skill, head, hardware, dtype, CHECKS[check]))

    return put


@pytest.fixture
def swap(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, type], None]:
    """Let transformers have another class under a name, as a broken release would."""

    def put(name: str, model_class: type) -> None:
        import transformers

        # The check must see the fault, not merely the name of the class that holds it.
        model_class.__name__ = model_class.__name__ if model_class.__module__.startswith("transformers") else name
        monkeypatch.setattr(transformers, name, model_class)

    return put


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], str]:
    """Register a hardware for one test; returns its name."""

    def put(item: Any) -> str:
        monkeypatch.setitem(hardwares._registered, item.name, item)
        return str(item.name)

    return put


@pytest.fixture
def furnish(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, root: Path) -> Furnish:
    """Make a folder with these files of skills and this conftest, in which pytest has the plugin and no other's."""

    def put(conftest: str, *files: str) -> pytest.Pytester:
        monkeypatch.setenv("PYTHONPATH", str(root))
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        monkeypatch.setenv("PYTEST_ADDOPTS", "-p xdist.plugin -p pytest_timeout -p harness.plugin -p no:cacheprovider")
        skills = pytester.mkpydir("skills")
        for name in files:
            shutil.copy(Path(__file__).parent / "architectures" / name, skills)
        pytester.makeconftest(conftest)
        return pytester

    return put


def rows(runs: Path) -> list[dict[str, Any]]:
    """What was recorded below a folder of runs, each cell once."""
    found = [json.loads(line) for path in runs.glob("*/*.jsonl") for line in path.read_text().splitlines()]
    assert len({row["cell"] for row in found}) == len(found)
    return found
