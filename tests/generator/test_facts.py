"""The facts of a release and what two releases' facts say of each other, with small made-up facts and the installed ones."""

from __future__ import annotations

import gzip
import inspect
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator import facts
from generator.facts import Facts, FactsError, HeadFacts, TypeFacts, compare, from_json, only, to_json
from generator.facts.listing import SHARED, difference_json, difference_rows, difference_text
from generator.facts.reading import LONGEST, spelled
from generator.selection import SelectionError

KEPT = Path(__file__).parents[2] / "reports" / "facts"


def head(*mappings: str, pipelines: tuple[str, ...] = (), **inputs: str | None) -> HeadFacts:
    return HeadFacts(mappings, pipelines, inputs or {"input_ids": None})


def kind(
    config_class: str, heads: dict[str, HeadFacts] | None = None, state: str = "architecture", **config: str
) -> TypeFacts:
    of = None if state == "architecture" else "bert"
    return TypeFacts(state, of, "encoder-only", config_class, config, heads or {})


BERT = kind("BertConfig", {"BertModel": head("MODEL_MAPPING", input_ids="None", head_mask="None")}, hidden_size="768")


def release(name: str, every: dict[str, str] | None = None, **types: TypeFacts) -> Facts:
    return Facts(name, every or {}, {"fill-mask": ("MODEL_FOR_MASKED_LM_MAPPING",)}, types)


words = st.text(max_size=20)
defaults = st.dictionaries(words, words, max_size=4)
heads = st.builds(
    HeadFacts, st.tuples(words), st.lists(words, max_size=3).map(tuple), st.dictionaries(words, st.none() | words)
)
types = st.builds(
    TypeFacts, words, st.none() | words, words, words, defaults, st.dictionaries(words, heads, max_size=3)
)
releases = st.builds(
    Facts,
    words,
    defaults,
    st.dictionaries(words, st.tuples(words), max_size=3),
    st.dictionaries(words, types, max_size=4),
)


@given(releases)
def test_facts_come_back_from_their_json_as_they_were(made: Facts) -> None:
    assert from_json(to_json(made)) == made


@given(releases, releases)
def test_any_two_releases_can_be_compared_and_shown(one: Facts, other: Facts) -> None:
    there, back = compare(one, other), compare(other, one)
    assert bool(there) == bool(back)
    assert there.every.added == back.every.removed
    assert len(there.new) == len(back.removed)
    assert difference_text(there)
    assert json.loads(difference_json(there))["kept"] == back.kept
    json.dumps(difference_rows(there))


@given(releases)
def test_a_release_does_not_differ_from_itself(made: Facts) -> None:
    difference = compare(made, made)
    assert not difference
    assert "Nothing that is compared has changed" in difference_text(difference)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 0}', '{"format": 1, "release": "1.0.0", "every": 3}'])
def test_what_is_no_facts_is_refused(text: str) -> None:
    with pytest.raises(FactsError):
        from_json(text)


def test_a_type_is_new_or_gone_or_there_by_another_name() -> None:
    before = release(
        "1.0.0",
        bert=BERT,
        **{
            "xlm-r": kind("XlmRConfig"),
            "oldname": kind("SameConfig"),
            "third": kind("ThirdConfig", {"OneModel": head()}),
            "lost": kind("LostConfig"),
        },
    )
    after = release(
        "2.0.0",
        bert=BERT,
        xlm_r=kind("OtherConfig"),
        newname=kind("SameConfig"),
        fourth=kind("FourthConfig", {"OneModel": head()}),
        found=kind("FoundConfig", {"FoundModel": head("MODEL_MAPPING")}),
    )
    difference = compare(before, after)
    assert {one.before: one.after for one in difference.renamed} == {
        "xlm-r": "xlm_r",
        "oldname": "newname",
        "third": "fourth",
    }
    assert (list(difference.new), list(difference.removed), difference.kept) == (["found"], ["lost"], 4)
    assert difference.changed["xlm_r"].was == "xlm-r"
    text = difference_text(difference)
    assert "oldname -> newname  the same config class, SameConfig" in text
    assert "New architectures: 1" in text
    assert "Gone architectures: 1" in text


