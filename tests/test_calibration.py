"""What measured figures propose for the table of tolerances, and what is written of it."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invoke import Exit

from commands import calibration
from commands.proposals import MARGIN, Proposal, proposals, step
from harness.results.record import Record
from harness.tolerances import read, tolerance
from reporting.evidence import Environment, Evidence

HERE = Environment("e1", "r", platform="Linux", devices="cpu: Abacus", versions={"torch": "2.13.0", "numpy": "2.3.5"})
TODAY = tolerance("cpu", "fp32", "parity").rel_max


def found(amount: float | str, head: str = "BertModel", seed: int = 0, **changes: Any) -> Evidence:
    """Evidence of parity on the CPU."""
    status = "passed" if isinstance(amount, float) and amount <= TODAY else "failed"
    facts = {"status": status, "runs": "passed", "matches": status, "metrics": {"rel_max": amount}} | changes
    cell = f"bert/{head}/cpu/fp32/parity"
    none = dict.fromkeys(("speed", "stage", "reason", "signature", "traceback", "executed_on"))
    record = Record(
        cell=cell, run="r", model_type="bert", head=head, hardware="cpu", dtype="fp32", check="parity", primary=True,
        tier="critical", family="encoder-only", seed=seed, started="2026-11-27T10:00:00", **(none | facts),
    )  # fmt: skip
    return Evidence(record, HERE)


def many(largest: float, count: int = 25) -> list[Evidence]:
    """Figures of many heads, and the largest of them."""
    return [*(found(1e-7, f"Head{number}") for number in range(count - 1)), found(largest, "Worst")]


def only(measured: Sequence[Evidence], *more: Any) -> Proposal:
    (row,) = proposals(measured, *more)
    return row


@given(st.floats(1e-12, 1e3))
def test_a_step_is_the_next_of_1_2_5(value: float) -> None:
    assert value * (1 - 1e-6) <= step(value) <= 2.5 * value * (1 + 1e-6)
    assert f"{step(value):e}"[0] in "125"
    assert step(step(value)) == step(value)


def test_nothing_needs_no_room() -> None:
    assert step(0.0) == 0.0


def test_a_bound_becomes_tighter_by_itself() -> None:
    row = only(many(1e-6))
    assert (row.bound, row.loosens) == (5e-6, False)
    assert row.bound >= MARGIN * 1e-6
    assert "3e-05 (row 'cpu') -> 5e-06: tightens" in row.text()
    assert "25 heads" in row.source


def test_a_bound_becomes_looser_for_a_reason_only() -> None:
    measured = many(TODAY * 0.9)
    refused, given_one = only(measured), only(measured, (), "another compiler")
    assert (refused.bound, given_one.bound) == (None, step(MARGIN * TODAY * 0.9))
    assert "needs a --reason" in refused.text()
    assert "another compiler" in given_one.source
    assert "loosens" in given_one.text()


def test_what_is_over_todays_bound_is_a_failure_and_makes_no_bound() -> None:
    row = only([*many(1e-6), found(0.5, "Wrong")])
    assert (row.bound, [item.head for item in row.over]) == (5e-6, ["bert/Wrong"])
    assert "bert/Wrong, seed 0): over today's bound" in row.text()


def test_recorded_results_hold_a_bound_that_fewer_figures_would_make_tighter() -> None:
    assert only(many(1e-6), [found(2e-6, "Recorded")]).bound == 1e-5
    assert only(many(1e-6), [found(TODAY, "Recorded")]).bound is None
    assert only(many(1e-6), [found(0.5, "Wrong")]).bound == 5e-6  # what failed bounds nothing


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        ([found(1e-6)], "1 heads are too few"),
        ([found(0.0, f"Head{number}") for number in range(25)], "no number is off"),
        (many(TODAY / MARGIN * 0.99), "what the figures ask for"),
        ([found("nan", status="vacuous", matches="vacuous")], "nothing was measured"),
        ([found(1.0, status="crashed", runs="crashed", matches=None, metrics={})], "nothing was measured"),
    ],
)
def test_a_bound_stays_and_it_is_said_why(
    measured: list[Evidence], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from commands import proposals as module

    # A bound that is one of the steps, so that the figures may ask for just that.
    monkeypatch.setattr(module, "tolerance", lambda *key: replace(tolerance(*key), rel_max=step(TODAY)))
    row = only(measured)
    assert row.bound is None
    assert words in row.text()


def test_a_row_is_written_with_what_it_was_measured_by_and_the_rest_stays(tmp_path: Path) -> None:
    file = tmp_path / "tolerances.toml"
    file.write_text(
        '# why there are bounds\n[[tolerance]]\nhardware = "*"\ndtype = "fp32"\ncheck = "parity"\nrel_max = 1e-4\n'
        'source = "guessed"  # by somebody\n'
    )
    measured = [*many(1e-6), *(found(2e-7, f"Head{number}", seed=1) for number in range(3))]
    calibration.write([only(measured)], measured, ["20261127T100000Z-abcdef"], file)
    calibration.write([only(measured)], measured, ["20261127T100000Z-abcdef"], file)  # in place of the first
    assert file.read_text().startswith("# why there are bounds\n")
    assert "# by somebody" in file.read_text()
    table = read(file)
    assert {key: row.rel_max for key, row in table.items()} == {
        ("*", "fp32", "parity"): 1e-4,
        ("cpu", "fp32", "parity"): 5e-6,
    }
    told = tomllib.loads(file.read_text())["tolerance"][1]["calibration"]
    assert (told["heads"], told["seeds"], told["largest"], told["largest_of"]) == (25, [0, 1], 1e-6, "bert/Worst")
    assert (told["versions"], told["date"], told["runs"]) == (
        ["torch 2.13.0"],
        "2026-11-27",
        ["20261127T100000Z-abcdef"],
    )
    assert "Abacus" in told["machine"]
    assert [path.name for path in tmp_path.iterdir()] == ["tolerances.toml"]


def test_a_row_whose_bound_stays_is_told_by_what(tmp_path: Path) -> None:
    file = tmp_path / "tolerances.toml"
    file.write_text(
        f'[[tolerance]]\nhardware = "cpu"\ndtype = "fp32"\ncheck = "parity"\nrel_max = {TODAY}\nsource = "guessed"\n'
    )
    measured = many(TODAY * 0.9)
    row = only(measured)
    assert (row.bound, row.confirmed, only(measured[:5]).confirmed) == (None, True, False)
    calibration.write([row], measured, ["r"], file)
    ((_, kept),) = read(file).items()
    assert (kept.rel_max, kept.source, kept.calibration["heads"]) == (TODAY, "guessed", 25)


def test_a_run_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(Exit, match="there is no run 2026-nothing") as caught:
        calibration.calibrate(calibration.Asked(), ["2026-nothing"], reason=None, writing=False)
    assert caught.value.code == 2


def test_what_is_over_a_bound_fails_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.results.store import Writer

    monkeypatch.setattr(calibration, "KEPT", tmp_path)
    monkeypatch.setattr(calibration, "reports_here", lambda: tmp_path)
    with Writer(tmp_path / "r", "main") as writer:
        for item in [*many(1e-7), found(0.5, "Wrong")]:
            writer.write(item.record)
    with pytest.raises(Exit, match="1 figures are over their bounds") as caught:
        calibration.calibrate(calibration.Asked(), ["r"], reason=None, writing=False)
    assert caught.value.code == 1
    words = calibration.calibrate(calibration.Asked(), ["r"], reason="it's so", writing=False)
    assert words.endswith("Run: invoke calibrate --from r --reason 'it'\"'\"'s so' --write")
