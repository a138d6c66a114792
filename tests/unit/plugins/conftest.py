"""The bad plugins, installed once a session into a folder of their own.

Tests in other folders make the same fixture of `bad_plugins.install_bad_plugins`, in ``tests/``.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from bad_plugins import install_bad_plugins


@pytest.fixture(scope="session")
def bad_plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder for ``PYTHONPATH``, as in ``cli(..., PYTHONPATH=str(bad_plugins))``."""
    return install_bad_plugins(tmp_path_factory.mktemp("bad") / "site")
