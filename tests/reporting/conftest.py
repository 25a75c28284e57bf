"""What the tests of the reports share."""

from __future__ import annotations

from pathlib import Path

import pytest
from house import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    """An empty repository."""
    return House(tmp_path)


@pytest.fixture
def furnished(house: House) -> House:
    """A repository with two architectures of one head, both with a skill."""
    for model_type in ("bert", "gptj"):
        house.catalogue(model_type)
        house.skill(model_type)
    return house
