"""Small networks for small pictures, quick enough to learn on a laptop's processor.

Shapes: n images of C channels, H rows and W columns; D features.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

WIDTHS = (16, 32, 64, 128)
SMALLEST = 2
"""Rows and columns below which a map isn't pooled any more: the features are the means of its four quarters."""


class CNN(nn.Sequential):
    """Blocks of 3×3 convolution, norm and ReLU with pooling between them, then the mean over each quarter.

    The quarters keep where things are, which is half of what tells tiny pictures apart. Larger pictures are halved by
    the first convolution already, where most of the time would go.
    """

    def __init__(self, channels: int, side: int, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        before = channels
        for number, width in enumerate(widths, 1):
            stride = 2 if number == 1 and side >= 24 else 1
            side = -(-side // stride)
            block = nn.Sequential(
                nn.Conv2d(before, width, 3, stride=stride, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            )
            if number > 1 and number < len(widths) and side // 2 >= SMALLEST:
                block.append(nn.MaxPool2d(2))
                side //= 2
            self.add_module(f"block{number}", block)
            before = width
        self.add_module("quarters", nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten()))
        self.width = 4 * before


class MLP(nn.Sequential):
    """Fully connected layers with batch norm, on the flattened picture."""

    def __init__(self, numbers: int, widths: Sequence[int] = (512, 256)) -> None:
        super().__init__()
        self.add_module("flatten", nn.Flatten())
        before = numbers
        for number, width in enumerate(widths, 1):
            layers = (nn.Linear(before, width, bias=False), nn.BatchNorm1d(width), nn.ReLU(inplace=True))
            self.add_module(f"block{number}", nn.Sequential(*layers))
            before = width
        self.width = before
