"""What-ifs are what they say, and are compared with the metric on the very same images."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from recapbench.data.pose import pose_mask
from recapbench.evaluation.evaluate import evaluate
from recapbench.evaluation.features.store import FeatureStore
from recapbench.evaluation.pairs import PairSet
from recapbench.evaluation.sets.inception_score import inception_score
from recapbench.evaluation.structural.padding import pad_white
from recapbench.evaluation.structural.ssim import DEF_GAN, mask_ssim, ssim
from recapbench.processes import ALONE
from recapbench.scoring.explain import (
    Explanation,
    Joints,
    evenly_spaced,
    explain,
    resized,
    through_jpeg,
)

SIZE = (96, 72)
N = 11


def picture(seed: int) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize(SIZE[::-1]))


def blurred(image: np.ndarray, radius: float) -> np.ndarray:
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(radius)))


def joints(seed: int) -> np.ndarray:
    places = np.random.default_rng(seed).uniform(8, 64, (18, 2))
    return np.concatenate([places, np.full((18, 1), 2.0)], axis=1).astype(np.float32)


TARGETS = [picture(seed) for seed in range(N)]
GENERATED = [blurred(image, 0.5 + 0.2 * seed) for seed, image in enumerate(TARGETS)]
TARGET_JOINTS = [joints(100 + seed) for seed in range(N)]
SOURCE_JOINTS = [joints(200 + seed) for seed in range(N)]


def mean(value: Callable[[int], float]) -> float:
    return math.fsum(value(index) for index in range(N)) / N


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The generated images in files whose names run backwards."""
    root = tmp_path_factory.mktemp("generated")
    paths = [root / f"{99 - index}.png" for index in range(N)]
    for path, image in zip(paths, GENERATED, strict=True):
        Image.fromarray(image).save(path)
    return paths


def explained(files: list[Path], *, with_joints: bool = True) -> dict[str, Explanation]:
    target = TARGET_JOINTS if with_joints else None
    pairs = PairSet(generated=files, targets=TARGETS, target_keypoints=target)
    found = explain(
        pairs,
        [],
        joints=Joints(target=target, source=SOURCE_JOINTS if with_joints else None),
        files=files,
        store=FeatureStore(),
        progress=lambda stage, done, total: None,
        processes=ALONE,
    )
    assert len({row.name for row in found}) == len(found)
    return {row.name: row for row in found}


def test_protocols_are_their_scores(folder: list[Path]) -> None:
    rows = explained(folder)
    pairs = PairSet(generated=folder, targets=TARGETS, target_keypoints=TARGET_JOINTS)
    names = [name for name in rows if name.startswith(("ssim.", "mask_ssim."))]
    assert {"ssim.def_gan", "mask_ssim.def_gan"} <= set(names)
    for score in evaluate(pairs, metrics=names):
        assert rows[score.name].value == score.value
        assert rows[score.name].n == score.n == N
        assert rows[score.name].of == "ssim.def_gan"
        base = rows["ssim.def_gan"].value
        assert rows[score.name].difference == rows[score.name].value - base


def test_what_ifs_by_hand(folder: list[Path]) -> None:
    rows = explained(folder)
    whole = mean(lambda i: ssim(GENERATED[i], TARGETS[i], DEF_GAN))
    masks = [pose_mask(found, SIZE) for found in TARGET_JOINTS]
    sources = [pose_mask(found, SIZE) for found in SOURCE_JOINTS]
    turned = [pose_mask(found[:, [1, 0, 2]], SIZE) for found in TARGET_JOINTS]

    def masked(which: list[np.ndarray]) -> float:
        return mean(lambda i: mask_ssim(GENERATED[i], TARGETS[i], which[i], DEF_GAN))

    wanted = {
        "outputs through JPEG": mean(
            lambda i: ssim(through_jpeg(GENERATED[i]), TARGETS[i], DEF_GAN)
        ),
        "40 white columns a side": mean(
            lambda i: ssim(pad_white(GENERATED[i], 40), pad_white(TARGETS[i], 40), DEF_GAN)
        ),
        "both resized to 256x256": mean(
            lambda i: ssim(resized(GENERATED[i]), resized(TARGETS[i]), DEF_GAN)
        ),
    }
    for name, value in wanted.items():
        assert rows[name].value == pytest.approx(value, rel=1e-12)
        assert rows[name].difference == pytest.approx(value - whole, rel=1e-9)
        assert rows[name].of == "ssim.def_gan"
    for name, which in {"mask of the source": sources, "mask transposed": turned}.items():
        assert rows[name].of == "mask_ssim.def_gan"
        assert rows[name].value == pytest.approx(masked(which), rel=1e-12)
        wanted_difference = masked(which) - masked(masks)
        assert rows[name].difference == pytest.approx(wanted_difference, rel=1e-9)
        assert abs(wanted_difference) > 1e-6


