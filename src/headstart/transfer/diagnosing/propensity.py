"""How probable it is that an item is of the target, as far as class shares alone explain.

Where P(X|Y) is the same in both sets, P_T(x) / P_S(x) is a ratio of mixtures of the classes' posteriors:
nothing else of x matters. An item's domain given this is as good as drawn by lot, which is what `marginal` tests.
Shapes: N items of both sets, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from headstart.transfer.diagnosing.pool import Pool
from headstart.transfer.diagnosing.posteriors import Posteriors
from headstart.transfer.diagnosing.shares import black_box_shares

LEAST_RATIO = 1e-6
HALVINGS = 60
COLUMNS = 100
"""Assignments widened to double precision at once."""


@dataclass(frozen=True)
class Propensity:
    """What class shares explain of who is in the target."""

    chances: Tensor
    """float64 N: of being in the target; their sum is the number of its items."""
    basis: Tensor
    """float64 N×(1 or C): what class shares can move, taken out of everything that is compared."""

    @property
    def variances(self) -> Tensor:
        """float64 N."""
        spread: Tensor = self.chances * (1 - self.chances)
        return spread

    def unexplained(self, rows: Tensor) -> Tensor:
        """float32 N×D features less what the basis explains of them, weighted by the variances."""
        root = self.variances.sqrt()[:, None]
        fit = torch.linalg.lstsq(self.basis * root, rows.double() * root, driver="gelsd").solution
        rest: Tensor = rows.double() - self.basis @ fit
        return rest.float()

    def residuals(self, domains: Tensor) -> Tensor:
        """float32 N×R: domains (N×R) less their chances, less what moves with the basis.

        For any features, their product with these is the product of `unexplained` features with domains less chances.
        """
        weighted = self.basis * self.variances[:, None]
        inverse = torch.linalg.pinv(self.basis.T @ weighted, hermitian=True)
        made = torch.empty(domains.shape, dtype=torch.float32)
        for start in range(0, domains.shape[1], COLUMNS):
            rest = domains[:, start : start + COLUMNS].double() - self.chances[:, None]
            made[:, start : start + COLUMNS] = rest - weighted @ (inverse @ (self.basis.T @ rest))
        return made


def propensity(pool: Pool, known: Posteriors | None) -> Propensity:
    """Of each item; the same for all where no classifier can tell the classes."""
    count = int(pool.domain.sum())
    ones = torch.ones(len(pool), 1, dtype=torch.float64)
    if known is None or not known.telling:
        return Propensity(ones[:, 0] * count / len(pool), ones)
    answers, labelled = known.predictions, pool.labelled(target=False)
    prior = pool.counts(target=False).double() / labelled.sum()
    mixed = []
    for side in (pool.domain, ~pool.domain):
        shares = black_box_shares(answers[labelled], pool.labels[labelled], answers[side], len(pool.classes))
        mixed.append((known.probabilities @ (shares / prior)).clamp_min(LEAST_RATIO))
    chances = _summing_to(count, (mixed[0] / mixed[1]).log())
    return Propensity(chances, torch.cat([ones, known.probabilities[:, :-1]], dim=1))


def _summing_to(count: int, logits: Tensor) -> Tensor:
    """Chances with these log-odds but for a constant, so that they sum to `count`: found by halving."""
    low, high = -40.0, 40.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if float(torch.sigmoid(logits + middle).sum()) > count else (middle, high)
    return torch.sigmoid(logits + low)
