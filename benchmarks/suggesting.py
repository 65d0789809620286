"""What labels of suggested items are worth beside labels of random ones, and the page that tells what came out.

    python benchmarks/suggesting.py [--sets digits fashion hymenoptera] [--runs FOLDER] [--page FILE] [--data FOLDER]

Every figure is kept in the runs folder and only read when the command is given again; encoders are run folders that
are gone on with. Fashion-MNIST and the photographs are those of ../shared/data, or of --data; a set that is not there
is left out. Some twenty minutes on two cores, most of it Fashion-MNIST's encoder.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from figures import percent
from headstart import atomic, terminal
from headstart.data import Dataset, load
from headstart.errors import InputError
from headstart.evaluation import HEADS, Bank, Labelled, Queries, accuracy_interval, features_of, label_draws
from headstart.training import Job, TrainSettings, open_encoder, run_job
from headstart.transfer import Candidates

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
COUNTS = (10, 20, 30, 50, 100)
"""Labels in all."""

STARTS = (10, 25, 50)
"""Random labels that as many more are added to."""

REPEATS = 10
HEAD = "propagation"


@dataclass(frozen=True)
class Experiment:
    """A set with the features it is looked at through."""

    name: str
    source: str
    encoder: str
    """A name that `embed` takes, or `simclr` to train it here."""
    epochs: int = 0
    about: str = ""


EXPERIMENTS: Mapping[str, Experiment] = {
    "digits": Experiment("digits, SimCLR", "digits", "simclr", 160, "SimCLR of 160 epochs"),
    "fashion": Experiment(
        "Fashion-MNIST, SimCLR", "fashion_mnist", "simclr", 10, "SimCLR of 10 epochs on its 60,000 training items"
    ),
    "hymenoptera": Experiment(
        "hymenoptera, EfficientNet-Lite0", "hymenoptera", "efficientnet-lite0", about="ImageNet features of 244 photos"
    ),
}


class Subject:
    """A set's features, and how well items picked from them serve."""

    def __init__(self, data: Dataset, train: Tensor, test: Tensor) -> None:
        """`train` M×D and `test` T×D features of the parts of a set whose items all have labels."""
        self.labels = data.labels[data.indices("train")]
        self.truth = data.labels[data.indices("test")]
        self.classes = data.classes
        self.bank, self.asked = Bank(train), Queries(test)

    @cached_property
    def unknown(self) -> Candidates:
        """All training items, none with a label."""
        return Candidates(self.bank.features, torch.full_like(self.labels, -1))

    def right(self, picks: Sequence[Tensor]) -> Tensor:
        """bool R×T: where the head is right that knows the labels at each of R picks (int64 rows)."""
        draws = [Labelled(index, self.labels[index], None) for index in (pick.sort().values for pick in picks)]
        trials = HEADS[HEAD].fit_draws(self.bank, draws, len(self.classes))
        return torch.stack([trial.fitted.predict(self.asked).argmax(dim=1) == self.truth for trial in trials])

    def suggested(self, count: int) -> list[Tensor]:
        """Picked with no label."""
        return [_rows(self.unknown.suggest(count, seed=seed)) for seed in range(REPEATS)]

    def balanced(self, count: int) -> list[Tensor] | None:
        """Drawn at random, as many of each class; None where that can't be."""
        if count % len(self.classes):
            return None
        return label_draws(self.labels, count // len(self.classes), REPEATS, 0, self.classes)

    def plain(self, count: int) -> list[Tensor]:
        """Drawn at random."""
        return [_shuffled(len(self.labels), seed)[:count] for seed in range(REPEATS)]

    def added(self, start: int) -> list[Tensor]:
        """Random ones, and as many more that were suggested with the labels of those."""
        picks = []
        for seed, known in enumerate(self.plain(start)):
            labels = torch.full_like(self.labels, -1)
            labels[known] = self.labels[known]
            more = Candidates(self.bank.features, labels, seed=seed).suggest(start, classes=self.classes)
            picks.append(torch.cat([known, _rows(more)]))
        return picks


def _rows(picks: Sequence[tuple[int, str]]) -> Tensor:
    return torch.tensor([place for place, _ in picks])


def _shuffled(count: int, seed: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).permutation(count))


