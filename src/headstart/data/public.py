"""Public data sets by name: those that come along, and those that torchvision can fetch. Imports neither."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

COMES_ALONG = {
    "digits": "1,797 handwritten digits, 8×8 grey, 10 classes",
    "patches": "1,470 pieces of scikit-learn's two photographs, 32×32 colour, 2 classes",
    "rendered-digits": "4,200 digits drawn from 21 fonts of matplotlib's wheel, 8×8 grey, 10 classes",
}
"""Bundled sets, each with a line on it."""

Parts = Sequence[tuple[str, Mapping[str, object]]]
"""The parts of a set in order, and the arguments of the class that make each; "all" where there are none."""

TRAIN_TEST: Parts = (("train", {"train": True}), ("test", {"train": False}))
SPLIT_TEST: Parts = (("train", {"split": "train"}), ("test", {"split": "test"}))
SPLIT_VAL_TEST: Parts = (("train", {"split": "train"}), ("val", {"split": "val"}), ("test", {"split": "test"}))


@dataclass(frozen=True)
class PublicSet:
    """A data set of `torchvision.datasets` that is fetched on request."""

    kind: str
    """The class."""
    parts: Parts
    files: tuple[str, ...]
    """What lies in the folder of public data once it is there."""
    summary: str
    size: str
    """Of the download, about."""
    site: str
    licence: str


SETS: Mapping[str, PublicSet] = {
    "mnist": PublicSet(
        "MNIST", TRAIN_TEST, ("MNIST/raw",), "70,000 handwritten digits, 28×28 grey, 10 classes",
        "12 MB", "http://yann.lecun.com/exdb/mnist", "CC BY-SA 3.0",
    ),
    "fashion_mnist": PublicSet(
        "FashionMNIST", TRAIN_TEST, ("FashionMNIST/raw",), "70,000 pieces of clothing, 28×28 grey, 10 classes",
        "31 MB", "https://github.com/zalandoresearch/fashion-mnist", "MIT",
    ),
    "kmnist": PublicSet(
        "KMNIST", TRAIN_TEST, ("KMNIST/raw",), "70,000 cursive Japanese characters, 28×28 grey, 10 classes",
        "21 MB", "http://codh.rois.ac.jp/kmnist", "CC BY-SA 4.0",
    ),
    "emnist": PublicSet(
        "EMNIST", (("train", {"split": "letters", "train": True}), ("test", {"split": "letters", "train": False})),
        ("EMNIST/raw",), "145,600 handwritten letters, 28×28 grey, 26 classes",
        "560 MB", "https://www.nist.gov/itl/products-and-services/emnist-dataset", "see the site",
    ),
    "usps": PublicSet(
        "USPS", TRAIN_TEST, ("usps.bz2", "usps.t.bz2"), "9,298 handwritten digits, 16×16 grey, 10 classes",
        "8 MB", "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass.html", "none stated",
    ),
    "cifar10": PublicSet(
        "CIFAR10", TRAIN_TEST, ("cifar-10-batches-py",), "60,000 photographs, 32×32, 10 classes",
        "170 MB", "https://www.cs.toronto.edu/~kriz/cifar.html", "none stated",
    ),
    "cifar100": PublicSet(
        "CIFAR100", TRAIN_TEST, ("cifar-100-python",), "60,000 photographs, 32×32, 100 classes",
        "170 MB", "https://www.cs.toronto.edu/~kriz/cifar.html", "none stated",
    ),
    "svhn": PublicSet(
        "SVHN", SPLIT_TEST, ("train_32x32.mat", "test_32x32.mat"), "99,289 house numbers, 32×32, 10 classes",
        "250 MB", "http://ufldl.stanford.edu/housenumbers", "not for commercial use",
    ),
    "stl10": PublicSet(
        "STL10", (*SPLIT_TEST, ("train", {"split": "unlabeled"})), ("stl10_binary",),
        "113,000 photographs, 96×96, 10 classes, 100,000 without a label",
        "2.6 GB", "https://cs.stanford.edu/~acoates/stl10", "none stated",
    ),
    "eurosat": PublicSet(
        "EuroSAT", (("all", {}),), ("eurosat/2750",), "27,000 satellite images, 64×64, 10 classes",
        "94 MB", "https://github.com/phelber/eurosat", "MIT",
    ),
    "gtsrb": PublicSet(
        "GTSRB", SPLIT_TEST, ("gtsrb/GTSRB", "gtsrb/GT-final_test.csv"), "39,270 traffic signs, 43 classes",
        "280 MB", "https://benchmark.ini.rub.de", "see the site",
    ),
    "dtd": PublicSet(
        "DTD", SPLIT_VAL_TEST, ("dtd/dtd",), "5,640 textures, 47 classes",
        "625 MB", "https://www.robots.ox.ac.uk/~vgg/data/dtd", "for research",
    ),
    "flowers102": PublicSet(
        "Flowers102", SPLIT_VAL_TEST, ("flowers-102",), "8,189 flowers, 102 classes",
        "345 MB", "https://www.robots.ox.ac.uk/~vgg/data/flowers/102", "none stated",
    ),
    "oxford_iiit_pet": PublicSet(
        "OxfordIIITPet", (("train", {"split": "trainval"}), ("test", {"split": "test"})), ("oxford-iiit-pet",),
        "7,349 cats and dogs, 37 classes",
        "810 MB", "https://www.robots.ox.ac.uk/~vgg/data/pets", "CC BY-SA 4.0",
    ),
    "imagenette": PublicSet(
        "Imagenette", (("train", {"split": "train"}), ("val", {"split": "val"})), ("imagenette2",),
        "13,394 photographs of ImageNet, 10 classes",
        "1.6 GB", "https://github.com/fastai/imagenette", "that of ImageNet: for research",
    ),
    "fgvc_aircraft": PublicSet(
        "FGVCAircraft", SPLIT_VAL_TEST, ("fgvc-aircraft-2013b",), "10,000 aircraft, 100 classes",
        "2.8 GB", "https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft", "for research",
    ),
    "food101": PublicSet(
        "Food101", SPLIT_TEST, ("food-101",), "101,000 dishes, 101 classes",
        "5 GB", "https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101", "see the site",
    ),
}  # fmt: skip
"""Every set by the name that users give."""


def public_folder() -> Path:
    """Where public data lie: `$HEADSTART_DATA`, else `~/.cache/headstart/data`."""
    named = os.environ.get("HEADSTART_DATA")
    return Path(named).expanduser().absolute() if named else Path.home() / ".cache" / "headstart" / "data"


def is_there(name: str) -> bool:
    """Whether all that a set consists of lies in the folder of public data."""
    return all((public_folder() / file).exists() for file in SETS[name].files)
