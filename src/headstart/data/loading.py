"""The one door through which data comes in."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

from headstart import settings
from headstart.data import array_files, idx, splits
from headstart.data.archives import is_archive, list_archive
from headstart.data.bundled import digits
from headstart.data.dataset import Dataset
from headstart.data.folders import list_folder
from headstart.data.identity import equal_groups, fingerprint, item_digests
from headstart.data.labels import relabelled
from headstart.data.listing import Listing, read_listing
from headstart.data.memory import read_memory
from headstart.data.naming import printable
from headstart.data.pictures import extensions
from headstart.data.raw import Raw
from headstart.data.sizing import announcement, fitted
from headstart.errors import InputError
from headstart.reading import Reading

BUNDLED: Mapping[str, Callable[[], Raw]] = {"digits": digits}
"""Data sets that are always there, by name."""


def load(source: Any, **reading: Unpack[Reading]) -> Dataset:
    """Pictures from anywhere, as one uint8 tensor with labels and an honest split.

    `source` is a bundled name ("digits"), a folder of images (flat or one folder a class, with or without train,
    val and test folders), a folder of the official MNIST files, an .npz, .npy or IDX file, a tensor or array
    (N×H×W, N×H×W×C, N×C×H×W), an (items, labels) pair, a map-style torch data set, or a `Dataset`, which is
    returned as it is.

    `labels` replaces the source's labels: a file with the columns path and label, names by id, or one value an
    item. The other settings are those of `headstart.reading.Reading`.

    Raises `InputError` for what cannot be read, naming the file and what to do.
    """
    settings.check(load, reading)
    labels, size = reading.get("labels"), reading.get("size")
    if isinstance(source, Dataset):
        if labels is not None or size is not None:
            raise InputError(f"{source.name}: it is loaded already; give --labels and --size where it is loaded.")
        return source
    raw = _read(source, size, allow_skips=reading.get("allow_skips", False))
    raw = raw if labels is None else relabelled(raw, labels)
    return _settled(raw if size is None else _sized(raw, size), reading.get("split_seed", 0))


def _read(source: object, size: int | None, *, allow_skips: bool) -> Raw:
    if not isinstance(source, str | bytes | os.PathLike):
        return read_memory(source, size, allow_skips=allow_skips)
    name = os.fsdecode(source)
    path = Path(name)
    if not name:
        raise InputError("The name of the data is empty. Give a folder, a file or a bundled name.")
    if name in BUNDLED and not isinstance(source, Path):
        raw = BUNDLED[name]()
        hint = f"“{name}” is the bundled set; the file or folder of that name is ./{name}."
        return replace(raw, notes=(*raw.notes, hint)) if path.exists() else raw
    if path.is_dir():
        official = idx.official_files(path)
        if official:
            return idx.read_official(path, official)
        return read_listing(list_folder(path), size, allow_skips=allow_skips)
    listing = _list_file(path)
    return _read_arrays(path) if listing is None else read_listing(listing, size, allow_skips=allow_skips)


def _list_file(path: Path) -> Listing | None:
    """The pictures of a file that names or holds them, such as `photos.zip` or `photos.zip::ants`."""
    if path.exists():
        return list_archive(path) if is_archive(path) else None
    outer, _, folder = str(path).partition("::")
    if not folder or not Path(outer).exists():
        return None
    if is_archive(Path(outer)):
        return list_archive(Path(outer), folder)
    raise InputError(f"{printable(path)}: only archives have parts that are named with ::; give {outer}/{folder}.")


def _read_arrays(path: Path) -> Raw:
    name, ending = printable(path), path.suffix.lower()
    if not path.exists():
        raise InputError(f"{name}: there is no such file or folder. Bundled data: {', '.join(BUNDLED)}.")
    if ending == ".npz":
        return array_files.read_npz(path)
    if ending == ".npy":
        return array_files.read_npy(path)
    if idx.is_idx(path):
        return idx.read_file(path)
    if ending in extensions():
        raise InputError(f"{name}: this is a single image; give the folder that holds it.")
    raise InputError(
        f"{name}: this kind of file is not known. Give a folder or archive of images, .npz, .npy or IDX(.gz)."
    )


def _sized(raw: Raw, size: int) -> Raw:
    """Arrays at the wanted size; files have it already."""
    before = (raw.items.shape[-2], raw.items.shape[-1])
    note = announcement([before] * len(raw.items), (size, size))
    return replace(raw, items=fitted(raw.items, (size, size)), notes=(*raw.notes, *([note] if note else [])))


def _settled(raw: Raw, split_seed: int) -> Dataset:
    """Settles the parts, finds duplicates and takes the fingerprint."""
    digests = item_digests(raw.items)
    split, notes = splits.settle(raw.parts) if raw.parts else (None, [])
    if split is None:
        split, notes = _drawn(raw, digests, split_seed)
    data = Dataset(
        name=raw.name,
        items=raw.items,
        labels=raw.labels,
        classes=raw.classes,
        split=split,
        ids=raw.ids,
        files=raw.files,
        fingerprint=fingerprint(raw.items.shape[1:], digests, raw.labels, raw.classes, split),
        skipped=raw.skipped,
        duplicates=equal_groups(digests, raw.ids),
    )
    return replace(data, notes=(*raw.notes, *notes, *_leak_note(data)))


def _drawn(raw: Raw, digests: Sequence[bytes], split_seed: int) -> tuple[tuple[str, ...], list[str]]:
    """A test part, or none where its labels would be too few to judge by."""
    fewest = splits.fewest_test_labels(raw.labels)
    if fewest is not None and fewest < splits.LEAST_TEST_LABELS:
        return ("train",) * len(raw.labels), [
            f"Labels are too few for a test part (a quarter would hold {fewest} of one class, and "
            f"{splits.LEAST_TEST_LABELS} are needed): judging is cross-validation over the labelled items."
        ]
    split = splits.draw(raw.labels, digests, split_seed)
    return split, [
        f"There is no official split: {split.count('test')} of {len(split)} items were drawn as the test part."
    ]


def _leak_note(data: Dataset) -> list[str]:
    leaks = data.leaks()
    if not leaks:
        return []
    return [f"{len(leaks)} groups of equal images lie on both sides of the split (for one {', '.join(leaks[0][:3])})."]
