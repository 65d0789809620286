"""A table that names image files: columns path, and label, split and group where they are there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from headstart.data.files import ImageFile
from headstart.data.folders import PARTS
from headstart.data.listing import Listing
from headstart.data.naming import printable
from headstart.data.tables import Table, read_table
from headstart.errors import InputError
from headstart.terminal import listed

FIRST = 10
"""How many of many names a message shows."""


def list_table(
    path: Path, path_column: str | None, label_column: str | None, *, own_parts: bool, allow_skips: bool
) -> Listing:
    """The image files that a table names, in its order, relative to its folder; `own_parts`: with those of `split`.

    Raises `InputError` where no column names files, where one is named twice, and, unless `allow_skips`, where one
    is not there.
    """
    table = read_table(path)
    key = path_column or "path"
    paths = _paths(table, key)
    rows = [row for row, name in enumerate(paths) if name]
    files = {row: _file(path.parent, str(paths[row])) for row in rows}
    missing = [row for row in rows if not files[row].path.is_file()]
    if missing and (len(missing) == len(rows) or not allow_skips):
        raise InputError(
            f"{table.where}: {len(missing)} of its {len(rows)} files are not there: "
            f"{listed([files[row].id for row in missing], FIRST)}.\n"
            f"Paths are relative to {printable(path.parent)}/; go on without these files with --allow-skips."
        )
    label = label_column or "label"
    texts = table.texts() | ({label: table.labels(label)} if label in table.columns else {})
    labels = texts.get(label, [None] * len(paths))
    refuse_repeats(table.where, [(files[row].place, files[row].id, labels[row]) for row in rows])
    notes = [f"{len(paths) - len(rows)} rows of {table.where} have no path and were left out."]
    notes += [f"{len(missing)} of the {len(rows)} files that {table.where} names are not there and were left out."]
    gone = set(missing)
    kept = [row for row in rows if row not in gone]
    columns = {name: [values[row] for row in kept] for name, values in texts.items()}
    return Listing(
        name=table.stem,
        where=table.where,
        files=[files[row] for row in kept],
        labels=[labels[row] for row in kept],
        parts=as_parts(columns["split"], "split", table.where) if own_parts and any(columns.get("split", ())) else None,
        columns=columns,
        notes=[note for note, said in zip(notes, (len(rows) < len(paths), missing), strict=True) if said],
    )


def _paths(table: Table, key: str) -> list[str | None]:
    if key not in table.columns:
        raise InputError(
            f"{table.where}: it needs a column of image paths, called {key}; it has {table.names()}.\n"
            "--path-column names another."
        )
    paths = table.text(key)
    if not any(paths):
        raise InputError(f"{table.where}: its column {key} names no file.")
    return paths


def _file(folder: Path, name: str) -> ImageFile:
    plain = PurePosixPath(name if os.sep == "\\" else name.replace("\\", "/")).as_posix()
    return ImageFile(printable(plain), folder / plain)


def refuse_repeats(where: str, rows: Sequence[tuple[str, str, str | None]]) -> None:
    """Raises `InputError` where a file is named twice; a row is (place, what messages call it, label)."""
    first: dict[str, str | None] = {}
    twice: dict[str, None] = {}
    torn: dict[str, None] = {}
    for place, name, label in rows:
        if place in first:
            (twice if first[place] == label else torn)[name] = None
        first.setdefault(place, label)
    if torn:
        raise InputError(f"{where}: {len(torn)} files have two labels: {listed(list(torn), FIRST)}. Give each one.")
    if twice:
        raise InputError(f"{where}: {len(twice)} files are named twice: {listed(list(twice), FIRST)}. Name each once.")


def as_parts(values: Sequence[str | None], column: str, where: str) -> tuple[str, ...]:
    """The parts that a column names. Raises `InputError` for other words."""
    odd = sorted({str(value or "") for value in values if (value or "").lower() not in PARTS})
    if odd:
        shown = listed([one or "nothing" for one in odd], FIRST)
        raise InputError(
            f"{where}: the column {column} holds {shown}; it may say train, val or test.\n--split-column names another."
        )
    return tuple(PARTS[str(value).lower()] for value in values)
