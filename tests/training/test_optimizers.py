"""A group's own learning rate is a share of the plan's, whatever the optimiser, and follows its schedule."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tiny import Tiny, job

from headstart.training import TrainSettings, plan_steps
from headstart.training.machine import find_machine
from headstart.training.optimizers import build_optimizer
from headstart.training.stepper import Stepper


class Slow(Tiny):
    """Its encoder learns at a tenth of the rate."""

    def param_groups(self):
        body = {id(parameter) for parameter in self.encoder.parameters()}
        own = [parameter for parameter in self.parameters() if parameter.requires_grad]
        return [
            {"params": [one for one in own if id(one) in body], "lr": 0.1},
            {"params": [one for one in own if id(one) not in body]},
        ]


@pytest.mark.parametrize("name", ["adamw", "sgd", "lars"])
def test_a_share_is_a_share_for_every_optimiser(name):
    settings = TrainSettings(device="cpu", optimizer=name, lr=0.02)
    plan = plan_steps(settings, Tiny.recipe, 48)
    groups = [
        {"params": [torch.nn.Parameter(torch.zeros(2))], "lr": 0.1},
        {"params": [torch.nn.Parameter(torch.zeros(2))]},
    ]
    made = build_optimizer(groups, plan, torch.device("cpu"))
    assert [group["lr"] for group in made.param_groups] == pytest.approx([0.002, 0.02])
    assert groups[0]["lr"] == 0.1, "what was given stays as it was"


def test_shares_follow_the_schedule():
    settings = TrainSettings(device="cpu", epochs=2, lr=0.02)
    made = replace(job(settings), method=Slow)
    plan = made.plan()
    stepper = Stepper(made.build(), made.streams(), plan, 0, on=find_machine(settings, 1))
    for step in range(3):
        stepper.take(step)
        assert [group["lr"] for group in stepper.optimizer.param_groups] == pytest.approx(
            [0.1 * plan.rate(step), plan.rate(step)]
        )
