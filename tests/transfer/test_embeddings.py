"""The table that `embed` writes is read again as it was."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from headstart.errors import InputError
from headstart.transfer import read_embeddings


def test_everything_is_there_again(table, blobs):
    features, _ = blobs(centres=2, each=3)
    found = read_embeddings(table(features, labels=["a", None, "", "b", None, None], split=["test"] + ["train"] * 5))
    assert torch.equal(found.features, features)
    assert found.labels == ("a", None, None, "b", None, None)
    assert (found.name, len(found), found.split[0], found.ids[1], found.paths[1]) == (
        "photos",
        6,
        "test",
        "a/1.png",
        None,
    )


def test_other_programs_may_write_plain_lists_and_leave_columns_out(tmp_path):
    import pandas as pd

    made = np.random.default_rng(0).random((4, 3))
    pd.DataFrame({"id": [1, 2, 3, 4], "embedding": list(made)}).to_parquet(tmp_path / "mine.parquet")
    found = read_embeddings(tmp_path / "mine.parquet")
    np.testing.assert_allclose(found.features.numpy(), made, rtol=1e-6)
    assert found.ids == ("1", "2", "3", "4")
    assert found.split == ("train",) * 4


@pytest.mark.parametrize("kind", [pa.list_(pa.float32()), pa.large_list(pa.float32()), pa.list_(pa.float32(), 4)])
def test_rows_without_as_many_numbers_as_the_others_are_refused(tmp_path, kind):
    """Though the numbers would fill as many rows."""
    fixed = pa.types.is_fixed_size_list(kind)
    for rows in [[[1, 2, 3, 4], None], *([] if fixed else [[[1, 2, 3], [4, 5, 6, 7, 8]]])]:
        ids = pa.array([str(place) for place in range(len(rows))])
        pq.write_table(pa.table({"id": ids, "embedding": pa.array(rows, kind)}), tmp_path / "mine.parquet")
        with pytest.raises(InputError, match=r"mine\.parquet: its column embedding has lists that differ in length"):
            read_embeddings(tmp_path / "mine.parquet")
