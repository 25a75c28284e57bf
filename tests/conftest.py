"""What every test shares: no network, one thread a process, and Hypothesis without a clock."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["pytester"]

# Before anything imports torch, and inherited by every process that a test starts.
os.environ.update(HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false")

# Equal runs on every machine: a slow one must not fail an example, nor luck hide one.
settings.register_profile("skillmatrix", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("skillmatrix")


@pytest.fixture(scope="session")
def root() -> Path:
    """Root of the repository."""
    return Path(__file__).parent.parent
