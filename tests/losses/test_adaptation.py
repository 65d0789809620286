"""The losses of domain adaptation against kernels and covariances of others, loops by hand and finite differences."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import entropy as scipy_entropy
from sklearn.metrics.pairwise import euclidean_distances, rbf_kernel
from torch.nn import functional as F

from headstart.losses import (
    class_confusion,
    coral,
    domain_confusion,
    entropy,
    mmd,
    reversal_strength,
    reverse_gradient,
)


@pytest.fixture
def domains():
    made = torch.Generator().manual_seed(0)
    source = torch.randn(12, 5, generator=made)
    return source, torch.randn(12, 5, generator=made) @ torch.randn(5, 5, generator=made) + 0.5


def test_coral_is_the_distance_of_numpys_covariances(domains):
    source, target = domains
    apart = np.cov(source.double().numpy(), rowvar=False) - np.cov(target.double().numpy(), rowvar=False)
    assert float(coral(source, target)) == pytest.approx(np.linalg.norm(apart, "fro") ** 2 / (4 * 25), rel=1e-5)
    assert float(coral(source, source + 3)) == pytest.approx(0, abs=1e-6), "means don't matter"


def test_mmd_is_the_mean_over_scikit_learns_kernels(domains):
    source, target = (rows.double().numpy() for rows in domains)
    both = np.concatenate([source, target])
    squared = euclidean_distances(both, squared=True)
    mean = squared.sum() / (len(both) * (len(both) - 1))
    values = []
    for width in (0.5, 2.0):
        gamma = 1 / (width * mean)
        own, other, cross = (rbf_kernel(a, b, gamma=gamma) for a, b in ((source,) * 2, (target,) * 2, (source, target)))
        values.append(own.mean() + other.mean() - 2 * cross.mean())
    assert float(mmd(*domains, widths=(0.5, 2.0))) == pytest.approx(np.mean(values), rel=1e-5)


def test_mmd_is_a_double_loop(domains):
    source, target = (rows.double() for rows in domains)
    both = [*source, *target]
    distances = [float((a - b).square().sum()) for i, a in enumerate(both) for b in both[:i]]
    mean = sum(distances) / len(distances)
    found = 0.0
    for i, a in enumerate(both):
        for j, b in enumerate(both):
            sign = 1 if (i < 12) == (j < 12) else -1
            found += sign * math.exp(-float((a - b).square().sum()) / mean) / 144
    assert float(mmd(*domains, widths=(1.0,))) == pytest.approx(found, rel=1e-5)


def test_mmd_is_zero_for_the_same_sample_and_has_a_gradient(domains):
    source, target = domains
    assert float(mmd(source, source.flip(0))) == pytest.approx(0, abs=1e-6)
    source.requires_grad_()
    mmd(source, target).backward()
    assert torch.isfinite(source.grad).all()
    assert float(source.grad.abs().max()) > 0


def test_equal_rows_give_mmd_no_nan():
    rows = torch.ones(4, 3, requires_grad=True)
    mmd(rows, rows.detach().clone()).backward()
    assert torch.isfinite(rows.grad).all()


def test_class_confusion_is_the_papers_loops():
    made = torch.Generator().manual_seed(1)
    logits, temperature = 3 * torch.randn(7, 4, generator=made), 2.5
    shares = [[math.exp(v / temperature) for v in row] for row in logits.double().tolist()]
    shares = [[v / sum(row) for v in row] for row in shares]
    raw = [1 + math.exp(sum(p * math.log(p) for p in row)) for row in shares]
    weights = [len(raw) * value / sum(raw) for value in raw]
    confusion = [
        [sum(w * row[j] * row[k] for w, row in zip(weights, shares, strict=True)) for k in range(4)] for j in range(4)
    ]
    normal = [[value / sum(row) for value in row] for row in confusion]
    expected = sum(normal[j][k] for j in range(4) for k in range(4) if j != k) / 4
    assert float(class_confusion(logits, temperature=temperature)) == pytest.approx(expected, rel=1e-5)


def test_class_confusion_is_small_where_every_item_is_sure():
    sure = 100 * torch.eye(4).repeat(3, 1)
    assert float(class_confusion(sure)) == pytest.approx(0, abs=1e-6)
    assert float(class_confusion(torch.zeros(12, 4))) == pytest.approx(0.75)


def test_entropy_is_scipys():
    shares = torch.tensor([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]])
    np.testing.assert_allclose(entropy(shares).numpy(), scipy_entropy(shares.numpy(), axis=1), rtol=1e-5, atol=1e-7)


def test_domain_confusion_is_torchs_binary_cross_entropy():
    made = torch.Generator().manual_seed(2)
    source, target = 4 * torch.randn(2, 9, generator=made)
    expected = F.binary_cross_entropy_with_logits(
        torch.cat([source, target]), torch.cat([torch.ones(9), torch.zeros(9)])
    )
    torch.testing.assert_close(domain_confusion(source, target), expected, rtol=1e-5, atol=1e-6)


def test_weights_count_within_their_domain():
    source, target = torch.tensor([0.5, -1.0]), torch.tensor([2.0, 0.0])
    weights = torch.tensor([3.0, 1.0])
    own = (3 * math.log(1 + math.exp(-0.5)) + math.log(1 + math.exp(1.0))) / 4
    other = (3 * math.log(1 + math.exp(2.0)) + math.log(2)) / 4
    found = domain_confusion(source, target, source_weights=weights, target_weights=10 * weights)
    assert float(found) == pytest.approx((own + other) / 2, rel=1e-5)


def test_the_gradient_is_reversed_as_finite_differences_say():
    made = torch.Generator().manual_seed(3)
    values = torch.randn(6, generator=made, dtype=torch.float64, requires_grad=True)

    def judged(given):
        return (given.sin() * torch.arange(1, 7)).sum()

    shown = reverse_gradient(values, 0.7)
    assert torch.equal(shown, values)
    judged(shown).backward()
    step = 1e-6
    for place in range(6):
        moved = torch.zeros(6, dtype=torch.float64)
        moved[place] = step
        slope = float(judged(values.detach() + moved) - judged(values.detach() - moved)) / (2 * step)
        assert float(values.grad[place]) == pytest.approx(-0.7 * slope, rel=1e-5, abs=1e-8)


def test_reversal_rises_as_the_paper_has_it():
    assert reversal_strength(0.0) == 0.0
    assert reversal_strength(0.5) == pytest.approx(2 / (1 + math.exp(-5)) - 1)
    assert reversal_strength(1.0) == pytest.approx(0.99990920, abs=1e-7)


@pytest.mark.parametrize("loss", [coral, mmd, class_confusion])
def test_losses_are_computed_precisely_under_autocast(domains, loss):
    rows = [domain.bfloat16() for domain in domains][: 1 if loss is class_confusion else 2]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = loss(*rows)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, loss(*(row.float() for row in rows)))
