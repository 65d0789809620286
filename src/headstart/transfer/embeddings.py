"""The table of features that `embed` writes and other verbs read. Shapes: N items of D features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from headstart import atomic
from headstart.digests import digest
from headstart.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq


@dataclass(frozen=True)
class Embeddings:
    """Features with what is known about each item."""

    name: str
    ids: tuple[str, ...]
    paths: tuple[str | None, ...]
    labels: tuple[str | None, ...]
    split: tuple[str, ...]
    features: Tensor
    """float32 N×D."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def fingerprint(self) -> str:
        """32 hexadecimal digits that change with any item, its features and what is known about it."""
        return digest([self.ids, self.paths, self.labels, self.split], self.features)

    def followed_by(self, other: Embeddings) -> Embeddings:
        """These items and then others; an item may be among both."""
        return Embeddings(
            self.name,
            self.ids + other.ids,
            self.paths + other.paths,
            self.labels + other.labels,
            self.split + other.split,
            torch.cat([self.features, other.features]),
        )


def write_embeddings(known: Embeddings, path: Path, *, places: Mapping[str, Tensor] | None = None) -> None:
    """Writes one row an item, in one move: id, path, label, split, embedding, and N×2 places by the name of a map."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        "id": pa.array(known.ids, type=pa.string()),
        "path": pa.array(known.paths, type=pa.string()),
        "label": pa.array(known.labels, type=pa.string()),
        "split": pa.array(known.split, type=pa.string()),
    }
    for name, rows in {"embedding": known.features, **(places or {})}.items():
        values = pa.array(rows.contiguous().numpy().reshape(-1), type=pa.float32())
        columns[name] = pa.FixedSizeListArray.from_arrays(values, rows.shape[1])
    with atomic.aside(path) as draft:
        pq.write_table(pa.table(columns), draft)


def count_embeddings(path: Path) -> int:
    """How many rows a file of embeddings has, without reading them; raises `InputError` where it can't be read."""
    with _open(path) as file:
        return int(file.metadata.num_rows)


def read_embeddings(path: Path, rows: Tensor | None = None) -> Embeddings:
    """The rows of a Parquet file with the columns id and embedding; path, label and split may be missing.

    Args:
        path: The file.
        rows: int64, ascending: the rows to take, all by default; no more than these are held in memory.

    Raises:
        InputError: It is no such file, or holds no features, or some that are not numbers.
    """
    return _embeddings(_table(path, rows), path)


def join_embeddings(parts: Sequence[Embeddings]) -> Embeddings:
    """Several tables as one, called as the first; raises `InputError` where features don't fit or an id comes twice."""
    first, *others = parts
    joined = first
    for other in others:
        wide, wanted = other.features.shape[1], first.features.shape[1]
        if wide != wanted:
            raise InputError(
                f"{first.name} has {wanted} features an item and {other.name} {wide}: embed both with the same encoder."
            )
        if not {*joined.ids}.isdisjoint(other.ids):
            raise InputError(f"{first.name} and {other.name} share an id: name each item once.")
        joined = joined.followed_by(other)
    return joined


def _open(path: Path) -> pq.ParquetFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file. `headstart embed RUN DATA -o FILE` writes one.") from error
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"{path}: it can't be read as Parquet. `headstart embed RUN DATA -o FILE` writes it."
        ) from error


def _table(path: Path, rows: Tensor | None, columns: Sequence[str] | None = None) -> pa.Table:
    """A file's rows, a batch after another where not all are wanted; of `columns` those that it has, all by default."""
    import pyarrow as pa

    with _open(path) as file:
        try:
            if rows is None:
                return file.read(columns=columns)
            taken, start = [], 0
            for batch in file.iter_batches(columns=columns):
                end = start + len(batch)
                inside = rows[(rows >= start) & (rows < end)] - start
                taken.append(pa.Table.from_batches([batch]).take(pa.array(inside.numpy())))
                start = end
            return pa.concat_tables(taken)
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{path}: it is damaged ({error}). Embed anew.") from error


def _embeddings(table: pa.Table, path: Path) -> Embeddings:
    _check_column(table, "id", path)
    rows = len(table)
    if not rows:
        raise InputError(f"{path}: it has no rows.")
    features = _numbers(table, "embedding", path)

    def texts(column: str) -> list[str | None]:
        values = table.column(column).to_pylist() if column in table.column_names else [None] * rows
        return [None if value is None else str(value) for value in values]

    ids = tuple(str(one) for one in texts("id"))
    if len(set(ids)) < rows:
        raise InputError(f"{path}: an id stands in it twice, so items can't be told apart. Embed each item once.")
    split = tuple(one or "train" for one in texts("split"))
    return Embeddings(
        path.stem, ids, tuple(texts("path")), tuple(one or None for one in texts("label")), split, features
    )


def read_columns(path: Path, names: Sequence[str]) -> list[Tensor]:
    """float32 N×D of each of the named columns of lists; raises `InputError` like `read_embeddings`."""
    table = _table(path, None, names)
    return [_numbers(table, name, path) for name in names]


def _check_column(table: pa.Table, name: str, path: Path) -> None:
    if name not in table.column_names:
        have = ", ".join(table.column_names) or "none"
        raise InputError(f"{path}: it has no column {name} (its columns: {have}); `headstart embed` writes one.")


def _numbers(table: pa.Table, name: str, path: Path) -> Tensor:
    """float32 N×D of a column of equally long lists of finite numbers."""
    import pyarrow.compute as pc
    import pyarrow.types as kinds

    _check_column(table, name, path)
    column = table.column(name).combine_chunks()
    if not (kinds.is_list(column.type) or kinds.is_fixed_size_list(column.type) or kinds.is_large_list(column.type)):
        raise InputError(f"{path}: its column {name} holds {column.type}; lists of numbers are needed.")
    lengths = pc.list_value_length(column)
    if lengths.null_count or len(lengths.unique()) > 1:
        raise InputError(f"{path}: its column {name} has lists that differ in length, or rows without one. Embed anew.")
    try:
        values = column.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
        rows = torch.from_numpy(values.reshape(len(column), -1).copy())
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}: its column {name} has lists that hold no numbers.") from error
    bad = int((~torch.isfinite(rows)).any(dim=1).sum())
    if bad or not rows.shape[1]:
        raise InputError(f"{path}: {bad or 'all'} of its {len(rows)} {name}s are empty, NaN or infinite. Embed anew.")
    return rows