def subject_of(experiment: Experiment, runs: Path, folder: Path) -> Subject:
    """The set through its encoder, which is trained first where it is one of ours."""
    source = experiment.source if experiment.source == "digits" else str(folder / experiment.source)
    with terminal.silence():
        data = load(source)
        if experiment.encoder == "simclr":
            settings = TrainSettings(epochs=experiment.epochs, device="cpu")
            run = runs / f"{experiment.source}-simclr-{experiment.epochs}"
            encoder = run_job(Job(data=data, method="simclr", settings=settings), run).method.encoder.eval()
        else:
            encoder, _ = open_encoder(experiment.encoder)
        return Subject(data, *(features_of(encoder, data, data.indices(part)) for part in ("train", "test")))


def figures(experiment: Experiment, runs: Path, folder: Path) -> dict[str, list[float] | None]:
    """Accuracy with its interval by what was asked, such as "suggested 10"; what is known is not asked again."""
    path = runs / f"{experiment.source}.json"
    known: dict[str, list[float] | None] = json.loads(path.read_text()) if path.exists() else {}
    asked = [(f"{kind} {n}", n) for n in COUNTS for kind in ("suggested", "balanced", "plain")]
    asked += [(f"added {n}", n) for n in STARTS]
    missing = [(name, n) for name, n in asked if name not in known]
    subject = subject_of(experiment, runs, folder) if missing else None
    for name, n in missing:
        pick: Callable[[int], list[Tensor] | None] = getattr(subject, name.split()[0])
        picks = pick(n)
        assert subject is not None
        known[name] = None if picks is None else list(accuracy_interval(subject.right(picks)[None]))
        print(experiment.name, name, _cell(known[name]), flush=True)
        atomic.write_json(path, known)
    return known


def _cell(found: list[float] | None) -> str:
    return "–" if found is None else percent(*found)


def section(experiment: Experiment, found: Mapping[str, list[float] | None]) -> list[str]:
    """A set's two tables."""
    first = [
        f"| {n} | " + " | ".join(_cell(found[f"{kind} {n}"]) for kind in ("suggested", "balanced", "plain")) + " |"
        for n in COUNTS
    ]
    second = [f"| {n} + {n} | {_cell(found[f'added {n}'])} | {_cell(found[f'plain {2 * n}'])} |" for n in STARTS]
    return [
        f"## {experiment.name}\n",
        f"{experiment.about}.\n",
        "| labels in all | suggested, no label known | random, as many a class | random |",
        "|---|---|---|---|",
        *first,
        "",
        "| labels in all | half random, then as many suggested | all random |",
        "|---|---|---|",
        *second,
        "",
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", nargs="+", choices=list(EXPERIMENTS), default=list(EXPERIMENTS))
    parser.add_argument("--runs", type=Path, default=Path("runs/suggesting"))
    parser.add_argument("--page", type=Path, default=Path("docs/suggested-labels.md"))
    parser.add_argument("--data", type=Path, default=SHARED)
    args = parser.parse_args()
    args.runs.mkdir(parents=True, exist_ok=True)
    parts = [
        "# Suggested against random labels\n",
        "Made by `make results`. Accuracy in percent on the test part, by label propagation, with its 95 % interval "
        f"over {REPEATS} repeats and test items; a repeat of a suggestion has other starts of its clusters. Random "
        "labels with as many of each class are what nobody has before labelling: they know the classes beforehand. "
        "How items are clustered, and when uncertain ones come in, was chosen on digits, hymenoptera and a part of "
        "Fashion-MNIST with these test parts in sight, which flatters the suggestions. What came out stands here as it "
        "is.\n",
    ]
    for experiment in (EXPERIMENTS[name] for name in args.sets):
        try:
            parts += section(experiment, figures(experiment, args.runs, args.data))
        except InputError as error:
            print(f"{experiment.name} is left out: {error}", flush=True)
    args.page.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
