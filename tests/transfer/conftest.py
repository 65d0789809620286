"""Tables of features as `embed` writes them, made by hand."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch


@pytest.fixture
def blobs():
    """N×D features around so many centres, and which centre each belongs to."""

    def make(centres=8, each=30, width=16, noise=0.15, seed=0):
        made = torch.Generator().manual_seed(seed)
        middles = torch.randn(centres, width, generator=made)
        kinds = torch.arange(centres).repeat(each)
        return middles[kinds] + noise * torch.randn(len(kinds), width, generator=made), kinds

    return make


@pytest.fixture
def table(tmp_path):
    """Writes a Parquet file as `embed` does."""

    def write(features, labels=None, split=None, paths=None, ids=None, name="photos.parquet"):
        rows = len(features)
        values = pa.array(np.asarray(features, dtype=np.float32).reshape(-1))
        columns = {
            "id": pa.array(ids or [f"a/{row}.png" for row in range(rows)], pa.string()),
            "path": pa.array(paths or [None] * rows, pa.string()),
            "label": pa.array(labels or [None] * rows, pa.string()),
            "split": pa.array(split or ["train"] * rows, pa.string()),
            "embedding": pa.FixedSizeListArray.from_arrays(values, np.shape(features)[1]),
        }
        pq.write_table(pa.table(columns), tmp_path / name)
        return tmp_path / name

    return write
