import math

import pytest
import torch

from headstart.measures import density as module
from headstart.measures import neighbourhood_density


def by_hand(shares, temperature):
    rows = [row / row.norm() for row in shares.double()]
    total = 0.0
    for i, row in enumerate(rows):
        near = [math.exp(float(row @ other) / temperature) for j, other in enumerate(rows) if j != i]
        total -= sum(v / sum(near) * math.log(v / sum(near)) for v in near)
    return total / len(rows)


def test_density_is_the_papers_double_loop(monkeypatch):
    shares = (3 * torch.randn(17, 4, generator=torch.Generator().manual_seed(0))).softmax(dim=1)
    expected = by_hand(shares, 0.05)
    assert float(neighbourhood_density(shares)) == pytest.approx(expected, rel=1e-5)
    monkeypatch.setattr(module, "CHUNK", 5)
    assert float(neighbourhood_density(shares)) == pytest.approx(expected, rel=1e-5)


def test_sure_answers_in_large_groups_are_dense():
    sure = torch.eye(4).repeat(25, 1)
    unsure = (3 * torch.randn(100, 4, generator=torch.Generator().manual_seed(0))).softmax(dim=1)
    assert float(neighbourhood_density(sure)) == pytest.approx(math.log(24), rel=1e-4)
    assert neighbourhood_density(unsure) < neighbourhood_density(sure)
