"""Records of weights that are not ours, and where to find each on this machine.

A file is looked for at a path that the user gave, in ``RECAPBENCH_HOME/weights``, in an installed
package that carries it, and last on the network, unless ``RECAPBENCH_OFFLINE=1``. Whatever is
found must have the digest of its record, as far as that is known.
"""

from recapbench.weights.record import Weights
from recapbench.weights.records import (
    ALEXNET,
    EFFNET_LITE0,
    INCEPTION_TF,
    KEYPOINT_RCNN,
    LPIPS_ALEX,
    LPIPS_VGG,
    VGG16,
    VGG19,
    WEIGHTS,
    get,
)
from recapbench.weights.search import cache_path, check, find, locate

__all__ = [
    "ALEXNET",
    "EFFNET_LITE0",
    "INCEPTION_TF",
    "KEYPOINT_RCNN",
    "LPIPS_ALEX",
    "LPIPS_VGG",
    "VGG16",
    "VGG19",
    "WEIGHTS",
    "Weights",
    "cache_path",
    "check",
    "find",
    "get",
    "locate",
]
