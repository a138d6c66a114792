"""Files of the installation that records vouch for: pairs, locks of pairs, and weights.

They lie outside the leaderboards. A file is called ``manifests/<name>`` or, of weights,
``<package>/<path in it>``, wherever the installation has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from recapbench import registry
from recapbench.data.locks import find_lock, lock_name
from recapbench.data.manifest import header_path
from recapbench.errors import DataError
from recapbench.paths import shipped
from recapbench.provenance import sha256_file
from recapbench.results import Result

_DISTRIBUTION: Final = "recapbench"


@dataclass(frozen=True)
class Installation:
    """The files that records may vouch for.

    Attributes:
        manifests: folder of pairs and locks.
        packages: folders of this distribution's packages, by name.
    """

    manifests: Path
    packages: Mapping[str, Path]

    def path(self, name: str) -> Path:
        """Where a file of this name lies, or would."""
        place, _, rest = name.partition("/")
        if place == "manifests":
            return self.manifests / rest
        if place not in self.packages:
            raise DataError(f"expected a file of manifests or a package of ours, got {name}")
        return self.packages[place] / rest

    def weights(self, method: str, dataset: str) -> Iterator[str]:
        """Names of the weights that come with a method for a dataset."""
        for package, folder in self.packages.items():
            for path in sorted(folder.glob(f"**/{method}/weights/{dataset}.safetensors")):
                yield f"{package}/{path.relative_to(folder).as_posix()}"


def installation() -> Installation:
    """What is installed here."""
    plugins = registry.available(registry.METHODS).values()
    ours = [one for one in plugins if one.distribution.split()[0] == _DISTRIBUTION]
    packages = sorted({one.value.partition(".")[0] for one in ours})
    return Installation(shipped("manifests"), {name: _folder(name) for name in packages})


def _folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise DataError(f"expected the package {package} to be installed")
    return Path(spec.origin).parent


@dataclass(frozen=True)
class Claim:
    """A file that a record vouches for.

    Attributes:
        name: of the file.
        sha256: what its digest must be by the record; None where only the index says it.
    """

    name: str
    sha256: str | None


def claims(result: Result, here: Installation) -> Iterator[Claim]:
    """What a record vouches for among the files that are installed."""
    if result.dataset is None:
        return
    dataset, split = result.dataset.name, result.dataset.split
    if is_shipped(result, here):
        csv = f"{dataset}-{split}.csv"
        yield Claim(f"manifests/{csv}", result.manifest.sha256)
        yield Claim(f"manifests/{header_path(Path(csv))}", None)
    elif is_locked(result, here):
        yield Claim(f"manifests/{lock_name(dataset, result.manifest.protocol, split)}", None)
    if result.weights is not None and result.weights.file == f"{dataset}.safetensors":
        for name in here.weights(result.method.name, dataset):
            yield Claim(name, result.weights.sha256)


def is_whole(result: Result, here: Installation) -> bool:
    """Whether a record is of a whole list of pairs that everybody has or can make."""
    return is_shipped(result, here) or is_locked(result, here)


def is_shipped(result: Result, here: Installation) -> bool:
    """Whether a record's pairs are those that come with the package."""
    if result.dataset is None:
        return False
    path = here.manifests / f"{result.dataset.name}-{result.dataset.split}.csv"
    return path.is_file() and sha256_file(path) == result.manifest.sha256


def is_locked(result: Result, here: Installation) -> bool:
    """Whether a record's pairs are those of a lock."""
    if result.dataset is None:
        return False
    lock = find_lock(
        result.dataset.name, result.manifest.protocol, result.dataset.split, here.manifests
    )
    proven = None if lock is None else lock.proven
    return proven is not None and proven.sha256 == result.manifest.sha256
