"""Timing: what is measured, how, at which size, where the samples go, and what is refused."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from transformers import BertForMaskedLM

from commands.hardware import asked
from harness import plugin, sizes, timing
from harness.cells import Cell, Selection, SelectionError, cells
from harness.checks import CHECKS
from harness.engines.local import Engine
from tests.harness.architectures.hf_bert import Bert
from tests.harness.architectures.hf_gpt2 import GPT2
from tests.harness.conftest import Ask

Swap = Callable[[str, type], None]


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """As few samples as an interval can be made of."""
    monkeypatch.setattr(timing, "SECONDS", 0.0)
    monkeypatch.setattr(timing, "LEAST", 8)


def test_a_run_gives_latency_with_an_interval_and_throughput(ask: Ask) -> None:
    record = ask(Bert, "benchmark")
    figures = record.metrics
    assert (record.status, record.runs, record.matches, record.speed) == ("passed", "passed", None, "passed")
    assert 0 < figures["latency_seconds_low"] <= figures["latency_seconds"] <= figures["latency_seconds_high"]
    assert figures["throughput_per_second"] == pytest.approx(figures["rows"] / figures["latency_seconds"])
    assert (figures["latency_samples"], figures["size"], figures["parameters"]) == (8, "tiny", Bert.heads[0].parameters)
    assert "first_token_seconds" not in figures


def test_what_generates_is_timed_to_its_first_token_and_for_each_after_it(ask: Ask) -> None:
    figures = ask(GPT2, "benchmark").metrics
    assert {"first_token_seconds", "first_token_seconds_low", "token_seconds", "tokens"} <= figures.keys()
    assert figures["tokens"] == (GPT2.heads[0].generation or {})["max_new_tokens"]


def test_a_method_without_a_count_of_tokens_is_not_timed_and_says_so(ask: Ask) -> None:
    record = ask(GPT2, "benchmark", generation={"method": "generate"})
    assert (record.status, "not timed" in str(record.metrics["generation"])) == ("passed", True)


def test_a_larger_size_is_a_cell_of_its_own_and_a_wider_model(ask: Ask) -> None:
    record = ask(Bert, "benchmark-small")
    assert (record.status, record.cell) == ("passed", "bert/BertForMaskedLM/cpu/fp32/benchmark-small")
    assert record.metrics["size"] == "small"
    assert record.metrics["parameters"] > sizes.SIZES["small"] * Bert.heads[0].parameters


def test_compiled_hardware_is_timed_without_what_surrounds_an_inference(ask: Ask) -> None:
    record = ask(Bert, "benchmark", "openvino")
    assert (record.status, record.executed_on) == ("passed", "openvino:CPU")
    assert {"latency_seconds", "route"} <= record.metrics.keys()


def test_timing_is_put_only_where_it_is_named() -> None:
    assert not any(cell.check.alone for cell in cells(Bert, Selection()))
    assert {cell.check.name for cell in cells(Bert, Selection(checks=("benchmark",)))} == {"benchmark"}


# --- what must not pass ----------------------------------------------------------------------------------------------


def test_benchmark_catches_a_model_that_does_not_run(ask: Ask, swap: Swap) -> None:
    class Broken(BertForMaskedLM):
        def forward(self, *args: Any, **kwargs: Any) -> Any:
            raise ValueError("no such thing")

    swap("BertForMaskedLM", Broken)
    record = ask(Bert, "benchmark")
    assert (record.status, record.speed, record.metrics) == ("failed", None, {})


def test_a_head_that_cannot_be_wide_is_unavailable_in_its_own_words(ask: Ask, swap: Swap) -> None:
    class Narrow(BertForMaskedLM):
        def __init__(self, config: Any) -> None:
            if config.hidden_size > 64:
                raise ValueError("too wide a model")
            super().__init__(config)

    swap("BertForMaskedLM", Narrow)
    record = ask(Bert, "benchmark-small")
    assert (record.status, "ValueError: too wide a model" in str(record.reason)) == ("unavailable", True)


def test_a_head_whose_fields_make_it_no_wider_is_not_timed_as_if_they_did(ask: Ask, swap: Swap) -> None:
    class Deaf(BertForMaskedLM):
        def __init__(self, config: Any) -> None:
            config.hidden_size, config.intermediate_size = 32, 37
            config.num_attention_heads = 4
            super().__init__(config)

    swap("BertForMaskedLM", Deaf)
    record = ask(Bert, "benchmark-small")
    assert (record.status, "times the parameters" in str(record.reason)) == ("unavailable", True)


def test_workers_side_by_side_are_refused() -> None:
    def config(workers: int, *checks: str) -> Any:
        return SimpleNamespace(
            option=SimpleNamespace(numprocesses=workers), stash={plugin.SELECTION: Selection(checks=checks)}
        )

    with pytest.raises(SelectionError, match="benchmark-small: 2 workers"):
        plugin._one_at_a_time(config(2, "parity", "benchmark-small"))
    plugin._one_at_a_time(config(1, "benchmark"))
    plugin._one_at_a_time(config(2, "parity"))


# --- how ------------------------------------------------------------------------------------------------------------


def test_each_sample_begins_and_ends_with_a_device_that_has_nothing_to_do() -> None:
    said: list[str] = []
    samples = timing.sampled(lambda: said.append("call"), lambda: said.append("wait"))
    assert said == ["call"] * timing.WARM_UP + ["wait"] + ["call", "wait"] * 8
    assert len(samples) == 8


def test_the_interval_of_a_median_is_by_order_and_narrows_with_samples() -> None:
    low, high = timing.interval([float(number) for number in range(100)])
    assert 35 < low < timing.median(range(100)) < high < 65
    few = timing.interval([float(number) for number in range(0, 100, 10)])
    assert few[1] - few[0] > high - low


def test_the_growth_of_the_process_is_what_it_took() -> None:
    memory = timing.Memory()
    if memory.growth() is None:
        pytest.skip("nobody counts resident memory here")
    taken = bytearray(b"x" * (64 << 20))
    grown = memory.growth()
    assert grown is not None
    assert len(taken) * 0.9 < grown < len(taken) * 3


def test_raw_samples_lie_beside_the_records(tmp_path: Path) -> None:
    cell = Cell(GPT2, GPT2.heads[0], "cpu", "fp32", CHECKS["benchmark"])
    record = Engine(threads=1, folder=tmp_path).execute(cell)
    (file,) = (tmp_path / "samples").iterdir()
    kept = {row["name"]: row for row in map(json.loads, file.read_text().splitlines())}
    assert set(kept) == {"latency", "first_token", "all_tokens"}
    assert timing.median(kept["latency"]["seconds"]) == record.metrics["latency_seconds"]
    assert {row["cell"] for row in kept.values()} == {record.cell}
    assert not list(tmp_path.glob("*.jsonl"))  # those are records


# --- sizes ----------------------------------------------------------------------------------------------------------


def test_widths_and_counts_of_heads_grow_and_nothing_else() -> None:
    tiny = {
        "hidden_size": 64, "num_attention_heads": 4, "n_head": 4, "d_model": 64, "encoder_ffn_dim": 128, "n_embd": 64,
        "intermediate_size": 128, "hidden_sizes": [8, 16], "out_channels": 16, "text_config": {"mlp_dim": 32},
    }  # fmt: skip
    kept = {
        "vocab_size": 128, "num_hidden_layers": 2, "head_dim": 16, "d_kv": 16, "patch_size": 8, "num_channels": 3,
        "max_position_embeddings": 64, "pad_token_id": 0, "num_experts": 4, "hidden_act": "gelu", "dropout": 0.1,
        "image_size": 32, "num_mel_bins": 80, "layer_types": ["full"], "tie": True,
    }  # fmt: skip
    head = replace(Bert.heads[0], config={})
    skill = type("Skilled", (Bert,), {"config": {**tiny, **kept}})
    grown = next(sizes.wider(skill, head, "small")).config
    assert {name: grown[name] for name in kept} == kept
    assert grown["hidden_size"] == 512
    assert grown["num_attention_heads"] == grown["n_head"] == 32
    assert grown["hidden_sizes"] == [64, 128]
    assert grown["text_config"] == {"mlp_dim": 256}
    assert all(grown[name] == tiny[name] * 8 for name in tiny if isinstance(tiny[name], int))


def test_where_heads_cannot_be_more_they_grow_wide() -> None:
    skill = type("Skilled", (Bert,), {"config": {"hidden_size": 64, "num_attention_heads": 4, "head_dim": 16}})
    _, second = sizes.wider(skill, replace(Bert.heads[0], config={}), "medium")
    assert second.config == {"hidden_size": 2048, "num_attention_heads": 4, "head_dim": 512}


@pytest.mark.parametrize(
    ("checks", "size", "wanted"),
    [
        ([], None, []),
        (["parity,benchmark"], None, ["parity", "benchmark"]),
        ([], "small", ["benchmark-small"]),
        (["benchmark", "parity"], "medium", ["parity", "benchmark-medium"]),
    ],
)
def test_a_size_stands_for_the_check_at_that_size(checks: list[str], size: str | None, wanted: list[str]) -> None:
    assert asked(argparse.Namespace(check=checks, size=size)) == wanted
