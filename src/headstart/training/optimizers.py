"""Optimisers by name, built from a method's parameter groups."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from headstart.errors import InputError
from headstart.training.lars import LARS
from headstart.training.plan import StepPlan


def build_optimizer(groups: list[dict[str, Any]], plan: StepPlan, device: torch.device) -> Optimizer:
    """The plan's optimiser over these groups; one fused kernel a step where the device has it.

    A group's own `lr` is taken as a multiple of the plan's, and follows its schedule.
    """
    fused = device.type in ("cpu", "cuda")
    lr, decay = plan.lr, plan.weight_decay
    groups = [{**group, "lr": lr * group.get("lr", 1.0)} for group in groups]
    if plan.optimizer == "adamw":
        return AdamW(groups, lr=lr, betas=plan.betas, weight_decay=decay, fused=fused)
    if plan.optimizer == "sgd":
        return SGD(groups, lr=lr, momentum=plan.momentum, weight_decay=decay, fused=fused)
    return LARS(groups, lr=lr, momentum=plan.momentum, weight_decay=decay)


def names_of(module: nn.Module, optimizer: Optimizer) -> dict[str, nn.Parameter]:
    """The optimiser's parameters by their names in the module."""
    moved = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    return {name: parameter for name, parameter in module.named_parameters() if id(parameter) in moved}


def check_gradients(module: nn.Module, title: str) -> None:
    """Raises `InputError` naming trainable parameters that the loss doesn't reach: they would never learn."""
    idle = [name for name, p in module.named_parameters() if p.requires_grad and p.grad is None]
    if idle:
        shown = ", ".join(idle[:3]) + (f" and {len(idle) - 3} more" if len(idle) > 3 else "")
        raise InputError(f"{title}: {shown} got no gradient: use it in the loss, or set requires_grad to False.")
