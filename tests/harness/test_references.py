"""References on disk: whose numbers they are, who may use them, and what becomes of a file that was tampered with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load, save_file
from transformers import BertForMaskedLM

from harness import references as module
from harness.cells import Cell
from harness.checks import CHECKS
from harness.engines.local import Engine
from harness.hardware.cpu import Cpu
from harness.hardware.torch_device import TorchRunner
from harness.references import Key, Reference, References, digest
from harness.results.record import Record
from harness.session import Subject
from harness.skill import Head
from tests.harness.architectures.hf_bert import Bert
from tests.harness.architectures.hf_dac import Dac


class Other(Cpu):
    """A device that is held against the CPU's numbers."""

    name = "other"

    def __init__(self, change: Callable[[torch.Tensor], torch.Tensor] = lambda tensor: tensor) -> None:
        self.change = change

    def prepare(self, *args: Any, **kwargs: Any) -> TorchRunner:
        runner, change = super().prepare(*args, **kwargs), self.change

        class Changed(TorchRunner):
            def run(self, *args: Any, **kwargs: Any) -> dict[str, torch.Tensor]:
                return {name: change(item) for name, item in super().run(*args, **kwargs).items()}

        return Changed(runner.model, runner.device, runner.dtype, runner.call)


def parity(hardware: str, folder: Path | None, head: Head = Bert.heads[0]) -> Record:
    """The record of a process of its own."""
    return Engine(threads=1, references=folder).execute(Cell(Bert, head, hardware, "fp32", CHECKS["parity"]))


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_all_hardware_is_held_against_one_reference_and_says_which(
    tmp_path: Path, install: Callable[[Any], str]
) -> None:
    name = install(Other())
    first, second, alone = parity("cpu", tmp_path), parity(name, tmp_path), parity(name, None)
    assert [item.status for item in (first, second, alone)] == ["passed"] * 3
    assert [item.metrics["reference_from"] for item in (first, second, alone)] == ["computed", "stored", "computed"]
    assert len({item.metrics["reference"] for item in (first, second, alone)}) == 1
    assert [file.name.rpartition("-")[0] for file in files(tmp_path)] == [
        f"bert-BertForMaskedLM-{digest(Subject(Bert, Bert.heads[0]).inputs)[:8]}"
    ]


def test_the_reference_itself_runs_whatever_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parity("cpu", tmp_path)
    ran = []
    real = TorchRunner.run
    monkeypatch.setattr(
        TorchRunner, "run", lambda self, *args, **kwargs: ran.append(self) or real(self, *args, **kwargs)
    )
    assert parity("cpu", tmp_path).metrics["reference_from"] == "computed"
    assert ran


def test_numbers_are_judged_by_the_stored_ones(tmp_path: Path, install: Callable[[Any], str]) -> None:
    name = install(Other(lambda tensor: tensor * 1.01))
    parity("cpu", tmp_path)
    record = parity(name, tmp_path)
    assert (record.status, record.metrics["reference_from"]) == ("failed", "stored")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda file: file.write_bytes(file.read_bytes()[:-1]), "cannot be read"),
        (lambda file: file.write_bytes(b""), "cannot be read"),
        (lambda file: file.write_bytes(file.read_bytes()[:-8] + b"\0\0\x80?\0\0\x80?"), "was altered"),
        (lambda file: save_file(load(file.read_bytes()), file), "is of something else"),
        (
            lambda file: save_file(load(file.read_bytes()), file, {"key": file.stem.rpartition("-")[2], "names": "[1"}),
            "cannot be read",
        ),
    ],
    ids=["cut", "empty", "another-number", "no-metadata", "broken-metadata"],
)
def test_a_reference_that_was_tampered_with_is_computed_anew_and_it_is_said(
    tmp_path: Path, install: Callable[[Any], str], harm: Callable[[Path], None], words: str
) -> None:
    name = install(Other())
    parity("cpu", tmp_path)
    (file,) = files(tmp_path)
    kept = load(file.read_bytes())
    harm(file)
    record = parity(name, tmp_path)
    assert record.status == "passed"
    assert str(record.metrics["reference_from"]).startswith(f"computed, for the file of it {words}")
    assert load(file.read_bytes()).keys() == kept.keys()
    assert all(torch.equal(item, kept[name]) for name, item in load(file.read_bytes()).items())
    assert parity(name, tmp_path).metrics["reference_from"] == "stored"


