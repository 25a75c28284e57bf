"""From a run to what is expected: which rows stay, change, go and come, and what of a file stays as it was written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from house import VERSIONS, House
from hypothesis import given
from hypothesis import strategies as st

from harness.results.expectations import Expectation, ExpectationError, Names, rows
from harness.results.verdicts import Expectations
from reporting.decoding import environment
from reporting.evidence import Evidence, judged
from reporting.expecting import Change, Triage, changes
from reporting.rows import rewritten, save

RUN = "20261123T120000Z-bbbbbb"


@pytest.fixture
def results(house: House) -> Any:
    """Results of one architecture: statuses by check and head, ``forward`` and ``Head`` where nothing else is said."""

    def made(**statuses: Any) -> list[Evidence]:
        where = environment({"id": "e1", "versions": VERSIONS | {"openvino": "2026.4.1"}}, RUN)
        found = []
        for name, of in statuses.items():
            head, _, check = name.partition("_")
            facts = {"status": of} if isinstance(of, str) else dict(of)
            facts.setdefault("signature", None if facts["status"] == "passed" else "it burns")
            found.append(Evidence(house.record(RUN, "m", check or "forward", head=head, **facts), where))
        return found

    return made


def row(cell: str, **facts: Any) -> Expectation:
    standard: dict[str, Any] = {
        "axis": "runs", "status": "failed", "blame": "ours", "text": "it is hot", "signature": "it burns",
        "expires": date(2027, 1, 1), "file": "expected/cpu.toml",
    }  # fmt: skip
    return Expectation(cell, **(standard | facts))


def said(made: Sequence[Change]) -> list[tuple[str | None, str | None]]:
    return [(change.before and change.before.cell, change.after and change.after.cell) for change in made]


def applied(before: Sequence[Expectation], made: Sequence[Change]) -> list[Expectation]:
    gone = [change.before for change in made if change.before is not None]
    return [item for item in before if item not in gone] + [change.after for change in made if change.after is not None]


def test_each_cell_that_fails_gets_a_row_with_all_that_is_known_of_it(results: Any) -> None:
    [change] = changes(results(A="passed", B={"status": "failed", "hardware": "openvino:GPU"}), [])
    assert change.before is None
    assert change.after == Expectation(
        cell="m/B/openvino:GPU/fp32/forward",
        axis="runs",
        status="failed",
        blame="untriaged",
        text="nobody has looked into it yet",
        signature="it burns",
        expires=date(2027, 5, 22),
        window=change.after.window if change.after else {},
    )
    assert {name: str(of) for name, of in change.after.window.items()} == {
        "transformers": ">=5.23.0",
        "openvino": ">=2026.4.1",
    }
    triage = Triage("device", "it is hot", "https://example.org/1")
    [named] = changes(results(A="failed"), [], triage=triage)
    assert named.after
    assert (named.after.blame, named.after.text, named.after.issue) == ("device", "it is hot", "https://example.org/1")


@pytest.mark.parametrize("status", ["passed", "unavailable", "not_run"])
def test_what_passed_or_did_not_run_gets_none(results: Any, status: str) -> None:
    assert changes(results(A=status), []) == []


def test_a_head_that_could_not_be_built_may_be_expected(results: Any) -> None:
    [change] = changes(results(A={"status": "not_run", "signature": "the skill was written unsettled: no natten"}), [])
    assert change.after
    assert change.after.status == "not_run"


def test_the_axis_that_failed_gets_the_row_and_only_those_that_are_asked_for(results: Any) -> None:
    found = results(A={"status": "failed", "runs": "passed", "matches": "failed"}, B="crashed")
    axes = [change.after.axis for change in changes(found, []) if change.after]
    assert axes == ["runs", "matches"]
    assert [change.after.axis for change in changes(found, [], ["matches"]) if change.after] == ["matches"]


@pytest.mark.parametrize(
    ("statuses", "patterns"),
    [
        ({"A": "failed", "B": "failed"}, ["m/*/cpu/fp32/forward"]),
        ({"A": "failed", "A_parity": "failed", "B": "passed"}, ["m/A/cpu/fp32/*"]),
        ({"A": "failed", "A_parity": "failed", "B": "failed", "B_parity": "failed"}, ["m/*/cpu/fp32/*"]),
        ({"A": "failed", "B": "failed", "C": "passed"}, ["m/A/cpu/fp32/forward", "m/B/cpu/fp32/forward"]),
        ({"A": "failed", "B": {"status": "failed", "signature": "wet"}}, ["m/A/cpu/fp32/forward", "m/B/cpu/fp32/forward"]),
        ({"A": "failed", "B": "crashed"}, ["m/A/cpu/fp32/forward", "m/B/cpu/fp32/forward"]),
        ({"A": "failed", "B": "failed", "A_parity": "failed", "B_parity": "passed"}, ["m/*/cpu/fp32/forward", "m/A/cpu/fp32/parity"]),
    ],
)  # fmt: skip
def test_cells_of_an_architecture_that_end_alike_share_a_row_that_covers_no_other(
    results: Any, statuses: dict[str, Any], patterns: list[str]
) -> None:
    assert [change.after.cell for change in changes(results(**statuses), []) if change.after] == patterns


def test_what_is_as_expected_stays_untouched(results: Any) -> None:
    found = results(A="failed", B="failed", C="passed")
    assert changes(found, [row("m/A/cpu/fp32/forward"), row("m/B/*/*/*"), row("x/*/cpu/fp32/forward")]) == []


def test_a_row_whose_cell_passes_goes(results: Any) -> None:
    before = row("m/A/cpu/fp32/forward")
    assert changes(results(A="passed"), [before]) == [Change(before, None, "1 of its cells pass")]


def test_a_row_whose_cell_fails_otherwise_is_corrected_and_keeps_what_people_said(results: Any) -> None:
    before = row("m/A/cpu/fp32/forward", issue="https://example.org/1")
    [change] = changes(results(A={"status": "crashed", "signature": "it melts"}), [before])
    assert change.before is before
    assert change.after
    assert (change.after.status, change.after.signature) == ("crashed", "it melts")
    assert (change.after.text, change.after.issue) == ("it is hot", "https://example.org/1")


def test_an_expired_row_is_renewed_where_it_still_holds(results: Any) -> None:
    before = row("m/A/cpu/fp32/forward", expires=date(2026, 1, 1))
    [change] = changes(results(A="failed"), [before])
    assert change.after
    assert (change.after.expires, change.after.text) == (date(2027, 5, 22), "it is hot")


def test_a_pattern_that_holds_no_longer_for_a_cell_makes_way_for_rows_that_hold(results: Any) -> None:
    before = row("m/*/cpu/fp32/forward")
    made = changes(results(A="failed", B="passed", C={"status": "failed", "signature": "wet"}), [before])
    assert said(made) == [
        ("m/*/cpu/fp32/forward", None),
        (None, "m/A/cpu/fp32/forward"),
        (None, "m/C/cpu/fp32/forward"),
    ]
    assert [change.after.text for change in made if change.after] == ["it is hot", "nobody has looked into it yet"]


def test_outside_its_window_a_row_is_left_alone(results: Any) -> None:
    from packaging.specifiers import SpecifierSet

    old = row("m/A/cpu/fp32/forward", window={"transformers": SpecifierSet("<5")})
    assert changes(results(A="passed"), [old]) == []
    assert said(changes(results(A="failed"), [old])) == [(None, "m/A/cpu/fp32/forward")]


def test_rows_of_heads_that_are_gone_go_only_where_that_is_asked_for(results: Any) -> None:
    gone, other = row("m/Removed/cpu/fp32/forward"), row("x/A/cpu/fp32/forward")
    assert changes(results(A="passed"), [gone, other]) == []
    assert said(changes(results(A="passed"), [gone, other], prune=True)) == [("m/Removed/cpu/fp32/forward", None)]


ENDS = st.sampled_from(["passed", "failed", "crashed", "unsupported"])


@given(
    statuses=st.dictionaries(st.sampled_from(["A", "B", "C", "A_parity", "B_parity", "C_parity"]), ENDS, min_size=1),
    before=st.lists(
        st.builds(
            row,
            st.sampled_from(["m/A/cpu/fp32/forward", "m/*/cpu/fp32/forward", "m/*/cpu/fp32/*", "m/B/*/*/parity"]),
            status=ENDS.filter(lambda status: status != "passed"),
            expires=st.sampled_from([date(2026, 1, 1), date(2027, 1, 1)]),
        ),
        unique_by=lambda item: (item.cell, item.status),
    ),
)
def test_after_the_changes_everything_is_as_expected_and_there_are_no_more(
    tmp_path_factory: pytest.TempPathFactory, statuses: dict[str, str], before: list[Expectation]
) -> None:
    house = House(tmp_path_factory.mktemp("house"))
    where = environment({"id": "e1", "versions": VERSIONS}, RUN)
    found = []
    for name, status in statuses.items():
        head, _, check = name.partition("_")
        facts = {"status": status, "signature": None if status == "passed" else "it burns"}
        found.append(Evidence(house.record(RUN, "m", check or "forward", head=head, **facts), where))
    after = applied(before, changes(found, before))
    verdicts = {judged(item, Expectations(after)).record.verdict for item in found}
    assert verdicts <= {"passed", "known_failure"}
    assert changes(found, after) == []


FILE = """# About the file.

