"""The table of tolerances: every check that compares has its rows, and a table that is broken judges nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cells import ASKED
from harness.checks import CHECKS
from harness.tolerances import ANY, FILE, ToleranceError, read, tolerance

ROW = '[[tolerance]]\nhardware = "cpu"\ndtype = "fp32"\ncheck = "parity"\nrel_max = 1e-5\nsource = "measured"\n'


def test_every_row_is_of_a_check_and_a_dtype_that_there_are_and_says_where_it_comes_from() -> None:
    for hardware, dtype, check in read():
        assert (hardware, dtype, check) == read()[hardware, dtype, check].key
        assert any(check == name or check.startswith(f"{name}_") for name in CHECKS)  # a check may have several
        assert dtype in ASKED


def test_what_a_dtype_is_judged_by_any_hardware_can_be() -> None:
    checks = {check for _, _, check in read()} & set(CHECKS)
    for check in checks:
        assert {dtype for of, dtype, name in read() if (of, name) == (ANY, check)} >= {"fp32", "fp16", "bf16"}
    for check in (name for name in checks if CHECKS[name].compiled):
        assert tolerance("no-such-hardware", "default", check).rel_max >= 0


def test_the_nearest_row_is_taken() -> None:
    assert tolerance("cpu", "fp32", "parity").hardware == "cpu"
    assert tolerance("abacus", "fp32", "parity").hardware == ANY
    assert tolerance("openvino@trace", "fp32", "parity") == tolerance("openvino", "fp32", "parity")
    assert (
        tolerance("cpu@sdpa", "fp32", "parity")
        == tolerance("cpu:1", "fp32", "parity")
        == tolerance("cpu", "fp32", "parity")
    )
    assert tolerance("openvino:GPU@trace", "fp32", "parity").hardware == ANY  # another device has figures of its own
    with pytest.raises(ToleranceError, match="no row for parity in int4 on cpu"):
        tolerance("cpu", "int4", "parity")


def test_tighter_dtypes_have_tighter_bounds() -> None:
    for check in {check for _, _, check in read()} & set(CHECKS):
        exact, half, brain = (tolerance("x", dtype, check).rel_max for dtype in ("fp32", "fp16", "bf16"))
        assert exact <= half <= brain


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[tolerance]\n", "cannot be read"),
        ("", "cannot be read"),
        (ROW + ROW, "there twice"),
        (ROW.replace("source", "origin"), "must have check, dtype, hardware, rel_max, source"),
        (ROW.replace('source = "measured"\n', ""), "must have check"),
        (ROW.replace('"measured"', '""'), "must have words"),
        (ROW.replace('"cpu"', "1"), "must have words"),
        *((ROW.replace("1e-5", figure), "bounds nothing") for figure in ("nan", "inf", "-1", "true", '"small"')),
        (ROW + "calibration = 1\n", "is no table"),
    ],
)
def test_a_broken_table_is_refused_in_a_sentence(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "tolerances.toml"
    file.write_text(text)
    with pytest.raises(ToleranceError, match=words) as caught:
        read(file)
    assert str(caught.value).endswith(f"Run: git checkout -- {file}")


def test_the_table_lies_with_the_code_that_reads_it() -> None:
    assert read(FILE)
    assert FILE.parent == Path(__file__).parents[2] / "harness"