def test_a_folder_that_cannot_be_written_costs_no_verdict(tmp_path: Path, install: Callable[[Any], str]) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    record = parity(install(Other()), blocked / "references")
    assert record.status == "passed"
    assert "not kept" in str(record.metrics["reference_from"])


def test_a_reference_that_differs_from_itself_is_stored_as_such(
    tmp_path: Path, install: Callable[[Any], str], swap: Callable[[str, type], None]
) -> None:
    class Restless(BertForMaskedLM):
        count = 0

        def forward(self, *args: Any, **kwargs: Any) -> Any:
            output = super().forward(*args, **kwargs)
            Restless.count += 1
            output.logits = output.logits * (1 + 1e-3 * Restless.count)
            return output

    swap("BertForMaskedLM", Restless)
    name = install(Other())
    for source in ("computed", "stored"):
        record = parity(name, tmp_path)
        assert (record.status, record.metrics["reference_from"]) == ("vacuous", source)
        assert str(record.reason).startswith("nondeterministic")


def test_all_that_numbers_follow_from_names_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    head = Bert.heads[0]
    subject = Subject(Bert, head)
    own = Key.of(subject, subject.inputs)
    assert Key.of(Subject(Bert, head), subject.inputs) == own

    def mark(subject: Subject, inputs: dict[str, torch.Tensor] | None = None) -> str:
        return Key.of(subject, subject.inputs if inputs is None else inputs).mark

    others = [
        mark(Subject(Bert, head, seed=1)),
        mark(Subject(Bert, replace(head, config={"layer_norm_eps": 1e-3}))),
        mark(Subject(Dac, Dac.heads[0])),
        mark(subject, {**subject.inputs, "input_ids": subject.inputs["input_ids"] + 1}),
    ]
    for name, value in (
        ("_machine", lambda: ("another machine",)),
        ("_versions", lambda _: ["transformers 4.0"]),
        ("_file", lambda path: f"{path} edited"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, value)
            others.append(mark(subject))
    assert len({own.mark, *others}) == len(others) + 1


def test_the_files_of_the_models_own_code_count() -> None:
    names = {Path(name).name for name in module._modelling(Subject(Bert, Bert.heads[0]).model)}
    assert "modeling_bert.py" in names
    assert not any("/torch/" in name for name in module._modelling(Subject(Bert, Bert.heads[0]).model))
    assert all(Path(name).is_file() for name in module._harness())


def test_a_newer_reference_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    store = References(tmp_path)
    made = Reference.of({"a": torch.ones(2)}, {"a": torch.ones(2)})
    for mark in ("1" * 32, "2" * 32):
        assert store.get(Key("bert-Bert-0", mark), lambda: made).source == "computed"
    assert store.get(Key("bert-BertTwo-0", "1" * 32), lambda: made).source == "computed"
    assert [file.name for file in files(tmp_path)] == [
        f"bert-Bert-0-{'2' * 32}.safetensors",
        f"bert-BertTwo-0-{'1' * 32}.safetensors",
    ]


def test_tensors_of_every_kind_come_back_as_they_were_in_their_order(tmp_path: Path) -> None:
    whole = torch.arange(6.0).reshape(2, 3)
    outputs = {
        "z": whole.t(),
        "a": whole[0],  # of the same storage
        "complex": torch.complex(whole, whole).conj(),
        "bool": torch.tensor([True, False]),
        "codes": torch.tensor([2**60, -1]),
        "half": torch.tensor([1.0, float("nan"), float("-inf")], dtype=torch.bfloat16),
        "scalar": torch.tensor(3.0),
        "empty": torch.zeros(0, 3),
    }
    store, made = References(tmp_path), Reference.of(outputs, outputs)
    store.put(Key("x", "0" * 32), made)
    found = store.get(Key("x", "0" * 32), lambda: pytest.fail("it is there"))
    assert (found.source, found.settled, found.digest, list(found.outputs)) == (
        "stored",
        True,
        made.digest,
        list(outputs),
    )
    for name, item in outputs.items():
        assert found.outputs[name].dtype is item.dtype
        assert torch.equal(found.outputs[name].nan_to_num(), item.nan_to_num())


def test_a_digest_tells_names_shapes_dtypes_and_bits_apart() -> None:
    one = torch.tensor([1.0, 2.0])
    several = [{"a": one}, {"b": one}, {"a": one[None]}, {"a": one.double()}, {"a": one.nextafter(one * 2)}, {}]
    several += [{"a": one, "b": one * 2}, {"b": one * 2, "a": one}]
    assert len({digest(item) for item in several}) == len(several)
    assert digest({"a": one}) == digest({"a": one.clone()})
