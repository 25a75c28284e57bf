"""The reports as files: what they say of which evidence, that they can be made again, and that all foreign text in
them stays text."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from house import House
from hypothesis import given, settings
from hypothesis import strategies as st
from test_markdown import HOSTILE, RENDERER, kinds

from harness.results.record import STATUSES
from reporting import ReportError
from reporting.markdown import anchored, linked

OLD, NEW = "20261120T120000Z-aaaaaa", "20261123T120000Z-bbbbbb"


def lines(house: House, report: str = "compatibility") -> list[list[str]]:
    """Cells of every line of a table."""
    return [line.strip("| ").split(" | ") for line in house.read(report).splitlines() if line.startswith("|")]


def line(house: House, model_type: str) -> list[str]:
    """The architecture's line: tier, cpu, cuda."""
    [found] = [cells[1:] for cells in lines(house) if cells[0] == f"`{model_type}`"]
    return found


def order(house: House) -> list[str]:
    """Architectures in the order of their lines."""
    names = {f"`{row['model_type']}`": row["model_type"] for row in house.rows}
    return [names[cells[0]] for cells in lines(house) if cells[0] in names]


def counts(house: House, group: str) -> dict[str, str]:
    """The group's line of the coverage report, by column."""
    found = lines(house, "coverage")
    [columns] = [cells for cells in found if cells[:2] == ["tier", "catalogued"]]
    row = next(cells for cells in found if cells[0] == group)
    return dict(zip(columns, row, strict=True))


def test_without_any_result_every_architecture_has_its_line_and_nothing_is_green(furnished: House) -> None:
    furnished.catalogue("llama")
    outcome = furnished.update()
    assert line(furnished, "gptj") == ["critical", "never ran", "never ran"]
    assert line(furnished, "llama") == ["critical", "no skill", "no skill"]
    assert counts(furnished, "critical") == {
        "tier": "critical", "catalogued": "3", "generated": "2", "validated": "2",
        "ran on cpu": "0", "passed on cpu": "0", "known failures on cpu": "0",
        "ran on cuda": "0", "passed on cuda": "0", "known failures on cuda": "0",
    }  # fmt: skip
    assert outcome.counts == {}
    assert "cpu: never ran" in outcome.text


def test_a_passing_run_is_counted_in_one_line(furnished: House) -> None:
    furnished.results(NEW, furnished.record(NEW, "gptj"), furnished.record(NEW, "gptj", "parity"))
    outcome = furnished.update()
    assert outcome.ok
    assert outcome.counts == {"passed": 2}
    assert line(furnished, "gptj") == ["critical", "passed 2/2"]
    for report in ("coverage", "compatibility"):
        assert "no result of any kind from `cuda`." in furnished.read(report)
    assert counts(furnished, "critical")["passed on cpu"] == "1"
    assert not [cells for cells in lines(furnished) if cells[0].startswith("GPTJModel")]


def test_what_did_not_pass_whole_is_shown_head_by_head_with_its_figures(furnished: House) -> None:
    failed = furnished.record(NEW, "gptj", "vacuity", status="vacuous", metrics={})
    furnished.results(NEW, furnished.record(NEW, "gptj"), furnished.record(NEW, "gptj", "parity"), failed)
    furnished.update()
    [detail] = [cells for cells in lines(furnished) if cells[0].startswith("GPTJModel")]
    figures = ["passed (1.2e-07)", "vacuous", "passed (1.2e-07)", "123,456", "3e-06", "0.75"]
    assert detail[1:] == ["cpu fp32", *figures]


