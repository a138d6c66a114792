"""Write ``docs/metrics.md`` from the records of the metrics.

``python scripts/build_metric_docs.py`` after a new or changed record; ``--check`` writes nothing
and fails if the page differs. The part that is no record stands below, as text.
"""

# A paragraph of the page is one line, however long.
# ruff: noqa: E501

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from recapbench.evaluation.metrics import (
    METRICS,
    AnyMetric,
    get_metric,
    perceptual,
    pixelwise,
    pose,
    sets,
    structural,
)

PAGE = Path(__file__).resolve().parent.parent / "docs" / "metrics.md"

FAMILIES: dict[str, Sequence[AnyMetric]] = {
    "Structural similarity": structural.RECORDS,
    "Differences of pixels": pixelwise.RECORDS,
    "Perceptual distance": perceptual.RECORDS,
    "Pose": pose.RECORDS,
    "Figures of whole sets": sets.RECORDS,
}

LINES_OF_WORK: dict[str, Sequence[str]] = {
    "Def-GAN (Siarohin et al. 2018)": (
        "ssim.def_gan",
        "mask_ssim.def_gan",
        "is.def_gan",
        "mask_is.def_gan",
    ),
    "PG2 (Ma et al. 2017)": ("ssim.pg2", "mask_ssim.pg2"),
    "PATN (Zhu et al. 2019) on Market-1501": (
        "ssim.def_gan",
        "mask_ssim.def_gan",
        "is.def_gan",
        "mask_is.def_gan",
        "pckh",
    ),
    "PATN on DeepFashion": ("ssim.patn", "is.patn", "pckh"),
    "GFLA (Ren et al. 2020)": ("ssim.gfla", "lpips.alex"),
    "SAT/LGR, *Recapture as You Want* (Gao et al. 2022)": (
        "ssim.def_gan",
        "mask_ssim.def_gan",
        "is.def_gan",
        "mask_is.def_gan",
        "fid.test_targets",
        "fid.train_images",
    ),
    "scripts that call torch-fidelity with its defaults": ("is.standard", "kid"),
}