def test_a_type_says_what_changed_of_its_state_heads_tasks_arguments_and_inputs() -> None:
    old = kind(
        "BertConfig",
        {"BertModel": head("MODEL_MAPPING", input_ids=None, head_mask="None"), "BertGone": head("MODEL_X_MAPPING")},
        "component",
        hidden_size="768",
        dropped="1",
    )
    new = kind(
        "BertConfig",
        {
            "BertModel": head("MODEL_MAPPING", pipelines=("fill-mask",), input_ids="None", use_cache="True"),
            "BertNew": head("MODEL_FOR_MASKED_LM_MAPPING"),
        },
        hidden_size="1024",
        taken="2",
    )
    change = compare(release("1.0.0", bert=old), release("2.0.0", bert=new)).changed["bert"]
    assert change.facts == {"state": ("component", "architecture"), "of": ("bert", None)}
    assert change.heads_added == {"BertNew": ("MODEL_FOR_MASKED_LM_MAPPING",)}
    assert change.heads_removed == {"BertGone": ("MODEL_X_MAPPING",)}
    assert change.tasks_added == {"BertModel": ("fill-mask",)}
    assert (change.config.added, change.config.removed) == ({"taken": "2"}, {"dropped": "1"})
    assert change.config.changed == {"hidden_size": ("768", "1024")}
    inputs = change.inputs["BertModel"]
    assert (inputs.added, inputs.removed) == ({"use_cache": "True"}, {"head_mask": "None"})
    assert inputs.changed == {"input_ids": (None, "None")}
    text = difference_text(compare(release("1.0.0", bert=old), release("2.0.0", bert=new)))
    assert "+ BertNew (FOR_MASKED_LM)" in text
    assert "state: component -> architecture" in text
    assert "input_ids: no default -> None" in text


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("0", "0.0", True),
        ("1e-05", "0.00001", True),
        ("0", "False", False),
        ("'a'", "'b'", False),
        ("None", "0", False),
    ],
)
def test_a_default_has_changed_where_its_value_has(before: str, after: str, same: bool) -> None:
    one = release("1.0.0", bert=kind("BertConfig", size=before))
    assert bool(compare(one, release("2.0.0", bert=kind("BertConfig", size=after)))) is not same


def test_what_every_config_lost_is_not_told_of_each_but_what_one_kept_or_changed_is() -> None:
    before = release("1.0.0", {"pruned": "{}", "pad": "None"}, bert=BERT, gpt2=kind("GPT2Config", pruned="{1: 2}"))
    after = release("2.0.0", {"pad": "0"}, bert=BERT, gpt2=kind("GPT2Config", pad="7"))
    difference = compare(before, after)
    assert difference.every.removed == {"pruned": "{}"}
    assert difference.every.changed == {"pad": ("None", "0")}
    assert list(difference.changed) == ["gpt2"]
    assert difference.changed["gpt2"].config.removed == {"pruned": "{1: 2}"}
    assert difference.changed["gpt2"].config.changed == {"pad": ("None", "7")}


def test_one_change_in_many_types_is_shown_once_and_what_else_changed_with_its_type() -> None:
    names = [f"type{number}" for number in range(SHARED)]
    old = {name: kind(f"{name}Config", rope=str(number)) for number, name in enumerate(names)}
    new = {name: kind(f"{name}Config") for name in names}
    new["type0"] = replace(new["type0"], config={"own": "1"})
    text = difference_text(compare(release("1.0.0", **old), release("2.0.0", **new)))
    assert f"- rope  {SHARED}: type0, type1" in text
    assert text.count("rope") == 1
    assert text.endswith("type0\n  config  + own = 1")


