import math

import pytest
import torch
from lightly.loss import NTXentLoss
from pytorch_metric_learning.losses import NTXentLoss as MetricLearningNTXent

from headstart.losses import nt_xent
from headstart.losses.logsums import PLAIN, log_sums


def rows(count, width=16, seed=0, dtype=torch.float32):
    made = torch.randn(2, count, width, generator=torch.Generator().manual_seed(seed), dtype=dtype)
    return made[0].requires_grad_(), made[1].requires_grad_()


def by_hand(a, b, temperature):
    """Equation 1 of the paper, one row at a time."""
    every = [row / math.sqrt(sum(float(x) ** 2 for x in row)) for row in [*a, *b]]
    count, total = len(a), 0.0
    for i, row in enumerate(every):
        partner = (i + count) % (2 * count)
        scores = [float(row @ other) / temperature for other in every]
        total -= scores[partner] - math.log(sum(math.exp(s) for k, s in enumerate(scores) if k != i))
    return total / (2 * count)


@pytest.mark.parametrize("temperature", [0.07, 0.5, 1.0])
def test_it_is_equation_1(temperature):
    a, b = rows(5, dtype=torch.float64)
    with torch.no_grad():
        assert float(nt_xent(a, b, temperature=temperature)) == pytest.approx(by_hand(a, b, temperature), rel=1e-10)


@pytest.mark.parametrize("count", [2, 32, 400])
@pytest.mark.parametrize("temperature", [0.05, 0.5])
def test_lightly_has_the_same_value_and_gradient(count, temperature):
    a, b = rows(count)
    ours = nt_xent(a, b, temperature=temperature)
    theirs = NTXentLoss(temperature=temperature)(a, b)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    mine, other = torch.autograd.grad(ours, (a, b)), torch.autograd.grad(theirs, (a, b))
    torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-6)


def test_pytorch_metric_learning_agrees():
    a, b = rows(24)
    labels = torch.arange(24).repeat(2)
    theirs = MetricLearningNTXent(temperature=0.5)(torch.cat([a, b]), labels)
    torch.testing.assert_close(nt_xent(a, b, temperature=0.5), theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("temperature", [0.01, 0.5])
@pytest.mark.parametrize("mutual", [True, False])
def test_tiles_change_neither_value_nor_gradient(temperature, mutual, monkeypatch):
    """The tiled sums, at sizes where autograd's plain ones are possible too."""
    made = torch.randn(60, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    unit = torch.nn.functional.normalize(made, dim=1).requires_grad_()
    others = None if mutual else unit

    def found():
        sums = log_sums(unit, others, first=0, temperature=temperature)
        weights = torch.linspace(0.5, 2, 60, dtype=torch.float64)
        return sums.detach(), torch.autograd.grad((sums * weights).sum(), unit)[0]

    plain = found()
    monkeypatch.setattr("headstart.losses.logsums.PLAIN", 0)
    monkeypatch.setattr("headstart.losses.logsums.TILE", 60 * 7)
    torch.testing.assert_close(found(), plain, rtol=1e-10, atol=1e-12)


def test_a_batch_beyond_one_tile_is_lightlys_too():
    a, b = rows(700, 8)
    assert PLAIN < 4 * 700 * 700
    theirs = NTXentLoss(temperature=0.5)(a, b)
    torch.testing.assert_close(nt_xent(a, b, temperature=0.5), theirs, rtol=1e-5, atol=1e-5)


def test_half_precision_does_not_overflow():
    a, b = rows(8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = nt_xent(a.bfloat16(), b.bfloat16(), temperature=0.05)
    assert found.dtype == torch.float32
    assert torch.isfinite(found)


def test_identical_views_are_better_than_strangers():
    a, b = rows(16)
    assert nt_xent(a, a, temperature=0.1) < nt_xent(a, b, temperature=0.1)