def test_the_ledger_has_every_entry_once_with_its_state_and_reason(furnished: House) -> None:
    furnished.catalogue("gpt_part", state="component", of="gptj", reason="gptj holds it by default as text_config")
    furnished.update(release="5.10.0")
    ledger = furnished.read("ledger")
    assert "of transformers 5.10.0" in ledger
    assert "| component | 1 |" in ledger
    assert ledger.count("`gpt_part`") == 1
    assert "gptj holds it by default as text_config" in ledger
    for name in (row["model_type"] for row in furnished.rows):
        assert ledger.count(f'\n| <a id="{name}"></a>`{name}` |') == 1
    assert "[`gptj`](#gptj)" in ledger
    assert "invoke catalog --diff" in ledger


def test_the_ledger_says_what_changed_since_the_release_before(furnished: House) -> None:
    since = {
        "before": "5.9.0",
        "after": "5.10.0",
        "kept": 2,
        "new": {"architecture": ["gptj"], "component": []},
        "gone": {"architecture": ["mega", "va|n<b>"], "component": []},
        "renamed": [("old-bert", "bert", "the same config class, BertConfig")],
        "every": ["- torchscript = False"],
        "pipelines": ["+ decision"],
        "shared": [("inputs", "- head_mask", 7, "bert, gptj and 5 more")],
        "changed": [("bert", "config", "+ rope = None"), ("bert", "inputs", "every head: - cache = [1, 2]")],
    }
    furnished.update(release="5.10.0", since=since)
    ledger = furnished.read("ledger")
    assert "Since transformers 5.9.0\n------------------------\n" in ledger
    cells = lines(furnished, "ledger")
    assert ["architecture", str(len(furnished.rows)), "1", "2"] in cells
    assert ["new, architecture", "1", "[`gptj`](#gptj)"] in cells
    assert ["`old-bert`", "[`bert`](#bert)", "the same config class, BertConfig"] in cells
    assert "<b>" not in ledger
    assert "What else changed in each: 1 entries" in ledger
    assert len([row for row in cells if row[0] == "[`bert`](#bert)"]) == 2


@pytest.mark.parametrize("name", ['x" onload="y', "a b", "a|b", "", "a" * 1000])
def test_what_is_no_plain_name_becomes_no_anchor_and_no_link(name: str) -> None:
    assert "<a" not in anchored(name)
    assert "](" not in linked(name)


def test_each_report_names_its_runs_with_their_dates_and_environments(furnished: House) -> None:
    furnished.results(NEW, furnished.record(NEW, "gptj"))
    furnished.results(OLD, furnished.record(OLD, "bert"))
    furnished.update()
    for report in ("coverage", "compatibility"):
        runs = [cells for cells in lines(furnished, report) if cells[0] in (f"`{NEW}`", f"`{OLD}`")]
        assert [cells[:9] for cells in runs] == [
            [f"`{NEW}`", "2026-11-23", "cpu", "1", "0", "3.11.9", "2.13.0+cpu", "5.23.0", "cpu: Grand CPU"],
            [f"`{OLD}`", "2026-11-20", "cpu", "1", "0", "3.11.9", "2.13.0+cpu", "5.23.0", "cpu: Grand CPU"],
        ]


def test_a_run_over_one_model_neither_blanks_out_nor_freshens_another(furnished: House) -> None:
    furnished.results(OLD, *(furnished.record(OLD, name) for name in ("bert", "gptj")))
    furnished.skill("bert", "changed")
    furnished.update()
    before = line(furnished, "bert")
    assert before[1] == "stale (passed 2026-11-20)"
    furnished.results(NEW, furnished.record(NEW, "gptj", status="failed"))
    furnished.update()
    assert line(furnished, "bert") == before
    assert line(furnished, "gptj")[1] == "failed 1/1: it failed"
    furnished.results(NEW, furnished.record(NEW, "bert"))
    furnished.update()
    assert line(furnished, "bert")[1] == "passed 1/1"


def test_a_run_of_one_check_leaves_the_others_as_they_were(furnished: House) -> None:
    furnished.results(OLD, furnished.record(OLD, "gptj"), furnished.record(OLD, "gptj", "parity"))
    furnished.skill("gptj", "changed")
    furnished.results(NEW, furnished.record(NEW, "gptj"))
    furnished.update()
    assert line(furnished, "gptj")[1] == "stale 1/2 (passed 2026-11-20)"
    assert counts(furnished, "critical")["passed on cpu"] == "0"


