"""A second network that follows a first one slowly: the key encoder of MoCo, the target of BYOL."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)


def teacher_of(student: M) -> M:
    """A copy that gets no gradient."""
    return copy.deepcopy(student).requires_grad_(False)


@torch.no_grad()
def follow(teacher: nn.Module, student: nn.Module, momentum: float, *, statistics: bool) -> None:
    """Moves a teacher's weights towards the student's: θ ← mθ + (1-m)θ'.

    Args:
        momentum: m; at 1 the teacher stands still.
        statistics: Move the running statistics of batch norm as well: for a teacher in evaluation mode. One in
            training mode gathers its own.
    """
    moved: list[tuple[Tensor, Tensor]] = list(zip(teacher.parameters(), student.parameters(), strict=True))
    if statistics:
        moved += zip(teacher.buffers(), student.buffers(), strict=True)
    for old, new in moved:
        if old.dtype.is_floating_point:
            old.lerp_(new, 1 - momentum)
        else:
            old.copy_(new)
