"""What is done to a picture before a network sees it: as much a part of its weights as the weights themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Self, cast, get_args

Resampling = Literal["bilinear", "bicubic"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """The short side is brought to `decode` pixels, the middle `side`×`side` of it kept and normalised."""

    side: int
    decode: int
    resampling: Resampling = "bilinear"
    mean: tuple[float, ...] = IMAGENET_MEAN
    deviation: tuple[float, ...] = IMAGENET_DEVIATION

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of what the network sees."""
        return len(self.mean), self.side, self.side

    def at(self, side: int) -> Self:
        """The same with another size seen; the share that the crop keeps stays."""
        return replace(self, side=side, decode=max(side, round(self.decode * side / self.side)))


IMAGENET = Preprocessing(side=224, decode=256)
"""What most networks were trained with, and what is taken where nothing is said."""


def nearest_resampling(name: str) -> Resampling:
    """How to resample where weights ask for `name`: what is neither of ours (lanczos, random) is nearest to bicubic."""
    return cast("Resampling", name) if name in get_args(Resampling) else "bicubic"
