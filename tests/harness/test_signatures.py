"""Signatures: the same wherever and whenever a cause occurs, and another for another cause."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.results.signatures import LENGTH, same, signature


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("differs in logits by 1.2e-03 of its scale", "differs in logits by 4e-05 of its scale"),
        ("differs in logits by inf of its scale", "differs in logits by 3.1e+36 of its scale"),
        ("object at 0x7f12ab", "object at 0x55aa"),
        ("gives shape (2, 3) instead of (2, 4)", "gives shape (1,) instead of (20, 4, 5)"),
        ("shape '[2, -1, 4]' is invalid for input of size 7", "shape '[1, 2]' is invalid for input of size 22"),
        ("cannot open /home/a/x.bin", "cannot open /tmp/b/c/y.bin"),
        ("cannot open '/home/a user/x.bin'", "cannot open '/tmp/b/c/y.bin'"),
        ("use hf-hub:/dev/shm/skill-1/model to load", "use hf-hub:/tmp/x/model to load"),
        ("at https://hub.co//dev/shm/a-1/tree/main for files", "at https://hub.co//tmp/b/c/d-22/tree/main for files"),
        ("mat1 (2x3 and 4x5)", "mat1 (1x9 and 8x5)"),
        ("two  spaces", "two spaces"),
        ("\x1b[31mred\x1b[0m", "\x1b[1;32mred\x1b[0m"),
        ("says [[0.0892408490, [0.1, 0.23…", "says [[0.08, [0.1, 0.2393, [0…"),
        (
            "exporter: no; trace: Could not get Torch…; onnx: no",
            "exporter: no; trace: Could not get TorchScri…; onnx: no",
        ),
    ],
)
def test_equal_causes_have_equal_signatures(one: str, other: str) -> None:
    assert signature(one) == signature(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("differs in logits by 1e-3", "differs in pooler_output by 1e-3"),
        ("KeyError: 'logits'", "KeyError: 'scores'"),
        ("needs skills/hf_bert.py", "needs skills/hf_gpt.py"),
        ("holds 12 NaN of 24", "is constant"),
        ("the list [] is empty", "the list [1] is empty"),
    ],
)
def test_other_causes_have_other_signatures(one: str, other: str) -> None:
    assert signature(one) != signature(other)


@pytest.mark.parametrize("folder", ["/mnt/a", "/srv/a-much-longer-name-1234567890/of/a/machine", "/srv/x.y+z@w"])
def test_a_folder_changes_nothing_even_where_the_text_is_long(folder: str) -> None:
    words = (
        f"OSError: {folder}/model does not appear to have a file named x.pt. Look at '{folder}/model/tree'. "
        + "why " * 200
    )
    assert signature(words) == signature(words.replace(folder, "/home/me"))


@given(st.text())
@example("[" * 50)
@example("[" + "1" * 5000)
@example("/a" * 5000)
@example("…" * 300)
def test_any_text_has_a_short_signature_on_one_line_that_is_its_own(text: str) -> None:
    found = signature(text)
    assert found is not None
    assert len(found) <= LENGTH
    assert "\n" not in found
    assert same(found, found)


def test_what_looks_like_the_beginning_of_a_shape_is_gone_through_once() -> None:
    assert signature("[" + "7" * 60 + " is not closed") == "[N is not closed"


@pytest.mark.parametrize(
    ("expected", "found", "alike"),
    [
        ("the loaded model", "the loaded model", True),
        ("the loaded model", "the loaded model has", False),
        ("the loaded model has …", "the loaded model has other values", True),
        ("… has no file named spk_dict.pt", "OSError: PATH has no file named spk_dict.pt", True),
        ("trace: … onnx: no", "trace: it cannot; onnx: no", True),
        ("trace: … onnx: no", "trace: it cannot; onnx: yes", False),
        ("aba…ba", "aba", False),
        ("…", "", True),
        ("N.*", "Nxx", False),
    ],
)
def test_three_dots_in_what_is_expected_stand_for_anything(expected: str, found: str, alike: bool) -> None:
    assert same(expected, found) is alike


def test_nothing_has_no_signature_and_is_not_what_was_expected() -> None:
    assert signature(None) is None
    assert not same("…", None)
