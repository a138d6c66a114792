"""Weights made by two steps of training: enough to run with, whatever they draw."""

from __future__ import annotations

from pathlib import Path

import pytest

from recapbench.training.start import TrainingRequest, open_trainer

SETTINGS = {
    "width": 4,
    "geometry_width": 4,
    "discriminator_width": 4,
    "residual_blocks": 1,
    "batch_size": 2,
    "perceptual": "effnet_lite0",
}


@pytest.fixture(scope="session")
def street_weights(tmp_path_factory: pytest.TempPathFactory, shared_home: Path) -> Path:
    """Weights of a tiny sat_lgr for mannequin_street."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECAPBENCH_HOME", str(shared_home))
        patch.setenv("RECAPBENCH_OFFLINE", "1")
        return open_trainer(
            TrainingRequest(
                method="sat_lgr",
                dataset="mannequin_street",
                preset="tiny",
                out=tmp_path_factory.mktemp("weights") / "run",
                steps=2,
                overrides=SETTINGS,
                sample_every=0,
                device="cpu",
            )
        ).run()
