"""Areas, kernels and shares against scikit-learn and by hand."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.metrics import confusion_matrix, roc_auc_score
from sklearn.metrics.pairwise import rbf_kernel

from headstart.transfer.diagnosing import separating
from headstart.transfer.diagnosing.propensity import Propensity
from headstart.transfer.diagnosing.separating import area_under_curve, discrepancy, domain_scores, mmd_squared
from headstart.transfer.diagnosing.shares import black_box_shares


@pytest.fixture
def made():
    return torch.Generator().manual_seed(0)


def constant(domain):
    """Nothing is explained: every item has the target's share as its chance."""
    ones = torch.ones(len(domain), 1, dtype=torch.float64)
    return Propensity(ones[:, 0] * domain.double().mean(), ones)


def test_areas_are_scikit_learns_with_weights_and_ties(made):
    scores = torch.randint(0, 12, (200, 5), generator=made).float()
    domains = torch.randint(0, 2, (200, 5), generator=made).to(torch.uint8)
    weights = torch.rand(200, generator=made).double()
    found = area_under_curve(scores, domains, weights)
    for column in range(5):
        drawn = domains[:, column].bool()
        expected = roc_auc_score(drawn, scores[:, column], sample_weight=torch.where(drawn, 1.0, weights))
        assert float(found[column]) == pytest.approx(expected)


def test_domain_scores_are_ridge_regressions_of_the_other_folds(made):
    rows = torch.randn(120, 6, generator=made)
    residuals = torch.randn(120, 3, generator=made)
    folds = torch.randperm(120, generator=made) % 5
    found = domain_scores(rows, residuals, folds)
    for fold in range(5):
        mine = folds == fold
        ridge = Ridge(alpha=separating.RIDGE * 120 / 6, fit_intercept=False).fit(rows[~mine], residuals[~mine])
        np.testing.assert_allclose(found[mine], ridge.predict(rows[mine]), atol=1e-4)


def test_no_item_is_scored_by_what_learned_from_its_domain(made):
    rows = torch.randn(60, 4, generator=made)
    folds = torch.randperm(60, generator=made) % 5
    residuals = torch.randn(60, 1, generator=made)
    changed = residuals.clone()
    mine = folds == 2
    changed[mine] = 100.0
    before, after = domain_scores(rows, residuals, folds), domain_scores(rows, changed, folds)
    torch.testing.assert_close(before[mine], after[mine], atol=1e-3, rtol=1e-3)
    assert not torch.allclose(before[~mine], after[~mine])


def test_mmd_is_that_of_a_loop_over_scikit_learns_kernel(made):
    domain = torch.arange(70) >= 40
    rows = torch.randn(70, 5, generator=made) + domain[:, None] * 0.5
    residuals = constant(domain).residuals(torch.stack([domain, domain.flip(0)], dim=1).to(torch.uint8))
    totals, bandwidth = discrepancy(rows, residuals, made)
    kernel = rbf_kernel(rows, gamma=1 / (2 * bandwidth**2))
    source, target = range(40), range(40, 70)
    expected = (
        np.mean([kernel[i, j] for i in source for j in source])
        + np.mean([kernel[i, j] for i in target for j in target])
        - 2 * np.mean([kernel[i, j] for i in source for j in target])
    )
    assert mmd_squared(float(totals[0]), residuals[:, 0], domain) == pytest.approx(expected, rel=1e-4)
    assert bandwidth == pytest.approx(float(torch.pdist(rows).median()))


def test_mmd_of_a_large_pool_is_the_mean_over_blocks_of_all_its_items(made, monkeypatch):
    domain = torch.arange(400) % 2 == 0
    rows = torch.randn(400, 3, generator=made) + domain[:, None] * 1.0
    residuals = constant(domain).residuals(domain[:, None].to(torch.uint8))
    whole = mmd_squared(float(discrepancy(rows, residuals, made)[0][0]), residuals[:, 0], domain)
    monkeypatch.setattr(separating, "BLOCK", 100)
    parts = mmd_squared(float(discrepancy(rows, residuals, made)[0][0]), residuals[:, 0], domain)
    # Blocks of a quarter have four times the bias of MMD², near (1/n + 1/m)(1 - E k) for n and m items.
    assert whole < parts == pytest.approx(whole, abs=0.15)


def test_identical_rows_have_no_discrepancy(made):
    domain = torch.arange(30) < 15
    residuals = constant(domain).residuals(domain[:, None].to(torch.uint8))
    assert float(discrepancy(torch.zeros(30, 4), residuals, made)[0][0]) == pytest.approx(0, abs=1e-4)


def test_black_box_shares_are_the_solution_by_hand():
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    made = np.random.default_rng(0)
    predicted = np.where(made.random(100) < 0.8, labels, made.integers(0, 3, 100))
    answers = made.choice(3, 200, p=[0.2, 0.3, 0.5])
    joint = confusion_matrix(labels, predicted).T / 100  # a row an answer, a column a true class
    ratios = np.linalg.solve(joint, np.bincount(answers, minlength=3) / 200)
    expected = ratios * np.array([0.5, 0.3, 0.2])
    assert (expected > 0).all()
    found = black_box_shares(*(torch.from_numpy(each) for each in (predicted, labels, answers)), 3)
    np.testing.assert_allclose(found, expected / expected.sum(), atol=1e-12)


def test_black_box_shares_survive_a_class_that_is_never_answered():
    labels = torch.tensor([0, 0, 0, 1, 1, 2])
    found = black_box_shares(torch.tensor([0, 0, 0, 1, 1, 1]), labels, torch.tensor([0, 0, 1, 1]), 3)
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()


def test_what_the_basis_explains_is_taken_out_of_both_sides_alike(made):
    chances = torch.rand(80, generator=made).double() * 0.8 + 0.1
    basis = torch.stack([torch.ones(80).double(), torch.rand(80, generator=made).double()], dim=1)
    explained = Propensity(chances, basis)
    domains = (torch.rand(80, 3, generator=made) < chances[:, None]).to(torch.uint8)
    rows = torch.randn(80, 4, generator=made)
    plain = (domains.double() - chances[:, None]).float()
    left = explained.unexplained(rows).T @ plain
    torch.testing.assert_close(left, rows.T @ explained.residuals(domains), atol=1e-4, rtol=1e-3)
    moved = basis.float().T @ explained.residuals(domains)
    torch.testing.assert_close(moved, torch.zeros_like(moved), atol=1e-4, rtol=0)
