"""The public sets people start with, where they lie beside the repository."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from headstart.data import Dataset, load

SHARED = Path(__file__).parents[3] / "shared" / "data"

pytestmark = pytest.mark.slow


def opened(name: str) -> Dataset:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path.name} is not beside the repository (../shared/data)")
    return load(path)


@pytest.mark.parametrize("name", ["fashion_mnist", "mnist"])
def test_mnist_and_fashion_mnist(name):
    began = time.perf_counter()
    data = opened(name)
    assert (
        time.perf_counter() - began < 2 * 3
    )  # 0.5 s on two quiet cores; a busy machine may take thrice the 2 s allowed
    assert Counter(data.split) == {"train": 60_000, "test": 10_000}
    assert data.shape == (1, 28, 28)
    assert data.classes == tuple("0123456789")


def test_the_known_statistics_of_mnist():
    mean, deviation = opened("mnist").pixel_statistics()
    assert mean == pytest.approx([0.1307], abs=5e-5)
    assert deviation == pytest.approx([0.3081], abs=5e-5)


def test_usps():
    data = opened("usps/usps.npz")
    assert data.counts(data.indices("train")) == (1194, 1005, 731, 658, 652, 556, 664, 645, 542, 644)
    assert data.counts(data.indices("test")) == (359, 264, 198, 166, 200, 160, 170, 147, 166, 177)
    assert data.shape == (1, 16, 16)


def test_hymenoptera():
    data = opened("hymenoptera")
    assert data.classes == ("ants", "bees")
    assert data.counts(data.indices("train")) == (123, 121)
    assert data.counts(data.indices("test")) == (70, 83)
    assert data.shape == (3, 96, 96)
    assert data.skipped == ()
