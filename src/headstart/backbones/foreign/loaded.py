"""What every source of foreign weights gives: a network with its weights, and all that came with them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from headstart.backbones.encoder import Encoder
from headstart.backbones.heads import feature_width
from headstart.backbones.preprocessing import Preprocessing


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A network without its head, its weights in place."""

    network: nn.Module
    name: str
    """What `rebuild_encoder` makes the network by."""
    preprocessing: Preprocessing
    source: str
    """Where the weights come from, for people."""
    sha256: str
    licence: str
    recipe: dict[str, Any] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    """Tensors of the user's own file that the features don't need: a head, as a rule."""
    assumed: str | None = None
    """What had to be taken for granted, as a sentence."""

    def encoder(self) -> Encoder:
        """The encoder, in evaluation mode."""
        wanted = self.preprocessing
        return Encoder(
            self.network,
            name=self.name,
            shape=wanted.shape,
            width=feature_width(self.network, wanted.shape),
            mean=wanted.mean,
            deviation=wanted.deviation,
            recipe={"made_for": list(wanted.shape), **self.recipe},
            decode=wanted.decode,
            resampling=wanted.resampling,
            origin={"source": self.source, "sha256": self.sha256, "licence": self.licence},
        ).eval()


def sha256_of(files: Iterable[Path]) -> str:
    """The checksum of some files' bytes, one after the other."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as opened:
            while chunk := opened.read(2**20):
                digest.update(chunk)
    return digest.hexdigest()
