from __future__ import annotations

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

from headstart.training.schedule import learning_rate


def test_it_is_torchs_linear_warm_up_followed_by_torchs_cosine():
    steps, warmup, peak = 60, 12, 0.4
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=peak)
    rise = LinearLR(optimizer, start_factor=1 / warmup, total_iters=warmup - 1)
    fall = CosineAnnealingLR(optimizer, T_max=steps - warmup)
    schedule = SequentialLR(optimizer, [rise, fall], milestones=[warmup])
    for step in range(steps):
        ours = learning_rate(step, steps=steps, warmup_steps=warmup, peak=peak)
        assert ours == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-6), step
        optimizer.step()
        schedule.step()


def test_without_warm_up_the_first_step_has_the_peak():
    assert learning_rate(0, steps=10, warmup_steps=0, peak=0.3) == 0.3


def test_a_run_that_is_all_warm_up_ends_at_the_peak():
    assert learning_rate(9, steps=10, warmup_steps=10, peak=0.3) == 0.3


def test_a_constant_rate_stays_after_its_warm_up():
    rates = [learning_rate(step, steps=6, warmup_steps=2, peak=0.3, schedule="constant") for step in range(6)]
    assert rates == [0.15, 0.3, 0.3, 0.3, 0.3, 0.3]
