"""Weights: drawn hot, by seed and name, tied and constant ones left as they are."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from transformers import BertConfig, BertForMaskedLM
from transformers.pytorch_utils import Conv1D

from harness import weights
from harness.checks.build import _of_type
from harness.session import Subject
from tests.harness.architectures.hf_bert import Bert
from tests.harness.architectures.hf_gpt2 import GPT2
from tests.harness.architectures.hf_llava import Llava
from tests.harness.architectures.hf_t5 import T5


def test_equal_seeds_give_equal_weights_and_others_others() -> None:
    first, again, other = (weights.build(Bert, Bert.heads[0], seed) for seed in (1, 1, 2))
    pairs = zip(first.named_parameters(), again.parameters(), other.parameters(), strict=True)
    for (name, parameter), same, changed in pairs:
        assert torch.equal(parameter, same), name
        assert not torch.equal(parameter, changed), name


def test_the_state_of_the_global_generator_does_not_matter() -> None:
    torch.manual_seed(5)
    first = weights.build(Bert, Bert.heads[0])
    torch.rand(3)
    again = weights.build(Bert, Bert.heads[0])
    assert torch.equal(first.cls.predictions.bias, again.cls.predictions.bias)


def test_a_draw_depends_on_the_name_and_not_on_the_order_of_registration() -> None:
    class One(torch.nn.Module):
        def __init__(self, names: str) -> None:
            super().__init__()
            for name in names:
                self.register_parameter(name, torch.nn.Parameter(torch.zeros(3, 4)))

    one, other = One("abc"), One("ca")
    weights.redraw(one, 0)
    weights.redraw(other, 0)
    assert torch.equal(one.a, other.a)
    assert torch.equal(one.c, other.c)
    assert not torch.equal(one.a, one.b)


def test_tied_weights_stay_tied() -> None:
    model = weights.build(T5, T5.heads[0])
    assert model.shared.weight.data_ptr() == model.lm_head.weight.data_ptr()
    gpt2 = weights.build(GPT2, GPT2.heads[0])
    assert gpt2.transformer.wte.weight.data_ptr() == gpt2.lm_head.weight.data_ptr()


@pytest.mark.parametrize(("shape", "std"), [((64, 400), 0.05), ((400, 25), 0.2)])
def test_matrices_have_the_variance_of_their_fan_in(shape: tuple[int, int], std: float) -> None:
    layer = torch.nn.Linear(shape[1], shape[0])
    weights.redraw(layer, 0)
    assert float(layer.weight.detach().std()) == pytest.approx(std, rel=0.05)


def test_convolutions_and_transposed_layers_have_their_own_fan_in() -> None:
    convolution, transposed = torch.nn.Conv2d(16, 64, 5), Conv1D(10, 400)
    weights.redraw(convolution, 0)
    weights.redraw(transposed, 0)
    assert float(convolution.weight.detach().std()) == pytest.approx((16 * 25) ** -0.5, rel=0.05)
    assert float(transposed.weight.detach().std()) == pytest.approx(400**-0.5, rel=0.05)


def test_vectors_keep_where_they_began_and_closed_gates_are_opened() -> None:
    class Vectors(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bias = torch.nn.Parameter(torch.zeros(500))
            self.norm = torch.nn.Parameter(torch.ones(500))
            self.gate = torch.nn.Parameter(torch.full((500,), 1e-6))
            self.scale = torch.nn.Parameter(torch.tensor(2.5))

    vectors = Vectors()
    weights.redraw(vectors, 0)
    assert [round(float(item.detach().mean()), 1) for item in (vectors.bias, vectors.norm, vectors.gate)] == [0, 1, 1]
    assert [round(float(item.detach().std()), 1) for item in (vectors.bias, vectors.norm, vectors.gate)] == [0.1] * 3
    assert 1.5 < float(vectors.scale.detach()) < 3.5


def test_frozen_and_unsaved_parameters_are_constants_of_the_model() -> None:
    class Constants(torch.nn.Module):
        _keys_to_ignore_on_save = ("positions",)

        def __init__(self) -> None:
            super().__init__()
            self.frozen = torch.nn.Parameter(torch.ones(3, 3), requires_grad=False)
            self.positions = torch.nn.Parameter(torch.ones(3, 3))
            self.register_buffer("codebook", torch.zeros(4, 3))
            self.register_buffer("codebook_of_levels", torch.ones(4, 3), persistent=False)

    constants = Constants()
    weights.redraw(constants, 0)
    assert bool((constants.frozen == 1).all())
    assert bool((constants.codebook_of_levels == 1).all())
    assert bool((constants.positions == 1).all())
    assert float(constants.codebook.std()) > 0


def test_a_parameter_without_numbers_stays_as_it_is() -> None:
    model = torch.nn.Module()
    model.empty = torch.nn.Parameter(torch.empty(0))
    model.rowless = torch.nn.Parameter(torch.empty(1, 0, 4))

    weights.redraw(model, seed=0)

    assert model.empty.shape == (0,)
    assert model.rowless.shape == (1, 0, 4)


def test_a_normalisation_drawn_like_a_matrix_gets_a_scale_around_one() -> None:
    norm = torch.nn.BatchNorm2d(500)
    torch.nn.init.normal_(norm.weight, std=0.02)
    weights.redraw(norm, 0)
    assert float(norm.weight.detach().mean()) == pytest.approx(1, abs=0.05)
    assert float(norm.running_mean.std()) == pytest.approx(0.1, rel=0.2)
    assert bool(((norm.running_var >= 0.5) & (norm.running_var < 0.8)).all())


def test_a_nested_config_is_overlaid_not_replaced() -> None:
    head = Llava.heads[0]
    merged = weights.config_arguments(Llava, replace(head, config={"text_config": {"num_hidden_layers": 1}}))
    assert merged["text_config"]["num_hidden_layers"] == 1
    assert merged["text_config"]["hidden_size"] == 32
    assert Llava.config["text_config"]["num_hidden_layers"] == 2


def test_a_head_of_a_part_is_built_from_that_part() -> None:
    head = replace(Llava.heads[0], class_name="CLIPVisionModel", part="vision_config", config_class="CLIPVisionConfig")
    config = weights.configure(Llava, head)
    assert (type(config).__name__, config.image_size) == ("CLIPVisionConfig", 16)


def test_the_reference_has_eager_attention() -> None:
    assert Subject(Llava, Llava.heads[0]).model.config.text_config._attn_implementation == "eager"


def test_other_dtypes_have_the_same_weights_rounded() -> None:
    full, half = weights.build(Bert, Bert.heads[0]), weights.build(Bert, Bert.heads[0], dtype="bf16")
    for left, right in zip(full.parameters(), half.parameters(), strict=True):
        assert torch.equal(left.bfloat16(), right)


def test_convolutions_around_a_snake_do_not_let_residual_units_grow() -> None:
    class Snake(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.alpha = torch.nn.Parameter(torch.ones(1, 64, 1))

        def forward(self, signal: torch.Tensor) -> torch.Tensor:
            return signal + (self.alpha * signal).sin().pow(2) / self.alpha

    class Unit(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.snake1, self.conv1 = Snake(), torch.nn.Conv1d(64, 64, 7, padding=3)
            self.snake2, self.conv2 = Snake(), torch.nn.Conv1d(64, 64, 1)

        def forward(self, signal: torch.Tensor) -> torch.Tensor:
            return signal + self.conv2(self.snake2(self.conv1(self.snake1(signal))))

    units = torch.nn.Sequential(*(Unit() for _ in range(8)))
    weights.redraw(units, 0)
    with torch.no_grad():
        assert units(torch.randn(1, 64, 200, generator=torch.Generator().manual_seed(0))).std() < 4  # 16 with 1/fan_in


def test_a_config_class_that_takes_its_arguments_apart_leaves_the_skill_whole() -> None:
    before = copy.deepcopy(Llava.config)
    for _ in range(2):
        weights.configure(Llava, Llava.heads[0]).text_config.hidden_size = 7
    assert Llava.config == before


def test_a_config_is_of_the_type_that_the_mapping_has_its_class_for() -> None:
    config = weights.configure(Bert, Bert.heads[0])
    assert _of_type(config, "bert")
    assert not _of_type(config, "roberta")
    config.model_type = "bert_model"
    assert _of_type(config, "bert")


def test_complex_numbers_of_a_model_stay_complex_in_another_dtype() -> None:
    class Rotating(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("turns", torch.polar(torch.ones(3), torch.arange(3.0)))
            self.scale = torch.nn.Parameter(torch.ones(3))

    wide = weights.moved(Rotating(), "cpu", torch.float64)
    assert (wide.turns.dtype, wide.scale.dtype) == (torch.complex128, torch.float64)
    assert torch.equal(wide.turns.imag, Rotating().turns.imag.double())
    assert weights.moved(Rotating(), "cpu", torch.bfloat16).turns.dtype == torch.complex64


def test_a_config_class_that_only_its_module_has_is_that_of_the_head(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = type("OwlTextConfig", (BertConfig,), {})
    monkeypatch.setattr(BertForMaskedLM, "config_class", hidden)
    head = replace(Bert.heads[0], class_name="BertForMaskedLM", config_class="OwlTextConfig")
    assert isinstance(weights.configure(Bert, head), hidden)
    with pytest.raises(weights.UnknownClassError):
        weights.configure(Bert, replace(head, config_class="OwlVisionConfig"))
