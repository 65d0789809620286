"""LARS: each layer's step is scaled to the size of its weights (You et al. 2017, arXiv 1708.03888, algorithm 1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


class LARS(Optimizer):
    """Momentum SGD whose rate is multiplied by trust · ‖w‖ / (‖g‖ + decay · ‖w‖), layer by layer.

    Vectors (norms and biases) take plain momentum steps. As in the paper, the rate is inside the momentum, so a
    falling rate does not slow down what was gathered before.
    """

    def __init__(
        self, params: Any, *, lr: float, momentum: float = 0.9, weight_decay: float = 0.0, trust: float = 0.001
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "trust": trust})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Makes one step with the gradients that lie at the parameters."""
        loss = None if closure is None else closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, group)
        return loss

    def _move(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        decay = group["weight_decay"]
        change = gradient.add(weight, alpha=decay) if decay else gradient.clone()
        if weight.ndim > 1:
            change.mul_(_trust_ratio(weight, gradient, decay, group["trust"]))
        velocity = self.state[weight].get("velocity")
        if velocity is None:
            velocity = self.state[weight]["velocity"] = torch.zeros_like(weight)
        velocity.mul_(group["momentum"]).add_(change, alpha=group["lr"])
        weight.sub_(velocity)


def _trust_ratio(weight: Tensor, gradient: Tensor, decay: float, trust: float) -> Tensor:
    """The factor of a layer's rate, 1 where weights or gradients are all zero; never leaves the device."""
    size, slope = weight.norm(), gradient.norm()
    ratio = trust * size / (slope + decay * size)
    return torch.where((size > 0) & (slope > 0), ratio, torch.ones_like(ratio))
