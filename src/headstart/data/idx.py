"""IDX, the format of MNIST and Fashion-MNIST, plain or gzipped, alone or as the official set of four files.

LeCun, Cortes and Burges, "The MNIST database": two zero bytes, the kind of number, the number of axes, their lengths
as big-endian 32-bit integers, then the numbers.
"""

from __future__ import annotations

import gzip
import math
import re
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from headstart.data import labels
from headstart.data.arrays import Array, to_pixels
from headstart.data.naming import printable
from headstart.data.raw import Raw, numbered
from headstart.errors import InputError

KINDS = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

OFFICIAL = re.compile(r"(train|t10k)-(images|labels)[-.]idx[13]-ubyte(\.gz)?")
PART = {"train": "train", "t10k": "test"}

DEFLATE_MOST = 1032
"""How many times its size a deflated file can hold (zlib, "Maximum Compression Factor")."""


def is_idx(path: Path) -> bool:
    """Whether a file is IDX by its name or its first bytes."""
    if re.search(r"idx[0-9]?(-ubyte)?(\.gz)?$", path.name):
        return True
    try:
        with _opened(path) as file:
            start = file.read(4)
    except (OSError, EOFError, zlib.error):
        return False
    return len(start) == 4 and start[:2] == b"\0\0" and start[2] in KINDS and 1 <= start[3] <= 4


def official_files(folder: Path) -> dict[tuple[str, str], Path]:
    """The files with official names in a folder by (part, what they hold); plain ones go before gzipped ones."""
    matches = [(OFFICIAL.fullmatch(path.name), path) for path in folder.iterdir() if path.is_file()]
    named = [((match[1], match[2]), path) for match, path in matches if match]
    return dict(sorted(named, key=lambda one: one[1].name, reverse=True))


def read_official(folder: Path, files: dict[tuple[str, str], Path]) -> Raw:
    """The official set: train is the train part, t10k the test part."""
    if ("train", "images") not in files:
        raise InputError(f"{printable(folder)}: train-images-idx3-ubyte[.gz] is missing beside its other IDX files.")
    parts = [part for part in PART if (part, "images") in files]
    images = [_images(files[part, "images"]) for part in parts]
    targets = [_targets(files.get((part, "labels")), len(array)) for part, array in zip(parts, images, strict=True)]
    items, notes = to_pixels(images, [printable(files[part, "images"]) for part in parts])
    numbers, classes = labels.from_parts(targets, [len(array) for array in images], printable(folder))
    return Raw(
        name=printable(folder.resolve().name),
        items=items,
        labels=numbers,
        classes=classes,
        ids=numbered(len(items)),
        parts=tuple(PART[part] for part, array in zip(parts, images, strict=True) for _ in range(len(array))),
        notes=tuple(notes),
    )


def read_file(path: Path) -> Raw:
    """The images of one file, with the labels of the official file beside it where there is one."""
    images = _images(path)
    items, notes = to_pixels([images], [printable(path)])
    match = OFFICIAL.fullmatch(path.name)
    beside = official_files(path.parent).get((match[1], "labels")) if match else None
    numbers, classes = labels.from_parts([_targets(beside, len(images))], [len(images)], printable(beside or path))
    return Raw(
        name=printable(re.sub(r"[-.]?(idx[0-9]?(-ubyte)?)?(\.gz)?$", "", path.name)),
        items=items,
        labels=numbers,
        classes=classes,
        ids=numbered(len(items)),
        notes=(*notes, *([f"The labels are those of {printable(beside.name)} beside it."] if beside else [])),
    )


def read_array(path: Path) -> Array:
    """The numbers of one IDX file. Raises `InputError` where it is not IDX or not as long as its header says."""
    try:
        with _opened(path) as file:
            kind, shape = _header(file, path)
            return _numbers(file, path, kind, shape)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{printable(path)}: the gzip file is truncated or damaged. Get it again.") from error
    except OSError as error:
        raise InputError(f"{printable(path)}: it cannot be read ({error.strerror}).") from error


def _images(path: Path) -> Array:
    array = read_array(path)
    if array.ndim < 3:
        raise InputError(f"{printable(path)}: it holds {array.ndim} axes, so labels and not images.")
    return array


def _targets(path: Path | None, count: int) -> Array | None:
    """The labels of `count` images, where there is a file of them."""
    if path is None:
        return None
    targets = read_array(path)
    labels.require_equal(count, len(targets), printable(path))
    return targets


def _opened(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if zipped else path.open("rb")  # type: ignore[return-value]


def _header(file: BinaryIO, path: Path) -> tuple[str, tuple[int, ...]]:
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in KINDS or start[3] == 0:
        raise InputError(f"{printable(path)}: it is not an IDX file (it starts with {start.hex(' ') or 'nothing'}).")
    lengths = file.read(4 * start[3])
    if len(lengths) < 4 * start[3]:
        raise InputError(f"{printable(path)}: the IDX file ends within its header. Get it again.")
    return KINDS[start[2]], struct.unpack(f">{start[3]}I", lengths)


def _numbers(file: BinaryIO, path: Path, kind: str, shape: tuple[int, ...]) -> Array:
    """The body, read in one go straight into its array."""
    promised = math.prod(shape) * np.dtype(kind).itemsize
    if promised > DEFLATE_MOST * path.stat().st_size:
        raise InputError(_lie(path, shape, promised, "far less"))
    body = np.empty(promised, dtype=np.uint8)
    view, read = memoryview(body), 0  # type: ignore[arg-type]
    while count := file.readinto(view[read:]):  # type: ignore[attr-defined]
        read += count
    if read < promised:
        raise InputError(_lie(path, shape, promised, f"{read:,}"))
    if file.read(1):
        raise InputError(_lie(path, shape, promised, "more"))
    array = body.view(kind).reshape(shape)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _lie(path: Path, shape: tuple[int, ...], promised: int, found: str) -> str:
    times = "×".join(map(str, shape))
    return (
        f"{printable(path)}: its IDX header says {times}, {promised:,} bytes, but {found} follow. "
        "It is truncated or damaged; get it again."
    )
