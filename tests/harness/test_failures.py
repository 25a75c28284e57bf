"""What an exception becomes in a record."""

from __future__ import annotations

import pytest

from harness.failures import sentence, signature, status, tail


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("differs in logits by 1.2e-03 of its scale", "differs in logits by 4e-05 of its scale"),
        ("object at 0x7f12ab", "object at 0x55aa"),
        ("gives shape (2, 3) instead of (2, 4)", "gives shape (1,) instead of (20, 4, 5)"),
        ("cannot open /home/a/x.bin", "cannot open /tmp/b/c/y.bin"),
        (
            "mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)",
            "mat1 and mat2 shapes cannot be multiplied (1x9 and 8x5)",
        ),
        ("two  spaces", "two spaces"),
    ],
)
def test_equal_causes_have_equal_signatures(one: str, other: str) -> None:
    assert signature(one) == signature(other)


def test_other_causes_have_other_signatures_and_none_has_none() -> None:
    assert signature("differs in logits by 1e-3") != signature("differs in pooler_output by 1e-3")
    assert signature(None) is None


def test_an_exception_is_its_class_and_first_line() -> None:
    assert sentence(ValueError("\n one\ntwo")) == "ValueError: one"
    assert sentence(KeyError()) == "KeyError"
    assert len(sentence(ValueError("x" * 5000))) <= 300


def test_a_traceback_ends_with_its_error() -> None:
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError("boom")
    assert tail(caught.value).endswith("RuntimeError: boom")


def test_a_compiled_operator_that_is_not_here_is_a_library_that_is_not_here() -> None:
    assert status(RuntimeError("Couldn't load custom C++ ops. This can happen if your PyTorch")) == "unavailable"
    assert status(RuntimeError("it said: Couldn't load custom C++ ops.")) == "failed"
