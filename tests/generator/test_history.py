"""Which releases have which types: the table as it is committed, and how a wheel adds to it."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from generator.catalog import UnavailableModelError, UnknownModelError, find, history, load, resolve
from generator.catalog.row import Catalog
from generator.selection import Selection


@pytest.fixture(scope="module")
def older() -> Catalog:
    """The catalogue as 5.10.0 would have it, so far as types that came later are concerned."""
    catalog = load()
    later = {name for name, first, _ in history.known().values() if history._order(first) > (5, 10, 0)}
    rows = {name: row for name, row in catalog.rows.items() if name not in later}
    return replace(catalog, transformers="5.10.0", digest="older", rows=rows, owners={})


def test_the_table_accounts_for_every_type_of_the_installed_release() -> None:
    catalog = load()
    here = {name for name, _, gone in history.known().values() if gone is None}
    assert set(catalog.rows) <= here


def test_what_came_later_is_unavailable_since_then_and_no_error(older: Catalog) -> None:
    name, first, _ = next(item for item in history.known().values() if history._order(item[1]) > (5, 10, 0))
    with pytest.raises(UnavailableModelError, match=rf"unavailable in transformers 5.10.0 \(since {first}\)"):
        resolve(name, older)
    rows, notes = Selection(models=(name, "gptj")).rows(older, ())
    assert [row.model_type for row in rows] == ["gptj"]
    assert notes == [f"{name}: unavailable (since {first}); transformers 5.10.0 has no such model."]


def test_a_name_that_no_release_has_is_still_a_mistake(older: Catalog) -> None:
    with pytest.raises(UnknownModelError) as caught:
        find("gptjj", older)
    assert not isinstance(caught.value, UnavailableModelError)


def test_a_type_that_a_later_release_dropped_is_told_until_when() -> None:
    dropped = [item for item in history.known().values() if item[2] is not None]
    for name, _, gone in dropped:
        assert history.absence(name, str(gone)) == (name, f"until {gone}")


STATED = """
CONFIG_MAPPING_NAMES = OrderedDict[str, str]([("one", "OneConfig"), ("two-b", "TwoConfig")])
CONFIG_MAPPING_NAMES.update([("three", "ThreeConfig")])
OTHER_NAMES = OrderedDict([("four", "FourConfig")])
"""


def test_a_wheel_is_read_as_text(tmp_path: Path) -> None:
    path = tmp_path / "transformers-6.0.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("transformers/models/auto/configuration_auto.py", STATED)
    assert history.wheel(path) == ("6.0.0", ["one", "three", "two-b"])
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("transformers/models/auto/configuration_auto.py", "")
    with pytest.raises(ValueError, match="states no config types"):
        history.wheel(path)


def test_a_release_is_taken_in_where_it_belongs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        history, "_table", lambda: {"5.0.0": {"new": ["a", "b"], "gone": []}, "5.2.0": {"new": ["c"], "gone": ["a"]}}
    )
    grown = history.grown({"5.1.0": ["a", "b", "d"]})
    assert grown == {
        "5.0.0": {"new": ["a", "b"], "gone": []},
        "5.1.0": {"new": ["d"], "gone": []},
        "5.2.0": {"new": ["c"], "gone": ["a", "d"]},
    }
