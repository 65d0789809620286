"""Tables: CSV and TSV with a line of names, JSONL, each plain or gzipped, and Parquet."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
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
        values = self.columns[name]
        for row, value in enumerate(values):
            if isinstance(value, list | dict):
                raise InputError(
                    f"{self.where}: the column {name} holds several values in row {row + 1}; one a row is needed."
                )
        return [_text(value) for value in values]

    def require_classes(self, name: str) -> None:
        """Raises `InputError` where a column of labels holds fractions."""
        fractions = [one for one in self.columns[name] if isinstance(one, float) and one == one and one % 1]
        if fractions:
            raise InputError(
                f"{self.where}: the column {name} holds fractions ({fractions[0]:g}); classes are needed, and "
                "regression is not supported."
            )


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
    """All columns but those of vectors and the like, which are large and name nothing."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
        plain = [field.name for field in schema if not pa.types.is_nested(field.type)]
        table = pq.read_table(path, columns=plain)
    except pa.ArrowException as error:
        raise InputError(f"{printable(path)}: it is truncated, damaged or no Parquet file ({error}).") from error
    return {name: table.column(name).to_pylist() for name in plain}


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
