from __future__ import annotations

from pathlib import Path

import pytest
from dolls import DOLLS

from recapbench.data.split import Split


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of its own."""
    monkeypatch.setenv("RECAPBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RECAPBENCH_PRESET", raising=False)
    return tmp_path / "home"


@pytest.fixture
def split(home: Path) -> Split:
    """The test split of the paper dolls, 2 persons x 4 images."""
    return DOLLS.open("test", preset="tiny", workers=1)
