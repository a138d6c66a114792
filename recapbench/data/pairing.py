"""From a keypoint file, or a bare list of names, to a manifest."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from recapbench.data.keypoints import read_keypoints, read_names
from recapbench.data.manifest import Manifest
from recapbench.data.names import parse_names
from recapbench.data.protocols import Protocol, count_pairs
from recapbench.provenance import sha256_file


class Built(NamedTuple):
    """A manifest and what it was chosen from.

    Attributes:
        manifest: the pairs.
        images: how many the file names.
        kept: how many of them passed the protocol's filter.
        ordered_pairs: pairs of the kept images before any draw.
    """

    manifest: Manifest
    images: int
    kept: int
    ordered_pairs: int


def from_keypoints(dataset: str, protocol: Protocol, split: str, path: Path) -> Built:
    """The manifest that a protocol makes of a keypoint file.

    Args:
        dataset: name of the dataset; it says how names are read.
        protocol: how pairs are made.
        split: name of the split.
        path: as ``keypoints.read_keypoints`` reads it.

    Raises:
        DataError: naming the file and the row.
    """
    poses = read_keypoints(path)
    persons = [name.person for name in parse_names(dataset, poses.names, str(path))]
    manifest = protocol.manifest(
        poses.names,
        persons,
        dataset=dataset,
        split=split,
        made_from={"keypoints": poses.sha256},
        keypoints=poses.keypoints,
    )
    kept = protocol.keep(poses.names, poses.keypoints)
    pairs = count_pairs([persons[image] for image in kept.tolist()])
    return Built(manifest, len(poses), len(kept), pairs)


def from_names(dataset: str, protocol: Protocol, split: str, path: Path) -> Built:
    """The manifest that a protocol makes of a bare list of names.

    A protocol that filters by joints cannot do so here: all images are kept, all pairs are made and
    none drawn, and the manifest's ``made_from`` says so.

    Args:
        dataset: name of the dataset; it says how names are read.
        protocol: how pairs are made.
        split: name of the split.
        path: a text file, one name a line.

    Raises:
        DataError: naming the file and the row.
    """
    names = read_names(path)
    persons = [name.person for name in parse_names(dataset, names, str(path))]
    manifest = protocol.manifest(
        names, persons, dataset=dataset, split=split, made_from={"names": sha256_file(path)}
    )
    kept = protocol.keep(names, None)
    pairs = count_pairs([persons[image] for image in kept.tolist()])
    return Built(manifest, len(names), len(kept), pairs)
