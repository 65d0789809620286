"""What kind of thing a source holds, by the names of its files and columns alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePath

from headstart.data import idx
from headstart.data.archives import is_archive
from headstart.data.loading import BUNDLED
from headstart.data.packed import members
from headstart.data.pictures import extensions
from headstart.data.public import SETS
from headstart.data.tables import is_table, read_table

COLUMNS: Mapping[str, str] = {"path": "images", "text": "texts", "sentence": "texts", "content": "texts"}
ENDINGS: Mapping[str, frozenset[str]] = {
    "images": extensions() | {".npz", ".npy"},
    "sounds": frozenset({".wav", ".mp3", ".flac", ".ogg"}),
    "texts": frozenset({".txt"}),
}
"""The first kind that any file is of counts: recordings and pictures come with notes on them."""


def kind_of(source: object) -> str | None:
    """`images`, `sounds` or `texts`; None where names don't tell. What is in memory, or bundled, is images.

    Raises `InputError` for tables and archives that can't be read.
    """
    if not isinstance(source, str | bytes | os.PathLike):
        return "images"
    name = os.fsdecode(source)
    if not isinstance(source, Path) and (name in BUNDLED or name in SETS):
        return "images"
    if not name:
        return None
    path = Path(name) if Path(name).exists() else Path(name.partition("::")[0])
    if is_table(path) and path.is_file():
        return next((kind for column, kind in COLUMNS.items() if column in read_table(path).columns), None)
    if idx.official_files(path) if path.is_dir() else idx.is_idx(path):
        return "images"
    found = {PurePath(file.lower().removesuffix(".gz")).suffix for file in _files(path)}
    return next((kind for kind, endings in ENDINGS.items() if found & endings), None)


def _files(path: Path) -> list[str]:
    """The names of a file, or of those in a folder or an archive."""
    if path.is_dir():
        return [file.name for file in path.rglob("*") if file.is_file()]
    if is_archive(path) and path.is_file():
        return [member.name for member in members(path)[0]]
    return [path.name] if path.is_file() else []
