"""A backbone together with the preprocessing it was made for: what every other room calls an encoder.

Shapes: n images of C channels, D features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from headstart import lab
from headstart.backbones.halves import LAB_DEVIATION, LAB_MEAN, halved
from headstart.backbones.norms import Norm, replace_norm
from headstart.backbones.preprocessing import Resampling
from headstart.errors import InputError

Sight = Literal["colours", "lightness", "halves"]
"""What a backbone is shown of colour pictures: all; their lightness alone; or each half of it one part of Lab."""


class Encoder(nn.Module):
    """Pictures in 0…1 in, features out; it normalises by itself, so nobody can forget to."""

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        backbone: nn.Module,
        *,
        name: str,
        shape: Sequence[int],
        width: int,
        mean: Sequence[float],
        deviation: Sequence[float],
        recipe: Mapping[str, Any] | None = None,
        decode: int | None = None,
        resampling: Resampling = "bilinear",
        origin: Mapping[str, Any] | None = None,
    ) -> None:
        """An encoder of a backbone that sees `shape` (C, H, W) and gives `width` features.

        Args:
            recipe: What `rebuild_encoder` needs beside the other fields to make the same backbone again.
            decode: Pixels of the short side before the middle is cropped to `shape`, where the weights came with a
                preprocessing of their own; None: items are shown as they are, at `shape`.
            resampling: How items are brought to that size.
            origin: source, sha256 and licence of weights that somebody else trained.
        """
        super().__init__()
        self.backbone = backbone
        self.name = name
        self.shape = (int(shape[0]), int(shape[1]), int(shape[2]))
        self.width = width
        self.recipe = dict(recipe or {})
        self.decode = decode
        self.resampling: Resampling = resampling
        self.origin = dict(origin or {})
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(-1, 1, 1))
        self.register_buffer("deviation", torch.tensor(deviation, dtype=torch.float32).view(-1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """n×D features of n×C×h×w images in 0…1; h and w may differ from `shape` where the backbone allows it.

        One channel where three are wanted is shown as three equal ones.
        """
        features: Tensor = self.backbone(self.normalised(images))
        return features

    def normalised(self, images: Tensor) -> Tensor:
        """Images in 0…1 as the backbone sees them."""
        return (self._seen(images) - self.mean) / self.deviation

    @property
    def sight(self) -> Sight:
        """What the backbone is shown of colour pictures."""
        found: Sight = self.recipe.get("sight", "colours")
        return found

    def _seen(self, images: Tensor) -> Tensor:
        """What the backbone is shown, before it is normalised."""
        if self.sight == "colours":
            return images
        show = lab.as_grey if self.sight == "lightness" else lab.as_lab_bytes
        return show(images.expand(-1, 3, -1, -1))

    def look(self, sight: Sight) -> None:
        """Shows the backbone of colour pictures no more than this from now on; `describe` remembers it.

        With `halves` it is cut into two, as `halved` does, and normalises Lab instead of sRGB.

        Raises:
            InputError: It has been shown another part before, or can't be cut.
        """
        if sight == self.sight:
            return
        if self.sight != "colours":
            raise InputError(f"{self.name} has learned from {self.sight} and can't be shown {sight} now.")
        if sight == "halves":
            self.backbone = halved(self.backbone, self.shape, self.name)
            self.mean, self.deviation = (self.mean.new_tensor(of).view(-1, 1, 1) for of in (LAB_MEAN, LAB_DEVIATION))
        self.recipe["sight"] = sight

    def use_norm(self, kind: Norm) -> None:
        """Replaces the batch norms of the backbone as `replace_norm` does; `describe` remembers it."""
        self.backbone = replace_norm(self.backbone, kind)
        if kind != "batch":
            self.recipe["norm"] = kind

    def layers(self) -> list[str]:
        """Names of the blocks whose output can be looked at, from the first to the last."""
        named = [(name, module) for name, module in self.backbone.named_children() if _has_parameters(module)]
        while len(named) == 1 and any(True for _ in named[0][1].children()):
            prefix, only = named[0]
            named = [(f"{prefix}.{name}", child) for name, child in only.named_children() if _has_parameters(child)]
        return [name for name, _ in named]

    def describe(self) -> dict[str, Any]:
        """JSON from which `rebuild_encoder` makes an encoder of the same form; the weights are stored apart."""
        return {
            "backbone": self.name,
            "shape": list(self.shape),
            "width": self.width,
            "mean": self.mean.flatten().tolist(),
            "deviation": self.deviation.flatten().tolist(),
            **({} if self.decode is None else {"decode": self.decode, "resampling": self.resampling}),
            **({"origin": self.origin} if self.origin else {}),
            **self.recipe,
        }


def _has_parameters(module: nn.Module) -> bool:
    return any(True for _ in module.parameters())
