"""Config classes that are no dataclasses: those of releases before 5.1, and most that live outside of transformers."""

from __future__ import annotations

import inspect
import sys
from typing import Any, ClassVar

import pytest

transformers = pytest.importorskip("transformers")

from generator import configuration, plugins  # noqa: E402
from generator.tiny import config as shrinking  # noqa: E402


class Tower(transformers.PretrainedConfig):  # type: ignore[misc, name-defined]
    model_type = "skillmatrix_tower"

    def __init__(self, hidden_size: int = 1024, num_hidden_layers: int = 24, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers


class Plain(transformers.PretrainedConfig):  # type: ignore[misc, name-defined]
    model_type = "skillmatrix_plain"
    attribute_map: ClassVar[dict[str, str]] = {"width": "hidden_size"}

    def __init__(
        self,
        *,
        vocab_size: int = 50000,
        width: int = 2048,
        num_attention_heads: int = 16,
        head_dim: int | None = None,
        eos_token_id: int = 49999,
        tower: dict[str, Any] | Tower | None = None,
        **kwargs: Any,
    ) -> None:
        self.vocab_size = vocab_size
        self.hidden_size = width
        self.num_attention_heads = num_attention_heads
        self.head_dim = head_dim or width // num_attention_heads
        self.tower = tower if isinstance(tower, Tower) else Tower(**(tower or {}))
        super().__init__(eos_token_id=eos_token_id, **kwargs)


class Longer(Plain):
    model_type = "skillmatrix_longer"

    def __init__(self, num_hidden_layers: int = 40, **kwargs: Any) -> None:
        self.num_hidden_layers = num_hidden_layers
        super().__init__(**kwargs)


def test_an_ordinary_class_declares_what_its_init_and_those_that_it_hands_the_rest_to_take() -> None:
    declared = configuration.arguments(Longer)
    assert declared["num_hidden_layers"] == 40
    assert declared["vocab_size"] == 50000
    assert not {"self", "kwargs", "return_dict"} & declared.keys()
    assert configuration.derived(Longer()) == {"head_dim", "tower"}


def test_a_dataclass_declares_its_fields_and_not_those_of_every_config() -> None:
    declared = configuration.arguments(transformers.LlamaConfig)
    assert declared["vocab_size"] == 32000
    assert "return_dict" not in declared
    assert configuration.arguments(transformers.CLIPConfig)["text_config"] is not inspect.Parameter.empty


def test_the_values_held_are_read_under_the_names_that_they_are_kept_by() -> None:
    assert configuration.defaults(Plain())["width"] == 2048
    assert configuration.defaults(Plain())["head_dim"] == 128


def test_a_nested_config_is_found_although_no_list_of_them_names_it() -> None:
    assert list(configuration.nested(Plain())) == ["tower"]
    assert configuration.optional(Plain()) == {}


def test_an_ordinary_class_becomes_small_token_ids_and_nested_configs_too() -> None:
    small = shrinking.shrink(Longer)
    assert small["num_hidden_layers"] == 2
    assert small["vocab_size"] == 128
    assert small["eos_token_id"] < 128
    assert small["tower"]["hidden_size"] == 64
    built = Longer(**small)
    assert (built.hidden_size, built.tower.num_hidden_layers) == (64, 2)


class Pair(transformers.PretrainedConfig):  # type: ignore[misc, name-defined]
    model_type = "skillmatrix_pair"
    sub_configs: ClassVar[dict[str, Any]] = {"encoder": transformers.AutoConfig, "decoder": transformers.AutoConfig}

    def __init__(self, **kwargs: Any) -> None:
        if "encoder" not in kwargs or "decoder" not in kwargs:
            raise ValueError("both parts are needed")
        for name in ("encoder", "decoder"):
            part = kwargs.pop(name)
            setattr(self, name, transformers.AutoConfig.for_model(part.pop("model_type"), **part))
        super().__init__(**kwargs)


def test_a_class_that_takes_its_arguments_apart_leaves_them_whole() -> None:
    given = {"encoder": {"model_type": "vit"}, "decoder": {"model_type": "bert"}}
    configuration.make(Pair, given)
    assert given["encoder"] == {"model_type": "vit"}


@pytest.mark.parametrize(("modality", "encoder"), [("text", "bert"), ("image", "vit"), ("audio", "wav2vec2")])
def test_a_class_that_only_joins_others_is_given_parts_that_fit_what_it_takes(modality: str, encoder: str) -> None:
    small = shrinking.shrink(Pair, modalities=(modality,))
    assert small["encoder"]["model_type"] == encoder
    assert small["encoder"]["hidden_size"] == 64
    assert small["decoder"]["is_decoder"]
    assert small["decoder"]["add_cross_attention"]


def test_what_a_config_made_of_a_nested_one_is_told_from_what_the_class_makes() -> None:
    assert configuration.departures(Tower()) == {}
    assert configuration.departures(Tower(num_hidden_layers=3)) == {"num_hidden_layers": 3}


def test_what_a_config_keeps_of_a_nested_one_undeclared_is_told_too() -> None:
    assert configuration.departures(Tower(return_class_token=True)) == {"return_class_token": True}


def test_arguments_that_were_handed_on_as_one_are_not_taken_for_the_first_of_them() -> None:
    assert configuration.departures(Tower({"num_hidden_layers": 3})) == {}  # type: ignore[arg-type, unused-ignore]


def test_a_config_that_asks_the_hub_for_what_it_holds_by_default_departs_from_nothing() -> None:
    class Asking(transformers.PretrainedConfig):  # type: ignore[misc, name-defined]
        model_type = "asking"

        def __init__(self, width: int | None = None, **kwargs: Any) -> None:
            if width is None:
                raise OSError("no network")
            self.width = width
            super().__init__(**kwargs)

    assert configuration.departures(Asking(3)) == {}


def test_a_config_class_that_only_its_module_has_is_known_by_the_head_that_takes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hidden = type("OwlTextConfig", (transformers.LlamaConfig,), {})
    head = type("OwlModel", (), {"config_class": hidden})
    monkeypatch.setitem(vars(sys.modules["transformers"]), "OwlModel", head)
    assert plugins.config_class("OwlTextConfig", "OwlModel") is hidden
    assert plugins.config_class("LlamaConfig", "OwlModel") is transformers.LlamaConfig
    monkeypatch.setattr(head, "config_class", type("LlamaConfig", (transformers.LlamaConfig,), {}))
    assert plugins.config_class("LlamaConfig", "OwlModel") is transformers.LlamaConfig  # which a user would take
    with pytest.raises(AttributeError):
        plugins.config_class("OwlVisionConfig", "OwlModel")
