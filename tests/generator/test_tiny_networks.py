"""Networks of timm that configs name, made small by what timm takes for them."""

from __future__ import annotations

from typing import Any

import pytest

from generator.tiny.config import networks

pytest.importorskip("timm")


def _arguments(name: str, **fields: Any) -> dict[str, Any]:
    return networks.arguments({"architecture": name, "model_args": None, **fields})


def _size(name: str, arguments: dict[str, Any]) -> int:
    return networks._size(networks._built(name, arguments))


@pytest.mark.parametrize(
    "name", ["resnet50", "fastvit_mci3", "vit_pe_core_large_patch14_336", "swin_tiny_patch4_window7_224"]
)
def test_a_network_becomes_small_and_stays_of_its_kind(name: str) -> None:
    small = _arguments(name)["model_args"]
    assert _size(name, small) < 2_000_000
    assert type(networks._built(name, small)) is type(networks._built(name, {}))


def test_a_network_that_is_described_block_by_block_is_scaled() -> None:
    small = _arguments("mobilenetv5_300m_enc")["model_args"]
    assert "block_args" not in small
    assert _size("mobilenetv5_300m_enc", small) < 10_000_000


def test_fields_of_the_network_s_measures_follow_it() -> None:
    made = _arguments("fastvit_mci3", hidden_size=3072)
    assert made["hidden_size"] == networks._built("fastvit_mci3", made["model_args"]).num_features
    assert "hidden_size" not in _arguments("fastvit_mci3", hidden_size=1000)


def test_what_the_config_says_of_the_network_stays() -> None:
    given = {"architecture": "repvit_m1", "model_args": {"features_only": True, "out_indices": [0, 1]}}
    small = networks.arguments(given)["model_args"]
    assert small["features_only"] is True
    assert small["out_indices"] == [0, 1]
    assert small["depth"] == [2, 2, 2, 2]


def test_a_config_that_names_a_backbone_alone_gets_one_of_timm_s_for_testing() -> None:
    made = networks.arguments({"backbone": None, "features_only": True})
    assert made["backbone"].startswith("test_")


def test_a_config_that_names_no_network_of_timm_s_is_left_alone() -> None:
    assert networks.arguments({"architecture": "no_such_network", "model_args": None}) == {}
    assert networks.arguments({"hidden_size": 2048}) == {}
