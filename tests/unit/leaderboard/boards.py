"""A board of made-up records on real pairs, for tests of what is done with boards."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from recapbench.data.images import encode_image
from recapbench.data.manifest import Manifest, read_manifest, shipped_manifest
from recapbench.evaluation.bootstrap import interval
from recapbench.evaluation.pair_values import PairValues
from recapbench.evaluation.score import Score
from recapbench.leaderboard.board import MEASURED, SAMPLES, sample_paths
from recapbench.leaderboard.soundness import sample_rows
from recapbench.leaderboard.verify import update_index
from recapbench.leaderboard.vouched import Installation
from recapbench.paths import shipped
from recapbench.provenance import sha256_bytes, write_atomic, write_json
from recapbench.request import RESULT, VALUES
from recapbench.results import (
    DatasetPart,
    ManifestPart,
    MethodPart,
    OutputsPart,
    Reference,
    Result,
    WeightsPart,
)

DATASET = "mannequin_street"
SIZE = (128, 64)


def pairs() -> Manifest:
    """The shipped pairs."""
    path = shipped_manifest(DATASET, "test")
    assert path is not None
    return read_manifest(path)


def values(manifest: Manifest, mean: float, metrics: tuple[str, ...]) -> PairValues:
    """Values around a mean, in tenths of it."""
    rows = range(len(manifest))
    columns = {
        name: [
            mean * (1 + 0.1 * (row % 3 - 1)) if row < len(rows) // 3 * 3 else mean for row in rows
        ]
        for name in metrics
    }
    persons = tuple(pair.source.rpartition("_")[0] for pair in manifest)
    return PairValues(manifest.pairs, persons, columns)


def result(
    method: str,
    mean: float,
    manifest: Manifest,
    metrics: tuple[str, ...] = ("l1", "ssim.def_gan"),
    weights: WeightsPart | None = None,
) -> Result:
    """A record whose figures are all the same."""
    ends = interval(*values(manifest, mean, ("l1",)).known("l1"))
    assert ends is not None
    scores = [
        Score(
            name=name,
            value=mean,
            n=len(manifest),
            low=ends[0],
            high=ends[1],
            interval="95% bootstrap over 25 persons",
            higher_is_better=name != "l1",
        )
        for name in metrics
    ]
    missing = Score(
        name="fid.test_targets", value=None, reason="no network", n=0, higher_is_better=False
    )
    real = [
        Score(name="l1", value=0.0, n=len(manifest), higher_is_better=False),
        Score(name="ssim.def_gan", value=1.0, n=len(manifest), higher_is_better=True),
    ]
    return Result(
        origin="measured",
        method=MethodPart(name=method, title=method, inputs=["source_image", "target_pose"]),
        weights=weights,
        dataset=DatasetPart(
            name=DATASET, split="test", preset="small", images="a" * 64, annotations="b" * 64
        ),
        manifest=ManifestPart(
            sha256=manifest.sha256, n=len(manifest), protocol=manifest.protocol, file=None
        ),
        outputs=OutputsPart(sha256="f" * 64),
        target_parsing="predicted",
        scores=[*scores, missing],
        references=[Reference(name="real", title="The targets", scores=real)],
        seed=0,
        device="cpu",
        seconds=1.0,
        versions={},
        commit=None,
    )


def file_by_hand(root: Path, record: Result, mean: float, manifest: Manifest) -> Path:
    """A record with its values and samples, each picture of another colour; its folder."""
    assert record.dataset is not None
    folder = root / record.dataset.name / MEASURED / record.method.name
    metrics = tuple(score.name for score in record.scores if score.value is not None)
    write_json(folder / RESULT, record.document())
    write_atomic(folder / VALUES, values(manifest, mean, metrics).encoded())
    truths = root / record.dataset.name / SAMPLES
    for row in sample_rows(len(manifest)):
        seed = sha256_bytes(f"{record.method.name} {row}".encode())
        write_atomic(folder / SAMPLES / f"{row}.png", picture(seed))
        for path in sample_paths(truths, row):
            write_atomic(path, picture(sha256_bytes(path.name.encode())))
    return folder


def picture(seed: str) -> bytes:
    """A PNG of one colour and a little noise."""
    generator = np.random.default_rng(int(seed[:8], 16))
    image = np.full((*SIZE, 3), generator.integers(0, 256, 3), np.uint8)
    image[:4] = generator.integers(0, 256, (4, SIZE[1], 3))
    return encode_image(image)


def board(root: Path) -> tuple[Path, Installation]:
    """The shipped reported records with two made-up ones, and a copy of what these vouch for."""
    there = root / "leaderboards"
    shutil.copytree(
        shipped("leaderboards"), there, ignore=shutil.ignore_patterns("measured", "ablation")
    )
    here = Installation(root / "manifests", {"recapbench": root / "recapbench"})
    shutil.copytree(shipped("manifests"), here.manifests)
    own = root / f"recapbench/methods/made_up/weights/{DATASET}.safetensors"
    write_atomic(own, bytes(range(256)) * 16)
    part = WeightsPart(file=own.name, sha256=sha256_bytes(own.read_bytes()), training={"seed": 1})
    manifest = pairs()
    file_by_hand(there, result("made_up", 0.4, manifest, weights=part), 0.4, manifest)
    file_by_hand(there, result("other", 0.3, manifest), 0.3, manifest)
    update_index(there, here)
    return there, here
