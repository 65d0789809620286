import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from headstart.evaluation import nearest, unit


def _rows(count: int, width: int, seed: int) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("anchors", [50, 4095, 4100, 9001])
@pytest.mark.parametrize("k", [1, 20, 100])
def test_agrees_with_scikit_learn(anchors, k):
    bank, queries = _rows(anchors, 8, 0), _rows(7, 8, 1)
    found = nearest(unit(queries), unit(bank), k)
    expected = NearestNeighbors(n_neighbors=min(k, anchors), metric="cosine", algorithm="brute").fit(bank.numpy())
    distance, rows = expected.kneighbors(queries.numpy())
    np.testing.assert_allclose(1 - found.similarity.numpy(), distance, atol=1e-5)
    assert (found.rows.numpy() == rows).mean() > 0.99  # near ties may change places


def test_chunks_join_to_the_same_result(monkeypatch):
    bank = unit(_rows(300, 6, 2))
    whole = nearest(bank, bank, 5, exclude=torch.arange(300))
    monkeypatch.setattr("headstart.evaluation.neighbours.CHUNK_ELEMENTS", 300 * 7)
    chunked = nearest(bank, bank, 5, exclude=torch.arange(300))
    assert torch.equal(whole.rows, chunked.rows)
    assert (whole.rows != torch.arange(300)[:, None]).all()


def test_many_equal_rows_are_no_trouble():
    found = nearest(torch.ones(3, 1), torch.ones(5000, 1), 10)
    assert (found.similarity == 1).all()
    assert all(len(set(row.tolist())) == 10 for row in found.rows)


def test_asks_for_no_more_than_there_is():
    bank = unit(_rows(4, 3, 3))
    assert nearest(bank, bank, 20).rows.shape == (4, 4)
    assert nearest(bank, bank, 20, exclude=torch.arange(4)).rows.shape == (4, 3)