def test_a_bump_of_a_pin_makes_all_evidence_stale(furnished: House) -> None:
    furnished.results(NEW, furnished.record(NEW, "gptj"))
    furnished.pins["cpu"]["torch"] = "2.14.0"
    outcome = furnished.update()
    assert line(furnished, "gptj")[1] == "stale (passed 2026-11-23)"
    assert outcome.counts == {"stale": 1}
    assert "made with torch 2.13.0+cpu, where 2.14.0 is pinned" in furnished.read("coverage")


@pytest.mark.parametrize("status", [status for status in STATUSES if status != "passed"])
def test_no_other_status_is_green_anywhere(furnished: House, status: str) -> None:
    furnished.results(NEW, furnished.record(NEW, "gptj", status=status), furnished.record(NEW, "gptj", "parity"))
    outcome = furnished.update()
    assert line(furnished, "gptj")[1] == f"{status} 1/2: it {status}"
    assert counts(furnished, "critical")["passed on cpu"] == "0"
    assert outcome.ok == (status in {"known_failure", "unavailable", "not_run"})


def test_a_head_that_never_ran_keeps_its_architecture_from_passing(furnished: House) -> None:
    furnished.rows[1]["heads"] = ["GPTJModel", "GPTJForCausalLM"]
    furnished.results(NEW, furnished.record(NEW, "gptj"))
    furnished.update()
    assert line(furnished, "gptj")[1] == "not_run 1 head; 1 passed"
    assert counts(furnished, "critical")["passed on cpu"] == "0"


def test_a_check_that_never_ran_does_too_where_it_is_known_what_there_should_be(furnished: House) -> None:
    furnished.results(NEW, furnished.record(NEW, "gptj"))
    cells = ["gptj/GPTJModel/cpu/fp32/forward", "gptj/GPTJModel/cpu/fp32/parity", "bert/BERTModel/cpu/fp32/forward"]
    furnished.update(expected=cells)
    assert line(furnished, "gptj")[1] == "not_run 1/2; 1 passed"
    assert "- **not_run** on cpu: no result of GPTJModel (parity)" in furnished.read("compatibility")
    furnished.results(NEW, furnished.record(NEW, "gptj", "parity"))
    furnished.update(expected=cells)
    assert line(furnished, "gptj")[1] == "passed 2/2"


def test_what_the_skill_asks_no_more_does_not_hold_it_back(furnished: House) -> None:
    furnished.results(OLD, furnished.record(OLD, "gptj", head="Removed"), furnished.record(OLD, "gptj", "removed"))
    furnished.skill("gptj", "changed")
    furnished.results(NEW, furnished.record(NEW, "gptj"))
    furnished.update()
    assert line(furnished, "gptj")[1] == "stale 1/2 (passed 2026-11-20)"
    furnished.update(expected=["gptj/GPTJModel/cpu/fp32/forward"])
    assert line(furnished, "gptj")[1] == "passed 1/1"
    furnished.results(NEW, furnished.record(NEW, "gptj", "removed", status="failed"))
    furnished.update(expected=["gptj/GPTJModel/cpu/fp32/forward"])
    assert line(furnished, "gptj")[1] == "failed 1/2: it failed", "fresh evidence is never passed over"


def test_the_worst_status_comes_first(house: House) -> None:
    statuses = [*STATUSES[:-2], "stale", "never", "passed"]
    for number, status in enumerate(reversed(statuses)):
        name = f"m{number}_{status}"
        house.catalogue(name)
        house.skill(name)
        if status != "never":
            facts = {"skill_sha256": "old"} if status == "stale" else {"status": status}
            house.results(NEW, *(house.record(NEW, name, hardware=where, **facts) for where in ("cpu", "cuda")))
    house.update()
    assert [name.partition("_")[2] for name in order(house)] == statuses


