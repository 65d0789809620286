"""Tables: CSV and TSV with a line of names, JSONL, each plain or gzipped, and Parquet."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart.data.naming import printable
from headstart.errors import InputError
from headstart.terminal import listed

WIDEST = 40
"""Characters of a column's name that messages show: a file without names has a first row instead."""

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
"""How tables write numbers; "nan" and "inf" are names."""


@dataclass(frozen=True)
class Table:
    """Columns of equal length by name; an empty cell is None."""

    path: Path
    columns: Mapping[str, Sequence[Any]]

    @property
    def where(self) -> str:
        """The file, for messages."""
        return printable(self.path)

    @property
    def stem(self) -> str:
        """The file's name without its endings."""
        return printable(self.path.name[: -len(_ending(self.path))])

    def names(self) -> str:
        """Which columns there are, for messages."""
        short = [name if len(name) <= WIDEST else f"{name[:WIDEST]}…" for name in self.columns]
        return listed(short, 20) or "no columns"

    def text(self, name: str) -> list[str | None]:
        """A column as text: whole floats, such as integers with gaps become, without their point."""
        row = _first_of_several(self.columns[name])
        if row is not None:
            raise InputError(
                f"{self.where}: the column {name} holds several values in row {row + 1}; one a row is needed."
            )
        return [_text(value) for value in self.columns[name]]

    def texts(self) -> dict[str, list[str | None]]:
        """The columns that are carried along, as text: all but those that hold several values in some row."""
        return {name: self.text(name) for name, values in self.columns.items() if _first_of_several(values) is None}

    def labels(self, name: str) -> list[str | None]:
        """A column of labels as text; whole numbers are without their point where there is nothing but numbers.

        Raises `InputError` for fractions, and for several labels a row.
        """
        texts = self.text(name)
        numbers = {one: float(one) for one in texts if one is not None and NUMBER.fullmatch(one)}
        if any(one is not None and one not in numbers for one in texts):
            return texts
        fraction = next((one for one, value in numbers.items() if value % 1), None)
        if fraction is not None:
            raise InputError(
                f"{self.where}: the column {name} holds fractions ({fraction}); classes are needed, and "
                "regression is not supported."
            )
        return [one if one is None or one.lstrip("+-").isdecimal() else str(int(numbers[one])) for one in texts]


def is_table(path: Path) -> bool:
    """Whether a file is a table by its name."""
    return bool(_ending(path))


def read_table(path: Path) -> Table:
    """The columns of a file of any of these kinds. Raises `InputError` where it cannot be read."""
    with _explained(path):
        return Table(path, _READERS[_ending(path).removesuffix(".gz") or ".csv"](path))


def _ending(path: Path) -> str:
    name = path.name.lower()
    found = [ending for ending in _READERS for ending in (ending, f"{ending}.gz") if name.endswith(ending)]
    return found[0] if found and found[0] != ".parquet.gz" else ""


def _first_of_several(values: Sequence[Any]) -> int | None:
    """The first row of a column that holds a list or an object."""
    return next((row for row, value in enumerate(values) if isinstance(value, list | dict)), None)


def _text(value: Any) -> str | None:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if value is None or value != value or value == "":
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _opened(path: Path) -> io.TextIOBase:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _delimited(path: Path, dialect: str) -> dict[str, list[Any]]:
    with _opened(path) as file:
        reader = csv.reader(file, dialect=dialect)
        header = next(reader, [])
        _refuse_twice(path, header)
        rows = []
        for row in reader:
            if len(row) > len(header):
                raise InputError(
                    f"{printable(path)}: line {reader.line_num} has {len(row)} cells, the first line {len(header)}. "
                    "Put cells that hold the separator into quotes."
                )
            if row:
                rows.append([*row, *[""] * (len(header) - len(row))])
    return {name: [row[place] or None for row in rows] for place, name in enumerate(header)}


def _json_lines(path: Path) -> dict[str, list[Any]]:
    rows: list[dict[str, Any]] = []
    with _opened(path) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(f"{printable(path)}: line {number} is no JSON ({error.msg}).") from error
            if not isinstance(row, dict):
                raise InputError(f"{printable(path)}: line {number} is no JSON object with a name for each value.")
            rows.append(row)
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _parquet(path: Path) -> dict[str, list[Any]]:
    """All columns; of those of vectors and the like, which are large and name nothing, only that they are there."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
        _refuse_twice(path, schema.names)
        plain = [field.name for field in schema if not pa.types.is_nested(field.type)]
        table = pq.read_table(path, columns=plain)
    except pa.ArrowException as error:
        raise InputError(f"{printable(path)}: it is truncated, damaged or no Parquet file ({error}).") from error
    return {name: table.column(name).to_pylist() if name in plain else [[]] * len(table) for name in schema.names}


def _refuse_twice(path: Path, names: Sequence[str]) -> None:
    """Raises `InputError` where two columns have the same name."""
    twice = [name for name, count in Counter(names).items() if name and count > 1]
    if twice:
        raise InputError(f"{printable(path)}: it has the column {listed(twice, 3)} twice. Rename one or leave it out.")


_READERS: Mapping[str, Callable[[Path], dict[str, list[Any]]]] = {
    ".csv": lambda path: _delimited(path, "excel"),
    ".tsv": lambda path: _delimited(path, "excel-tab"),
    ".jsonl": _json_lines,
    ".parquet": _parquet,
}


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """What Python says of a file it cannot read, in words for the user."""
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"{printable(path)}: there is no such file.") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{printable(path)}: the gzip file is truncated or damaged. Get it again.") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{printable(path)}: it cannot be read as a table ({error}).") from error
