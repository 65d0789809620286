"""How fast a job trains here, for budgets in time."""

from __future__ import annotations

import time

import torch

from headstart.collectives import world_size
from headstart.training.job import Job
from headstart.training.machine import find_machine
from headstart.training.stepper import Stepper

WARM_UP = 2


def step_rate(job: Job, *, seconds: float = 2.0) -> float:
    """Steps a second, measured for about `seconds` on a throw-away copy; at least one step is timed."""
    machine, plan = find_machine(job.settings, world_size()), job.plan()
    with machine.prepared():
        stepper = Stepper(job.build(), job.streams(), plan, job.settings.seed, on=machine)
        for step in range(WARM_UP):
            stepper.take(step % plan.steps)
        _wait(machine.device)
        began, taken = time.perf_counter(), 0
        while taken == 0 or time.perf_counter() - began < seconds:
            stepper.take(taken % plan.steps)
            _wait(machine.device)
            taken += 1
        return taken / (time.perf_counter() - began)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
