"""What an error of a model suggests of its config: the field is among the first few changes, whatever the model."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from generator.tiny.config import suspects
from generator.tiny.config.suspects import changes
from generator.tiny.config.tree import Change, Field

MODEL = """
def reads(config):
    index = getattr(config, "yes_token_index", 10_784), getattr(config, "no_token_index", 3771)
    raise IndexError(f"index {index[0]} is out of bounds for dimension 0 with size 128")

def looks_up(table, key):
    return table[key]

def counts(table, patches):
    raise KeyError(f"Number of patches {patches} not found amongst {list(table)}.")

def rotates(rope):
    sections = rope.get("mrope_section", [22, 22, 20])
    raise RuntimeError("stack expects each tensor to be equal size")

def joins(parts):
    raise ValueError("expected a non-empty list of Tensors")

def ties():
    raise ValueError("There is an issue with your definition of `tie_weights_keys`")

def attends():
    known = "linear_attention", "full_attention"
    raise ValueError("the current Cache seems to only contain LinearAttention layers")
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    path: Path = tmp_path_factory.mktemp("suspects") / "modeling_made_up.py"
    path.write_text(MODEL)
    spec = importlib.util.spec_from_file_location("modeling_made_up", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _field(*path: str, default: Any, small: Any) -> Field:
    return Field(path, "MadeUpConfig", default, small)


def _first(
    call: Callable[[], object], fields: list[Field], monkeypatch: pytest.MonkeyPatch, model: ModuleType
) -> list[Change]:
    monkeypatch.setitem(sys.modules, model.__name__, model)
    with pytest.raises(Exception) as caught:  # noqa: PT011  # whatever the model raises
        call()
    return list(islice(changes(caught.value, fields), 6))


def test_token_ids_that_the_code_reads_anyway_are_given_below_the_vocabulary(
    model: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _first(lambda: model.reads(None), [_field("vocab_size", default=999, small=128)], monkeypatch, model)
    given = found[0]
    assert set(given) == {("yes_token_index",), ("no_token_index",)}
    assert len({*given.values()}) == 2
    assert max(given.values()) < 128


def test_a_table_by_count_gets_an_entry_for_the_count_that_was_asked_of_it(
    model: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = {1225: 128, 4900: 256}
    found = _first(lambda: model.counts(table, 16), [_field("queries", default=table, small=table)], monkeypatch, model)
    assert found[0] == {("queries",): {"16": 4}}


def test_rotary_parameters_by_kind_of_layer_are_given_for_each_kind(
    model: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = ["sliding_attention", "full_attention"]
    fields = [
        _field("text_config", "rope_parameters", default={}, small={}),
        _field("text_config", "layer_types", default=kinds, small=kinds),
    ]
    (path, value), *_ = _first(lambda: model.looks_up({}, "full_attention"), fields, monkeypatch, model)[0].items()
    assert path == ("text_config", "rope_parameters")
    assert set(value) == set(kinds)


def test_sections_take_the_proportions_of_the_codes_own_default(
    model: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    rope = {"rope_type": "default", "mrope_section": [4, 2, 2]}
    found = _first(
        lambda: model.rotates(rope), [_field("rope_parameters", default=None, small=rope)], monkeypatch, model
    )
    assert found[0] == {("rope_parameters",): {"rope_type": "default", "mrope_section": [3, 3, 2]}}


def test_an_empty_list_gets_an_item_where_something_is_missing(
    model: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import LwDetrConfig

    field = Field(("projector_scale_factors",), LwDetrConfig.__name__, (), ())
    assert _first(lambda: model.joins([]), [field], monkeypatch, model)[0] == {field.path: [1.0]}


def test_layers_that_share_something_are_doubled_with_all_their_lists(
    model: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = [
        _field("num_hidden_layers", default=12, small=2),
        _field("kinds", default=["a"] * 11 + ["b"], small=["a", "b"]),
    ]
    found = _first(model.ties, fields, monkeypatch, model)
    assert {("num_hidden_layers",): 4, ("kinds",): ["a", "b", "a", "b"]} in found


def test_layers_of_one_kind_are_joined_by_another_that_the_code_names(
    model: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = [_field("layer_types", default=["linear_attention"] * 9, small=["linear_attention"] * 2)]
    found = _first(model.attends, fields, monkeypatch, model)
    assert {("layer_types",): ["linear_attention", "full_attention"]} in found


def test_no_size_is_nothing_and_no_stack_is_endless(model: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise ValueError("num_layers must fit width 4096, not 0")

    fields = [_field("num_layers", default=48, small=2), _field("width", default=4096, small=64)]
    found = _first(fails, fields, monkeypatch, model)
    assert all(value > 0 for change in found for value in change.values())
    assert all(change.get(("num_layers",), 0) < 100 for change in found)


def test_what_a_field_is_declared_to_hold_is_read_from_its_class_or_from_its_signature() -> None:
    from typing import Optional

    class Annotated:
        clip: float | None = None

    class Signed:
        def __init__(self, clip: Optional[float] = None, bare: Any = None, plain=None) -> None:  # type: ignore[no-untyped-def]  # noqa: UP045
            del clip, bare, plain

    assert suspects._declared(Annotated, "clip") == "float | None"
    assert suspects._declared(Signed, "clip").endswith("float | None")
    assert suspects._declared(Signed, "plain") == suspects._declared(None, "clip") == ""


def test_a_feature_short_all_of_a_tower_s_features_are_taken(
    model: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(got: int) -> Callable[[], None]:
        def counts() -> None:
            raise ValueError(f"Expected 16 features, got {got}.")

        return counts

    field = _field("vision_feature_select_strategy", default="default", small="default")
    assert _first(fails(15), [field], monkeypatch, model)[0] == {field.path: "full"}
    assert not _first(fails(14), [field], monkeypatch, model)


def test_a_field_that_an_error_says_had_become_a_number_is_given_one() -> None:
    field = Field(("qk_channels",), "UnseenConfig", None, None)
    error = ValueError("qk_channels (261) must be divisible by num_heads (4).")
    assert {("qk_channels",): 64} in list(suspects._unset([field], error))
    assert list(suspects._unset([field], ValueError("qk_channels must be set"))) == []
