"""The seed experiments behind the methods, and the page that tells what came out.

    python benchmarks/experiments.py [--epochs 40] [--seeds 0 1 2] [--runs FOLDER] [--page FILE]

Every run is a run folder that is gone on with, or only read, when the command is given again. Digits, as bundled: the
whole takes some six minutes on two cores.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import torch

from figures import percent
from headstart import terminal
from headstart.data import Dataset, load
from headstart.evaluation import Bank, Judgement, accuracy_interval, features, judge
from headstart.measures import rank_me
from headstart.training import Job, TrainSettings, run_job
from headstart.training.projecting import load_projector

LABELS = (1, 5)
DRAWS = 10


@dataclass(frozen=True)
class Experiment:
    """One row of a table."""

    name: str
    method: str
    views: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    projected: bool = False
    """Judge z, what the loss sees, instead of h, what the encoder gives."""


TABLES: Mapping[str, tuple[str, Sequence[Experiment]]] = {
    "Does batch norm keep BYOL from collapsing?": (
        "BYOL has no negatives. Batch norm in backbone, projector and predictor was suspected to stand in for them "
        "(Fetterman and Albrecht 2020); Richemond et al. 2020 (2010.10241) found it not needed.",
        [
            Experiment(f"byol, {'no' if norm == 'none' else norm} norm", "byol", "glyphs", {"norm": norm})
            for norm in ("batch", "group", "none")
        ],
    ),
    "What do SimCLR's views carry?": (
        "Steps left out of two sets. Chen et al. 2020 find crops and colours together to matter most on photographs. "
        "Pictures of 8 px have no blur in any set, and grey ones know brightness and contrast only.",
        [Experiment(views, "simclr", views) for views in ("simclr", "simclr-crop", "simclr-colour", "simclr-flip")]
        + [Experiment(views, "simclr", views) for views in ("glyphs", "glyphs-crop-affine", "glyphs-jitter")],
    ),
    "Features from h or from z?": (
        "h is what the encoder gives, z what its projector makes of it and the loss compares. Chen et al. 2020, "
        "section 4.2, find h better by more than 10 points on ImageNet.",
        [
            Experiment("simclr, h", "simclr", "glyphs"),
            Experiment("simclr, z", "simclr", "glyphs", projected=True),
        ],
    ),
}


def take(experiment: Experiment, seed: int, epochs: int, data: Dataset, runs: Path) -> tuple[Judgement, float, bool]:
    """The judgement, the effective rank of the test features, and whether they collapsed while training."""
    chosen = "-".join(str(value) for value in experiment.settings.values())
    folder = runs / "-".join(filter(None, [experiment.method, experiment.views, chosen, f"seed{seed}"]))
    job = Job(
        data=data,
        method=experiment.method,
        views=experiment.views,
        method_settings=experiment.settings,
        settings=TrainSettings(seed=seed, epochs=epochs, device="cpu"),
    )
    with terminal.silence():
        trained = run_job(job, folder)
    train, test = data.indices("train"), data.indices("test")
    rows = [features(trained.method.encoder, data.take(part)) for part in (train, test)]
    if experiment.projected:
        with torch.inference_mode():
            rows = [load_projector(folder)(part) for part in rows]
    judged = judge(
        Bank(rows[0]),
        data.labels[train],
        rows[1],
        data.labels[test],
        data.classes,
        labels_per_class=LABELS,
        draws=DRAWS,
    )
    return judged, float(rank_me(rows[1])), trained.collapsed


def line(experiment: Experiment, seeds: Sequence[int], epochs: int, data: Dataset, runs: Path) -> str:
    """A row of a table, over all seeds."""
    found = [take(experiment, seed, epochs, data, runs) for seed in seeds]
    cells = [experiment.name]
    for k, head in product(LABELS, ("propagation", "linear")):
        right = torch.stack([judged.correct(k, head) for judged, _, _ in found])
        cells.append(percent(*accuracy_interval(right)))
    ranks = [rank for _, rank, _ in found]
    cells.append(f"{min(ranks):.1f}–{max(ranks):.1f}")
    cells.append(f"{sum(collapsed for _, _, collapsed in found)} of {len(found)}")
    print(" | ".join(cells), flush=True)
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--runs", type=Path, default=Path("runs/experiments"))
    parser.add_argument("--page", type=Path, default=Path("docs/experiments.md"))
    args = parser.parse_args()
    data = load("digits")
    heads = "".join(f" {k} label{'s' if k > 1 else ''}, {head} |" for k in LABELS for head in ("propagation", "linear"))
    parts = [
        "# Experiments\n",
        f"Made by `make results`: digits, {args.epochs} epochs, seeds {', '.join(map(str, args.seeds))}, the default "
        f"settings otherwise. Accuracy in percent on the test part with its 95 % interval over seeds, {DRAWS} draws of "
        "the labels and test items; effective rank (RankMe) of the test features over the seeds; and in how many runs "
        "the collapse watch called out. What came out stands here as it is.\n",
    ]
    for title, (about, experiments) in TABLES.items():
        print(f"\n{title}", flush=True)
        rows = [line(experiment, args.seeds, args.epochs, data, args.runs) for experiment in experiments]
        parts += [
            f"## {title}\n",
            f"{about}\n",
            f"| |{heads} effective rank | collapsed |",
            "|---|---|---|---|---|---|---|",
        ]
        parts += [*rows, ""]
    args.page.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
