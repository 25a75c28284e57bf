"""Generation by compiled graphs: what runs it, what the check compares it with, and what each fault of a backend is called."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import GPT2LMHeadModel

from harness import weights
from harness.cells import Selection, cells
from harness.hardware import UnsupportedError, hardware
from harness.hardware.generating import GraphGenerator, Held, Step, leaves, settled
from harness.hardware.openvino import OpenVino
from harness.inputs import draw
from harness.results.record import Record
from harness.skill import Skill
from tests.harness.architectures.hf_gpt2 import GPT2
from tests.harness.architectures.hf_llava import Llava
from tests.harness.architectures.hf_t5 import T5

Ask = Callable[..., Record]
Install = Callable[[Any], str]
Run = Callable[[Any, Mapping[str, Any]], Any]


class Graph(Step):
    """A graph by torch itself, so that a fault of it is the only one."""

    def __init__(self, module: Any, arguments: Mapping[str, Any], run: Run) -> None:
        ports = [([name], [None] * item.ndim) for name, item in leaves(arguments).items()]
        super().__init__({"route": "torch"}, ports)
        self.module, self.answer = module, run

    def infer(self, arguments: Mapping[str, Any]) -> Any:
        return self.answer(self.module, arguments)

    def executed_on(self) -> str:
        return "openvino:CPU"


def plainly(module: Any, arguments: Mapping[str, Any]) -> Any:
    return module(**arguments)


class Backend(OpenVino):
    """OpenVINO by its name, with graphs that run in torch and break as they are told."""

    def __init__(self, run: Run = plainly) -> None:
        super().__init__()
        self.answer = run

    def generator(self, model: Any, dtype: str = "fp32") -> GraphGenerator:
        return GraphGenerator(model, lambda module, call: Graph(copy.deepcopy(module), call, self.answer))


# --- what runs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("skill", [GPT2, Llava, T5], ids=lambda skill: skill.model_type)
def test_the_loop_runs_on_graphs_alone(ask: Ask, install: Install, skill: type[Skill]) -> None:
    record = ask(skill, "generation", install(Backend()))
    assert (record.status, record.executed_on) == ("passed", "openvino:CPU"), record
    graphs = {
        "gpt2": 2,
        "llava": 2,
        "t5": 4,
    }  # of a prompt and of a step, of T5 also its encoder and a step after one token
    assert record.metrics["generation_graphs"] == graphs[skill.model_type]


def test_openvino_keeps_the_cache_and_reorders_it() -> None:
    """Greedily, for other inputs after that, and with beams, whose rows change places within the state."""
    head = replace(GPT2.heads[0], config={"n_layer": 1})
    model = weights.build(GPT2, head)
    compiled = hardware("openvino").generator(model)
    plain = {"max_new_tokens": 4, "min_new_tokens": 4, "pad_token_id": 0, "do_sample": False}
    for seed, beams in ((0, 1), (1, 1), (0, 3)):
        inputs = {"input_ids": draw(head.inputs, seed)["input_ids"]}
        wanted = model.generate(**inputs, **plain, num_beams=beams)
        assert torch.equal(compiled.generate(inputs, {**plain, "num_beams": beams}), wanted), (seed, beams)
    assert compiled.facts == {"generation_route": "stateful", "generation_graphs": 2}


def test_a_cache_that_is_held_goes_to_another_graph_with_its_numbers_while_it_is_there() -> None:
    class Holding(Step):
        def real(self, cache: Any) -> Any:
            return f"{cache.name} as tensors"

    first, second = Holding({}, []), Holding({}, [])
    cache = SimpleNamespace(name="cache", held=Held(first, 0))
    assert settled(cache, first) is cache
    assert settled(cache, second) == "cache as tensors"
    assert settled(copy.deepcopy(cache), None) == "cache as tensors"
    first.serial += 1
    with pytest.raises(UnsupportedError, match="the cache that is asked for is of an earlier one"):
        settled(cache, second)


def test_it_is_asked_only_where_it_is_named() -> None:
    asked = [list(cells(GPT2, Selection(("openvino",), checks=checks))) for checks in (None, ("generation",))]
    assert "generation" not in {cell.check.name for cell in asked[0]}
    assert {cell.check.name for cell in asked[1]} == {"generation"}


def test_what_compiles_a_forward_alone_says_that_it_generates_nothing(ask: Ask, install: Install) -> None:
    where = OpenVino()
    where.steps = {}
    record = ask(GPT2, "generation", install(where))
    assert (record.status, record.reason) == (
        "unsupported",
        "what it compiles is one forward, and none of the steps of generation",
    )


def test_all_arguments_of_the_loop_are_as_in_torch() -> None:
    model = weights.build(GPT2, GPT2.heads[0])
    inputs = {"input_ids": draw(GPT2.heads[0].inputs, 0)["input_ids"]}
    compiled = Backend().generator(model)
    plain = {"max_new_tokens": 4, "min_new_tokens": 4, "pad_token_id": 0}
    for more in ({"num_beams": 3}, {"do_sample": True, "top_k": 5}, {"num_return_sequences": 2, "do_sample": True}):
        torch.manual_seed(5)
        wanted = model.generate(**inputs, **plain, **more)
        assert torch.equal(compiled.generate(inputs, {**plain, **more}, seed=5), wanted), more


# --- controls -------------------------------------------------------------------------------------------------------


def louder(module: Any, arguments: Mapping[str, Any]) -> Any:
    """A step that is off by a hundredth."""
    output = module(**arguments)
    output.logits = output.logits + 1e-2 * output.logits.abs().max()
    return output


def contrary(module: Any, arguments: Mapping[str, Any]) -> Any:
    """A step that chooses another token."""
    output = module(**arguments)
    output.logits = -output.logits
    return output


def forgetful(module: Any, arguments: Mapping[str, Any]) -> Any:
    """A step that drops what was before it."""
    cache = arguments.get("past_key_values")
    if cache is not None and cache.get_seq_length():
        cache.reset()
    return module(**arguments)


def remembering() -> Run:
    """A prompt that finds the state of the last generation, as of a graph that was not reset."""
    held: list[Any] = []

    def run(module: Any, arguments: Mapping[str, Any]) -> Any:
        cache = arguments["past_key_values"]
        if not cache.get_seq_length() and held:
            arguments = {**arguments, "past_key_values": held[-1]}
        output = module(**arguments)
        held.append(output.past_key_values)
        return output

    return run


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (louder, "against the CPU in float32 it gives logits that differ by"),
        (contrary, "against the CPU in float32 it gives logits that differ by"),
        (forgetful, "against the CPU in float32 it gives logits that differ by"),
        (remembering(), "right for the first inputs; for others after them"),
    ],
    ids=["off by 1e-2", "other tokens", "a dropped cache", "a state that is not reset"],
)
def test_a_fault_of_a_backend_fails_generation(ask: Ask, install: Install, run: Run, words: str) -> None:
    record = ask(GPT2, "generation", install(Backend(run)))
    assert (record.status, record.matches, record.runs) == ("failed", "failed", "passed"), record
    assert words in str(record.reason)


def test_a_part_that_is_called_by_itself_is_a_graph_too(
    ask: Ask, install: Install, swap: Callable[[str, type], None]
) -> None:
    class Peeking(GPT2LMHeadModel):  # type: ignore[misc]
        def generate(self, input_ids: Any, **kwargs: Any) -> Any:
            self.transformer.wte(input_ids)
            return super().generate(input_ids, **kwargs)

    swap("GPT2LMHeadModel", Peeking)
    record = ask(GPT2, "generation", install(Backend()))
    assert (record.status, record.metrics["generation_graphs"]) == ("passed", 3), record


def test_what_runs_no_graph_is_a_fall_back(ask: Ask, install: Install, swap: Callable[[str, type], None]) -> None:
    class Evading(GPT2LMHeadModel):  # type: ignore[misc]
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return type(self).forward(copy.deepcopy(self), *args, **kwargs)

        def __deepcopy__(self, _: Any) -> Any:
            return weights.build(GPT2, GPT2.heads[0])

    swap("GPT2LMHeadModel", Evading)
    record = ask(GPT2, "generation", install(Backend()))
    assert (record.status, str(record.reason)[:12]) == ("failed", "fell back to"), record


def test_the_model_is_as_it_was() -> None:
    model = weights.build(GPT2, GPT2.heads[0])
    inputs = draw(GPT2.heads[0].inputs, 0)
    wanted = model(**inputs).logits
    Backend().generator(model).generate(inputs, {"max_new_tokens": 2, "pad_token_id": 0})
    assert torch.equal(model(**inputs).logits, wanted)
    assert not any("forward" in vars(module) for module in model.modules())


def test_a_graph_is_given_all_that_it_asks_for_and_the_sizes_that_it_fixed() -> None:
    step = Graph(None, {"input_ids": torch.ones(2, 3)}, plainly)
    with pytest.raises(UnsupportedError, match="asks for input_ids, which the call does not give"):
        step.run({"attention_mask": torch.ones(2, 3)})
    fixed = Step({}, [(["input.input_ids", "1"], [2, None])])
    assert fixed.fits({"input_ids": torch.ones(2, 5)})
    assert not fixed.fits({"input_ids": torch.ones(3, 5)})
    assert not fixed.fits({"input_ids": torch.ones(2, 5, 1)})
