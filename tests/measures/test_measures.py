import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist

from headstart.measures import alignment, is_collapsed, rank_me, spread, uniformity


def features(count=200, width=12, seed=0):
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


def test_rank_me_is_the_papers_formula():
    x = features()
    values = np.linalg.svd(x.double().numpy(), compute_uv=False)
    shares = values / values.sum() + 1e-7
    assert float(rank_me(x)) == pytest.approx(float(np.exp(-(shares * np.log(shares)).sum())), rel=1e-9)


@pytest.mark.parametrize("rank", [1, 3, 8])
def test_rank_me_counts_even_directions(rank):
    orthogonal = torch.linalg.qr(features(64, rank)).Q
    x = orthogonal @ torch.linalg.qr(features(16, rank, seed=1)).Q.T
    assert float(rank_me(x)) == pytest.approx(rank, rel=1e-3)


def test_uniformity_is_the_log_of_the_mean_kernel_over_pairs():
    x = torch.nn.functional.normalize(features(1500, 8), dim=1)
    expected = np.log(np.exp(-2 * pdist(x.double().numpy(), "sqeuclidean")).mean())
    assert float(uniformity(x)) == pytest.approx(expected, rel=1e-5)
    assert float(uniformity(5 * x)) == pytest.approx(expected, rel=1e-5)


def test_alignment_is_the_mean_squared_distance_on_the_sphere():
    a, b = features(), features(seed=1)
    unit = [torch.nn.functional.normalize(x, dim=1) for x in (a, b)]
    expected = float((unit[0] - unit[1]).square().sum(1).mean())
    assert float(alignment(a, b)) == pytest.approx(expected, rel=1e-5)
    assert float(alignment(a, 2 * a)) == pytest.approx(0, abs=1e-10)


def test_collapse_is_seen_and_a_random_cloud_is_none():
    cloud = features(1000, 32)
    assert float(spread(cloud)) == pytest.approx(1, abs=0.05)
    assert not is_collapsed(cloud)
    assert is_collapsed(torch.ones(50, 32) + 1e-3 * features(50, 32))
