"""Multinomial logistic regression for many small problems or one large one.

Minimises Σ_i w_i·CE_i + λ/2·‖W‖² over W and an unpenalised bias (scikit-learn's objective with C = 1/λ, times 1/C).
Shapes: G groups of problems that share n items of D features; Q problems in each, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from headstart.evaluation.lbfgs import minimise
from headstart.evaluation.threads import threads_for

CURVATURE_ITEMS = 4_096
"""Items whose second moments stand for all where the Hessian is estimated; that estimate only guides the steps."""


@dataclass(frozen=True)
class Design:
    """Items' features, possibly in the coordinates of their own span."""

    items: Tensor
    """G×n×r."""
    basis: Tensor | None = None
    """G×r×D: rows that lead back to all D features; None where r is D."""

    @classmethod
    def of(cls, features: Tensor) -> Design:
        """G×n×D features; fewer items than features are reduced to their n-dimensional span.

        The minimiser lies in that span (representer theorem), and its norm is the same there: nothing is lost.
        """
        _, count, width = features.shape
        if count >= width:
            return cls(features)
        left, sizes, basis = torch.linalg.svd(features, full_matrices=False)
        return cls(left * sizes[:, None, :], basis)

    @cached_property
    def second_moments(self) -> tuple[Tensor, Tensor]:
        """Eigenvalues G×r and eigenvectors G×r×r of the items' Gram matrix."""
        count = self.items.shape[1]
        stride = -(-count // CURVATURE_ITEMS)
        sample = self.items[:, ::stride]
        values, vectors = torch.linalg.eigh(sample.mT @ sample * (count / sample.shape[1]))
        return values.clamp_min(0), vectors


@dataclass(frozen=True)
class Coefficients:
    """Minimisers in all D features."""

    weight: Tensor
    """G×Q×C×D."""
    bias: Tensor
    """G×Q×C."""


def fit_logistic(
    design: Design,
    labels: Tensor,
    classes: int,
    strengths: Tensor,
    weights: Tensor | None = None,
    *,
    tolerance: float = 1e-4,
    iterations: int = 500,
) -> Coefficients:
    """Minimisers for `labels` (int64 G×n), λ `strengths` (G×Q) and items' `weights` (G×Q×n; None: all 1).

    Stops where no entry of the mean loss's gradient exceeds `tolerance`, scikit-learn's criterion.
    """
    groups, count, width = design.items.shape
    problems = strengths.shape[1]
    start = design.items.new_zeros(groups * problems, classes * (width + 1))
    with threads_for(start.numel() * count):
        loss = _Loss(design, labels, classes, strengths, weights)
        found = minimise(loss, start, loss.precondition, tolerance=tolerance * count, iterations=iterations)
    weight, bias = loss.split(found)
    if design.basis is not None:
        weight = (weight.flatten(1, 2) @ design.basis).reshape(groups, problems, classes, -1)
    return Coefficients(weight, bias)


class _Loss:
    """Values and gradients of all problems: two matrix products a call, laid out so that both run at full speed."""

    def __init__(self, design: Design, labels: Tensor, classes: int, strengths: Tensor, weights: Tensor | None) -> None:
        self.items, self.strengths, self.classes = design.items, strengths.to(design.items.dtype), classes
        self.labels = labels[:, None, None, :].expand(-1, strengths.shape[1], 1, -1)  # G×Q×1×n
        self.weights = None if weights is None else weights.to(design.items.dtype)[:, :, None, :]
        self.eigenvalues, self.eigenvectors = design.second_moments

    def split(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """(G·Q)×(C·(r+1)) → weights G×Q×C×r and biases G×Q×C."""
        shaped = parameters.reshape(*self.strengths.shape, self.classes, -1)
        return shaped[..., :-1], shaped[..., -1]

    def __call__(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        weight, bias = self.split(parameters)
        logits = (weight.flatten(1, 2) @ self.items.mT).reshape(*bias.shape, -1) + bias[..., None]  # G×Q×C×n
        top = logits.amax(dim=2, keepdim=True)
        chosen = logits.gather(2, self.labels) - top
        share = logits.sub_(top).exp_()
        total = share.sum(dim=2, keepdim=True)
        losses = total.log() - chosen
        share /= total
        share.scatter_add_(2, self.labels, share.new_full((), -1.0).expand(self.labels.shape))
        if self.weights is not None:
            losses, share = losses * self.weights, share.mul_(self.weights)
        penalty = self.strengths / 2 * weight.square().sum(dim=(2, 3))
        slope = (share.flatten(1, 2) @ self.items).reshape(weight.shape)
        slope = slope + self.strengths[..., None, None] * weight
        gradient = torch.cat([slope, share.sum(dim=3, keepdim=True)], dim=3)
        # Summed in double precision: near the minimum a step gains less than float32 can tell.
        value = losses.sum(dim=(2, 3), dtype=torch.float64) + penalty
        return value.flatten(), gradient.flatten(0, 1).flatten(1)

    def precondition(self, direction: Tensor) -> Tensor:
        """Applies the inverse of a bound on the Hessian's class blocks, ½(XᵀX) + λ (Böhning 1992)."""
        weight, bias = self.split(direction)
        rotated = weight.flatten(1, 2) @ self.eigenvectors
        curvature = self.eigenvalues[:, None, :] / 2 + self.strengths[..., None]  # G×Q×r
        rotated = rotated.reshape(weight.shape) / curvature[:, :, None, :].clamp_min(1e-12)
        weight = (rotated.flatten(1, 2) @ self.eigenvectors.mT).reshape(weight.shape)
        bias = bias / (self.items.shape[1] / 2)
        return torch.cat([weight, bias[..., None]], dim=3).flatten(0, 1).flatten(1)
