"""The public sets people start with, where they lie beside the repository."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from headstart.data import Dataset, load
from headstart.data.archives import list_archive
from headstart.errors import InputError

SHARED = Path(__file__).parents[3] / "shared" / "data"

CIFAR = "cifar10/cifar10_jpeg.tar.gz"
PACS = "pacs/pacs128.tar.gz"
KINDS = ("dog", "elephant", "giraffe", "guitar", "horse", "house", "person")

pytestmark = pytest.mark.slow


def opened(name: str, **reading: Any) -> Dataset:
    """A set as it lies, or a folder of an archive: `pacs/pacs128.tar.gz::photo`."""
    path = SHARED / name
    if not (SHARED / name.partition("::")[0]).exists():
        pytest.skip(f"{path.name} is not beside the repository (../shared/data)")
    return load(path, **reading)


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


def test_cifar10_in_its_archive():
    began = time.perf_counter()
    listing = list_archive(SHARED / CIFAR) if (SHARED / CIFAR).exists() else None
    assert time.perf_counter() - began < 3 * 4  # 2 s on two quiet cores; a busy machine may take thrice the 4 s allowed
    data = opened(CIFAR)
    assert listing is not None
    assert data.ids == tuple(file.id for file in listing.files)
    assert data.shape == (3, 32, 32)
    assert data.classes == (
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"
    )  # fmt: skip
    assert data.counts(data.indices("train")) == (5000,) * 10
    assert data.counts(data.indices("test")) == (1000,) * 10
    assert data.skipped == ()


def test_pacs_by_domain():
    data = opened(PACS)
    assert data.classes == ("art_painting", "cartoon", "photo", "sketch")
    assert data.counts(data.indices("all")) == (840, 840, 840, 800)
    assert data.shape == (3, 96, 96)


def test_pacs_by_class_with_a_domain_to_test_on():
    data = opened(PACS, label_from="{domain}/{label}/{}", test_where="domain == sketch", size=32)
    assert data.classes == KINDS
    assert data.counts(data.indices("train")) == (360,) * 7
    assert data.counts(data.indices("test")) == (120, 120, 120, 120, 120, 80, 120)


def test_one_domain_of_pacs():
    data = opened(f"{PACS}::photo")
    assert data.name == "pacs128-photo"
    assert data.classes == KINDS
    assert data.counts(data.indices("all")) == (120,) * 7


def test_an_archive_of_sounds_says_that_it_holds_no_images():
    with pytest.raises(InputError, match=r"holds no images that can be read, only other files \(3000 \.wav\)"):
        opened("fsdd/recordings.zip")
