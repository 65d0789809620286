"""What there is to learn from: pictures in folders, archives, tables and memory, with labels and an honest split.

Loaded on first use: names of data can be listed without torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headstart.data.colouring import LUMINANCE as LUMINANCE
    from headstart.data.colouring import with_channels as with_channels
    from headstart.data.dataset import Dataset as Dataset
    from headstart.data.dataset import Skipped as Skipped
    from headstart.data.files import ImageFile as ImageFile
    from headstart.data.identity import item_digests as item_digests
    from headstart.data.kinds import kind_of as kind_of
    from headstart.data.loading import BUNDLED as BUNDLED
    from headstart.data.loading import load as load
    from headstart.data.matching import labels_by_name as labels_by_name
    from headstart.data.miniatures import thumbnails as thumbnails
    from headstart.data.naming import in_order as in_order
    from headstart.data.public import COMES_ALONG as COMES_ALONG
    from headstart.data.public import SETS as SETS
    from headstart.data.public import is_there as is_there
    from headstart.data.public import public_folder as public_folder
    from headstart.data.sizing import Preferred as Preferred
    from headstart.data.sizing import fitted as fitted

_HOMES = {
    "BUNDLED": "loading",
    "COMES_ALONG": "public",
    "Dataset": "dataset",
    "ImageFile": "files",
    "LUMINANCE": "colouring",
    "Preferred": "sizing",
    "SETS": "public",
    "Skipped": "dataset",
    "fitted": "sizing",
    "in_order": "naming",
    "is_there": "public",
    "labels_by_name": "matching",
    "item_digests": "identity",
    "kind_of": "kinds",
    "load": "loading",
    "public_folder": "public",
    "thumbnails": "miniatures",
    "with_channels": "colouring",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
