"""The table that `embed` writes, read again. Shapes: N items of D features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from headstart.errors import InputError

NEEDED = ("id", "embedding")


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


def read_embeddings(path: Path) -> Embeddings:
    """The rows of a Parquet file with the columns id and embedding; path, label and split may be missing.

    Raises:
        InputError: It is no such file, or holds no features, or some that are not numbers.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file. `headstart embed RUN DATA -o FILE` writes one.") from error
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"{path}: it can't be read as Parquet. `headstart embed RUN DATA -o FILE` writes it."
        ) from error
    missing = [column for column in NEEDED if column not in table.column_names]
    if missing:
        have = ", ".join(table.column_names) or "none"
        raise InputError(f"{path}: it has no column {missing[0]} (its columns: {have}); `headstart embed` writes one.")
    rows = len(table)
    if not rows:
        raise InputError(f"{path}: it has no rows.")
    features = _features(table.column("embedding").combine_chunks(), path)

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


def _features(column: object, path: Path) -> Tensor:
    """float32 N×D of a column of equally long lists of finite numbers."""
    import pyarrow as pa
    import pyarrow.types as kinds

    assert isinstance(column, pa.Array | pa.ChunkedArray)
    if not (kinds.is_list(column.type) or kinds.is_fixed_size_list(column.type) or kinds.is_large_list(column.type)):
        raise InputError(f"{path}: its column embedding holds {column.type}; lists of numbers are needed.")
    try:
        values = column.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
        features = torch.from_numpy(values.reshape(len(column), -1).copy())
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}: its column embedding holds lists that differ in length, or no numbers.") from error
    bad = int((~torch.isfinite(features)).any(dim=1).sum())
    if bad or not features.shape[1]:
        raise InputError(
            f"{path}: {bad or 'all'} of its {len(features)} embeddings are empty, NaN or infinite. Embed anew."
        )
    return features
