"""Photographs from files against torchvision's ImageFolder and DataLoader: same files, same size, one run.

    python benchmarks/photos.py [--side 96] [--copies 10]

The project promises that the first pass is at least 1.5 times as fast and every later one 40 times. Our first pass
opens the set, decodes it into a cache that was empty, and takes all items in shuffled batches, as training does; a
later one takes them again; "opened again" is a new command's pass, with the cache there. Theirs has Resize, CenterCrop
and PILToTensor, with no or two workers, whichever is faster, and decodes in every pass: uint8 batches on both sides.
The photographs are those of ../shared/data/hymenoptera where it is there, else generated ones, under several names.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from headstart.data import Dataset, load

FIRST, LATER = 1.5, 40.0
BATCH = 64
HYMENOPTERA = Path(__file__).resolve().parents[2] / "shared" / "data" / "hymenoptera"


def make_photos(folder: Path, copies: int) -> int:
    """Fills two class folders; returns how many files there are."""
    originals = sorted(HYMENOPTERA.glob("*/*/*.jpg")) or generated(folder.parent / "generated", 100)
    for copy in range(copies):
        for number, path in enumerate(originals):
            place = folder / path.parent.name / f"{copy}-{number}.jpg"
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
    return copies * len(originals)


def generated(folder: Path, count: int) -> list[Path]:
    """JPEG files of smooth random pictures, 400×320, about as large on disk as photographs."""
    paths = []
    for number in range(count):
        random = np.random.default_rng(number)
        coarse = Image.fromarray(random.integers(0, 256, (40, 50, 3), dtype=np.uint8))
        paths.append(folder / "ab"[number % 2] / f"{number}.jpg")
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
        coarse.resize((400, 320), Image.Resampling.BICUBIC).save(paths[-1], quality=90)
    return paths


def through(data: Dataset) -> int:
    """A pass over all items in shuffled batches: every pixel is copied."""
    return sum(len(data.take(places)) for places in torch.randperm(len(data)).split(BATCH))


def theirs(folder: Path, side: int, workers: int) -> Callable[[], int]:
    shown = transforms.Compose([transforms.Resize(side), transforms.CenterCrop(side), transforms.PILToTensor()])
    loader = DataLoader(ImageFolder(folder, shown), BATCH, num_workers=workers)
    return lambda: sum(len(images) for images, _ in loader)


def rate(work: Callable[[], int], times: int = 1) -> float:
    """Items a second, the best of some passes."""
    best = 0.0
    for _ in range(times):
        began = time.perf_counter()
        count = work()
        best = max(best, count / (time.perf_counter() - began))
    return best


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", type=int, default=96)
    parser.add_argument("--copies", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=2)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["HEADSTART_CACHE"] = str(Path(scratch) / "cache")
        folder = Path(scratch) / "photos"
        count = make_photos(folder, args.copies)
        for path in folder.rglob("*.jpg"):  # both find the files in the system's memory
            path.read_bytes()
        firsts, peers = [], []
        for _ in range(args.rounds):
            shutil.rmtree(Path(scratch) / "cache", ignore_errors=True)
            firsts.append(rate(lambda: through(load(folder, size=args.side))))
            peers.append(max(rate(theirs(folder, args.side, workers)) for workers in (0, 2)))
        data = load(folder, size=args.side)
        later = rate(lambda: through(data), 5)
        again = rate(lambda: through(load(folder, size=args.side)), 3)
    peer = max(peers)
    print(f"{count:,} photographs at {args.side} px: ImageFolder and DataLoader {peer:,.0f} images/s")
    print(f"first pass   {max(firsts):>10,.0f} images/s, {max(firsts) / peer:7.1f}× (promised {FIRST:g}×)")
    print(f"later passes {later:>10,.0f} images/s, {later / peer:7.1f}× (promised {LATER:g}×)")
    print(f"opened again {again:>10,.0f} images/s, {again / peer:7.1f}×")


if __name__ == "__main__":
    main()
