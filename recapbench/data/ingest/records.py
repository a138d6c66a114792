"""The records of the two datasets of the paper. Their images cannot be shipped."""

from __future__ import annotations

from typing import Final

from recapbench.data.datasets import DatasetRecord

_LOADER: Final = "recapbench.data.ingest.prepared:open_prepared"
_RESOLVER: Final = "recapbench.data.ingest.prepared:resolve"

DEEPFASHION: Final = DatasetRecord(
    name="deepfashion",
    title="DeepFashion In-shop, 256x256, 20 parts (from your copy)",
    image_size=(256, 256),
    parts=20,
    settings="deepfashion",
    splits=("train", "test"),
    licence="Non-commercial research only, by MMLab's agreement; may not be passed on",
    loader=_LOADER,
    protocol="def_gan_new",
    resolver=_RESOLVER,
)

MARKET1501: Final = DatasetRecord(
    name="market1501",
    title="Market-1501, 128x64, 7 parts (from your copy)",
    image_size=(128, 64),
    parts=7,
    settings="market1501",
    splits=("train", "test"),
    licence="Academic research only; may not be passed on",
    loader=_LOADER,
    protocol="def_gan",
    resolver=_RESOLVER,
)