def test_l1_in_other_units(folder: list[Path]) -> None:
    rows = explained(folder)
    apart = [GENERATED[i].astype(int) - TARGETS[i] for i in range(N)]
    half = mean(lambda i: float(np.abs(apart[i]).mean()) / 255)
    assert rows["in [0, 1]"].value == pytest.approx(half, rel=1e-12)
    assert rows["in [0, 1]"].difference == pytest.approx(-half, rel=1e-12)
    wrapped = mean(lambda i: float((apart[i] % 256).mean()) / 127.5)
    assert rows["uint8 difference"].value == pytest.approx(wrapped, rel=1e-12)


def test_a_batch_that_is_not_full_is_dropped(folder: list[Path]) -> None:
    rows = explained(folder)
    values = [ssim(GENERATED[i], TARGETS[i], DEF_GAN) for i in range(N)]
    for size, kept in ((4, 8), (8, 8)):
        row = rows[f"last partial batch of {size} dropped"]
        assert row.n == kept
        assert row.value == pytest.approx(math.fsum(values[:kept]) / kept, rel=1e-12)
        assert f"{N - kept} of {N} pairs" in row.reason
    assert "last partial batch of 16 dropped" not in rows


def test_without_joints_nothing_is_masked(folder: list[Path]) -> None:
    rows = explained(folder, with_joints=False)
    assert "ssim.def_gan" in rows
    assert not any("mask" in name for name in rows)


def test_orders_of_the_inception_score(folder: list[Path]) -> None:
    pairs = PairSet(generated=folder, targets=TARGETS)
    store = FeatureStore()
    scores = evaluate(pairs, metrics=["is.effnet_lite0"], store=store)
    found = explain(
        pairs,
        scores,
        joints=Joints(target=None, source=None),
        files=folder,
        store=store,
        progress=lambda stage, done, total: None,
        processes=ALONE,
    )
    rows = {row.name: row for row in found if row.of == "is.effnet_lite0"}
    features = store.features("effnet_lite0", [partial(pairs.image, index) for index in range(N)])
    backwards, _ = inception_score(np.asarray(features.logits)[::-1])
    assert rows["images in reverse"].value == pytest.approx(backwards, rel=1e-12)
    assert rows["images sorted by file name"].value == rows["images in reverse"].value
    base = scores[0].value
    assert base is not None
    for row in rows.values():
        assert row.difference == row.value - base
        assert row.n == N


def test_jpeg_and_resize_are_the_libraries(tmp_path: Path) -> None:
    Image.fromarray(TARGETS[0]).save(tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as again:
        np.testing.assert_array_equal(through_jpeg(TARGETS[0]), np.asarray(again))
    from torchvision.transforms.functional import resize

    wanted = resize(Image.fromarray(TARGETS[0]), [256, 256])
    np.testing.assert_array_equal(resized(TARGETS[0]), np.asarray(wanted))


@pytest.mark.parametrize(("n", "most"), [(5, 10), (10, 10), (11, 10), (12000, 300), (1, 1)])
def test_a_few_pairs_stand_for_all(n: int, most: int) -> None:
    chosen = evenly_spaced(n, most)
    assert len(chosen) == len(set(chosen)) == min(n, most)
    assert chosen[0] == 0
    assert chosen[-1] < n
    assert max(np.diff(chosen), default=1) <= -(-n // most)
