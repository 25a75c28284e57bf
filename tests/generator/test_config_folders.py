"""Config folders: what is no config is refused in a sentence, and no other model is made of one that was described."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator import catalog, folders, tiny

LLAMA: dict[str, Any] = {"model_type": "llama"}


def _written(place: Path, data: bytes) -> Path:
    (place / "config.json").write_bytes(data)
    return place


def _built(place: Path, values: dict[str, Any]) -> dict[str, Any]:
    read = folders.read(_written(place, json.dumps(values).encode()))
    row = folders.row(place, read, catalog.load())
    return tiny.build(dataclasses.replace(row, heads=row.heads[:1])).config


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'\xef\xbb\xbf{"model_type": "llama"}', "is no JSON"),
        (b'{"model_type": "\xff"}', "is no JSON"),
        (b"", "is no JSON"),
        (b"null", "holds a NoneType"),
        (b'{"model_type": ["llama"]}', "names no model_type"),
        (b'{"model_type": null}', "names no model_type"),
        (b'{"model_type": "llama", "hidden_size": -4096}', "its 'hidden_size' is -4096"),
        (b'{"model_type": "llama", "num_hidden_layers": 0}', "its 'num_hidden_layers' is 0"),
        (b'{"model_type": "llama", "rope_theta": -Infinity}', "is no number of JSON"),
        (b'{"model_type": "llava", "text_config": {"n_head": -1}}', "its 'n_head' is -1"),
    ],
)
def test_what_no_model_is_made_of_is_refused_in_a_sentence(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(folders.FolderError) as caught:
        folders.read(_written(tmp_path, data))
    assert words in str(caught.value)
    assert str(caught.value).isprintable()


def test_numbers_below_zero_that_are_no_sizes_are_kept(tmp_path: Path) -> None:
    values = {**LLAMA, "pad_token_id": -1, "max_keypoints": -1, "num_local_experts": 0}
    assert folders.read(_written(tmp_path, json.dumps(values).encode())) == values


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(
    data=st.binary(max_size=60)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode())
)
def test_whatever_a_file_holds_it_is_read_or_refused(tmp_path: Path, data: bytes) -> None:
    said = "read"
    try:
        assert isinstance(folders.read(_written(tmp_path, data))["model_type"], str)
    except folders.FolderError as error:
        said = str(error)
    assert said.isprintable()


@pytest.mark.parametrize(
    "values",
    [
        {**LLAMA, "hidden_act": "blorp"},
        {**LLAMA, "rope_scaling": {"rope_type": "spiral", "factor": 2.0}},
        {"model_type": "swin", "depths": [2, 2, 6, 2], "num_heads": [3, 6]},
    ],
)
def test_no_other_model_is_made_of_one_that_cannot_be_built(tmp_path: Path, values: dict[str, Any]) -> None:
    with pytest.raises(tiny.TinyError, match="could not be built tiny"):
        _built(tmp_path, values)


@pytest.mark.parametrize(
    "values",
    [
        {**LLAMA, "to_dict": {"a": 1}, "from_pretrained": 2, "x y": 3, "class": 4, "__class__": 5},
        {**LLAMA, "attn_implementation": "flash_attention_2", "output_attentions": True, "return_dict": False},
        {**LLAMA, "hidden_size": 10**9, "num_attention_heads": 10**6, "intermediate_size": 10**10},
        {
            **LLAMA,
            "quantization_config": {"quant_method": "gptq"},
            "torch_dtype": "bfloat16",
            "architectures": [1, None],
        },
        {**LLAMA, "auto_map": {"AutoConfig": "evil.Evil"}},
    ],
)
def test_what_says_nothing_of_the_model_changes_nothing_of_it(tmp_path: Path, values: dict[str, Any]) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "odd").mkdir()
    assert _built(tmp_path / "odd", values) == _built(tmp_path / "plain", LLAMA)


def test_heads_that_do_not_divide_the_width_are_the_folders_own_fault_and_said_so(tmp_path: Path) -> None:
    with pytest.raises(tiny.TinyError, match="not a multiple of the number of attention heads"):
        _built(tmp_path, {**LLAMA, "num_attention_heads": 31})
