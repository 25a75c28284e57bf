"""What other libraries say does not reach who generates; what this package says does."""

from __future__ import annotations

import warnings

import pytest

from generator.quiet import quiet


def _warn(module: str) -> None:
    warnings.warn_explicit("odd", UserWarning, f"{module}.py", 1, module=module)


@pytest.mark.parametrize(("module", "heard"), [("torch.nn.init", 0), ("generator.tiny.probe", 1), ("generators", 0)])
def test_only_warnings_of_this_package_are_heard(module: str, heard: int) -> None:
    with warnings.catch_warnings(record=True) as caught, quiet():
        _warn(module)
    assert len(caught) == heard


def test_nothing_is_printed_and_what_is_written_to_standard_error_stays(capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    @quiet()
    def made() -> int:
        print("[ERROR] not documented")
        print("out of memory", file=sys.stderr)
        return 1

    assert made() == 1
    assert capsys.readouterr() == ("", "out of memory\n")


def test_an_error_passes_and_the_next_print_is_heard(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="own"), quiet():
        raise ValueError("own")
    print("heard")
    assert capsys.readouterr().out == "heard\n"
