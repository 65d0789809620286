"""The classic autoencoder on Fashion-MNIST: its error after five epochs, and its speed against the tutorial's loop.

    python benchmarks/autoencoder.py [--epochs 5] [--seeds 0 1 2]

Theirs is the usual notebook: torchvision's data set with ToTensor, a DataLoader in batches of 128, Adam at 1e-3 and
binary cross-entropy on the sigmoid. Ours is `pretrain autoencoder` without options. Both are timed in seconds of
processor time over one epoch each; the project promises 3.5 times the images a second, and a mean test error of at most
0.297 after five epochs (perfect pixels would cost 0.242). Needs ../shared/data/fashion_mnist.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import FashionMNIST

import headstart
from headstart import terminal
from headstart.data import Dataset, load

FASHION = Path(__file__).resolve().parents[2] / "shared" / "data" / "fashion_mnist"
BATCH, PROMISED, ERROR = 128, 3.5, 0.297


def tutorial(root: Path) -> Callable[[], None]:
    """One epoch of the tutorial's loop, on a network of the same layers."""
    widths = [784, 128, 128, 10, 128, 128, 784]
    layers: list[nn.Module] = [nn.Flatten()]
    for number, (before, after) in enumerate(pairwise(widths)):
        layers.append(nn.Linear(before, after))
        if number not in (2, 5):
            layers.append(nn.ReLU())
    network = nn.Sequential(*layers, nn.Sigmoid())
    optimizer, criterion = torch.optim.Adam(network.parameters(), lr=1e-3), nn.BCELoss()
    data = FashionMNIST(str(root), train=True, transform=transforms.ToTensor())
    loader = DataLoader(data, BATCH, shuffle=True, drop_last=True)

    def epoch() -> None:
        for images, _ in loader:
            optimizer.zero_grad()
            loss = criterion(network(images), images.flatten(1))
            loss.backward()
            optimizer.step()

    return epoch


def as_torchvision_wants(folder: Path) -> Path:
    """A root under which torchvision finds the files."""
    raw = folder / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for path in FASHION.iterdir():
        shutil.copyfile(path, raw / path.name)
    FashionMNIST.mirrors = []
    import gzip

    for path in list(raw.glob("*.gz")):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
    return folder


def error(data: Dataset, epochs: int, seed: int, folder: Path) -> float:
    """The test error of a run."""
    with terminal.silence():
        run = headstart.pretrain("autoencoder", data, epochs=epochs, seed=seed, out=folder / f"seed{seed}")
        return headstart.reconstruct(Path(run.run), data, out=folder / f"shown{seed}").error


def processor_seconds(work: Callable[[], object]) -> float:
    """Of all threads."""
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    args = parser.parse_args()
    if not FASHION.exists():
        print("fashion_mnist is not beside the repository: nothing is measured")
        return
    with tempfile.TemporaryDirectory() as place, terminal.silence():
        folder = Path(place)
        data = load(FASHION)
        theirs = tutorial(as_torchvision_wants(folder / "theirs"))
        few = load((data.items[:1000], data.labels[:1000]))
        headstart.pretrain("autoencoder", few, epochs=1, out=folder / "warm")
        ours = processor_seconds(lambda: headstart.pretrain("autoencoder", data, epochs=2, out=folder / "run")) / 2
        other = processor_seconds(theirs)
        print(f"an epoch: tutorial's loop {other:.1f} processor seconds, ours {ours:.1f}, checkpoint and log included")
        print(f"ratio {other / ours:.1f} (promised {PROMISED})", flush=True)
        errors = [error(data, args.epochs, seed, folder) for seed in args.seeds]
    print(f"test error after {args.epochs} epochs, seeds {args.seeds}: {', '.join(f'{e:.4f}' for e in errors)}")
    print(f"mean {sum(errors) / len(errors):.4f} (at most {ERROR})")


if __name__ == "__main__":
    main()
