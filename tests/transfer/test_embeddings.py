"""The table that `embed` writes is read again as it was."""

import numpy as np
import torch

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