def test_causes_are_grouped_by_signature(furnished: House) -> None:
    for number, name in enumerate(("bert", "gptj")):
        facts = {"status": "failed", "reason": f"off by 0.{number}", "signature": "off by #"}
        furnished.results(NEW, furnished.record(NEW, name, **facts))
    furnished.update()
    causes = [cells for cells in lines(furnished) if cells[0] == "failed"]
    assert causes == [["failed", "`cpu`", "2", "off by 0.0", "—", "bert, gptj", "`nox -s test_cpu -- --model bert`"]]


def test_a_later_attempt_is_said_to_be_one(furnished: House) -> None:
    furnished.results(NEW, furnished.record(NEW, "gptj", status="crashed"), furnished.record(NEW, "gptj", attempt=2))
    furnished.update()
    assert line(furnished, "gptj")[1] == "passed 1/1, 1 not at the first attempt"
    assert "passed (1.2e-07), attempt 2" in furnished.read("compatibility")


def test_evidence_of_what_the_catalogue_does_not_know_is_shown(furnished: House) -> None:
    furnished.results(NEW, furnished.record(NEW, "gone", tier="high"))
    furnished.update()
    assert line(furnished, "gone")[:2] == ["high", "stale (passed 2026-11-23)"]
    assert counts(furnished, "all")["catalogued"] == "2"


def test_what_is_no_architecture_is_counted_with_its_reason(furnished: House) -> None:
    furnished.catalogue("rag", state="impossible", reason="needs an index")
    furnished.catalogue("clip_text", state="component", reason="of clip")
    furnished.update()
    assert ["impossible", "needs an index", "1", "rag"] in lines(furnished, "coverage")
    assert ["component", "—", "1", "clip_text"] in lines(furnished, "coverage")
    assert counts(furnished, "all")["catalogued"] == "2"


def test_the_long_tail_is_listed_whole_but_compactly(furnished: House) -> None:
    names = [f"tail{number:03}" for number in range(300)]
    for name in names:
        furnished.catalogue(name, tier="long-tail")
    furnished.update()
    assert ["generated", "no skill", "300", ", ".join(names)] in lines(furnished, "coverage")
    assert "tail000" not in furnished.read("compatibility")


def test_an_edited_skill_is_neither_validated_nor_fresh(furnished: House) -> None:
    furnished.results(NEW, furnished.record(NEW, "gptj"))
    file = furnished.skills / "hf_gptj.py"
    file.write_text(file.read_text() + "# edited\n")
    furnished.update()
    assert counts(furnished, "critical")["validated"] == "1"
    assert ["validated", "changed since it was generated", "1", "gptj"] in lines(furnished, "coverage")
    assert line(furnished, "gptj")[1] == "stale (passed 2026-11-23)"


@pytest.mark.parametrize("content", [None, "", "[]", '{"skills": {"gptj": 5}}'])
def test_without_its_manifest_no_skill_counts_as_validated(furnished: House, content: str | None) -> None:
    manifest = furnished.skills / "manifest.json"
    manifest.unlink() if content is None else manifest.write_text(content)
    outcome = furnished.update()
    assert counts(furnished, "critical")["validated"] == "0"
    assert [item.where for item in outcome.damage] == ["skills/manifest.json"]


def test_the_same_results_give_the_same_bytes_and_touch_no_file(furnished: House) -> None:
    furnished.results(NEW, furnished.record(NEW, "gptj"), furnished.record(NEW, "bert", status="failed"))
    assert len(furnished.update().written) == 4
    before = furnished.files()
    assert furnished.update().written == ()
    assert furnished.files() == before


