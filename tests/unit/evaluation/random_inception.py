"""torch-fidelity's Inception with random weights: its layout and its pipeline, no download.

The weights let differences of images through: with torch's own start values all images have the
same features, and a comparison on them could not fail.
"""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import torch
from torch import nn
from torch_fidelity import feature_extractor_inceptionv3 as theirs


def write_random_inception(path: Path, seed: int = 0) -> None:
    """A state dict that torch-fidelity reads as its ``inception-v3-compat``."""
    network = _network_without_weights()
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            fan_in = module.weight[0].numel()
            module.weight.normal_(0, (2 / fan_in) ** 0.5, generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            module.weight.uniform_(0.8, 1.2, generator=generator)
            module.bias.normal_(0, 0.1, generator=generator)
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.8, 1.2, generator=generator)
        elif isinstance(module, nn.Linear):
            module.weight.normal_(0, 0.05, generator=generator)
    torch.save(network.state_dict(), path)


def torch_fidelitys(path: Path) -> nn.Module:
    """torch-fidelity's extractor with the weights of a file: features and logits without bias."""
    layers = ["2048", "logits_unbiased"]
    return theirs.FeatureExtractorInceptionV3(
        "inception-v3-compat", layers, feature_extractor_weights_path=str(path)
    )


def _network_without_weights() -> nn.Module:
    cls = theirs.FeatureExtractorInceptionV3
    with (
        mock.patch.object(theirs, "load_state_dict_from_url", return_value={}),
        mock.patch.object(cls, "load_state_dict"),
    ):
        return cls("inception-v3-compat", ["2048", "logits_unbiased"])
