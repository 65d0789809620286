import math

import pytest
import torch

from headstart.evaluation import health


def _views(noise: float = 0.1) -> tuple[torch.Tensor, torch.Tensor]:
    made = torch.Generator().manual_seed(0)
    a = torch.randn(60, 8, generator=made)
    return a, a + noise * torch.randn(60, 8, generator=made)


def test_figures_are_those_of_plain_loops():
    a, b = _views()
    found = health(a, b)
    unit_a, unit_b = ([row / row.norm() for row in view] for view in (a, b))
    alignment = sum(float((u - v).square().sum()) for u, v in zip(unit_a, unit_b, strict=True)) / 60
    potentials = [math.exp(-2 * float((unit_a[i] - unit_a[j]).square().sum())) for i in range(60) for j in range(i)]
    assert found.alignment == pytest.approx(alignment, rel=1e-3)
    assert found.uniformity == pytest.approx(math.log(sum(potentials) / len(potentials)), rel=1e-3)
    shares = torch.linalg.svdvals(a)
    shares = shares / shares.sum()
    assert found.rank_me == pytest.approx(math.exp(-sum(float(s * s.log()) for s in shares)), rel=1e-2)
    assert not found.collapsed


def test_a_collapsed_representation_is_called_so():
    same = torch.ones(50, 8) + 1e-6 * torch.randn(50, 8, generator=torch.Generator().manual_seed(1))
    found = health(same, same)
    assert found.collapsed
    assert found.rank_me < 1.5
