"""Public sets by name: torchvision reads small files in their official forms, and nothing is fetched unasked."""

from __future__ import annotations

import bz2
import json
import pickle
import struct
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision import datasets

from headstart import terminal
from headstart.data import BUNDLED, COMES_ALONG, SETS, decoding, fetching, is_there, load, public_folder
from headstart.errors import InputError, RunError

EACH = 8


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    """An empty folder of public data."""
    monkeypatch.setenv("HEADSTART_DATA", str(tmp_path / "public"))
    (tmp_path / "public").mkdir()
    return tmp_path / "public"


def pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(list(shape)).integers(0, 256, shape, dtype=np.uint8)


def labels(first: int = 0, classes: int = 2) -> np.ndarray:
    return (np.arange(EACH) % classes + first).astype(np.uint8)


def put(path: Path, content: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels(20, 20, 3)).save(path)


def idx(path: Path, array: np.ndarray) -> None:
    put(path, b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes())


def like_mnist(root, _, folder, start="", first=0):
    for part in ("train", "t10k") if not start else ("train", "test"):
        idx(root / folder / "raw" / f"{start}{part}-images-idx3-ubyte", pixels(EACH, 28, 28))
        idx(root / folder / "raw" / f"{start}{part}-labels-idx1-ubyte", labels(first))


def like_cifar(root, monkeypatch, kind, key):
    for name, _ in (*kind.train_list, *kind.test_list):
        batch = {"data": pixels(EACH, 3072), key: labels().tolist()}
        put(root / kind.base_folder / name, pickle.dumps(batch))
    names = {kind.meta["key"]: ["airplane", "automobile"]}
    put(root / kind.base_folder / kind.meta["filename"], pickle.dumps(names))
    monkeypatch.setattr(kind, "_check_integrity", lambda self: True)
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *_: True)


def svhn(root, monkeypatch):
    from scipy.io import savemat

    for part in ("train", "test"):
        savemat(root / f"{part}_32x32.mat", {"X": pixels(32, 32, 3, EACH), "y": labels(9)[:, None]})
    monkeypatch.setattr(datasets.SVHN, "_check_integrity", lambda self: True)


def stl10(root, monkeypatch):
    for name in ("train", "test", "unlabeled"):
        put(root / "stl10_binary" / f"{name}_X.bin", pixels(EACH, 3, 96, 96).tobytes())
        put(root / "stl10_binary" / f"{name}_y.bin", labels(1).tobytes())
    put(root / "stl10_binary" / "class_names.txt", "airplane\nbird\n")
    monkeypatch.setattr(datasets.STL10, "_check_integrity", lambda self: True)


def usps(root, _):
    cells = " ".join(f"{place}:{place % 3 - 1}" for place in range(1, 257))
    lines = "".join(f"{label} {cells}\n" for label in labels(1))
    for name in ("usps.bz2", "usps.t.bz2"):
        put(root / name, bz2.compress(lines.encode()))


def food101(root, _):
    names = {kind: [f"{kind}/{number}" for number in range(EACH)] for kind in ("pie", "ramen")}
    for part in ("train", "test"):
        put(
            root / f"food-101/meta/{part}.json",
            json.dumps({kind: both[part == "test" :: 2] for kind, both in names.items()}),
        )
    for both in names.values():
        for one in both:
            picture(root / f"food-101/images/{one}.jpg")


def flowers102(root, monkeypatch):
    from scipy.io import savemat

    for number in range(1, 13):
        picture(root / f"flowers-102/jpg/image_{number:05d}.jpg")
    savemat(root / "flowers-102/imagelabels.mat", {"labels": np.arange(12) % 2 + 1})
    parts = {"trnid": np.arange(1, 5), "valid": np.arange(5, 9), "tstid": np.arange(9, 13)}
    savemat(root / "flowers-102/setid.mat", parts)
    monkeypatch.setattr("torchvision.datasets.flowers102.check_integrity", lambda *_: True)


def oxford_iiit_pet(root, _):
    kinds = ((1, "Abyssinian"), (2, "beagle"))
    for part, numbers in (("trainval", "123"), ("test", "456")):
        lines = [f"{kind}_{number} {label} 1 1" for label, kind in kinds for number in numbers]
        put(root / f"oxford-iiit-pet/annotations/{part}.txt", "\n".join(lines))
        for line in lines:
            picture(root / f"oxford-iiit-pet/images/{line.split()[0]}.jpg")


def eurosat(root, _):
    for kind in ("Forest", "River"):
        for number in range(EACH):
            picture(root / f"eurosat/2750/{kind}/{number}.jpg")


