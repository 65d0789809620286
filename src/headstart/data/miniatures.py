"""Small pictures of image files, for pages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headstart.data.arrays import Array
from headstart.data.files import ImageFile
from headstart.data.pictures import flattened, open_picture, upright


def thumbnails(files: Sequence[ImageFile], side: int) -> list[Array | None]:
    """uint8 H×W×3 each, at most `side` pixels a side and of the file's proportions; None where it can't be read."""
    return [_thumbnail(file, side) for file in files]


def _thumbnail(file: ImageFile, side: int) -> Array | None:
    """The whole picture, where training sees its middle."""
    try:
        with open_picture(file) as image:
            image.draft(None, (side, side))
            small = flattened(upright(image)).convert("RGB")
            small.thumbnail((side, side))
            return np.asarray(small)
    except Exception:  # decoders raise almost anything on damaged files
        return None
