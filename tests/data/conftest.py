from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Write = Callable[..., Path]


@pytest.fixture
def drawn_from_few(monkeypatch):
    """A test part is drawn however few labels it holds: how it is drawn can then be seen on a few items."""
    monkeypatch.setattr("headstart.data.splits.LEAST_TEST_LABELS", 0)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a random picture (its pixels follow from its name) below a temporary folder."""

    def written(name: str, size: tuple[int, int] = (20, 20), mode: str = "RGB", **options: object) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng(list(name.encode("utf-8", "surrogateescape")))
        image = Image.fromarray(random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
        image.convert(mode).save(path, **options)
        return path

    return written
