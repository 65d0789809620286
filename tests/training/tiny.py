"""A small method, data and job for the tests of training; run as a script, it trains the job in a folder.

python tiny.py FOLDER [--unkeyed] [setting=value …]
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from headstart import randomness
from headstart.backbones import Encoder
from headstart.contracts import Batch, Draw, Facts, Losses, Progress, Recipe, Views
from headstart.data import Dataset, load
from headstart.errors import HeadstartError
from headstart.methods.method import Method
from headstart.training import Job, TrainSettings, run_job


class Tiny(Method):
    """Noisy views agree with a slow teacher: batch norm, dropout, an average of weights and a queue, like real ones."""

    recipe = Recipe(batch_size=16, epochs=4, lr=1e-2)

    def __init__(self, encoder: Encoder, facts: Facts, *, noise: float = 0.1, nap: float = 0.0) -> None:
        super().__init__(encoder, facts)
        self.noise, self.nap = noise, nap
        self.head = nn.Sequential(nn.Linear(encoder.width, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 8))
        self.teacher = nn.Linear(encoder.width, 8).requires_grad_(False)
        self.register_buffer("queue", torch.zeros(16, 8))

    def views(self, batch: Batch, draw: Draw) -> Views:
        images = batch.items.float() / 255
        return images, images + self.noise * draw.normal("noise", *batch.items.shape[1:])

    def loss(self, views: Views, progress: Progress) -> Losses:
        time.sleep(self.nap)
        features = self.encoder(torch.cat(views))
        first, second = self.head(features).chunk(2)
        target = self.teacher(features.chunk(2)[0]).detach()
        self._answer = second.detach().mean(0)
        agreement = (first - second).square().mean() + (first - target).square().mean()
        return {"loss": agreement + 0.01 * (first - self.queue.mean(0)).square().mean(), "agreement": agreement}

    def after_step(self, progress: Progress) -> None:
        self.teacher.weight.lerp_(self.head[0].weight, 0.1)
        self.queue[progress.step % len(self.queue)] = self._answer


def dataset(items: int = 64, size: int = 8) -> Dataset:
    """Grey pictures of two classes: dark and bright blobs on noise."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 120, (items, size, size))
    labels = np.arange(items) % 2
    pictures[labels == 1, 2:5, 2:5] += 120
    data = load((pictures.astype(np.uint8), labels))
    return replace(data, split=("train", "train", "train", "test") * (len(data) // 4))


def job(settings: TrainSettings | None = None, **method_settings: object) -> Job:
    return Job(
        data=dataset(),
        method=Tiny,
        backbone="cnn",
        views="glyphs",
        method_settings=method_settings,
        settings=settings or TrainSettings(device="cpu"),
    )


def encoder_bits(folder) -> bytes:
    return (folder / "encoder.safetensors").read_bytes()


def rows(folder) -> list[dict[str, object]]:
    """metrics.jsonl without what depends on the clock."""
    found = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in row.items() if k not in ("items_per_s", "seconds")} for row in found]


def unkey() -> None:
    """Takes the keys away: the order and dropout come from generators that run on, as in most training loops."""
    torch.manual_seed(0)
    randomness.seed_dropout = lambda *key: None
    randomness.permutation = lambda seed, purpose, count, step=0: torch.randperm(count)


def main() -> None:
    folder, *options = sys.argv[1:]
    if "--unkeyed" in options:
        options.remove("--unkeyed")
        unkey()
    chosen = {name: json.loads(value) for name, value in (option.split("=") for option in options)}
    nap = chosen.pop("nap", 0.0)
    try:
        run_job(job(TrainSettings(device="cpu", **chosen), nap=nap), folder)
    except HeadstartError as error:
        sys.exit(f"{error} (exit code {error.exit_code})")


if __name__ == "__main__":
    main()
