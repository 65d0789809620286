"""Labels from outside: a table (`--labels FILE`), names by id, or one value an item."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

from headstart.data import labels
from headstart.data.catalogues import FIRST, refuse_repeats
from headstart.data.raw import Raw
from headstart.data.tables import Table, read_table
from headstart.errors import InputError
from headstart.terminal import listed

KEYS = ("id", "path")
"""Columns that say which item a row is about; where a table has both, either may do."""


@dataclass(frozen=True)
class Row:
    """What a table says of one item."""

    keys: tuple[str, ...]
    """The item's id, path or file name, whichever there are."""
    label: str | None
    place: int
    """Of the row in its table."""


def relabelled(
    raw: Raw, given: Any, *, path_column: str | None = None, label_column: str | None = None, allow_skips: bool = False
) -> Raw:
    """`raw` with these labels instead of its own; a table brings its other columns too.

    Raises `InputError` for rows that name no item, unless `allow_skips`, and for items that are named twice.
    """
    if isinstance(given, str | PurePath):
        table = read_table(Path(given))
        if path_column in raw.columns and path_column not in table.columns:
            path_column = None  # it is that of the table which the data is
        rows = _rows(table, path_column, label_column or "label")
        return _by_id(raw, rows, table.where, Path(given).parent, table, allow_skips=allow_skips)
    if isinstance(given, Mapping):
        rows = [Row((str(one),), labels.as_text(name), place) for place, (one, name) in enumerate(given.items())]
        return _by_id(raw, rows, "labels", Path(), None, allow_skips=allow_skips)
    numbers, classes = labels.from_values(given, "labels")
    labels.require_equal(len(raw.items), len(numbers), "labels")
    return replace(raw, labels=numbers, classes=classes)


def _rows(table: Table, path_column: str | None, label_column: str) -> list[Row]:
    """The rows that say which item they are about."""
    keys = [name for name in ((path_column,) if path_column else KEYS) if name in table.columns]
    if not keys or label_column not in table.columns:
        raise InputError(
            f"{table.where}: it needs the columns {path_column or 'path'} and {label_column} in its first line; "
            f"it has {table.names()}.\n--path-column and --label-column name others."
        )
    named = zip(*(table.text(key) for key in keys), strict=True)
    texts = zip(named, table.labels(label_column), strict=True)
    rows = [Row(tuple(one for one in ids if one), label, place) for place, (ids, label) in enumerate(texts)]
    return [row for row in rows if row.keys]


def _by_id(raw: Raw, rows: Sequence[Row], where: str, folder: Path, table: Table | None, *, allow_skips: bool) -> Raw:
    """Gives each item the label of the row that names it."""
    known = _names(raw)
    places = [_place(row, known, folder) for row in rows]
    found = [(row, place) for row, place in zip(rows, places, strict=True) if place is not None and place >= 0]
    refuse_repeats(where, [(str(place), raw.ids[place], row.label) for row, place in found])
    unknown = [row.keys[0] for row, place in zip(rows, places, strict=True) if place is None]
    if not found:
        raise InputError(
            f"{where}: none of its {len(rows)} rows is an item of {raw.name}. Name items like this: {raw.ids[0]}"
        )
    if unknown and not allow_skips:
        raise InputError(
            f"{where}: {len(unknown)} of its {len(rows)} rows name no item of {raw.name}: {listed(unknown, FIRST)}.\n"
            f"Name items like this: {raw.ids[0]}, or go on without these rows with --allow-skips."
        )
    row_of = {place: row for row, place in found}
    names = [row_of[place].label if place in row_of else None for place in range(len(raw.ids))]
    numbers, classes = labels.from_names(names)
    if not classes:
        raise InputError(f"{where}: its labels are all empty.")
    notes = [f"{where} labels {int((numbers >= 0).sum())} of {len(raw.ids)} items."]
    notes += [f"{where}: {len(unknown)} of its rows name no item and were left out."] if unknown else []
    labelled = replace(raw, labels=numbers, classes=classes)
    return labelled.with_columns(_joined(table, row_of, len(raw.ids)) if table else {}, notes)


def _joined(table: Table, row_of: Mapping[int, Row], count: int) -> dict[str, list[str | None]]:
    """The table's columns with a value for each item, None for those that no row names."""
    rows = [row_of[place].place if place in row_of else None for place in range(count)]
    return {name: [None if row is None else values[row] for row in rows] for name, values in table.texts().items()}


def _names(raw: Raw) -> dict[str, int]:
    """Everything an item may be called: id, whole path, and its file name where that is the only one.

    Files that could not be read have the place -1: rows about them are no mistake.
    """
    files = Counter(PurePosixPath(one).name for one in raw.ids)
    known = {PurePosixPath(one).name: place for place, one in enumerate(raw.ids) if files[PurePosixPath(one).name] == 1}
    for one in raw.skipped:
        pieces = one.path.replace("::", "/").split("/")
        known |= dict.fromkeys(("/".join(pieces[start:]) for start in range(len(pieces))), -1)
        known[one.path] = -1
    known |= {_plain(file.place): place for place, file in enumerate(raw.files or ())}
    return known | {one: place for place, one in enumerate(raw.ids)}


def _place(row: Row, known: Mapping[str, int], folder: Path) -> int | None:
    """The item that a row names, by itself or seen from the folder of its table."""
    for key in row.keys:
        plain = _plain(key)
        if plain in known:
            return known[plain]
        beside = os.path.normpath(folder.absolute() / plain).replace("\\", "/")
        if beside in known:
            return known[beside]
    return None


def _plain(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).as_posix()
