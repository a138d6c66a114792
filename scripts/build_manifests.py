"""Make the shipped test manifests of the built-in sets.

Run it whenever the renderer or its plan has changed: ``python scripts/build_manifests.py``. It
renders the test split of the preset ``small`` if it is not in the cache, and writes
``manifests/<set>-test.csv`` with its header. ``--check`` writes nothing and fails if they differ.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from recapbench.data.manifest import read_manifest, write_manifest
from recapbench.mannequin.dataset import MANNEQUIN, MANNEQUIN_STREET

FOLDER = Path(__file__).resolve().parent.parent / "manifests"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args().check
    for record in (MANNEQUIN, MANNEQUIN_STREET):
        manifest = record.open("test", preset="small").manifest()
        path = FOLDER / f"{record.name}-test.csv"
        if not check:
            write_manifest(manifest, path)
        elif read_manifest(path) != manifest:
            print(f"{path} is not what the renderer makes: run scripts/build_manifests.py")
            return 1
        print(f"{path.name}: {manifest.counts} {manifest.sha256}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