# Seen on a Tuesday.
[[expected]]
cell = "m/A/cpu/fp32/forward"   # the first
axis = "runs"
status = 'failed'
class = "ours"
text = "it is hot"
signature = "it burns"
expires = 2027-01-01

# The second's.
[[expected]]
expires = 2027-01-01
cell = "m/B/cpu/fp32/forward"
axis = "runs"
status = "failed"
class = "ours"
text = "it is hot"
signature = "it burns"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "expected" / "cpu.toml"
    path.parent.mkdir()
    path.write_text(FILE)
    return path


def test_what_does_not_change_stays_as_it_was_written(file: Path) -> None:
    assert rewritten(file, []) == FILE


def test_a_row_that_goes_takes_its_comment_and_leaves_its_neighbours(file: Path) -> None:
    first, second = rows(file, Names())
    head, _, rest = FILE.partition("# Seen on a Tuesday.")
    assert rewritten(file, [Change(first, None)]) == head + "# The second's." + rest.partition("# The second's.")[2]
    assert rewritten(file, [Change(second, None)]) == FILE.partition("\n# The second's.")[0]


def test_a_row_that_changes_keeps_its_place_its_order_and_its_comments(file: Path) -> None:
    first, _ = rows(file, Names())
    text = rewritten(
        file, [Change(first, Expectation(**(vars(first) | {"signature": "it melts", "issue": "https://x.y"})))]
    )
    assert (
        text.replace('signature = "it melts"\n', 'signature = "it burns"\n', 1).replace('issue = "https://x.y"\n', "")
        == FILE
    )
    file.write_text(text)
    assert rows(file, Names())[0].issue == "https://x.y"


