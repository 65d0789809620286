"""Which generators a run seeds and puts back: those of its own device, whichever GPU is the current one."""

from __future__ import annotations

from contextlib import nullcontext

import torch

from headstart import randomness
from headstart.training.machine import Machine

SECOND = torch.device("cuda", 1)


def test_dropout_is_seeded_on_the_device_of_the_run(monkeypatch):
    current, seeded = [torch.device("cuda", 0)], []

    class Device(nullcontext):
        def __enter__(self):
            current.append(self.enter_result)

        def __exit__(self, *error):
            current.pop()

    monkeypatch.setattr(torch.cuda, "device", Device)
    monkeypatch.setattr(torch.cuda, "manual_seed", lambda value: seeded.append((current[-1], value)))
    with torch.random.fork_rng([]):
        randomness.seed_dropout(0, 3, SECOND)
    assert seeded == [(SECOND, randomness.key(0, "dropout", 3, "0"))]


def test_the_generators_of_the_cpu_and_of_the_gpu_are_put_back(monkeypatch):
    forked = []
    monkeypatch.setattr(torch.random, "fork_rng", lambda devices: forked.append(devices) or nullcontext())
    for device in (SECOND, torch.device("cpu")):
        with Machine(device=device, precision="float32", threads=1).prepared():
            pass
    assert forked == [[SECOND], []]
