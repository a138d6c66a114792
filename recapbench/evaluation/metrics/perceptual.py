"""Distances of images as a network sees them: LPIPS."""

from __future__ import annotations

from typing import Final

from recapbench.evaluation.base import NetworkMetric
from recapbench.evaluation.lpips import ALEX, VGG, LpipsNetwork, opener

_PAPERS = (
    "Zhang et al. 2018, The unreasonable effectiveness of deep features as a perceptual metric",
)
_VERSION_TRAP = "Version 0.0 of the weights forgot to scale the input: here it is version 0.1."
_INPUT_TRAP = "The input is in [-1, 1] and is not resized: images in [0, 1] give another figure."
_BATCH_TRAP = (
    "Scripts that score whole batches leave out the last, partial one: here every pair counts."
)


def _lpips(
    network: LpipsNetwork, other: str, comparable: str, on_request: str | None = None
) -> NetworkMetric:
    return NetworkMetric(
        name=f"lpips.{network.name}",
        title=f"LPIPS ({network.title})",
        description=(
            f"LPIPS v0.1 on {network.title}: weighted distance of normalised features of RGB in "
            f"[-1, 1] at the images' own size; mean over pairs."
        ),
        papers=_PAPERS,
        traps=(
            f"The figure on {other} is another one, and often the paper does not say which.",
            _VERSION_TRAP,
            _INPUT_TRAP,
            _BATCH_TRAP,
        ),
        comparable=comparable,
        higher_is_better=False,
        extractor=f"lpips_{network.name}",
        weights=(network.backbone, network.linear),
        open=opener(network),
        undefined=f"the images are smaller than {network.side}x{network.side} pixels",
        on_request=on_request,
    )


RECORDS: Final = (
    _lpips(ALEX, "VGG-16", "GFLA's figures, and those of papers that state AlexNet and v0.1."),
    _lpips(
        VGG,
        "AlexNet",
        "Figures of papers that state VGG-16 and v0.1.",
        on_request=(
            "it is measured only if it is named: its weights are 528 MB, and it takes more than "
            "half a second a pair on a CPU"
        ),
    ),
)
"""In the order of a table's columns."""
