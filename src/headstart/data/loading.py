"""The one door through which data comes in."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

from headstart import settings
from headstart.data import array_files, idx, splits
from headstart.data.archives import is_archive, list_archive
from headstart.data.bundled import digits
from headstart.data.catalogues import list_table
from headstart.data.dataset import Dataset
from headstart.data.describing import described
from headstart.data.fetching import read_public
from headstart.data.folders import list_folder
from headstart.data.grouping import joined
from headstart.data.identity import Identity, equal_groups, fingerprint, identify, near_names, pixel_digest
from headstart.data.listing import Listing, read_listing
from headstart.data.memory import read_memory
from headstart.data.naming import printable
from headstart.data.patches import patches
from headstart.data.pictures import extensions
from headstart.data.public import SETS
from headstart.data.raw import Raw
from headstart.data.rendered import rendered_digits
from headstart.data.sizing import Preferred, announcement, fitted
from headstart.data.tables import is_table
from headstart.errors import InputError
from headstart.reading import Reading
from headstart.settings import flag

BUNDLED: Mapping[str, Callable[[], Raw]] = {"digits": digits, "rendered-digits": rendered_digits, "patches": patches}
"""Data sets that are always there, by name."""

LATE = ("labels", "label_from", "label_column", "split_column", "group", "test_where", "size")
"""What can no longer be said of a data set that is loaded."""


def load(source: Any, *, preferred: Preferred | None = None, **reading: Unpack[Reading]) -> Dataset:
    """Pictures from anywhere, as one uint8 tensor with labels and an honest split.

    `source` is a bundled name ("digits"), a public set by name ("cifar10"; `headstart data` lists them), a folder of
    images (flat or one folder a class, with or without train, val and test folders), a .zip, .tar or .tar.gz of one
    ("photos.zip::ants" for a folder inside), a CSV, TSV, JSONL or Parquet table of paths, a folder of the official
    MNIST files, an .npz, .npy or IDX file, a tensor or array (N×H×W, N×H×W×C, N×C×H×W), an (items, labels) pair, a
    map-style torch data set, or a `Dataset`, which is returned as it is.

    `labels` replaces the source's labels: a file with the columns path and label, names by id, or one value an
    item. The other settings are those of `headstart.reading.Reading`. Where it names no size, files are decoded at the
    one `preferred`.

    Raises `InputError` for what cannot be read, naming the file and what to do, and `RunError` where the cache has no
    room or files change while they are read.
    """
    settings.check(load, reading)
    size = reading.get("size")
    if isinstance(source, Dataset):
        late = [name for name in LATE if reading.get(name) is not None]
        if late:
            raise InputError(f"{source.name}: it is loaded already; give {flag(late[0])} where it is loaded.")
        return source
    raw = described(_read(source, size or preferred, reading), reading)
    settled = _settled(raw if size is None else _sized(raw, size), reading.get("split_seed", 0))
    return replace(settled, cache=_caches(reading))


def _caches(reading: Reading) -> bool:
    return reading.get("cache") is not False


def _read(source: object, size: int | Preferred | None, reading: Reading) -> Raw:
    allow_skips = reading.get("allow_skips", False)
    if not isinstance(source, str | bytes | os.PathLike):
        return read_memory(source, reading.get("size"), allow_skips=allow_skips)
    name = os.fsdecode(source)
    path = Path(name)
    if not name:
        raise InputError("The name of the data is empty. Give a folder, a file or a bundled name.")
    if name in BUNDLED and not isinstance(source, Path):
        raw = BUNDLED[name]()
        hint = f"“{name}” is the bundled set; the file or folder of that name is ./{name}."
        return replace(raw, notes=(*raw.notes, hint)) if path.exists() else raw
    if name in SETS and not isinstance(source, Path):
        download = reading.get("download", False)
        return read_public(name, size, allow_skips=allow_skips, download=download, cache=_caches(reading))
    if path.is_dir():
        official = idx.official_files(path)
        if official:
            return idx.read_official(path, official)
        return read_listing(list_folder(path), size, allow_skips=allow_skips, cache=_caches(reading))
    listing = _list_file(path, reading)
    if listing is None:
        return _read_arrays(path)
    return read_listing(listing, size, allow_skips=allow_skips, cache=_caches(reading))


def _list_file(path: Path, reading: Reading) -> Listing | None:
    """The pictures of a file that names or holds them, such as `photos.csv`, `photos.zip` or `photos.zip::ants`."""
    if path.exists() and is_table(path):
        names = reading.get("path_column"), None if reading.get("labels") else reading.get("label_column")
        own_parts = reading.get("split_column") is None and reading.get("test_where") is None
        return list_table(path, *names, own_parts=own_parts, allow_skips=reading.get("allow_skips", False))
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
        raise InputError(
            f"{name}: there is no such file or folder. Bundled data: {', '.join(BUNDLED)}; `headstart data` lists more."
        )
    if ending == ".npz":
        return array_files.read_npz(path)
    if ending == ".npy":
        return array_files.read_npy(path)
    if idx.is_idx(path):
        return idx.read_file(path)
    if ending in extensions():
        raise InputError(f"{name}: this is a single image; give the folder that holds it.")
    raise InputError(
        f"{name}: this kind of file is not known. Give a folder, archive or table of images, .npz, .npy or IDX(.gz)."
    )


def _sized(raw: Raw, size: int) -> Raw:
    """Arrays at the wanted size; files have it already."""
    before = (raw.items.shape[-2], raw.items.shape[-1])
    note = announcement([before] * len(raw.items), (size, size))
    return replace(raw, items=fitted(raw.items, (size, size)), notes=(*raw.notes, *([note] if note else [])))


def _settled(raw: Raw, split_seed: int) -> Dataset:
    """Settles the parts, finds duplicates and takes the fingerprint."""
    identity = raw.identity or identify(raw.items)
    split, notes = splits.settle(raw.parts) if raw.parts else (None, [])
    tested_on_val = split is not None and "test" not in (raw.parts or ())
    if split is not None and raw.groups is not None:
        notes += splits.straddling(split, raw.groups)
    if split is None:
        split, notes = _drawn(raw, identity, split_seed)
    data = Dataset(
        name=raw.name,
        items=raw.items,
        labels=raw.labels,
        classes=raw.classes,
        split=split,
        ids=raw.ids,
        files=raw.files,
        fingerprint=fingerprint(raw.items.shape[1:], identity.digests, raw.labels, raw.classes, split),
        pixel_digest=pixel_digest(raw.items.shape[1:], identity.digests),
        skipped=raw.skipped,
        resampling=raw.resampling,
        duplicates=equal_groups(identity.digests, raw.ids),
        near_duplicates=near_names(identity, raw.ids),
        kin=tuple(identity.keys() if raw.groups is None else joined(raw.groups, identity.keys())),
        tested_on_val=tested_on_val,
    )
    return replace(data, notes=(*raw.notes, *notes, *_leak_notes(data)))


def _drawn(raw: Raw, identity: Identity, split_seed: int) -> tuple[tuple[str, ...], list[str]]:
    """A test part, or none where its labels would be too few to judge by."""
    fewest = splits.fewest_test_labels(raw.labels)
    if fewest is not None and fewest < splits.LEAST_TEST_LABELS:
        return ("train",) * len(raw.labels), [
            f"Labels are too few for a test part (a quarter would hold {fewest} of one class, and "
            f"{splits.LEAST_TEST_LABELS} are needed)."
        ]
    split = splits.draw(raw.labels, identity.keys(), split_seed, raw.groups)
    return split, [
        f"There is no official split: {split.count('test')} of {len(split)} items were drawn as the test part."
    ]


def _leak_notes(data: Dataset) -> list[str]:
    found = {"equal": data.leaks(), "nearly equal": data.near_leaks()}
    return [
        f"{len(leaks)} groups of {kind} images lie on both sides of the split (for one {', '.join(leaks[0][:3])})."
        for kind, leaks in found.items()
        if leaks
    ]