def gtsrb(root, _):
    for number in range(4):
        picture(root / f"gtsrb/GTSRB/Training/0000{number % 2}/{number}.ppm")
        picture(root / f"gtsrb/GTSRB/Final_Test/Images/{number}.ppm")
    rows = "".join(f"{number}.ppm;{number % 2}\n" for number in range(4))
    put(root / "gtsrb/GT-final_test.csv", "Filename;ClassId\n" + rows)


def dtd(root, _):
    for part in ("train", "val", "test"):
        names = [f"{kind}/{part}{number}.jpg" for kind in ("banded", "dotted") for number in range(2)]
        put(root / f"dtd/dtd/labels/{part}1.txt", "\n".join(names))
        for name in names:
            picture(root / f"dtd/dtd/images/{name}")


def imagenette(root, _):
    for part in ("train", "val"):
        for kind in ("n01440764", "n03394916"):
            picture(root / f"imagenette2/{part}/{kind}/1.JPEG")
            picture(root / f"imagenette2/{part}/{kind}/2.JPEG")


def fgvc_aircraft(root, _):
    base = root / "fgvc-aircraft-2013b/data"
    put(base / "variants.txt", "707-320\nA330\n")
    for part in ("train", "val", "test"):
        put(base / f"images_variant_{part}.txt", f"{part}1 707-320\n{part}2 A330\n")
        picture(base / f"images/{part}1.jpg")
        picture(base / f"images/{part}2.jpg")


MAKERS = {
    "mnist": lambda *a: like_mnist(*a, "MNIST"),
    "fashion_mnist": lambda *a: like_mnist(*a, "FashionMNIST"),
    "kmnist": lambda *a: like_mnist(*a, "KMNIST"),
    "emnist": lambda *a: like_mnist(*a, "EMNIST", "emnist-letters-", 1),
    "cifar10": lambda *a: like_cifar(*a, datasets.CIFAR10, "labels"),
    "cifar100": lambda *a: like_cifar(*a, datasets.CIFAR100, "fine_labels"),
    "svhn": svhn, "stl10": stl10, "usps": usps, "food101": food101, "flowers102": flowers102,
    "oxford_iiit_pet": oxford_iiit_pet, "eurosat": eurosat, "gtsrb": gtsrb, "dtd": dtd,
    "imagenette": imagenette, "fgvc_aircraft": fgvc_aircraft,
}  # fmt: skip

EXPECTED = {
    "mnist": ((1, 28, 28), ("0", "1"), {"train": 8, "test": 8}),
    "fashion_mnist": ((1, 28, 28), ("T-shirt/top", "Trouser"), {"train": 8, "test": 8}),
    "kmnist": ((1, 28, 28), ("o", "ki"), {"train": 8, "test": 8}),
    "emnist": ((1, 28, 28), ("a", "b"), {"train": 8, "test": 8}),
    "cifar10": ((3, 32, 32), ("airplane", "automobile"), {"train": 40, "test": 8}),
    "cifar100": ((3, 32, 32), ("airplane", "automobile"), {"train": 8, "test": 8}),
    "svhn": ((3, 32, 32), ("0", "9"), {"train": 8, "test": 8}),
    "stl10": ((3, 96, 96), ("airplane", "bird"), {"train": 16, "test": 8}),
    "usps": ((1, 16, 16), ("0", "1"), {"train": 8, "test": 8}),
    "food101": ((3, 20, 20), ("pie", "ramen"), {"train": 8, "test": 8}),
    "flowers102": ((3, 20, 20), None, {"train": 4, "val": 4, "test": 4}),
    "oxford_iiit_pet": ((3, 20, 20), ("Abyssinian", "Beagle"), {"train": 6, "test": 6}),
    "eurosat": ((3, 20, 20), ("Forest", "River"), {"train": 16}),
    "gtsrb": ((3, 20, 20), ("0", "1"), {"train": 4, "test": 4}),
    "dtd": ((3, 20, 20), ("banded", "dotted"), {"train": 4, "val": 4, "test": 4}),
    "imagenette": ((3, 20, 20), ("French horn", "tench"), {"train": 4, "test": 4}),
    "fgvc_aircraft": ((3, 20, 20), ("707-320", "A330"), {"train": 2, "val": 2, "test": 2}),
}


