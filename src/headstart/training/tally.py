"""What a run counts while it goes on, and keeps in its checkpoints."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from headstart.errors import RunError
from headstart.training.distributed import mean_over_processes
from headstart.training.plan import StepPlan


@dataclass
class Tally:
    """Steps done, time spent, and the mean loss of the epoch at hand."""

    step: int = 0
    seconds: float = 0.0
    epoch: int = 0
    epoch_loss: float = 0.0
    """Sum over `epoch_steps` steps."""
    epoch_steps: int = 0
    collapsed: bool = False
    best: float | None = None
    """The best that a judge said, and the step after which it did."""
    best_step: int = 0
    _waiting: list[tuple[int, Tensor]] = field(default_factory=list)
    _clock: float = field(default_factory=time.monotonic)

    @property
    def loss(self) -> float | None:
        """Mean over the steps of the newest epoch."""
        return self.epoch_loss / self.epoch_steps if self.epoch_steps else None

    def add(self, step: int, loss: Tensor) -> None:
        """Takes note of a step's loss without waiting for the device."""
        self._waiting.append((step, loss))
        self.step = step + 1
        now = time.monotonic()
        self.seconds, self._clock = self.seconds + now - self._clock, now

    def settle(self, plan: StepPlan, stop: int) -> int:
        """Works off the losses that wait, on all processes at once; returns the signal that any of them was sent.

        Raises:
            RunError: A loss is not finite; it names the step.
        """
        values = torch.stack([*(loss.cpu().double() for _, loss in self._waiting), torch.tensor(stop).double()])
        *losses, stops = mean_over_processes(values).tolist()
        for (step, _), loss in zip(self._waiting, losses, strict=True):
            if not math.isfinite(loss):
                raise RunError(
                    f"The loss of step {step + 1} is {loss}: training stopped, the last good state is kept.\n"
                    "A lower --lr, a longer --warmup-epochs or --precision float32 may help."
                )
            if plan.epoch(step) != self.epoch:
                self.epoch, self.epoch_loss, self.epoch_steps = plan.epoch(step), 0.0, 0
            self.epoch_loss, self.epoch_steps = self.epoch_loss + loss, self.epoch_steps + 1
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
