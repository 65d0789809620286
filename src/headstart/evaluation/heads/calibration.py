"""Probabilities that mean what they say: one temperature for all logits (Guo et al. 2017, arXiv 1706.04599).

It minimises the negative log-likelihood of labels that the head had not learned from. The most probable class stays.
Shapes: T items asked about, C classes, m labels held out.
"""

from __future__ import annotations

import math

from scipy.optimize import minimize_scalar
from torch import Tensor
from torch.nn import functional as F

from headstart.evaluation.heads.head import HeldOut

FLOOR = 1e-4
"""Probabilities below count as this: where all neighbours agree, a vote leaves the other classes nothing at all, and
one such error would outweigh every other label."""

WIDEST = 20.0
"""Temperatures between 1/20 and 20 are tried."""


def logits(probabilities: Tensor) -> Tensor:
    """The logarithms of T×C probabilities, none below the floor's."""
    return probabilities.clamp_min(FLOOR).log()


def fit_temperature(held_out: HeldOut) -> float:
    """The temperature under which m×C held-out probabilities make their labels most likely."""
    values = logits(held_out.probabilities.double())

    def loss(log_temperature: float) -> float:
        return float(F.cross_entropy(values / math.exp(log_temperature), held_out.labels))

    reach = math.log(WIDEST)
    return math.exp(minimize_scalar(loss, bounds=(-reach, reach), method="bounded", options={"xatol": 1e-5}).x)


def tempered(probabilities: Tensor, temperature: float | None) -> Tensor:
    """T×C probabilities with their logits divided by the temperature; as they are where there is none."""
    return probabilities if temperature is None else (logits(probabilities) / temperature).softmax(dim=1)
