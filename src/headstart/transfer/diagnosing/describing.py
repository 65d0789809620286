"""Numbers that stand for pictures in the tests, made of both sets alike and without a look at which is which.

Three blocks of equal weight: principal components of small pixels (what is where), principal components of a network's
features (texture and shape: an untrained one's, which knows no domain, or the user's encoder's), and a few numbers that
have names. Since nothing in them depends on the domains, permuting these keeps a test exact.
Shapes: N items of both sets, C channels; D features.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from headstart.backbones import Encoder, build_encoder
from headstart.data import LUMINANCE, Dataset
from headstart.evaluation import features_of
from headstart.views import plain

COMPONENTS = 48
ITEMS_PER_COMPONENT = 8
"""A small pool gets fewer components: those that few items span are noise."""
PIXEL_SIDE, NETWORK_SIDE = 16, 64
"""Larger pictures are shown reduced to the blocks of pixels and of the untrained network."""
CHUNK, NAMED_CHUNK = 512, 64


@dataclass(frozen=True)
class Description:
    """The numbers of each item."""

    features: Tensor
    """float32 N×D: every block has mean 0 and total variance 1 over the pool."""
    named: Tensor
    """float32 N×T: brightness, contrast, sharpness; with three channels saturation, and each colour less brightness."""
    names: tuple[str, ...]

    def only(self, kept: Tensor) -> Description:
        """Those of some of the items."""
        return replace(self, features=self.features[kept], named=self.named[kept])


def described(source: Dataset, target: Dataset, encoder: Encoder | None, device: torch.device | str) -> Description:
    """The description of two sets of one form; `encoder` stands in for the untrained network."""
    network = encoder if encoder is not None else _untrained(source, target)
    shape = (source.shape[0], *(min(side, PIXEL_SIDE) for side in source.shape[1:]))
    sets = (source.items, target.items)
    pixels = torch.cat([plain(part, shape).flatten(1) for items in sets for part in torch.split(items, CHUNK)])
    shown = torch.cat([features_of(network, data, data.indices("all"), device=device) for data in (source, target)])
    named = torch.cat([_named(part) for items in sets for part in torch.split(items, NAMED_CHUNK)])
    most = max(2, min(COMPONENTS, len(pixels) // ITEMS_PER_COMPONENT))
    blocks = (_components(pixels, most), _components(shown, most), _standard(named))
    return Description(torch.cat(blocks, dim=1), named, _names(source.shape[0]))


def _untrained(source: Dataset, target: Dataset) -> Encoder:
    """A small network with random weights, that sees both sets normalised by one mean and deviation."""
    parts = [(len(data), *_moments(data.items)) for data in (source, target)]
    count = sum(part[0] for part in parts)
    mean = sum((items * mean for items, mean, _ in parts), torch.zeros(())) / count
    square = sum((items * square for items, _, square in parts), torch.zeros(())) / count
    deviation = (square - mean**2).clamp_min(1 / 255**2).sqrt()
    shape = (source.shape[0], *(min(side, NETWORK_SIDE) for side in source.shape[1:]))
    return build_encoder("cnn", shape, mean=mean.tolist(), deviation=deviation.tolist())


def _moments(items: Tensor) -> tuple[Tensor, Tensor]:
    """float64 C: means and mean squares of each channel, in 0…1."""
    totals = torch.zeros(2, items.shape[1], dtype=torch.float64)
    for part in torch.split(items, CHUNK):
        values = part.double() / 255
        totals += torch.stack([values.sum(dim=(0, 2, 3)), values.square().sum(dim=(0, 2, 3))])
    mean, square = totals / (len(items) * items.shape[2] * items.shape[3])
    return mean, square


def _components(rows: Tensor, most: int) -> Tensor:
    """float32 N×k principal components with their own variances, 1 in total."""
    centred = rows - rows.mean(dim=0)
    _, vectors = torch.linalg.eigh((centred.T @ centred).double())
    scores = centred @ vectors.flip(1)[:, :most].float()
    scaled: Tensor = scores / scores.square().sum(dim=1).mean().sqrt().clamp_min(1e-12)
    return scaled


def _standard(rows: Tensor) -> Tensor:
    """Columns of equal variance, 1 in total."""
    centred = rows - rows.mean(dim=0)
    scaled: Tensor = centred / (rows.std(dim=0).clamp_min(1e-6) * rows.shape[1] ** 0.5)
    return scaled


def _named(items: Tensor) -> Tensor:
    """float32 n×T of uint8 n×C×H×W."""
    return torch.stack(list(_columns(items.float() / 255)), dim=1)


def _columns(images: Tensor) -> Iterator[Tensor]:
    weights = LUMINANCE if images.shape[1] == 3 else (1 / images.shape[1],) * images.shape[1]
    grey = torch.einsum("nchw,c->nhw", images, torch.tensor(weights))
    brightness = grey.mean(dim=(1, 2))
    yield brightness
    yield grey.std(dim=(1, 2))
    yield grey.diff(dim=1).abs().mean(dim=(1, 2)) + grey.diff(dim=2).abs().mean(dim=(1, 2))
    if images.shape[1] == 3:
        yield (images.amax(dim=1) - images.amin(dim=1)).mean(dim=(1, 2))
        yield from (images.mean(dim=(2, 3)) - brightness[:, None]).unbind(dim=1)


def _names(channels: int) -> tuple[str, ...]:
    colours = ("saturation", "red", "green", "blue") if channels == 3 else ()
    return ("brightness", "contrast", "sharpness", *colours)
