"""The learning rate as a function of the step: a linear warm-up, then half a cosine (SGDR, 1608.03983, equation 5).

Or the same rate to the end, for methods that are to be as others have them.
"""

from __future__ import annotations

import math

from headstart.contracts import Schedule


def learning_rate(step: int, *, steps: int, warmup_steps: int, peak: float, schedule: Schedule = "cosine") -> float:
    """The rate of step 0…steps-1: rises to `peak` at the last warm-up step, and would reach 0 at `steps`, or stays."""
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    if schedule == "constant":
        return peak
    done = (step - warmup_steps) / max(steps - warmup_steps, 1)
    return peak * (1 + math.cos(math.pi * done)) / 2