def test_every_set_is_tried():
    assert set(MAKERS) == set(EXPECTED) == set(SETS)
    assert set(COMES_ALONG) == set(BUNDLED)


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_read_by_torchvision_with_its_parts_and_classes(root, monkeypatch, name):
    assert not is_there(name)
    MAKERS[name](root, monkeypatch)
    assert is_there(name)
    shape, classes, parts = EXPECTED[name]
    data = load(name)
    assert (data.name, data.shape, Counter(data.split)) == (name, shape, parts)
    if classes is not None:
        assert data.classes == classes
    assert len(data.classes) == 2
    assert (data.labels < 0).sum() == (EACH if name == "stl10" else 0)
    assert not data.skipped


def test_pixels_of_arrays_are_those_of_the_files(root, monkeypatch):
    MAKERS["cifar10"](root, monkeypatch)
    assert np.array_equal(load("cifar10").items[:EACH].numpy(), pixels(EACH, 3072).reshape(EACH, 3, 32, 32))
    MAKERS["emnist"](root, monkeypatch)
    upright = pixels(EACH, 28, 28).transpose(0, 2, 1)
    assert np.array_equal(load("emnist").items[:EACH, 0].numpy(), upright)


def test_files_of_a_set_keep_their_places(root, monkeypatch):
    MAKERS["food101"](root, monkeypatch)
    data = load("food101", size=16)
    assert data.shape == (3, 16, 16)
    assert data.ids[0] == "food-101/images/pie/0.jpg"
    assert data.paths[0] == root / data.ids[0]


def test_files_of_a_set_are_kept_decoded_unless_the_user_says_not_to(root, monkeypatch, tmp_path):
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(decoding, "KEPT_FROM", 0)
    MAKERS["food101"](root, monkeypatch)
    load("food101", cache=False)
    assert not (tmp_path / "cache").exists()
    load("food101")
    assert (tmp_path / "cache").exists()


def test_nothing_is_fetched_unasked(monkeypatch, root):
    monkeypatch.setattr(terminal, "agreed", lambda question: False)
    with pytest.raises(InputError) as caught:
        load("cifar10")
    for word in (str(root), "--download", "170 MB", "toronto.edu", "licence", "cifar-10-batches-py", "HEADSTART_DATA"):
        assert word in str(caught.value)
    assert list(root.iterdir()) == []


def test_a_folder_of_that_name_is_pointed_at(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "usps").mkdir()
    with pytest.raises(InputError, match=r"The folder of that name here is \./usps"):
        load("usps")


@pytest.mark.parametrize("asked", [True, False])
def test_a_set_is_fetched_where_the_user_says_so(root, monkeypatch, asked):
    def fetched(self):
        MAKERS["eurosat"](root, monkeypatch)

    questions = []
    monkeypatch.setattr(datasets.EuroSAT, "download", fetched)
    monkeypatch.setattr(terminal, "agreed", lambda question: questions.append(question) or True)
    assert len(load("eurosat", download=asked)) == 2 * EACH
    assert len(questions) == (0 if asked else 1)
    assert all("94 MB" in question and "MIT" in question for question in questions)


def test_a_failed_download_says_what_to_do_by_hand(root, monkeypatch):
    def offline(self):
        raise OSError("no route\nto host")

    monkeypatch.setattr(datasets.EuroSAT, "download", offline)
    with pytest.raises(
        RunError, match=r"eurosat can't be downloaded \(no route to host\)\.\nWithout a network, put"
    ) as caught:
        load("eurosat", download=True)
    assert str(root) in str(caught.value)


def test_several_processes_do_not_fetch_at_once(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="fetch it before with one process: headstart look usps --download"):
        load("usps", download=True)


def test_where_public_data_lie(monkeypatch, tmp_path):
    assert public_folder() == tmp_path / "public"
    monkeypatch.delenv("HEADSTART_DATA")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert public_folder() == tmp_path / ".cache/headstart/data"


def test_what_torchvision_prints_does_not_reach_stdout(root, monkeypatch, capsys):
    def fetched(self):
        print("Downloading …")
        MAKERS["eurosat"](root, monkeypatch)

    monkeypatch.setattr(datasets.EuroSAT, "download", fetched)
    fetching.read_public("eurosat", None, allow_skips=False, download=True, cache=False)
    out, err = capsys.readouterr()
    assert out == ""
    assert "Downloading" in err


@pytest.mark.parametrize(
    ("answer", "agreed"), [("y\n", True), ("Yes\n", True), ("\n", False), ("", False), ("no\n", False)]
)
def test_a_question_is_only_asked_where_somebody_can_answer(monkeypatch, capsys, answer, agreed):
    import io
    import sys

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    assert not terminal.agreed("Fetch it?")
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert terminal.agreed("Fetch it?") is agreed
    assert sys.stderr.getvalue() == "Fetch it? [y/N] "
    with terminal.silence():
        assert not terminal.agreed("Fetch it?")
