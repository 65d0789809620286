"""The collapse watch: looks at the features of a fixed small sample while an encoder learns without labels."""

from __future__ import annotations

import torch
from torch import Tensor

from headstart import randomness
from headstart.backbones import Encoder, evaluating
from headstart.errors import RunError
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
    def look(self, step: int) -> dict[str, float]:
        """The health after a step, for the log; the encoder is left as it was.

        Raises `RunError` where the features are not finite.
        """
        with evaluating(self.encoder):
            features = self.encoder(self.images).float().cpu()
        if not bool(torch.isfinite(features).all()):
            raise RunError(
                f"The features are no longer finite after step {step}: training stopped.\n"
                "A lower --lr, a longer --warmup-epochs or --precision float32 may help."
            )
        self.collapsed = bool(is_collapsed(features))
        return {"rank_me": float(rank_me(features)), "spread": float(spread(features))}