def test_a_clone_without_the_runs_makes_the_same_reports(furnished: House) -> None:
    furnished.results(OLD, furnished.record(OLD, "gptj"), furnished.record(OLD, "bert", hardware="cuda"))
    furnished.results(NEW, furnished.record(NEW, "gptj", skill_sha256="other", status="failed"))
    furnished.results(NEW, furnished.record(NEW, "bert", status="crashed", attempt=3))
    file = furnished.results(NEW)
    with file.open("a") as stream:
        stream.write('{"cell": "gptj/GPTJModel/cpu/fp32/parity", "status')
    outcome = furnished.update()
    assert not outcome.ok
    before = furnished.files()
    assert sorted(before) == [
        *("compatibility.md", "coverage.md", "ledger.md"),
        *("results/cpu.parquet", "results/cuda.parquet"),
    ]
    shutil.rmtree(furnished.reports / "runs")
    again = furnished.update()
    assert (again.written, again.ok, again.counts) == ((), False, outcome.counts)
    for file in furnished.reports.glob("*.md"):
        file.unlink()
    furnished.update()
    assert furnished.files() == before


def test_a_mended_line_counts_again(furnished: House) -> None:
    file = furnished.results(NEW, furnished.record(NEW, "gptj"))
    whole = file.read_text()
    file.write_text(whole.replace('"passed"', '"green"', 1))
    assert not furnished.update().ok
    assert line(furnished, "gptj")[1] == "not_run 1/1: its newest record is unreadable"
    file.write_text(whole)
    assert furnished.update().ok
    assert line(furnished, "gptj")[1] == "passed 1/1"


def test_damage_is_named_in_both_reports_with_what_comes_of_it(furnished: House) -> None:
    file = furnished.results(OLD, furnished.record(OLD, "gptj"))
    with file.open("a") as stream:
        stream.write('{"cell": "gptj/GPTJModel/cpu/fp32/parity", "sta\n{"bad | <b>`\n')
        stream.write('{"cell": "bert/BERTModel/cpu/fp32/forward", "sta\n')
    furnished.results(NEW, furnished.record(NEW, "bert"))
    outcome = furnished.update()
    assert not outcome.ok
    assert not outcome.readable
    for report in ("coverage", "compatibility"):
        named = {cells[0]: cells[2:] for cells in lines(furnished, report) if cells[0].startswith("`runs/")}
        assert named == {
            f"`runs/{OLD}/main.jsonl:2`": ["`gptj/GPTJModel/cpu/fp32/parity`", "the cell counts as not_run"],
            f"`runs/{OLD}/main.jsonl:3`": ["—", "the reports are not ok while it lies there"],
            f"`runs/{OLD}/main.jsonl:4`": ["`bert/BERTModel/cpu/fp32/forward`", "nothing; what counts is readable"],
        }
    assert line(furnished, "bert")[1] == "passed 1/1"
    assert outcome.text.count("damage: ") == 3


def test_results_with_a_missing_environment_are_stale(furnished: House) -> None:
    furnished.results(NEW, furnished.record(NEW, "gptj"), environment=False)
    assert not furnished.update().ok
    assert line(furnished, "gptj")[1] == "stale (passed 2026-11-23)"


def test_a_copied_run_counts_nothing_twice(furnished: House) -> None:
    furnished.results(NEW, furnished.record(NEW, "gptj"))
    shutil.copytree(furnished.reports / "runs" / NEW, furnished.reports / "runs" / "copy")
    outcome = furnished.update()
    assert outcome.counts == {"passed": 1}
    assert outcome.readable
    assert [item.where for item in outcome.damage] == ["runs/copy/main.jsonl:1"]


def test_broken_committed_results_stop_the_report_and_nothing_is_written(furnished: House) -> None:
    furnished.results(NEW, furnished.record(NEW, "gptj"))
    furnished.update()
    file = furnished.reports / "results" / "cpu.parquet"
    file.write_bytes(file.read_bytes()[:100])
    furnished.results(NEW, furnished.record(NEW, "bert"))
    before = furnished.files()
    with pytest.raises(ReportError, match=r"cpu\.parquet: cannot be read as results.* Run: git checkout -- "):
        furnished.update()
    assert furnished.files() == before


