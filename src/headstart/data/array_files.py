"""NumPy's files: .npz with images and labels, .npy with images."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from headstart.data import labels
from headstart.data.arrays import Array, to_pixels
from headstart.data.naming import printable
from headstart.data.raw import Raw, numbered
from headstart.errors import InputError

LAYOUTS: tuple[Mapping[str, tuple[str, str]], ...] = (
    {"train": ("x_train", "y_train"), "val": ("x_val", "y_val"), "test": ("x_test", "y_test")},
    {"all": ("images", "labels")},
    {"all": ("x", "y")},
)
"""The keys that are known: of each part ("all" where there are none) those of its images and its labels."""


def read_npy(path: Path) -> Raw:
    """The images of a .npy file, without labels."""
    with _explained(path):
        array = _loaded(path, np.ndarray)
    return _raw(path, ["all"], [array], [None], [printable(path)])


def read_npz(path: Path) -> Raw:
    """The images and labels of an .npz file, with the parts its keys name."""
    with _explained(path), _loaded(path, np.lib.npyio.NpzFile) as file:
        layout = _layout(path, file.files)
        images = [file[key] for key, _ in layout.values()]
        targets = [file[key] if key in file.files else None for _, key in layout.values()]
    return _raw(path, list(layout), images, targets, [f"{printable(path)}: {key}" for key, _ in layout.values()])


def _loaded(path: Path, kind: type) -> Any:
    """What NumPy finds in a file, whatever its ending. Raises `InputError` where it isn't of this kind."""
    found = np.load(path, allow_pickle=False)
    if not isinstance(found, kind):
        ending = ".npy" if isinstance(found, np.ndarray) else ".npz"
        raise InputError(f"{printable(path)}: inside it is a file of the kind {ending}. Give it that ending.")
    return found


def _layout(path: Path, keys: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The first known layout whose first images are there, with the parts that are there."""
    for layout in LAYOUTS:
        there = {part: pair for part, pair in layout.items() if pair[0] in keys}
        if there and next(iter(layout)) in there:
            return there
    raise InputError(
        f"{printable(path)}: it has the keys {', '.join(keys) or 'none'}; name the images and labels "
        "images/labels, x/y, or x_train/y_train and x_test/y_test."
    )


def _raw(
    path: Path, parts: Sequence[str], images: Sequence[Array], targets: Sequence[Array | None], names: Sequence[str]
) -> Raw:
    items, notes = to_pixels(images, names)
    for array, target, name in zip(images, targets, names, strict=True):
        if target is not None:
            labels.require_equal(len(array), target.size if target.ndim < 2 else len(target), name)
    numbers, classes = labels.from_parts(targets, [len(array) for array in images], printable(path))
    return Raw(
        name=printable(path.stem),
        items=items,
        labels=numbers,
        classes=classes,
        ids=numbered(len(items)),
        parts=None
        if "all" in parts
        else tuple(part for part, array in zip(parts, images, strict=True) for _ in range(len(array))),
        notes=tuple(notes),
    )


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """What NumPy says of a file it cannot read, in words for the user."""
    try:
        yield
    except (ValueError, EOFError, OSError, MemoryError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        if "Object arrays" in str(error):
            raise InputError(
                f"{printable(path)}: it holds Python objects, which are never read (they could run code). "
                "Save plain arrays of numbers."
            ) from error
        why = str(error) or type(error).__name__
        if "pickle" in why:
            why = "it does not start like one"
        raise InputError(f"{printable(path)}: it is truncated, damaged or no NumPy file ({why}).") from error
