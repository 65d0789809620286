"""The collapse watch: looks at the features of a fixed small sample while an encoder learns without labels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from headstart import randomness
from headstart.backbones import Encoder
from headstart.measures import is_collapsed, rank_me, spread
from headstart.views import plain

SAMPLE = 256


class CollapseWatch:
    """Effective rank and spread of what the encoder makes of at most 256 of the training items."""

    def __init__(self, encoder: Encoder, items: Tensor, index: Tensor, device: torch.device) -> None:
        chosen = index[randomness.permutation(0, "health", len(index))[:SAMPLE]]
        self.encoder = encoder
        self.images = plain(items[chosen].to(device), encoder.shape)
        self.collapsed = False

    @torch.no_grad()
    def look(self) -> dict[str, float]:
        """The health now, for the log; the encoder is left as it was."""
        with evaluating(self.encoder):
            features = self.encoder(self.images).float().cpu()
        self.collapsed = bool(is_collapsed(features))
        return {"rank_me": float(rank_me(features)), "spread": float(spread(features))}


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Inside, every part of a module is in evaluation mode; after, each is in the mode it was in."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode
