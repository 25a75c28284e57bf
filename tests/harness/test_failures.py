"""What an exception becomes in a record."""

from __future__ import annotations

import pytest

from harness.failures import sentence, status, tail


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
