"""Weights and images that several tests share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from random_inception import write_random_inception


@pytest.fixture(scope="session")
def inception_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of Inception in torch-fidelity's layout."""
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    write_random_inception(path)
    return path


@pytest.fixture(scope="session")
def crops() -> list[np.ndarray]:
    """24 crops of photographs, 128x64."""
    from skimage import data

    photographs = [data.coffee(), data.astronaut(), data.chelsea()]
    return [
        np.ascontiguousarray(image[7 * i : 7 * i + 128, 31 * i : 31 * i + 64])
        for i in range(8)
        for image in photographs
    ]
