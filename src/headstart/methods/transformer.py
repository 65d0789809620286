"""What methods share that show a vision transformer some patches of a picture alone.

Shapes: n images of C channels, H rows and W columns; V patches, K of which are shown; D features.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from headstart.backbones import Block, Encoder, ViT, initialise, positions
from headstart.errors import InputError
from headstart.settings import flag

HEADS = 4
"""Of attention; sines and cosines of two axes need a multiple of four features as well."""


def require_transformer(encoder: Encoder, title: str) -> ViT:
    """The encoder's network; raises `InputError` where it can't be shown patches alone."""
    if not isinstance(encoder.backbone, ViT):
        raise InputError(
            f"{title} shows its network some patches of a picture alone, and {encoder.name} takes whole pictures.\n"
            "Choose --backbone vit, which is what it learns where none is named."
        )
    return encoder.backbone


def check_width(setting: str, width: int) -> None:
    """Raises `InputError` where a transformer can't be so wide."""
    if width % HEADS:
        raise InputError(f"{flag(setting)} {width}: choose a multiple of {HEADS}.")


def tokens_of(encoder: Encoder, images: Tensor, places: Tensor | None = None, there: Tensor | None = None) -> Tensor:
    """n×K×D: what the encoder's transformer makes of images in 0…1, as `ViT.tokens` has it."""
    assert isinstance(encoder.backbone, ViT)
    return encoder.backbone.tokens(encoder.normalised(images), places, there)


class MaskPredictor(nn.Module):
    """A narrow transformer that sees some tokens, and says what is at other places, where it sees a learned one."""

    where: Tensor

    def __init__(self, grid: tuple[int, int], before: int, width: int, depth: int, after: int) -> None:
        """For rows and columns of patches; `before`, `width` and `after` are features seen, inside and predicted."""
        super().__init__()
        self.narrow = nn.Linear(before, width)
        self.mask_token = nn.Parameter(torch.empty(width).normal_(std=0.02))
        self.blocks = nn.ModuleList(Block(width, HEADS) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.predict = nn.Linear(width, after)
        self.register_buffer("where", positions(*grid, width), persistent=False)
        self.apply(initialise)

    def forward(self, seen: Tensor, places: Tensor, asked: Tensor, there: Tensor | None = None) -> Tensor:
        """m×A×after: what is at int64 m×A `asked`, given m×K×before tokens of the patches at int64 m×K `places`.

        `there` is bool m×K where items have different numbers of tokens.
        """
        tokens = torch.cat([self.narrow(seen) + self.where[places], self.mask_token + self.where[asked]], dim=1)
        if there is not None:
            there = torch.cat([there, there.new_ones(asked.shape)], dim=1)
        for block in self.blocks:
            tokens = block(tokens, there)
        predicted: Tensor = self.predict(self.norm(tokens[:, seen.shape[1] :]))
        return predicted
