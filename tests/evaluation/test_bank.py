import pytest
import torch
from sklearn.preprocessing import StandardScaler

from headstart.errors import RunError
from headstart.evaluation import Bank, Queries


def test_standardises_like_scikit_learn():
    x = torch.randn(100, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 2, 0.7, 1.5]) + 3
    expected = torch.tensor(StandardScaler().fit_transform(x.double().numpy())).float()
    torch.testing.assert_close(Bank(x).standard(torch.arange(100)), expected, atol=1e-5, rtol=1e-4)


def test_constant_and_nearly_constant_features_stay_small():
    x = torch.randn(100, 3, generator=torch.Generator().manual_seed(0))
    x[:, 1] = 7
    x[:, 2] = 0
    x[0, 2] = 1e-3
    standard = Bank(x).standard(torch.arange(100))
    assert torch.isfinite(standard).all()
    assert standard[:, 1:].abs().max() < 0.01
    assert torch.isfinite(Bank(torch.ones(5, 2)).standard(torch.arange(5))).all()


def test_a_search_among_the_same_anchors_is_done_once(monkeypatch):
    anchors = torch.nn.functional.normalize(torch.randn(500, 4, generator=torch.Generator().manual_seed(0)), dim=1)
    queries = Queries(anchors[:5] * 2)
    assert queries.nearest(anchors).rows[:, 0].tolist() == [0, 1, 2, 3, 4]
    first = queries.nearest(anchors)
    assert queries.nearest(anchors) is first
    assert queries.nearest(anchors.clone()) is not first


@pytest.mark.parametrize("features", [torch.ones(3), torch.ones(1, 3)])
def test_too_little_is_refused(features):
    with pytest.raises(RunError, match="can't be judged"):
        Bank(features)