@pytest.mark.parametrize("place", ["coverage.md", "compatibility.md", "results/cpu.parquet"])
def test_what_cannot_be_written_is_a_sentence_and_leaves_all_files_as_they_were(furnished: House, place: str) -> None:
    blocked = furnished.reports / place
    (blocked / "x").mkdir(parents=True)
    if place.endswith("parquet"):
        (blocked / "x").rmdir()
    furnished.results(NEW, furnished.record(NEW, "gptj"))
    with pytest.raises(ReportError) as caught:
        furnished.update()
    assert str(blocked) in str(caught.value)
    assert "Run: " in str(caught.value)
    assert furnished.files() == {}


@pytest.mark.parametrize("place", ["reports", "reports/runs", "reports/results"])
def test_a_file_where_a_folder_belongs_is_a_sentence_too(furnished: House, place: str) -> None:
    path = furnished.root / place
    path.parent.mkdir(exist_ok=True)
    if place == "reports/results":
        furnished.results(NEW, furnished.record(NEW, "gptj"))
    path.write_text("")
    with pytest.raises(ReportError, match="Run: "):
        furnished.update()
    assert not (furnished.root / "reports" / "coverage.md").exists()


def everywhere(root: Path, words: str) -> House:
    """Results with the same foreign text in every field that can hold one."""
    house = House(root)
    house.catalogue("gptj")
    house.catalogue("odd", state="impossible", reason=words)
    house.skill("gptj")
    facts: dict[str, Any] = {
        "status": "failed", "reason": words, "signature": words, "stage": words, "traceback": words,
        "executed_on": words, "metrics": {words: words, "rel_l2": words, "max_abs": words, "parameters": words},
        "tier": words, "family": words, "started": words,
    }  # fmt: skip
    house.environment(
        NEW, python=words, platform=words, devices={words: {words: words}}, git=words, command=[words], started=words
    )
    house.results(NEW, house.record(NEW, "gptj", **facts))
    house.results(NEW, house.record(NEW, "gptj", "parity", **facts | {"skill_sha256": words}))
    # The name itself: a model, a head, a check, a hardware that nobody knows.
    strange = house.record(NEW, "gptj", f"c{words}", head=f"h{words}", hardware=f"w{words}", **facts)
    house.results(NEW, strange)
    with house.results(NEW).open("a") as stream:
        cell = f"m{words.replace('/', '')}/h/cpu/d{words}/c"
        stream.write(json.dumps({"cell": cell, "status": words, "schema": 1}) + "\n")
    return house


@settings(max_examples=10)
@given(words=HOSTILE | st.just("\x1b[31m|</td>"))
def test_foreign_text_in_any_field_never_changes_the_structure(
    tmp_path_factory: pytest.TempPathFactory, words: str
) -> None:
    house, plain = (everywhere(tmp_path_factory.mktemp("house"), value) for value in (words, "harmless"))
    house.update()
    plain.update()
    for report in ("coverage", "compatibility"):
        source = house.read(report)
        hostile, harmless = (Counter(kinds(text)) for text in (source, plain.read(report)))
        # An identifier is a code span where its characters allow one, and plain words where not.
        assert hostile - harmless == Counter()
        assert set(harmless - hostile) <= {"code_inline"}
        raw = [token.content.split(">")[0] for token in RENDERER.parse(source) if token.type == "html_block"]
        assert {tag.split()[0] for tag in raw} <= {"<!--", "<details", "</details"}