def test_a_new_row_stands_among_its_like_and_a_new_file_says_what_it_is(file: Path, tmp_path: Path) -> None:
    new = row("m/AA/cpu/fp32/forward", signature='says "it\'s hot"\\', expires=date(2027, 5, 22))
    save([(file, rewritten(file, [Change(None, new)]))])
    assert [item.cell.split("/")[1] for item in rows(file, Names())] == ["A", "AA", "B"]
    other = tmp_path / "expected" / "mps.toml"
    text = rewritten(other, [Change(None, row("m/A/mps/fp32/forward"))])
    assert text.startswith("#:schema schema.json\n# What is known to fail on mps")


@given(words=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_any_words_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, words: str) -> None:
    file = tmp_path_factory.mktemp("any") / "cpu.toml"
    save([(file, rewritten(file, [Change(None, row("m/A/cpu/fp32/forward", text=words, signature=words))]))])
    [found] = rows(file, Names())
    assert (found.text, found.signature) == (words, words)
    [again] = rows(file, Names())
    save([(file, rewritten(file, [Change(again, Expectation(**(vars(again) | {"text": words + "!"})))]))])
    assert rows(file, Names())[0].text == words + "!"


def test_rows_in_another_form_are_not_touched(file: Path) -> None:
    inline = (
        'expected = [{cell = "m/A/cpu/fp32/forward", axis = "runs", status = "failed", class = "ours", text = "x", '
    )
    file.write_text(inline + 'signature = "x", expires = 2027-01-01}]\n')
    with pytest.raises(ExpectationError, match="are not all written as"):
        rewritten(file, [Change(None, row("m/B/cpu/fp32/forward"))])
