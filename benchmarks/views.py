"""Views a second against lightly's SimCLR transform and torchvision v2's, one after the other in one run, same cores.

    python benchmarks/views.py [--sides 32 96 224] [--seconds 2]

The project promises at least 15, 4 and 3 times lightly's rate at 32, 96 and 224 px. lightly gets PIL images and the
better of no and two loader workers; torchvision v2 gets uint8 tensors, one item at a time, as its parameters are drawn
once a call; both show the same steps with the same strengths as ours.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

import torch
from lightly.transforms import SimCLRTransform
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from headstart.contracts import Draw, Part
from headstart.training.allocator import keep_pages
from headstart.views import view_set

PROMISED = {32: 15.0, 96: 4.0, 224: 3.0}
SMALL = 32
VIEWS = 2


class Pictures(Dataset[list[Tensor]]):
    """PIL images shown twice by a transform, as lightly's tutorials have them."""

    def __init__(self, items: Tensor, transform: Callable[[Image.Image], list[Tensor]]) -> None:
        self.images = [Image.fromarray(item.permute(1, 2, 0).numpy()) for item in items]
        self.transform = transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int) -> list[Tensor]:
        return self.transform(self.images[place])


def pictures(count: int, side: int) -> Tensor:
    """Smooth random uint8 pictures, so that nothing is clamped more than in photographs."""
    made = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 3, 8, 8, generator=made)
    smooth = torch.nn.functional.interpolate(coarse, size=(side, side), mode="bicubic").clamp(0, 1)
    return (smooth * 255).to(torch.uint8)


def rate(batches: Callable[[], Iterator[int]], seconds: float) -> float:
    """Views a second over at least some seconds, after one unmeasured batch; counts come from the iterator."""
    done, began = 0, None
    while True:
        for count in batches():
            if began is None:
                began = time.perf_counter()
                continue
            done += count
            took = time.perf_counter() - began
            if took >= seconds:
                return done / took


def of_headstart(items: Tensor) -> Callable[[], Iterator[int]]:
    shown = view_set("simclr", tuple(items.shape[1:]))

    def batches() -> Iterator[int]:
        for step in range(1000):
            shown(items, Draw(0, step, Part.whole(len(items))))
            yield VIEWS * len(items)

    return batches


def of_lightly(items: Tensor, workers: int) -> Callable[[], Iterator[int]]:
    side = items.shape[-1]
    small = side <= SMALL
    transform = SimCLRTransform(
        input_size=side, cj_strength=0.5 if small else 1.0, gaussian_blur=0.0 if small else 0.5, normalize=None
    )
    data = Pictures(items, transform)
    loader = DataLoader(data, batch_size=min(64, len(items)), num_workers=workers, persistent_workers=workers > 0)

    def batches() -> Iterator[int]:
        for shown in loader:
            yield VIEWS * len(shown[0])

    return batches


def of_torchvision(items: Tensor) -> Callable[[], Iterator[int]]:
    side = items.shape[-1]
    small = side <= SMALL
    s = 0.5 if small else 1.0
    blur = [] if small else [v2.RandomApply([v2.GaussianBlur(side // 10 // 2 * 2 + 1, (0.1, 2.0))], p=0.5)]
    transform = v2.Compose(
        [
            v2.RandomResizedCrop(side, scale=(0.08, 1.0), antialias=True),
            v2.RandomHorizontalFlip(),
            v2.RandomApply([v2.ColorJitter(0.8 * s, 0.8 * s, 0.8 * s, 0.2 * s)], p=0.8),
            v2.RandomGrayscale(0.2),
            *blur,
            v2.ToDtype(torch.float32, scale=True),
        ]
    )

    def batches() -> Iterator[int]:
        for part in items.split(16):
            torch.stack([transform(item) for item in part for _ in range(VIEWS)])
            yield VIEWS * len(part)

    return batches


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sides", type=int, nargs="+", default=sorted(PROMISED))
    parser.add_argument("--seconds", type=float, default=2.0)
    args = parser.parse_args()
    keep_pages()
    print(f"{'px':>4} {'headstart':>10} {'lightly':>9} {'torchvision':>11}   views/s")
    for side in args.sides:
        items = pictures(max(64, min(512, 2**21 // side**2)), side)
        ours = rate(of_headstart(items), args.seconds)
        lightly = max(rate(of_lightly(items, workers), args.seconds) for workers in (0, 2))
        vision = rate(of_torchvision(items), args.seconds)
        promise = f", promised {PROMISED[side]:g}×" if side in PROMISED else ""
        print(
            f"{side:>4} {ours:>10,.0f} {lightly:>9,.0f} {vision:>11,.0f}   "
            f"{ours / lightly:.1f}× lightly{promise}, {ours / vision:.1f}× torchvision",
            flush=True,
        )


if __name__ == "__main__":
    main()
