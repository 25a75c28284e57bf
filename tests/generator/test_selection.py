"""Which rows a command means, and that it is told so where it means none, or two things at once."""

from __future__ import annotations

import dataclasses

import pytest

from generator.catalog import Row, UnknownModelError
from generator.command import Options
from generator.selection import Selection, SelectionError, count, tiers
from tests.generator.sample import SPEC, catalog, row


def _row(name: str, tier: str, state: str = "architecture") -> Row:
    return row(dataclasses.replace(SPEC, model_type=name, module=f"hf_{name}", tier=tier), state=state)


CATALOG = catalog(
    _row("whisper", "critical"),
    _row("zamba", "long-tail"),
    _row("bert", "critical"),
    _row("qwen2", "high"),
    _row("clip_text_model", "critical", "component"),
)


def _names(selection: Selection, generated: tuple[str, ...] = ()) -> list[str]:
    return [found.model_type for found in selection.rows(CATALOG, generated)[0]]


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        (Selection(models=("qwen2", "bert", "Qwen-2", "bert")), ["qwen2", "bert"]),
        (Selection(tiers=("critical",)), ["bert", "whisper"]),
        (Selection(tiers=("high", "critical")), ["bert", "whisper", "qwen2"]),
        (Selection(everything=True), ["bert", "whisper", "qwen2", "zamba"]),
        (Selection(batch=2), ["bert", "qwen2"]),
        (Selection(batch=9), ["bert", "qwen2", "zamba"]),
        (Selection(batch=9, tiers=("high", "long-tail")), ["qwen2", "zamba"]),
        (Selection(everything=True, packages=("acme",)), ["bert", "whisper", "qwen2", "zamba"]),
    ],
)
def test_each_way_of_asking_gives_its_rows_once_the_most_urgent_first(selection: Selection, names: list[str]) -> None:
    assert selection.given
    assert _names(selection, generated=("whisper",)) == names


def test_packages_alone_mean_their_own_architectures() -> None:
    own = dataclasses.replace(_row("owl", "long-tail"), package="acme_models")
    found = Selection(packages=("acme_models",)).rows(catalog(_row("bert", "critical"), own), ())
    assert found == ([own], [])


@pytest.mark.parametrize(
    "selection",
    [
        Selection(),
        Selection(models=("bert",), tiers=("high",)),
        Selection(models=("bert",), everything=True),
        Selection(models=("bert",), batch=1),
        Selection(everything=True, batch=1),
        Selection(everything=True, tiers=("high",)),
    ],
)
def test_asking_for_nothing_or_for_two_things_is_refused(selection: Selection) -> None:
    with pytest.raises(SelectionError, match=r"give one of --model NAME, --tier TIER, --batch N .* or --all\."):
        _names(selection)


def test_one_unknown_name_refuses_all_before_any_work() -> None:
    with pytest.raises(UnknownModelError):
        _names(Selection(models=("bert", "nobody-knows-this")))


@pytest.mark.parametrize(("text", "names"), [("high", ("high",)), ("high, critical,high", ("high", "critical"))])
def test_tiers_are_a_list_with_commas(text: str, names: tuple[str, ...]) -> None:
    assert tiers(text) == names


@pytest.mark.parametrize("text", ["", ",", "high,", "High", "urgent", "high;critical"])
def test_a_tier_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(SelectionError, match="there is no such tier; the tiers are critical, high, medium, long-tail"):
        tiers(text)


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("007", 7), ("9" * 400, 999999999)])
def test_a_batch_has_a_number(text: str, number: int) -> None:
    assert count(text) == number


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "many", "²", "1e3"])
def test_a_batch_of_anything_else_is_refused(text: str) -> None:
    with pytest.raises(SelectionError, match="is not a number from 1 up"):
        count(text)


@pytest.mark.parametrize("mode", ["dry_run", "force", "prune"])
def test_a_check_goes_with_no_other_mode(mode: str) -> None:
    with pytest.raises(SelectionError, match="--check writes nothing"):
        Options(check=True, **{mode: True})
