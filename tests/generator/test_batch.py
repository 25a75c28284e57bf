"""A batch on its way to the disk: who fails fails alone, what stands is kept, and what is done is not done again."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from generator import assemble, batch, cache, publish, rendering
from generator.assemble import TinyError
from generator.catalog import Catalog, Row
from generator.publish import Publisher, Rehearsal
from generator.spec import SkillSpec
from generator.summary import STATES, Summary
from generator.tiny import Tiny, libraries
from tests.generator.sample import SPEC, catalog, row

GPT2 = dataclasses.replace(
    SPEC,
    model_type="gpt2",
    module="hf_gpt2",
    class_name="GPT2",
    config_class="GPT2Config",
    config={name: value for name, value in SPEC.config.items() if name != "rotary_dim"},
    heads=tuple(
        dataclasses.replace(head, class_name=name, parameters=112384)
        for head, name in zip(SPEC.heads, ("GPT2LMHeadModel", "GPT2Model"), strict=True)
    ),
)
CATALOG = catalog(row(), row(GPT2))
ROWS = list(CATALOG.rows.values())

Feed = Callable[..., None]


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that the tests of this file share, so that what they all build is built once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def feed(kept: Path, monkeypatch: pytest.MonkeyPatch) -> Feed:
    """Sets the specs that the rows will have, by hand instead of by the tiny builder."""
    monkeypatch.setenv(cache.VARIABLE, str(kept))

    def fed(*specs: SkillSpec | TinyError) -> None:
        def give(rows: Sequence[Row], _: Catalog, *, by_rules_alone: bool) -> Iterator[SkillSpec | TinyError]:
            assert len(rows) == len(specs)
            yield from specs

        monkeypatch.setattr(assemble, "specs", give)

    fed(SPEC, GPT2)
    return fed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "skills"


def _states(summary: Summary) -> dict[str, str]:
    return {line.model_type: line.state for line in summary.lines}


def _reason(summary: Summary, name: str) -> str:
    return next(line.reason for line in summary.lines if line.model_type == name)


def _snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def _generate(folder: Path, rows: Sequence[Row] = ROWS, **options: Any) -> Summary:
    return batch.generate(rows, CATALOG, Publisher(folder), **options)


def test_skills_are_written_once_and_then_not_even_rendered(
    feed: Feed, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    summary = _generate(folder, done=seen.append)
    assert _states(summary) == {"gptj": "written", "gpt2": "written"}
    assert summary.ok
    assert sorted(seen) == ["gpt2", "gptj"]
    before = _snapshot(folder)
    monkeypatch.setattr(rendering, "render", None)
    again = _generate(folder)
    assert _states(again) == {"gptj": "unchanged", "gpt2": "unchanged"}
    assert _snapshot(folder) == before


def test_two_generations_give_the_same_bytes_in_any_order(feed: Feed, tmp_path: Path) -> None:
    _generate(tmp_path / "one")
    feed(GPT2, SPEC)
    _generate(tmp_path / "two", ROWS[::-1])
    assert _snapshot(tmp_path / "one") == _snapshot(tmp_path / "two")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"facts": {"not a name": 2}}, "not a name"),
        ({"config_class": "GPT2Config"}, "task: its config class is GPTJConfig"),
        ({"heads": (dataclasses.replace(SPEC.heads[0], pipelines=("no-task",)), SPEC.heads[1])}, "pipeline: "),
        ({"heads": SPEC.heads[:1]}, "task: states other heads"),
        ({"tier": "urgent"}, "structure: tier is 'urgent'"),
        ({"facts": {"heads": 2}}, "heads"),
    ],
)
@pytest.mark.parametrize("standing", [False, True])
def test_a_skill_that_fails_is_not_written_and_the_others_are(
    feed: Feed, folder: Path, change: dict[str, Any], words: str, standing: bool
) -> None:
    before = {}
    if standing:
        _generate(folder)
        before = _snapshot(folder)
        (folder / "hf_gpt2.py").unlink()
    feed(dataclasses.replace(SPEC, **change), GPT2)
    summary = _generate(folder)
    assert not summary.ok
    assert _states(summary) == {"gptj": "failed", "gpt2": "written"}
    assert words in _reason(summary, "gptj")
    assert ("The skill that was there is kept." in _reason(summary, "gptj")) is standing
    after = _snapshot(folder)
    assert after == before if standing else after.keys() == {"hf_gpt2.py", "manifest.json"}


def test_a_skill_that_does_not_build_is_not_written_and_the_others_are(feed: Feed, folder: Path) -> None:
    feed(dataclasses.replace(SPEC, heads=(SPEC.heads[0], dataclasses.replace(SPEC.heads[1], parameters=1))), GPT2)
    summary = _generate(folder)
    assert _states(summary) == {"gptj": "failed", "gpt2": "written"}
    assert _reason(summary, "gptj") == "build: GPTJModel has 107520 parameters, the skill states 1"
    assert publish.read(folder).generated == {"gpt2"}


def test_an_architecture_that_has_no_spec_fails_with_the_builders_reason(feed: Feed, folder: Path) -> None:
    feed(TinyError("gptj", "no rule makes it tiny"), GPT2)
    summary = _generate(folder)
    assert _states(summary) == {"gptj": "failed", "gpt2": "written"}
    assert "no rule makes it tiny" in _reason(summary, "gptj")


def test_an_edited_skill_is_kept_and_the_others_go_on(feed: Feed, folder: Path) -> None:
    _generate(folder)
    (folder / "hf_gptj.py").write_text("mine\n")
    (folder / "hf_gpt2.py").unlink()
    summary = _generate(folder)
    assert not summary.ok
    assert _states(summary) == {"gptj": "edited", "gpt2": "written"}
    assert "Run: invoke generate --model gptj --force" in summary.text()
    assert (folder / "hf_gptj.py").read_text() == "mine\n"
    assert _states(_generate(folder, force=True)) == {"gptj": "written", "gpt2": "unchanged"}


def test_a_rehearsal_says_what_would_happen_and_writes_nothing(feed: Feed, folder: Path) -> None:
    _generate(folder)
    (folder / "hf_gptj.py").unlink()
    before = _snapshot(folder)
    feed(SPEC, dataclasses.replace(GPT2, heads=GPT2.heads[:1]))
    summary = batch.generate(ROWS, CATALOG, Rehearsal(folder))
    assert _states(summary) == {"gptj": "would write", "gpt2": "failed"}
    assert _snapshot(folder) == before


def test_a_check_is_clean_after_generating_and_renders_everything_anew(
    feed: Feed, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _generate(folder)
    rendered: list[str] = []
    render = rendering.render

    def count(spec: SkillSpec) -> str:
        rendered.append(spec.model_type)
        return render(spec)

    monkeypatch.setattr(rendering, "render", count)
    summary = batch.check(ROWS, CATALOG, folder)
    assert summary.ok
    assert _states(summary) == {"gptj": "unchanged", "gpt2": "unchanged"}
    assert sorted(rendered) == ["gpt2", "gptj"]


def test_a_check_shows_drift_edits_and_gaps_as_diffs(feed: Feed, folder: Path) -> None:
    _generate(folder)
    feed(dataclasses.replace(SPEC, checkpoint="other/one"), GPT2)
    summary = batch.check(ROWS, CATALOG, folder)
    assert not summary.ok
    assert _states(summary) == {"gptj": "drifted", "gpt2": "unchanged"}
    assert '-    checkpoint = "EleutherAI/gpt-j-6B"\n+    checkpoint = "other/one"' in summary.text()

    feed(SPEC, GPT2)
    path = folder / "hf_gptj.py"
    path.write_text(path.read_text().replace('tier = "critical"', 'tier = "mine"'))
    (folder / "hf_gpt2.py").unlink()
    summary = batch.check(ROWS, CATALOG, folder)
    assert _states(summary) == {"gptj": "edited", "gpt2": "missing"}
    assert '-    tier = "mine"' in summary.text()


def test_a_check_fails_where_the_manifest_does_not_know_the_file(feed: Feed, folder: Path) -> None:
    _generate(folder)
    (folder / "manifest.json").unlink()
    summary = batch.check(ROWS, CATALOG, folder)
    assert _states(summary) == {"gptj": "drifted", "gpt2": "drifted"}
    assert "the manifest does not record it" in summary.text()


def test_validation_of_the_disk_finds_each_fault_by_the_text_alone(feed: Feed, folder: Path) -> None:
    _generate(folder)
    shelf = publish.read(folder)
    assert _states(batch.validate(list(shelf.entries.values()), CATALOG, folder)) == {"gpt2": "valid", "gptj": "valid"}

    # As if an older release had generated it: consistent with its manifest, untrue of what is installed.
    old = (folder / "hf_gptj.py").read_text().replace("GPTJModel", "GPTJVanished")
    with Publisher(folder) as publisher:
        publisher.publish(dataclasses.replace(shelf.entries["gptj"], sha256=publish.digest(old.encode())), old)
    (folder / "hf_gpt2.py").write_text("mine\n")
    summary = batch.validate(list(publish.read(folder).entries.values()), CATALOG, folder)
    assert _states(summary) == {"gpt2": "edited", "gptj": "failed"}
    assert "task: GPTJVanished is not in MODEL_MAPPING of transformers 5.23.0" in summary.text()

    (folder / "hf_gpt2.py").unlink()
    summary = batch.validate(list(publish.read(folder).entries.values()), CATALOG, folder)
    assert _states(summary)["gpt2"] == "missing"


def test_a_file_that_was_not_generated_is_named_and_not_well_if_it_looks_like_a_skill(feed: Feed, folder: Path) -> None:
    _generate(folder)
    assert batch.strangers(publish.read(folder)) == Summary(())
    (folder / "notes.txt").touch()
    assert batch.strangers(publish.read(folder)).ok
    assert "notes.txt: was not generated" in batch.strangers(publish.read(folder)).text()
    (folder / "hf_mine.py").touch()
    assert not batch.strangers(publish.read(folder)).ok


def test_obsolete_skills_are_named_and_only_pruned_when_asked(feed: Feed, folder: Path) -> None:
    _generate(folder)
    later = catalog(row(), row(GPT2, state="component"))
    assert [line.model_type for line in batch.obsolete(later, publish.read(folder))] == ["gpt2"]
    assert batch.obsolete(CATALOG, publish.read(folder)) == []
    assert _states(batch.prune(later, Rehearsal(folder))) == {"gpt2": "would prune"}
    assert (folder / "hf_gpt2.py").exists()
    (folder / "hf_gpt2.py").write_text("mine\n")
    assert _states(batch.prune(later, Publisher(folder))) == {"gpt2": "edited"}
    assert (folder / "hf_gpt2.py").exists()
    assert _states(batch.prune(later, Publisher(folder), force=True)) == {"gpt2": "pruned"}
    assert publish.read(folder).entries.keys() == {"gptj"}
    assert not (folder / "hf_gpt2.py").exists()


def test_every_state_is_counted_and_shown() -> None:
    from generator.summary import Line

    for state, well in STATES.items():
        summary = Summary((Line("gptj", "hf_gptj.py", state, "why"),))
        assert summary.ok is well
        assert f"1 skill: 1 {state}." in summary.text()
        assert summary.counts == {state: 1}


def test_after_a_change_of_a_template_only_the_files_whose_text_changed_are_written(
    feed: Feed, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _states(_generate(folder)) == {"gptj": "written", "gpt2": "written"}
    before = {path.name: path.stat() for path in folder.glob("hf_*.py")}
    shutil.copytree(rendering.environment.SKILLS, tmp_path / "templates")
    base = tmp_path / "templates" / "base.py.mako"
    base.write_text(base.read_text().replace("Tiny ", '${"Small" if spec.model_type == "gpt2" else "Tiny"} '))
    for function in (rendering.environment.render_template, rendering.environment.sources):
        monkeypatch.setitem(function.__kwdefaults__, "directory", tmp_path / "templates")
    assert _states(_generate(folder)) == {"gptj": "unchanged", "gpt2": "written"}
    after = {path.name: path.stat() for path in folder.glob("hf_*.py")}
    assert after["hf_gptj.py"] == before["hf_gptj.py"]
    assert after["hf_gpt2.py"].st_ino != before["hf_gpt2.py"].st_ino
    assert "Small GPT" in (folder / "hf_gpt2.py").read_text()


def test_a_surprise_in_one_architecture_is_told_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def surprised(*_: object) -> None:
        raise StopIteration

    monkeypatch.setattr("generator.tiny.build", surprised)
    (found,) = assemble.specs([row(SPEC)], catalog(row(SPEC)))
    assert isinstance(found, TinyError)
    assert str(found).startswith(f"{SPEC.model_type}: StopIteration")


def killed_over_an_owl(given: Row) -> TinyError:
    if given.model_type.startswith("owl"):
        os._exit(9)
    return TinyError(f"{given.model_type}: looked at")


def test_a_process_that_is_killed_costs_the_architecture_that_it_was_killed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("generator.assemble._build", killed_over_an_owl)
    names = ["a", "b", "owl", "c", "owlet", *"defgh"]
    rows = [dataclasses.replace(row(SPEC), model_type=name, module=f"hf_{name}") for name in names]
    found = [str(item) for item in assemble.specs(rows, catalog(*rows))]
    assert [text.partition(":")[0] for text in found] == names
    assert ["killed" in text for text in found] == [name.startswith("owl") for name in names]


def test_a_library_that_only_an_error_names_is_one_that_the_skill_requires(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(given: Row) -> Tiny:
        if absent := libraries.missing(given):
            return Tiny({}, {}, (dataclasses.replace(SPEC.heads[0], unsettled=absent),))
        error = ImportError("OwlWrapper requires the owl_vision library but it was not found in your environment.")
        raise TinyError("owl: could not be built") from error

    monkeypatch.setattr("generator.tiny.build", refused)
    (found,) = assemble.specs([row(SPEC)], catalog(row(SPEC)))
    assert isinstance(found, SkillSpec)
    assert "owl_vision" in found.requires
    assert found.heads[0].unsettled == "needs owl_vision, not installed where this was written"
    assert libraries.asked(ImportError("no module named owl")) is None
