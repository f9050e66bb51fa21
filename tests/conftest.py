"""Shared pieces of the tests."""

import os
from pathlib import Path

import pytest
import torch


@pytest.fixture
def data() -> Path:
    """The folder of photographs and weights that tests may use but the repository does not hold."""
    folder = os.environ.get("INVERSE_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("INVERSE_DATA names no folder of evaluation data")
    return Path(folder)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
