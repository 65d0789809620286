"""What a network can be asked of a place in a picture: numbers, or a distribution over bins of them.

Shapes: n pictures of h rows and w columns, C channels, Q bins.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import torch
from torch import Tensor, nn

from headstart.collectives import total
from headstart.lab import rgb_to_lab

Target = Literal["bins", "regression"]

NEAREST = 5
"""Bins that a value is shared among (Zhang et al. 2016, section 2.2)."""

TEMPERATURE = 0.38
"""Of the annealed mean (section 2.3): between the mean, which is dull, and the mode, which is patchy."""

AB_STEP = 10
"""Of the grid of a and b (section 2.1)."""

L_STEP = 1


class Values(nn.Module):
    """The numbers themselves, by squared error (equation 1); `scale` is what they are divided by."""

    def __init__(self, channels: int, scale: float) -> None:
        super().__init__()
        self.width, self.scale = channels, scale

    def loss(self, said: Tensor, values: Tensor) -> Tensor:
        """Half the squared distance of n×C×h×w, a mean over all places."""
        return 0.5 * (said - values / self.scale).square().sum(dim=1).mean()

    def decode(self, said: Tensor) -> Tensor:
        """n×C×h×w."""
        return self.scale * said

    def after_step(self) -> None:
        """Nothing is counted."""


class Bins(nn.Module):
    """A distribution over bins, in whose loss rare values weigh more (sections 2.1 to 2.3).

    How often each value occurs is counted in training: after one epoch the counts are those of the data.
    """

    centres: Tensor
    near: Tensor
    counts: Tensor

    def __init__(self, centres: Tensor, step: float, uniform: float) -> None:
        """Bins at Q×C centres, `step` apart.

        Args:
            uniform: The share of the uniform distribution in the one whose inverse the weights are; 1: none weighs
                more.
        """
        super().__init__()
        self.width, self.sigma, self.uniform = len(centres), step / 2, uniform
        near = torch.exp(-0.5 * (torch.cdist(centres, centres) / self.sigma).square())
        self.register_buffer("centres", centres, persistent=False)
        self.register_buffer("near", near / near.sum(dim=0), persistent=False)  # Q×Q, each column a distribution
        self.register_buffer("counts", torch.zeros(len(centres), dtype=torch.int64))
        self._seen = torch.zeros_like(self.counts)

    def loss(self, said: Tensor, values: Tensor) -> Tensor:
        """Cross-entropy of n×Q×h×w logits with n×C×h×w values, weighted by the nearest bin's rarity (equation 2)."""
        bins, shares = self.encode(values)
        if self.training:
            self._seen = self._seen.to(bins.device) + torch.bincount(bins[:, 0].flatten(), minlength=self.width)
        surprise = -said.log_softmax(dim=1).gather(1, bins)
        return (self.weights()[bins[:, 0]] * (shares * surprise).sum(dim=1)).mean()

    def encode(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """int64 and float n×5×h×w: the nearest bins of n×C×h×w values, the nearest first, and the share of each."""
        places = values.movedim(1, -1)
        distances, bins = torch.cdist(places.flatten(0, -2), self.centres).topk(NEAREST, largest=False)
        shares = torch.softmax(-0.5 * (distances / self.sigma).square(), dim=1)
        shape = (*places.shape[:-1], NEAREST)
        return bins.view(shape).movedim(-1, 1), shares.view(shape).movedim(-1, 1)

    def weights(self) -> Tensor:
        """Q: inverse to how often a value near each bin occurs, with mean 1 over the values (equation 4).

        Before anything is counted all bins are as frequent, and one value of each stays among the counts.
        """
        often = (self.counts + 1).to(self.near)
        smooth = self.near @ (often / often.sum())
        rarity = 1 / ((1 - self.uniform) * smooth + self.uniform / self.width)
        return rarity / (smooth * rarity).sum()

    def decode(self, said: Tensor) -> Tensor:
        """n×C×h×w: the annealed mean of n×Q×h×w logits (equation 5)."""
        shares = (said / TEMPERATURE).softmax(dim=1)
        return torch.einsum("nqhw,qc->nchw", shares, self.centres)

    def after_step(self) -> None:
        """Counts what all processes have seen in this step."""
        self.counts += total(self._seen.to(self.counts.device))
        self._seen = torch.zeros_like(self.counts)


def colour_answer(target: Target, uniform: float = 1.0) -> Bins | Values:
    """For a and b."""
    return Bins(gamut_bins(), AB_STEP, uniform) if target == "bins" else Values(2, scale=110)


def lightness_answer(target: Target) -> Bins | Values:
    """For L."""
    steps = torch.arange(L_STEP / 2, 100, L_STEP)[:, None]
    return Bins(steps, L_STEP, uniform=1.0) if target == "bins" else Values(1, scale=100)


@cache
def gamut_bins() -> Tensor:
    """Q×2: the points of the grid of a and b that are nearest to some colour of eight-bit sRGB.

    The colours with the most extreme a and b lie on the faces of the cube of red, green and blue. There are 261, where
    the paper has 313 and doesn't say how they were counted; what lies beyond these is no colour of a picture.
    """
    levels = torch.linspace(0, 1, 256, dtype=torch.float64)
    plane = torch.cartesian_prod(levels, levels)
    faces = [
        torch.cat([plane[:, :axis], torch.full((len(plane), 1), end, dtype=torch.float64), plane[:, axis:]], dim=1)
        for axis in range(3)
        for end in (0.0, 1.0)
    ]
    lab = rgb_to_lab(torch.cat(faces)[..., None, None])
    points: Tensor = torch.unique((lab[:, 1:, 0, 0] / AB_STEP).round(), dim=0)
    return AB_STEP * points.float()
