"""Labels from outside for items that are known by name alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from headstart.data.files import ImageFile
from headstart.data.labels import none
from headstart.data.raw import Raw
from headstart.data.relabelling import relabelled


def labels_by_name(given: Any, ids: Sequence[str], paths: Sequence[str | None], where: str) -> list[str | None]:
    """The label that `given` (a file, or names by id) has for each item, None where it has none.

    Items are found by id or path just as `load` finds them, with the same messages; `where` names them in these.
    """
    numbers, classes = none(len(ids))
    files = [ImageFile(one, Path(path)) for one, path in zip(ids, paths, strict=True) if path is not None]
    blank = Raw(
        name=where,
        items=torch.zeros(len(ids), 1, 1, 1, dtype=torch.uint8),
        labels=numbers,
        classes=classes,
        ids=tuple(ids),
        files=tuple(files) if len(files) == len(ids) else None,
    )
    found = relabelled(blank, given)
    return [found.classes[label] if label >= 0 else None for label in found.labels.tolist()]
