"""Limited-memory BFGS for many smooth convex problems at once.

Nocedal and Wright 2006, Numerical Optimization, algorithms 7.4 (two-loop recursion) and 3.1 (backtracking).
Shapes: P problems, each of m parameters.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

MEMORY = 10
SUFFICIENT_DECREASE = 1e-4
HALVINGS = 20

Objective = Callable[[Tensor], tuple[Tensor, Tensor]]
"""P×m parameters → values P and gradients P×m."""


class Change(NamedTuple):
    """One accepted step of all problems: what the recursion remembers."""

    step: Tensor
    gradient: Tensor
    inner: Tensor
    """P products of the two; 0 where a problem stood still."""


def minimise(
    objective: Objective,
    start: Tensor,
    precondition: Callable[[Tensor], Tensor],
    *,
    tolerance: float | Tensor,
    iterations: int = 500,
) -> Tensor:
    """P×m minimisers: until no gradient entry exceeds `tolerance` (one number or P of them), or no progress is made.

    `precondition` applies a symmetric positive definite estimate of the inverse Hessian to P×m directions.
    """
    point = start
    value, gradient = objective(point)
    memory: deque[Change] = deque(maxlen=MEMORY)
    active = gradient.abs().amax(dim=1) > tolerance
    for _ in range(iterations):
        if not active.any():
            break
        direction = -_two_loops(gradient, memory, precondition) * active[:, None]
        moved, new_value, new_gradient, went = _search(objective, point, value, gradient, direction)
        step, change = moved - point, new_gradient - gradient
        memory.append(Change(step, change, _inner(step, change)))
        point, value, gradient = moved, new_value, new_gradient
        active &= went & (gradient.abs().amax(dim=1) > tolerance)
    return point


def _two_loops(gradient: Tensor, memory: deque[Change], precondition: Callable[[Tensor], Tensor]) -> Tensor:
    """The estimated inverse Hessian times the gradient, P×m."""
    direction = gradient.clone()
    weights = []
    for past in reversed(memory):
        weight = _ratio(_inner(past.step, direction), past.inner)
        direction -= weight[:, None] * past.gradient
        weights.append(weight)
    direction = precondition(direction) * _scale(memory, precondition)[:, None] if memory else precondition(direction)
    for past, weight in zip(memory, reversed(weights), strict=True):
        correction = weight - _ratio(_inner(past.gradient, direction), past.inner)
        direction += correction[:, None] * past.step
    return direction


def _scale(memory: deque[Change], precondition: Callable[[Tensor], Tensor]) -> Tensor:
    """P factors that bring the preconditioner to the curvature last seen (equation 7.20)."""
    last = memory[-1]
    curvature = _inner(last.gradient, precondition(last.gradient))
    return torch.where(last.inner > 0, last.inner / curvature.clamp_min(1e-30), 1.0)


def _search(
    objective: Objective, point: Tensor, value: Tensor, gradient: Tensor, direction: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Halves each problem's step until its value falls enough: new points, values, gradients, and who moved."""
    slope = _inner(gradient, direction)
    rounding = torch.finfo(gradient.dtype).eps * value.abs()
    size = torch.ones_like(slope)
    best = (point, value, gradient)
    waiting = slope < 0
    went = torch.zeros_like(waiting)
    for _ in range(HALVINGS):
        trial = point + size[:, None] * direction
        new_value, new_gradient = objective(trial)
        fell = waiting & (new_value <= value + SUFFICIENT_DECREASE * size * slope + rounding)
        column = fell[:, None]
        best = (
            torch.where(column, trial, best[0]),
            torch.where(fell, new_value, best[1]),
            torch.where(column, new_gradient, best[2]),
        )
        went |= fell
        waiting &= ~fell
        if not waiting.any():
            break
        size = torch.where(waiting, size / 2, size)
    return *best, went


def _inner(a: Tensor, b: Tensor) -> Tensor:
    return torch.einsum("pm,pm->p", a, b)


def _ratio(a: Tensor, b: Tensor) -> Tensor:
    """a / b, or 0 where a problem stood still."""
    return torch.where(b > 0, a / b.clamp_min(1e-38), 0.0)
