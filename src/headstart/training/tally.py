"""What a run counts while it goes on, and keeps in its checkpoints."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from headstart.contracts import Losses
from headstart.errors import RunError
from headstart.training.distributed import mean_over_processes
from headstart.training.plan import StepPlan


@dataclass
class Tally:
    """Steps done, time spent, and the mean losses of the epoch at hand."""

    step: int = 0
    seconds: float = 0.0
    epoch: int = 0
    epoch_sums: dict[str, tuple[float, int]] = field(default_factory=dict)
    """By the names of a method's losses: the sum over the steps in which it was a number, and how many these are."""
    collapsed: bool = False
    best: float | None = None
    """The best that a judge said, and the step after which it did."""
    best_step: int = 0
    _waiting: list[tuple[int, Losses]] = field(default_factory=list)
    _clock: float = field(default_factory=time.monotonic)

    @property
    def loss(self) -> float | None:
        """Mean over the steps of the newest epoch."""
        return self.epoch_means().get("loss")

    def epoch_means(self) -> dict[str, float]:
        """The losses by name, each a mean over the steps of the newest epoch in which it was a number."""
        return {name: total / steps for name, (total, steps) in self.epoch_sums.items()}

    def add(self, step: int, losses: Losses) -> None:
        """Takes note of a step's losses without waiting for the device."""
        self._waiting.append((step, losses))
        self.step = step + 1
        now = time.monotonic()
        self.seconds, self._clock = self.seconds + now - self._clock, now

    def settle(self, plan: StepPlan, stop: int) -> int:
        """Works off the losses that wait, on all processes at once; returns the signal that any of them was sent.

        Raises:
            RunError: A loss is not finite; it names the step.
        """
        waiting = [(step, name, value) for step, losses in self._waiting for name, value in losses.items()]
        values = torch.stack([*(value.cpu().double() for *_, value in waiting), torch.tensor(stop).double()])
        *means, stops = mean_over_processes(values).tolist()
        for (step, name, _), mean in zip(waiting, means, strict=True):
            if name == "loss" and not math.isfinite(mean):
                raise RunError(
                    f"The loss of step {step + 1} is {mean}: training stopped, the last good state is kept.\n"
                    "A lower --lr, a longer --warmup-epochs or --precision float32 may help."
                )
            if plan.epoch(step) != self.epoch:
                self.epoch, self.epoch_sums = plan.epoch(step), {}
            if math.isfinite(mean):
                total, steps = self.epoch_sums.get(name, (0.0, 0))
                self.epoch_sums[name] = (total + mean, steps + 1)
        self._waiting.clear()
        return stop or (signal.SIGTERM if stops else 0)

    def scalars(self) -> dict[str, Any]:
        """For a checkpoint's header."""
        return {name: value for name, value in asdict(self).items() if not name.startswith("_")}

    @classmethod
    def of(cls, scalars: Mapping[str, Any]) -> Tally:
        """What `scalars` was made from, with the clock running again."""
        known = cls()
        return cls(**{name: scalars.get(name, default) for name, default in known.scalars().items()})
