from __future__ import annotations

import gzip
import struct
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from headstart.data import load
from headstart.errors import InputError

KINDS = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx(array: np.ndarray, shape: tuple[int, ...] | None = None) -> bytes:
    """IDX bytes of an array; `shape` makes the header lie."""
    shape = shape or array.shape
    kind = KINDS[f"{array.dtype.kind}{array.dtype.itemsize}"]
    header = bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def images(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 6, 5), dtype=np.uint8)


def put(path: Path, body: bytes) -> Path:
    path.write_bytes(gzip.compress(body) if path.suffix == ".gz" else body)
    return path


@pytest.mark.parametrize("style", ["{}-images-idx3-ubyte", "{}-images.idx3-ubyte", "{}-images-idx3-ubyte.gz"])
def test_the_official_files_are_a_set_with_its_split(tmp_path, style):
    for part, count, seed in (("train", 12, 0), ("t10k", 5, 1)):
        name = style.format(part)
        put(tmp_path / name, idx(images(count, seed)))
        put(tmp_path / name.replace("images", "labels").replace("idx3", "idx1"), idx(np.arange(count, dtype="u1") % 3))
    data = load(tmp_path)
    assert Counter(data.split) == {"train": 12, "test": 5}
    assert data.classes == ("0", "1", "2")
    assert np.array_equal(data.take(data.indices("train"))[:, 0].numpy(), images(12, 0))
    assert np.array_equal(data.take(data.indices("test"))[:, 0].numpy(), images(5, 1))
    assert data.labels.tolist() == [number % 3 for number in (*range(12), *range(5))]
    assert data.ids[-1] == "16"


def test_images_without_labels(tmp_path):
    put(tmp_path / "train-images-idx3-ubyte", idx(images(8)))
    data = load(tmp_path)
    assert data.classes == ()
    assert Counter(data.split) == {"train": 6, "test": 2}


def test_one_file_takes_the_labels_beside_it(tmp_path):
    path = put(tmp_path / "t10k-images-idx3-ubyte.gz", idx(images(8)))
    put(tmp_path / "t10k-labels-idx1-ubyte.gz", idx(np.arange(8, dtype="u1") % 2))
    data = load(path)
    assert data.labels.tolist() == [0, 1] * 4
    assert data.name == "t10k-images"
    assert any("t10k-labels-idx1-ubyte.gz beside it" in note for note in data.notes)


@pytest.mark.parametrize("kind", ["u1", "i2", "i4", "f4", "f8"])
def test_every_kind_of_number(tmp_path, kind):
    values = images(4)
    values[0, 0, 0] = 255
    path = put(tmp_path / "anything.bin", idx(values.astype(kind)))
    assert np.array_equal(load(path).items[:, 0].numpy(), values)


def test_a_test_part_alone_says_what_is_missing(tmp_path):
    put(tmp_path / "t10k-images-idx3-ubyte", idx(images(3)))
    with pytest.raises(InputError, match=r"train-images-idx3-ubyte\[\.gz\] is missing"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["a-idx3-ubyte", "a-idx3-ubyte.gz"])
@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((9, 6, 5), "270 bytes, but 240 follow"),
        ((7, 6, 5), "210 bytes, but more follow"),
        ((2**31, 2**31, 9), "far less"),
    ],
)
def test_a_header_that_lies_about_its_size(tmp_path, name, shape, message):
    path = put(tmp_path / name, idx(images(8), shape))
    with pytest.raises(InputError, match=message):
        load(path)


def test_damaged_files_are_named(tmp_path):
    whole = gzip.compress(idx(images(500)))
    (tmp_path / "cut-idx3-ubyte.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"cut-idx3-ubyte\.gz: the gzip file is truncated or damaged"):
        load(tmp_path / "cut-idx3-ubyte.gz")
    (tmp_path / "rot-idx3-ubyte.gz").write_bytes(whole[:-8] + b"\0" * 8)
    with pytest.raises(InputError, match="the gzip file is truncated or damaged"):
        load(tmp_path / "rot-idx3-ubyte.gz")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "starts with nothing"),
        (b"\x89PNG rest", "not an IDX file .it starts with 89 50 4e 47"),
        (b"\0\0\x08\x03\0\0", "ends within its header"),
        (b"\0\0\x08\x00", "not an IDX file"),
        (idx(np.arange(4, dtype="u1")), "labels and not images"),
        (idx(np.zeros((0, 6, 5), dtype="u1")), "holds no images"),
    ],
)
def test_what_is_no_idx_file_of_images(tmp_path, body, message):
    with pytest.raises(InputError, match=message):
        load(put(tmp_path / "a-idx3-ubyte", body))


def test_labels_of_another_length(tmp_path):
    put(tmp_path / "train-images-idx3-ubyte", idx(images(8)))
    put(tmp_path / "train-labels-idx1-ubyte", idx(np.zeros(7, dtype="u1")))
    with pytest.raises(InputError, match="8 images but 7 labels"):
        load(tmp_path)
