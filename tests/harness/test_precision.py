"""float64 throughout, also where code asks for float32."""

from __future__ import annotations

import torch

from harness.precision import widened


def test_code_that_asks_for_float32_gets_float64() -> None:
    wide = torch.ones(3, dtype=torch.float64) / 3
    with widened():
        assert wide.float().dtype is torch.float64
        assert wide.to(torch.float32).dtype is torch.float64
        assert torch.softmax(wide, 0, dtype=torch.float32).dtype is torch.float64
        assert torch.zeros(2).dtype is torch.float64
        assert torch.arange(3, dtype=torch.float32).dtype is torch.float64
        assert torch.tensor([0.1]).dtype is torch.float64
        assert torch.equal(wide.float(), wide)


def test_whole_numbers_and_sixteen_bits_stay_what_they_are() -> None:
    with widened():
        assert torch.arange(3).dtype is torch.int64
        assert torch.randint(3, (2,)).dtype is torch.int64
        assert torch.randperm(3).dtype is torch.int64
        assert torch.zeros(1, dtype=torch.bfloat16).dtype is torch.bfloat16


def test_a_seed_gives_the_same_random_numbers() -> None:
    def draw() -> list[torch.Tensor]:
        torch.manual_seed(3)
        like = torch.zeros(2, 3, dtype=torch.get_default_dtype())
        return [
            torch.randn(4),
            torch.rand(2, 2),
            torch.rand(2, 2, dtype=torch.get_default_dtype()),
            torch.randn_like(like),
            like.clone().normal_(),
            like.clone().uniform_(),
        ]

    narrow = draw()
    with widened():
        wide = draw()
    for left, right in zip(narrow, wide, strict=True):
        assert right.dtype is torch.float64
        assert torch.equal(left, right.float())


def test_afterwards_all_is_as_before() -> None:
    with widened():
        pass
    assert torch.zeros(1).dtype is torch.float32
