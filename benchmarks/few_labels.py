"""From which number of labels on scratch catches up: fine-tuning an encoder pretrained here, and the page that tells.

    python benchmarks/few_labels.py [--sets digits fashion] [--runs FOLDER] [--page FILE] [--data FOLDER]

An encoder learns from the unlabelled training part (SimCLR); then, for 1 to 100 labels a class and several draws of
them, a head on its features, all of it fine-tuned, and a network from scratch: the same backbone, views and draws.
Every network is a run folder that is only read when the command is given again. Fashion-MNIST is that of
../shared/data. Some twenty minutes on two cores, half of it Fashion-MNIST's encoder.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from figures import percent
from headstart import atomic, terminal
from headstart.data import Dataset, load
from headstart.errors import InputError
from headstart.evaluation import accuracy_interval, classifier_head, features_of, paired
from headstart.label_counts import said
from headstart.training import Job, TrainSettings, load_encoder, open_encoder, run_job
from headstart.transfer import FineTuning, fine_tune, parts_of
from headstart.transfer.views import mild_views

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
COUNTS = (1, 2, 5, 10, 20, 50, 100)
DRAWS = 5
SCRATCH_STEPS = 1_000
SCRATCH_BATCH = 64
WAYS = ("head", "all", "scratch")


@dataclass(frozen=True)
class Subject:
    """A set and how long its encoder learns without labels."""

    name: str
    source: str
    epochs: int


SUBJECTS: Mapping[str, Subject] = {
    "digits": Subject("digits", "digits", 160),
    "fashion": Subject("Fashion-MNIST", "fashion_mnist", 10),
}


def pretrained(subject: Subject, data: Dataset, runs: Path) -> Path:
    """The run folder of the encoder that learned without labels."""
    run = runs / f"{subject.source}-simclr-{subject.epochs}"
    run_job(Job(data=data, method="simclr", settings=TrainSettings(epochs=subject.epochs, device="cpu")), run)
    return run


def tuned(encoder: Path, data: Dataset, k: int, draw: int, part: str, run: Path) -> Path:
    """The run folder of the encoder with a head, or all of it fine-tuned, on one draw of k labels a class."""
    parts = parts_of(data, labels_per_class=k, split_seed=0, draw=draw)
    settings = TrainSettings(device="cpu", seed=draw)
    tuning = FineTuning(encoder=str(encoder), data=data, parts=parts, part=part, settings=settings)
    opened, _ = open_encoder(encoder)
    return fine_tune(tuning, opened, run, run.with_name(f"{run.name}-start")).run


def scratch(data: Dataset, k: int, draw: int, run: Path) -> Path:
    """The run folder of a network that knows nothing but the draw's labels."""
    index = parts_of(data, labels_per_class=k, split_seed=0, draw=draw).known
    settings = TrainSettings(device="cpu", seed=draw, steps=SCRATCH_STEPS, batch_size=min(SCRATCH_BATCH, len(index)))
    run_job(Job(data=data, method="supervised", views=mild_views(data.shape), index=index, settings=settings), run)
    return run


def right(run: Path, data: Dataset) -> Tensor:
    """bool T: where the network in a run folder is right on the test part."""
    encoder, _ = load_encoder(run)
    index = data.indices("test")
    return classifier_head(run).predict(features_of(encoder, data, index)).argmax(dim=1) == data.labels[index]


def answers(way: str, k: int, subject: Subject, data: Dataset, encoder: Path, runs: Path) -> Tensor:
    """bool D×T over draws and test items."""
    rows = []
    for draw in range(DRAWS):
        run = runs / f"{subject.source}-{way}-k{k}-draw{draw}"
        with terminal.silence():
            done = scratch(data, k, draw, run) if way == "scratch" else tuned(encoder, data, k, draw, way, run)
        rows.append(right(done, data))
    return torch.stack(rows)


def figures(subject: Subject, runs: Path, folder: Path) -> dict[str, list[float]]:
    """Accuracy with its interval by `way k`, and the paired difference of `all` and `scratch` by `lead k`."""
    path = runs / f"{subject.source}.json"
    known: dict[str, list[float]] = json.loads(path.read_text()) if path.exists() else {}
    if all(f"lead {k}" in known for k in COUNTS):
        return known
    with terminal.silence():
        data = load(subject.source if subject.source == "digits" else folder / subject.source)
        encoder = pretrained(subject, data, runs)
    for k in COUNTS:
        if f"lead {k}" in known:
            continue
        found = {way: answers(way, k, subject, data, encoder, runs) for way in WAYS}
        for way, rows in found.items():
            known[f"{way} {k}"] = list(accuracy_interval(rows[None]))
        lead = paired(found["all"][None], found["scratch"][None])
        known[f"lead {k}"] = [lead.difference, *lead.interval()]
        print(subject.name, k, *(percent(*known[f"{way} {k}"]) for way in (*WAYS, "lead")), flush=True)
        atomic.write_json(path, known)
    return known


def section(subject: Subject, found: Mapping[str, list[float]]) -> list[str]:
    """A set's table, and where scratch has caught up."""
    rows = [f"| {k} | {' | '.join(percent(*found[f'{way} {k}']) for way in (*WAYS, 'lead'))} |" for k in COUNTS]
    level = next((k for k in COUNTS if found[f"lead {k}"][1] <= 0), None)
    verdict = (
        f"Scratch has caught up from {said([level])} on: there the interval of the lead holds 0."
        if level is not None
        else f"Scratch has not caught up at {COUNTS[-1]} labels a class."
    )
    return [
        f"## {subject.name}\n",
        f"SimCLR of {subject.epochs} epochs on the unlabelled training part.\n",
        "| labels a class | head on its features | all of it fine-tuned | scratch | fine-tuned less scratch |",
        "|---|---|---|---|---|",
        *rows,
        "",
        f"{verdict}\n",
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", nargs="+", choices=list(SUBJECTS), default=list(SUBJECTS))
    parser.add_argument("--runs", type=Path, default=Path("runs/few-labels"))
    parser.add_argument("--page", type=Path, default=Path("docs/few-labels-results.md"))
    parser.add_argument("--data", type=Path, default=SHARED)
    args = parser.parse_args()
    runs = args.runs.absolute()
    runs.mkdir(parents=True, exist_ok=True)
    parts = [
        "# Few labels: fine-tuning against scratch\n",
        f"Made by `make results`. Accuracy in percent on the test part with its 95 % interval over {DRAWS} draws of "
        "the labels and the test items; the last column is paired, on the same draws and items. One encoder a set, so "
        f"its seed is not in the intervals. Scratch has the same backbone and views and {SCRATCH_STEPS:,} steps. What "
        "came out stands here as it is.\n",
    ]
    for subject in (SUBJECTS[name] for name in args.sets):
        try:
            parts += section(subject, figures(subject, runs, args.data))
        except InputError as error:
            print(f"{subject.name} is left out: {error}", flush=True)
    args.page.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
