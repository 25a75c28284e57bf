"""What an exception becomes in a record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.failures import sentence, status, tail
from harness.hardware.cpu import Cpu
from tests.harness.architectures.hf_bert import Bert
from tests.harness.conftest import Ask


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


def test_where_an_error_is_cut_makes_no_difference_to_its_signature(ask: Ask, install: Callable[[Any], str]) -> None:
    class Losing(Cpu):
        name = "losing"
        folder = ""

        def prepare(self, *args: Any, **kwargs: Any) -> Any:
            raise OSError(f"{self.folder} has no file named x.pt; {'it was looked for, and ' * 12} not found")

    found = []
    for folder in ("/mnt/a/b", "/mnt/" + "a-machine-with-long-names/" * 6 + "b"):
        Losing.folder = folder
        found.append(ask(Bert, "forward", install(Losing())))
    assert found[0].reason != found[1].reason
    assert found[0].signature == found[1].signature
    assert str(found[0].signature).endswith("not found")