def test_importing_it_needs_no_framework_nor_anything_slow() -> None:
    heavy = ("torch", "transformers", "duckdb", "mako", "generator", "filelock", "rich")
    script = f"import sys, reporting; print([name for name in {heavy!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_heads_are_counted_by_what_could_be_asked_of_them(house: House) -> None:
    for name in ("whole", "part", "none", "red", "lost"):
        house.catalogue(name)
        house.skill(name)
    run = "20261123T153000Z-aaaaaa"
    unavailable = {"status": "unavailable", "reason": "needs torchvision"}
    house.results(
        run,
        house.record(run, "whole"),
        house.record(run, "whole", head="WHOLEForOther", primary=False, status="failed"),
        house.record(run, "part"),
        house.record(run, "part", "pipeline", **unavailable),
        house.record(run, "none", **unavailable),
        house.record(run, "red", status="vacuous"),
        house.record(run, "lost"),
    )
    cells = [f"{name}/{name.upper()}Model/cpu/fp32/forward" for name in ("whole", "part", "none", "red", "lost")]
    house.update(expected=[*cells, "lost/LOSTModel/cpu/fp32/vacuity"])
    coverage = house.read("coverage")
    assert "| cpu | primary | 5 | 1 | 1 | 0 | 1 | 2 |" in coverage
    assert "| cpu | all | 6 | 1 | 1 | 0 | 1 | 3 |" in coverage


def test_routes_are_counted_and_a_device_or_route_is_fresh_by_its_hardwares_pins(furnished: House) -> None:
    furnished.pins["openvino"] = dict(furnished.pins["cpu"])
    for name, where, route, status in (
        ("bert", "openvino", "exporter", "passed"),
        ("gptj", "openvino", "exporter", "failed"),
        ("gptj", "openvino:GPU@trace", "trace", "failed"),
    ):
        facts = {"hardware": where, "status": status, "metrics": {"route": route, "rel_l2": 0.5}, "reason": "off"}
        furnished.results(NEW, furnished.record(NEW, name, "parity", **facts))
    furnished.update()
    found = lines(furnished)
    assert ["`openvino`", "exporter", "2", "1"] in found
    assert ["`openvino:GPU@trace`", "trace", "1", "0"] in found
    again = [cells[-1] for cells in found if cells[0] == "failed"]
    assert "`nox -s test_openvino -- --model gptj --device GPU --route trace`" in again
    assert "openvino:GPU&#64;trace fp32 by trace" in furnished.read("compatibility")


def test_hardware_that_has_another_release_is_no_column_but_points_to_its_report(furnished: House) -> None:
    furnished.update(release="5.23.0")
    assert "does not take this release" not in furnished.read("compatibility")
    link = "transformers-5.5.4/compatibility.md"
    furnished.update(release="5.23.0", elsewhere={"optimum": ("5.5.4", link), "abacus": ("5.1.0", "")})
    shown = furnished.read("compatibility")
    assert (
        f"`optimum` does not take this release of transformers, but 5.5.4: its column is in the [report of that]({link})."
        in shown
    )
    assert "`abacus` does not take this release of transformers, but 5.1.0: it has no report of that yet." in shown
    assert "| optimum" not in shown


def test_skills_that_are_not_committed_are_remembered_where_they_are_not_rendered(furnished: House) -> None:
    furnished.results(NEW, furnished.record(NEW, "bert"))
    furnished.update(remember=True)
    before = furnished.files()
    for file in furnished.skills.glob("hf_bert.py"):
        file.unlink()
    furnished.update(remember=True)
    assert furnished.files() == before
    furnished.skill("bert", "of another text")
    furnished.update(remember=True)
    assert "stale" in next(line for line in furnished.read("compatibility").splitlines() if "`bert`" in line)
    assert furnished.digest("bert") in (furnished.reports / "skills.json").read_text()


def test_without_being_asked_to_nothing_is_remembered(furnished: House) -> None:
    furnished.update()
    assert not (furnished.reports / "skills.json").exists()


def test_what_cannot_be_read_of_what_is_remembered_is_damage(furnished: House) -> None:
    furnished.update(remember=True)
    (furnished.reports / "skills.json").write_text("{")
    assert [item.where for item in furnished.update(remember=True).damage] == ["reports/skills.json"]
