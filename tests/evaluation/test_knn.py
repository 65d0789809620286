import numpy as np
import torch
from sklearn.neighbors import KNeighborsClassifier

from headstart.evaluation import FITTED, HEADS, Bank, Labelled

KNN = HEADS["knn"]


def _blobs(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    made = torch.Generator().manual_seed(seed)
    labels = torch.randint(4, (count,), generator=made)
    return torch.randn(4, 10, generator=torch.Generator().manual_seed(9))[labels] + torch.randn(
        count, 10, generator=made
    ), labels


def test_votes_like_scikit_learn_with_exponential_weights():
    x, y = _blobs(200)
    index = torch.arange(0, 200, 2)
    queries, _ = _blobs(40, seed=1)
    ours = KNN.fit(Bank(x), index, y[index], 4).predict(queries)
    theirs = KNeighborsClassifier(20, metric="cosine", algorithm="brute", weights=lambda d: np.exp((1 - d) / 0.07))
    theirs.fit(x[index].numpy(), y[index].numpy())
    np.testing.assert_allclose(ours.numpy(), theirs.predict_proba(queries.numpy()), atol=1e-4)


def test_k_shrinks_to_the_labels_there_are():
    x, y = _blobs(50)
    fitted = KNN.fit(Bank(x), torch.arange(6), y[:6], 4)
    assert fitted.settings == {"k": 6, "temperature": 0.07, "metric": "cosine"}
    torch.testing.assert_close(fitted.predict(x).sum(dim=1), torch.ones(50))


def test_cross_validation_hides_a_fold_from_itself():
    """Pairs of twins of one class, alone in it: a twin that could see its own label would always be right."""
    x = torch.eye(8).repeat_interleave(2, 0)
    y = torch.arange(8).repeat_interleave(2)
    folds = torch.zeros(16, dtype=torch.int64)
    apart = folds.clone()
    apart[1::2] = 1
    together, split = (
        KNN.fit_draws(Bank(x), [Labelled(torch.arange(16), y, fold)], 8)[0].accuracy
        for fold in (torch.arange(16) // 2 % 4, apart)
    )
    assert split == 1.0
    assert together < 0.3


def test_state_rebuilds_the_head():
    x, y = _blobs(60)
    fitted = KNN.fit(Bank(x), torch.arange(30), y[:30], 4)
    again = FITTED["knn"].from_state(fitted.state())
    assert torch.equal(again.predict(x), fitted.predict(x))
    assert again.settings == fitted.settings