HEAD = """# Metrics
A metric is named `metric.protocol`, and the name is the definition: another window, another data range or another real set is another name and another column. Figures of two names are never compared, ranked or averaged together. `recapbench list metrics` prints the table, `recapbench list metrics NAME` one metric whole, `--json` everything.

This page is made from the records in `recapbench/evaluation/metrics/` by `python scripts/build_metric_docs.py`.

## Why figures of the same images differ
The papers of the field print "SSIM", "IS" and "FID" for different things. What moves a figure, and what is done here:

| what | what it does | here |
|---|---|---|
| data range of SSIM | 255, 1, or the range of each generated image | a name for each |
| window of SSIM | Gaussian 11x11, uniform 7x7, uniform 51x51 | a name for each |
| white columns | 256x176 padded to 256x256: SSIM of about 0.68 becomes about 0.77 | `ssim.patn` and `is.patn` only, and only for 256x176 |
| outputs saved as JPEG | smooths noise, adds blocks: every figure moves | refused unless you say so; then the record says it |
| the pose mask | the source's in place of the target's, or rows and columns exchanged | drawn from the target's joints; one of another shape is refused |
| where masked SSIM is averaged | over the whole masked image, where black on black counts as 1, or inside the mask | a name for each |
| order of the images | the Inception score is a mean over ten splits of neighbours | the manifest's order |
| the last batch | dropped where it is not full | every image counts, and n stands beside the figure |
| statistics in the image folder | used again after the images have changed | nothing is written there; features are filed under the pixels |
| the Inception network | torchvision's has other weights and another resize than TensorFlow's | the file is checked by its digest |
| the real images of FID | the test targets or the train images; most papers do not say | a name for each |
| how the joints of PCKh were found | two estimators find other joints | the score names the estimator |

`recapbench score --explain` shows on your own images what most of these do.

## Which metric for which paper
A figure may stand beside a published one if the images have the paper's size, the pairs are the paper's (see [protocols](protocols.md)), n is the same, and the metric is the one named here.

{lines_of_work}

SAT/LGR's paper does not say which real images its FID compares with: both are reported, neither is called the paper's. Where the network cannot download anything, the figures of TF Inception, LPIPS and Keypoint R-CNN have a reason in place of a value. The columns `*.effnet_lite0` are computed with a network that comes as a package; they compare methods with each other here, and with no published figure.

## Intervals
Every figure comes with n and, where there are enough persons, with a 95% interval:

- Means over pairs: bootstrap over *persons*, 1000 resamples with a fixed seed. Pairs of one person are not independent; resampling pairs one by one would give an interval that is too narrow. PCKh is found joints over all joints, so each resample divides the sums.
- Precision and recall: the same bootstrap, over persons.
- FID and KID: from random halves of the persons. It says nothing of the bias of small sets.
- Inception score: one standard deviation over its ten splits, as papers print it. It says how much the splits differ, not how sure the mean is.

`interval` in the record says what its interval is.

## What `sizes` shows
FID is biased: with fewer images it comes out higher, for one and the same method. `sizes` in the record of a FID holds the figure of random parts of n/8, n/4 and n/2 images, each with mean and standard deviation over four draws, and that of all n. If it still falls from n/2 to n, it would fall further with more images, and a paper's figure at another n is out of reach of a comparison. KID has no such bias; the Inception score, precision and recall depend on n too: compare them at one n only.

## Joints of the generated images
`pckh` needs the joints of the generated images. Give a file with them (OpenPose's, as the field did), or let an estimator find them: `keypoint_rcnn`, torchvision's Keypoint R-CNN with ResNet-50, is built in. Its 17 COCO joints become the 18 of this field; the neck is midway between the shoulders. It takes about three seconds an image on one CPU core. Another one is a `PoseEstimator` of your package, registered under the entry-point group `recapbench.pose_estimators`:

```python
from recapbench.evaluation.pose.estimators import PoseEstimator

MINE = PoseEstimator(name="mine", title="My estimator", weights=(), open=load_mine)
# load_mine(networks) -> a function: images uint8 (H,W,3) -> joints float32 (18,3) for each
```
"""


def page() -> str:
    """The whole page.

    Raises:
        SystemExit: if a record is in no family, or two families have one name.
    """
    names = [record.name for records in FAMILIES.values() for record in records]
    if sorted(names) != sorted(METRICS):
        sys.exit(f"families and metrics differ: {sorted(set(names) ^ set(METRICS))}")
    head = HEAD.format(lines_of_work=_lines_of_work())
    return head + "".join(_family(title, records) for title, records in FAMILIES.items())


def _lines_of_work() -> str:
    rows = [
        (paper, ", ".join(f"`{get_metric(name).name}`" for name in names))
        for paper, names in LINES_OF_WORK.items()
    ]
    return _table(("figures of", "metrics"), rows)


def _family(title: str, records: Sequence[AnyMetric]) -> str:
    rows = [
        (
            f"[`{record.name}`](#{_anchor(record.name)})",
            record.title,
            "higher" if record.higher_is_better else "lower",
            ", ".join(record.needs),
        )
        for record in records
    ]
    table = _table(("metric", "heading in tables", "better", "needs"), rows)
    return f"\n## {title}\n{table}\n" + "".join(_record(record) for record in records)


def _record(record: AnyMetric) -> str:
    lines = [f"\n### {record.name}", record.description, ""]
    lines.append(f"- May be compared with: {record.comparable}")
    lines += [f"- Mind: {trap}" for trap in record.traps]
    lines += [f"- Source: {paper}" for paper in record.papers]
    return "\n".join(lines) + "\n"


def _anchor(name: str) -> str:
    """The anchor that Markdown renderers give a heading."""
    return name.lower().replace(".", "")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args().check
    text = page()
    if PAGE.is_file() and PAGE.read_text() == text:
        return 0
    if check:
        print("docs/metrics.md is not what the records say: run scripts/build_metric_docs.py")
        return 1
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
