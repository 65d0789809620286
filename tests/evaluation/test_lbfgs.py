import numpy as np
import torch
from scipy.optimize import minimize

from headstart.evaluation.lbfgs import minimise


def test_solves_many_quadratics_at_once():
    made = torch.Generator().manual_seed(0)
    factors = torch.randn(5, 12, 12, generator=made, dtype=torch.float64)
    matrices = factors @ factors.mT + 0.1 * torch.eye(12, dtype=torch.float64)
    targets = torch.randn(5, 12, generator=made, dtype=torch.float64)

    def objective(point):
        image = torch.einsum("pij,pj->pi", matrices, point)
        return 0.5 * (point * image).sum(1) - (point * targets).sum(1), image - targets

    found = minimise(objective, torch.zeros_like(targets), lambda d: d, tolerance=1e-9)
    torch.testing.assert_close(found, torch.linalg.solve(matrices, targets), atol=1e-6, rtol=1e-6)


def test_agrees_with_scipy_on_a_curved_valley():
    """log-sum-exp plus a small bowl: far from quadratic, so the line search has to work."""
    rows = torch.randn(30, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 8

    def objective(point):
        logits = point @ rows.T
        gradient = logits.softmax(1) @ rows + 0.01 * point
        return logits.logsumexp(1) + 0.005 * point.square().sum(1), gradient

    found = minimise(objective, torch.full((1, 6), 3.0, dtype=torch.float64), lambda d: d, tolerance=1e-8)
    theirs = minimize(lambda p: np.log(np.exp(rows.numpy() @ p).sum()) + 0.005 * (p**2).sum(), np.zeros(6), tol=1e-10).x
    np.testing.assert_allclose(found[0].numpy(), theirs, atol=1e-3)


def test_a_solved_problem_stays_where_it_is():
    def objective(point):
        return 0.5 * point.square().sum(1), point

    start = torch.tensor([[0.0, 0.0], [3.0, -4.0]])
    found = minimise(objective, start, lambda d: 0.3 * d, tolerance=1e-6)
    assert torch.equal(found[0], start[0])
    assert found[1].abs().max() < 1e-5
