"""A whole SimCLR step against the bare forward and backward pass on ready tensors, in one run on the same cores.

    python benchmarks/step.py [--seconds 6]

The project promises at least 85 % of the bare rate. Bare is the same encoder and projector in its fastest known set-up:
channels_last, an allocator that keeps its pages, as many threads as cores, views made beforehand, a sum as its loss.
Both take turns, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import torch

from headstart.contracts import Draw, Part
from headstart.data import Dataset, load
from headstart.methods.joint_embedding.simclr import SimCLR
from headstart.training import Job, TrainSettings
from headstart.training.machine import find_machine
from headstart.training.stepper import Stepper
from headstart.views import view_set

PROMISED = 0.85
CASES = (("cnn", (1, 28, 28), 256), ("resnet18", (3, 32, 32), 128))


def pictures(shape: tuple[int, int, int], count: int) -> Dataset:
    made = torch.Generator().manual_seed(0)
    return load(torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=made))


def stepper(data: Dataset, backbone: str, batch: int) -> Stepper:
    settings = TrainSettings(batch_size=batch, steps=10_000, device="cpu")
    job = Job(data=data, method="simclr", backbone=backbone, settings=settings)
    machine = find_machine(settings)
    return Stepper(job.build(), job.streams(), job.plan(), 0, on=machine)


def bare_pass(data: Dataset, backbone: str, batch: int) -> Callable[[], None]:
    """Forward and backward of encoder and projector on two ready views of a batch."""
    made = stepper(data, backbone, batch).method
    assert isinstance(made, SimCLR)
    shown = view_set("simclr", data.shape)(data.items[:batch], Draw(0, 0, Part.whole(batch)))
    ready = torch.cat(shown).contiguous(memory_format=torch.channels_last)

    def once() -> None:
        made.project(ready).sum().backward()
        for parameter in made.parameters():
            parameter.grad = None

    return once


def timed(work: Callable[[], None], seconds: float) -> float:
    """Calls a second."""
    began, calls = time.perf_counter(), 0
    while calls < 3 or time.perf_counter() - began < seconds:
        work()
        calls += 1
    return calls / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    for backbone, shape, batch in CASES:
        data = pictures(shape, 4 * batch)
        whole, bare = stepper(data, backbone, batch), bare_pass(data, backbone, batch)
        steps = iter(range(10_000))
        with whole.machine.prepared():
            for work in (bare, lambda: whole.take(next(steps))):  # noqa: B023 - called in this turn
                work()
            shares, rates = [], []
            for _ in range(args.rounds):
                ours = timed(lambda: whole.take(next(steps)), args.seconds / args.rounds)  # noqa: B023
                theirs = timed(bare, args.seconds / args.rounds)
                shares.append(ours / theirs)
                rates.append(ours * batch)
        print(
            f"{backbone:9} {shape[-1]:3} px, batch {batch}: {median(rates):8.0f} images/s, "
            f"{median(shares):.0%} of the bare passes (promised {PROMISED:.0%}; rounds {min(shares):.0%} to "
            f"{max(shares):.0%})",
            flush=True,
        )


if __name__ == "__main__":
    main()
