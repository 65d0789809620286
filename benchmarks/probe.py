"""The linear probe on 60,000×512 features against scikit-learn and the usual 100-epoch SGD probe, in one run.

    python benchmarks/probe.py [--items 60000] [--width 512]

Features are those of a random ReLU layer over Fashion-MNIST where ../shared/data has it, else of a random mixture.
Prints seconds and test accuracies, and the two ratios that the project promises: at least 2 and at least 7.
"""

from __future__ import annotations

import argparse
import gzip
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from torch.nn import functional as F

from headstart.evaluation import Bank
from headstart.evaluation.heads.linear import Linear

FASHION = Path(__file__).resolve().parents[2] / "shared" / "data" / "fashion_mnist"
STRENGTH = 100.0
Labelled = tuple[Tensor, Tensor]


def fashion(width: int) -> tuple[Labelled, Labelled]:
    """Random ReLU features of the training and test pictures."""

    def read(part: str) -> Labelled:
        pixels = np.frombuffer(
            gzip.decompress((FASHION / f"{part}-images-idx3-ubyte.gz").read_bytes()), np.uint8, offset=16
        )
        labels = np.frombuffer(
            gzip.decompress((FASHION / f"{part}-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8
        )
        return torch.tensor(pixels.reshape(-1, 784) / 255.0).float(), torch.tensor(labels).long()

    (x, y), (tx, ty) = read("train"), read("t10k")
    weights = torch.randn(784, width, generator=torch.Generator().manual_seed(0)) / 10
    mean = x.mean(0)
    return (F.relu((x - mean) @ weights), y), (F.relu((tx - mean) @ weights), ty)


def mixture(items: int, width: int) -> tuple[Labelled, Labelled]:
    """Ten overlapping clouds, correlated like learned features."""
    made = torch.Generator().manual_seed(0)
    centres = torch.randn(10, width, generator=made)
    mixing = torch.randn(width, width, generator=made) * torch.linspace(2, 0.05, width)[:, None] / width**0.5

    def part(count: int) -> Labelled:
        y = torch.randint(10, (count,), generator=made)
        return F.relu((0.6 * centres[y] + torch.randn(count, width, generator=made)) @ mixing + 0.3), y

    return part(items), part(10_000)


def timed(work: Callable[[], Callable[[Tensor], Tensor]], test: Labelled) -> tuple[float, float]:
    """Seconds to fit, and the test accuracy."""
    began = time.perf_counter()
    predict = work()
    seconds = time.perf_counter() - began
    return seconds, float((predict(test[0]).argmax(1) == test[1]).double().mean())


def ours(x: Tensor, y: Tensor) -> Callable[[Tensor], Tensor]:
    return Linear(strength=STRENGTH).fit(Bank(x), torch.arange(len(x)), y, 10).predict


def scikit_learn(x: Tensor, y: Tensor) -> Callable[[Tensor], Tensor]:
    mean, deviation = x.mean(0), x.std(0) + 1e-6
    model = LogisticRegression(C=1 / STRENGTH, max_iter=1000).fit(((x - mean) / deviation).numpy(), y.numpy())
    return lambda t: torch.tensor(model.decision_function(((t - mean) / deviation).numpy()))


def sgd(x: Tensor, y: Tensor) -> Callable[[Tensor], Tensor]:
    """100 epochs, batches of 256, momentum 0.9, cosine from 0.1, as probes are usually trained."""
    mean, deviation = x.mean(0), x.std(0) + 1e-6
    x = (x - mean) / deviation
    layer = nn.Linear(x.shape[1], 10)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1, momentum=0.9, weight_decay=STRENGTH / len(x))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 100)
    for _ in range(100):
        for batch in torch.randperm(len(x)).split(256):
            optimizer.zero_grad()
            F.cross_entropy(layer(x[batch]), y[batch]).backward()
            optimizer.step()
        schedule.step()
    return lambda t: layer((t - mean) / deviation).detach()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, default=60_000)
    parser.add_argument("--width", type=int, default=512)
    args = parser.parse_args()
    torch.manual_seed(0)
    train, test = fashion(args.width) if FASHION.exists() else mixture(args.items, args.width)
    train = (train[0][: args.items], train[1][: args.items])
    contenders = {"headstart": ours, "scikit-learn": scikit_learn, "SGD, 100 epochs": sgd}
    figures = {name: timed(lambda work=work: work(*train), test) for name, work in contenders.items()}
    for name, (seconds, accuracy) in figures.items():
        print(f"{name:<16} {seconds:7.2f} s  accuracy {accuracy:.4f}  ratio {seconds / figures['headstart'][0]:5.1f}")


if __name__ == "__main__":
    main()
