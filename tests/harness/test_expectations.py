"""Files of expected states: what they may say, and how each thing that they may not is answered."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from harness.cells import ASKED
from harness.expected import expectations, names
from harness.results.expectations import ExpectationError, Names, files, rows, schema

ROW: dict[str, Any] = {
    "cell": "bert/BertForMaskedLM/cpu/fp32/parity",
    "axis": "matches",
    "status": "failed",
    "class": "upstream-transformers",
    "text": "it adds twice: modeling_bert.py:1",
    "signature": "it differs in logits by N",
    "expires": date(2027, 5, 31),
}

NAMES = Names(
    heads={"bert": {"BertForMaskedLM", "BertModel"}, "gpt2": {"GPT2LMHeadModel"}},
    hardware=("cpu", "cuda", "openvino"),
    dtypes=("fp32", "bf16"),
    checks=("forward", "parity"),
    distributions=("torch", "transformers"),
)


def toml(row: dict[str, Any]) -> str:
    def value(item: Any) -> str:
        if isinstance(item, dict):
            return "{" + ", ".join(f"{json.dumps(name)} = {value(of)}" for name, of in item.items()) + "}"
        return item.isoformat() if isinstance(item, date) else json.dumps(item)

    return "[[expected]]\n" + "".join(f"{name} = {value(item)}\n" for name, item in row.items())


def written(folder: Path, *several: dict[str, Any], name: str = "cpu") -> Path:
    file = folder / "expected" / f"{name}.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text("# What is known.\n\n" + "\n".join(toml(ROW | row) for row in several), encoding="utf-8")
    return file


def without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(schema())
    row = schema()["$defs"]["row"]
    assert schema()["additionalProperties"] is row["additionalProperties"] is False
    assert all(field["description"] for field in row["properties"].values())


def test_a_row_is_read_with_all_that_it_says(tmp_path: Path) -> None:
    more = {
        "issue": "https://example.org/1",
        "window": {"Transformers": ">=5.20,<5.24"},
        "cell": "b*/*/cpu/fp32/parity",
    }
    [row] = rows(written(tmp_path, more), NAMES)
    assert (row.cell, row.axis, row.status, row.blame) == (more["cell"], "matches", "failed", "upstream-transformers")
    assert (row.expires, row.issue, row.file) == (date(2027, 5, 31), "https://example.org/1", "expected/cpu.toml")
    assert row.admits({"transformers": "5.23.0"})
    assert row.admits({"transformers": "5.23.0.dev0"})
    assert not row.admits({"transformers": "5.24.0"})
    assert not row.admits({"torch": "2.13.0"}), "what is not installed is in no window"


@pytest.mark.parametrize(
    ("pattern", "covered"),
    [
        ("bert/BertForMaskedLM/cpu/fp32/parity", True),
        ("bert/*/cpu/fp32/parity", True),
        ("*/*/*/*/*", True),
        ("b?rt/Bert*/[!x]pu/fp*/par*", True),
        ("bert/*/cpu/fp32/forward", False),
        ("bert/BertModel/cpu/fp32/parity", False),
        ("*/*/cpu/*/bf16", False),
    ],
)
def test_a_pattern_is_one_of_each_part(tmp_path: Path, pattern: str, covered: bool) -> None:
    [row] = rows(written(tmp_path, {"cell": pattern}), Names())
    assert row.covers(ROW["cell"]) is covered


@pytest.mark.parametrize("dtype", ASKED)
def test_a_row_may_name_every_dtype_that_a_cell_may_have(tmp_path: Path, dtype: str) -> None:
    file = written(tmp_path, {"cell": f"bert/*/cpu/{dtype}/parity"})
    [row] = rows(file, names(file.parent))
    assert row.covers(f"bert/BertModel/cpu/{dtype}/parity")


def test_only_the_files_of_the_hardware_that_is_asked_for_are_read(tmp_path: Path) -> None:
    written(tmp_path, {"cell": "bert/*/openvino:GPU@trace/fp32/forward"}, name="openvino")
    folder = written(tmp_path, {}, name="cpu").parent
    (folder / "cuda.toml").write_text("a broken file")
    assert [row.axis for row in expectations(folder, ["openvino:GPU@trace"], None).rows] == ["matches"]
    assert [file.name for file in files(folder, ["cpu", "openvino", "mps"])] == ["cpu.toml", "openvino.toml"]
    assert expectations(folder / "nowhere").rows == expectations(None).rows == ()
    with pytest.raises(ExpectationError, match=r"cuda\.toml: is not TOML"):
        expectations(folder, None, None)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"sgnature": "x"}, "there is no field 'sgnature'. The nearest are signature"),
        ({"axis": "match"}, "there is no axis 'match'. The nearest are matches"),
        ({"status": "fails"}, "there is no status 'fails'. The nearest are failed"),
        ({"status": "passed"}, "there is no status 'passed'"),
        ({"status": "unavailable"}, "there is no status 'unavailable'"),
        ({"class": "upstream-transformer"}, "there is no class 'upstream-transformer'. The nearest are upstream-"),
        ({"cell": "bert/BertForMaskedLM/cpu/parity"}, "which is not model_type/head/hardware/dtype/check"),
        ({"cell": "brt/BertForMaskedLM/cpu/fp32/parity"}, "there is no model 'brt'. The nearest are bert"),
        (
            {"cell": "bert/BertForMaskdLM/cpu/fp32/parity"},
            "there is no head 'BertForMaskdLM'. The nearest are BertForMasked",
        ),
        ({"cell": "bert/GPT2LMHeadModel/cpu/fp32/parity"}, "there is no head 'GPT2LMHeadModel'"),
        ({"cell": "bert/*/cpu/fp23/parity"}, "there is no dtype 'fp23'. The nearest are fp32"),
        ({"cell": "bert/*/cpu/fp32/party"}, "there is no check 'party'. The nearest are parity"),
        ({"cell": "bret*/*/cpu/fp32/parity"}, "there is no model 'bret*'"),
        ({"cell": "bert/*/openvino/fp32/parity"}, "speaks of openvino, whose rows stand in openvino.toml"),
        ({"expires": "soon"}, "expires 'soon', which is no day"),
        ({"expires": "2027-02-30"}, "expires '2027-02-30', which is no day"),
        ({"expires": 2027}, "has a wrong expires"),
        ({"issue": "javascript:alert(1)"}, "has a wrong issue"),
        ({"text": ""}, "has a wrong text"),
        ({"signature": ["x"]}, "has a wrong signature"),
        ({"window": {"transformers": "five"}}, "has no versions in its window"),
        ({"window": {"tranformers": ">=5"}}, "there is no distribution 'tranformers'. The nearest are transformers"),
        ({"window": {}}, "has a wrong window"),
    ],
)
def test_what_a_row_may_not_say_is_answered_with_its_line_and_the_nearest(
    tmp_path: Path, row: dict[str, Any], words: str
) -> None:
    file = written(tmp_path, {"cell": "gpt2/*/cpu/fp32/*"}, row)
    with pytest.raises(ExpectationError) as caught:
        rows(file, NAMES)
    assert str(caught.value).startswith(f"{file}:12: ")
    assert words in str(caught.value)
    assert str(caught.value).endswith("run: invoke expect --check")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [name for name in ROW if name != "cell"])
def test_what_a_row_lacks_is_named(tmp_path: Path, name: str) -> None:
    file = tmp_path / "cpu.toml"
    file.write_text(toml(without(ROW, name)))
    with pytest.raises(ExpectationError, match=rf"cpu\.toml:1: lacks {name}\. "):
        rows(file, NAMES)


def test_the_same_may_not_be_said_twice(tmp_path: Path) -> None:
    with pytest.raises(
        ExpectationError, match=r"cpu\.toml:12: says of bert/\S+ on the axis matches what another row says"
    ):
        rows(written(tmp_path, {}, {"text": "in other words"}), NAMES)
    assert len(rows(written(tmp_path, {}, {"axis": "runs"}, {"signature": "another"}), NAMES)) == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[[expected]\n", "is not TOML: "),
        (b"\xff\xfe", "is not TOML: "),
        (b"[[expect]]\n", "there is no field 'expect'. The nearest are expected"),
        (b"expected = 5", "has a wrong expected"),
        (b"expected = [5]", "has a wrong "),
        (b"x = " + b"[" * 5000, "is not TOML: "),
        (b"x = " + b"1" * 5000, "is not TOML: "),
    ],
)
def test_what_is_no_such_file_is_a_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "cpu.toml"
    file.write_bytes(content)
    with pytest.raises(ExpectationError) as caught:
        rows(file, NAMES)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_of_no_hardware_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ExpectationError, match=r"there is no hardware 'opnvino'\. The nearest are openvino"):
        rows(written(tmp_path, {}, name="opnvino"), NAMES)


def refusal(file: Path) -> str | None:
    """The sentence in which a file is refused; None for one that is read."""
    try:
        rows(file, NAMES)
    except ExpectationError as error:
        return str(error)
    return None


@given(st.text())
@example("expected = [{cell = 'a/b/cpu/d/e'}]")
@example("[[expected]]\nexpires = 2027-01-01T00:00:00Z\n")
@example("[[expected]]\ncell = nan\n[expected.window]\ntorch = inf\n")
def test_any_text_is_read_or_refused_in_a_sentence(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.mktemp("any") / "cpu.toml"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    said = refusal(file)
    assert said is None or (said.startswith(str(file)) and len(said.splitlines()) == 1)


@given(
    st.dictionaries(st.sampled_from([*ROW, "issue", "window", "x"]), st.text(max_size=12) | st.integers() | st.dates())
)
def test_any_values_of_a_row_are_read_or_refused_in_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, changes: dict[str, Any]
) -> None:
    file = written(tmp_path_factory.mktemp("any"), changes)
    said = refusal(file)
    assert said is None or (said.startswith(str(file)) and len(said.splitlines()) == 1)


def test_the_files_of_the_project_are_in_order_and_say_whose_fault_it_is(root: Path) -> None:
    found = expectations(root / "expected").rows
    assert {row.file for row in found} >= {"expected/cpu.toml", "expected/openvino.toml"}
    assert all(len(row.text) > 10 for row in found)
