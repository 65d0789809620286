"""A folder of images: flat or one folder a class, with or without folders for the parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from headstart.data.files import ImageFile
from headstart.data.listing import Listing
from headstart.data.naming import natural, printable
from headstart.data.pictures import extensions
from headstart.errors import InputError

PARTS = {
    "train": "train", "training": "train",
    "val": "val", "valid": "val", "validation": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
"""Folder names that are parts of a set, and the part they mean."""


@dataclass(frozen=True)
class Found:
    """An image file and what the folders around it say."""

    file: ImageFile
    label: str | None
    part: str | None


def list_folder(root: Path) -> Listing:
    """Every image under `root` in natural order, with its class and part. Raises `InputError` where there is none."""
    found, notes = survey(root)
    return Listing(
        name=printable(root.resolve().name),
        where=printable(root),
        files=[one.file for one in found],
        labels=[one.label for one in found],
        parts=[str(one.part) for one in found] if found[0].part else None,
        notes=notes,
    )


def survey(root: Path) -> tuple[list[Found], list[str]]:
    """The image files under `root` in natural order, with their classes and parts."""
    files = [file.relative_to(root) for file in _files(root, frozenset())]
    return arranged(files, printable(root), lambda path: ImageFile(printable(path), root / path))


def arranged(files: Sequence[PurePath], where: str, image: Callable[[Any], ImageFile]) -> tuple[list[Found], list[str]]:
    """The images among files by their relative paths, with their classes and parts, and what there is to say."""
    relative = [file for file in files if file.suffix.lower() in extensions()]
    if not relative:
        raise InputError(_nothing_in(where, files))
    parts = _parts({path.parts[0] for path in relative if len(path.parts) > 1})
    if parts is None:
        return [_found(image(path), path.parts[:-1], None) for path in relative], []
    inside = [path for path in relative if len(path.parts) > 1 and path.parts[0] in parts]
    outside = len(relative) - len(inside)
    notes = [f"{outside} images lie beside the folders {_listed(parts)} and were left out."] if outside else []
    return [_found(image(path), path.parts[1:-1], parts[path.parts[0]]) for path in inside], notes


def is_hidden(name: str) -> bool:
    """Whether a file or folder is none of the user's: `.DS_Store`, `__MACOSX`."""
    return name.startswith(".") or name == "__MACOSX"


def _parts(tops: set[str]) -> dict[str, str] | None:
    """Which folders are parts, or None where they are classes.

    There must be a train folder, and with it a val or test folder or nothing else.
    """
    known = {top: PARTS[top.lower()] for top in sorted(tops, key=natural) if top.lower() in PARTS}
    kinds = set(known.values())
    return known if "train" in kinds and (len(kinds) > 1 or len(known) == len(tops)) else None


def _found(file: ImageFile, folders: tuple[str, ...], part: str | None) -> Found:
    return Found(file, printable(folders[0]) if folders else None, part)


def _files(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    """Files below a folder in natural order, without hidden ones; a link back to a folder above is not followed."""
    here = folder.resolve()
    if here in above:
        return
    try:
        entries = sorted(folder.iterdir(), key=lambda entry: natural(entry.name))
    except OSError as error:
        raise InputError(f"{printable(folder)}: the folder cannot be read ({error.strerror}).") from error
    for entry in entries:
        if is_hidden(entry.name):
            continue
        if entry.is_dir():
            yield from _files(entry, above | {here})
        elif entry.is_file() or entry.is_symlink():
            yield entry


def _nothing_in(where: str, files: Sequence[PurePath]) -> str:
    """Why a folder or archive gives no images, as a message."""
    if not files:
        return f"{where}: it is empty. Put images into it, flat or one folder a class."
    endings = Counter(file.suffix.lower() or "without an ending" for file in files)
    held = ", ".join(f"{count} {printable(ending)}" for ending, count in endings.most_common(3))
    return f"{where}: it holds no images that can be read, only other files ({held})."


def _listed(names: dict[str, str]) -> str:
    return ", ".join(printable(name) + "/" for name in names)