def test_a_difference_can_be_narrowed_to_one_type_by_any_of_its_names() -> None:
    before, after = release("1.0.0", bert=BERT, gpt2=kind("G")), release(
        "2.0.0", bert=kind("BertConfig"), gpt2=kind("H")
    )
    difference = compare(before, after)
    for name in ("bert", "BERT", "BertConfig", "BertModel"):
        assert list(only(difference, before, after, name).changed) == ["bert"]
    with pytest.raises(SelectionError, match=r"neither 1\.0\.0 nor 2\.0\.0 has 'bertt'; the nearest are bert"):
        only(difference, before, after, "bertt")


def test_defaults_are_spelled_alike_in_every_process_and_release() -> None:
    class Odd:
        def __repr__(self) -> str:
            raise AssertionError("the repr of a stranger is not asked")

    assert spelled((1, [2.0, None])) == spelled([1, (2.0, None)]) == "[1, [2.0, None]]"
    assert spelled({"b", "a"}) == "{'a', 'b'}"
    assert spelled({"a": Odd()}) == "{'a': <Odd>}"
    assert spelled(Odd) == "<Odd>"
    long, other = [spelled([0] * 500 + [last]) for last in (1, 2)]
    assert long != other
    assert len(long) <= LONGEST


def test_facts_are_kept_once_and_the_newest_before_a_release_is_found(tmp_path: Path) -> None:
    made = release("5.9.0", bert=BERT)
    assert facts.keep(made, tmp_path)
    assert not facts.keep(made, tmp_path)
    assert facts.kept(tmp_path, "5.9.0") == made
    assert facts.kept(tmp_path, "5.8.0") is None
    for name in ("5.10.0rc1", "5.10.0", "5.10.1"):
        facts.keep(replace(made, release=name), tmp_path)
    assert facts.previous(tmp_path, "5.10.1") == "5.10.0"
    assert facts.previous(tmp_path, "5.10.0") == "5.10.0rc1"
    assert facts.previous(tmp_path, "5.9.0") is None


@pytest.mark.parametrize(
    "data",
    # Without the second in which it is packed: two workers must collect the same.
    [b"", b"no gzip", gzip.compress(b"{}", mtime=0), gzip.compress(b'{"a"', mtime=0)[:-9]],
)
def test_kept_facts_that_are_broken_are_an_error_with_the_command_that_restores_them(
    tmp_path: Path, data: bytes
) -> None:
    (tmp_path / facts.name("5.9.0")).write_bytes(data)
    with pytest.raises(FactsError, match=r"5\.9\.0\.json\.gz: .*\. Run: git checkout .*5\.9\.0\.json\.gz"):
        facts.kept(tmp_path, "5.9.0")


@pytest.fixture(scope="module")
def installed() -> Facts:
    return facts.of_installed()


def test_the_kept_facts_of_the_installed_release_are_what_it_says_now(installed: Facts) -> None:
    kept = facts.kept(KEPT, installed.release)
    assert kept is not None
    assert not compare(kept, installed), difference_text(compare(kept, installed))


def test_inputs_read_as_text_are_those_of_the_classes(installed: Facts) -> None:
    import transformers

    for model_type in ("gptj", "bert", "clip", "t5", "whisper"):
        for name, stated in installed.types[model_type].heads.items():
            parameters = inspect.signature(getattr(transformers, name).forward).parameters.values()
            variadic = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
            real = [item for item in parameters if item.kind not in variadic and item.name != "self"]
            assert list(stated.inputs) == [item.name for item in real]
            assert [default is None for default in stated.inputs.values()] == [
                item.default is inspect.Parameter.empty for item in real
            ]


def test_what_changed_since_the_release_before_is_found_in_what_is_kept(installed: Facts) -> None:
    older = facts.previous(KEPT, installed.release)
    assert older is not None
    before = facts.kept(KEPT, older)
    assert before is not None
    difference = compare(before, installed)
    assert set(difference.new) == set(installed.types) - set(before.types)
    assert difference.states["architecture"][1] == sum(
        item.state == "architecture" for item in installed.types.values()
    )


def test_the_facts_that_are_kept_stay_small() -> None:
    assert sum(path.stat().st_size for path in KEPT.iterdir()) < 1_000_000
