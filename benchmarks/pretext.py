"""What predicting the withheld teaches: every such method's encoder against no training and raw pixels, as a page.

    python benchmarks/pretext.py [--sets cifar10 fashion] [--methods NAME …] [--seeds 0 1 2] [--runs FOLDER] [--time]

10,000 images of ../shared/data learn without labels: CIFAR-10 where colour or edges of photographs are the point, else
Fashion-MNIST. A method's figures stand beside those of its own network as it was initialised, so that what is compared
is the training. SimCLR is there as the measure. Every run is a run folder that is only read when the command is given
again; each takes about two minutes on two cores at most, all of them about an hour and a half. `--time` trains each of
the methods once more, on a machine that must be left alone, for nothing but its seconds.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from figures import percent
from headstart import atomic, terminal
from headstart.backbones import Encoder, Pixels, build_encoder
from headstart.data import Dataset, load
from headstart.errors import InputError
from headstart.evaluation import Bank, Judgement, accuracy_interval, features_of, judge, paired_differences
from headstart.randomness import permutation
from headstart.training import Job, TrainSettings, run_job

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
ITEMS = 10_000
"""Images that are learned from, and that few of get labels."""
DRAWS = 10
CELLS = ((10, "chosen"), ("all", "linear"))
"""What the columns show: labels a class, and the head on the features."""


@dataclass(frozen=True)
class Entry:
    """A row: a method with its settings, trained for some epochs."""

    method: str
    epochs: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    """It doesn't certainly gain over no training, in one column or both, as far as that was looked into."""

    @property
    def name(self) -> str:
        """The method, and whatever differs from its default."""
        return " ".join([self.method, *(f"{name}={value}" for name, value in self.settings.items())])


@dataclass(frozen=True)
class Subject:
    """A set and what is tried on it."""

    title: str
    source: Path
    about: str
    entries: Sequence[Entry]


IJEPA = (
    "312 steps are too few: it needs thousands. On digits, seed 0, 10 labels a class are worth "
    "84.2 untrained, 84.1 after 420 steps, 87.9 after 2,100 and 91.4 after 6,300. A teacher that follows faster is no "
    "way around: on CIFAR-10 the probe has 48.0 untrained, and after 468 steps 47.4, 46.3 and 46.0 with --momentum "
    ".996, .98 and .9."
)
"""Why `ijepa` gains nothing here."""

SUBJECTS: Mapping[str, Subject] = {
    "cifar10": Subject(
        "CIFAR-10",
        SHARED / "cifar10" / "cifar10_jpeg.tar.gz",
        "Colour photographs of 32 pixels, ten kinds of animals and vehicles.",
        [
            Entry("simclr", 8),
            Entry("rotation", 12),
            Entry("relative_patch", 10),
            Entry(
                "jigsaw",
                10,
                why="it does learn its task: of the last batch's puzzles 77 % were solved (by chance 1 %). Yet the "
                "features of 4,000 images tell kinds apart no better than untrained ones, in colour, in grey, and in "
                "grey with equal means and deviations, as tiles were shown. What fits tiles of 8 pixels together "
                "doesn't say what is on them.",
            ),
            Entry("colorization", 10),
            Entry("colorization", 10, {"target": "regression"}),
            Entry("split_brain", 10),
            Entry(
                "inpainting",
                8,
                why="what fills a hole best is the colour around it, and that is what the features learn to say: of "
                "3,000 images the five nearest neighbours share the mean colour more closely after training (R² .855 "
                "and .853, seeds 0 and 1; .822 and .831 before), and the kind as rarely as before (25.9 and 26.7 % of "
                "them; 27.0 and 26.6). After `rotation`, seed 0, it is the other way round: R² .722, and 37.1 %.",
            ),
            Entry("mae", 4),
            Entry("ijepa", 2, why=IJEPA),
        ],
    ),
    "fashion": Subject(
        "Fashion-MNIST",
        SHARED / "fashion_mnist",
        "Grey pictures of 28 pixels, ten kinds of clothes, where every picture has the same outline as many others.",
        [
            Entry("simclr", 8),
            Entry("autoencoder", 20),
            Entry("autoencoder", 8, {"architecture": "conv"}),
            Entry("variational", 20),
            Entry("denoising", 20),
            Entry("inpainting", 8),
            Entry(
                "mae",
                4,
                why="with 10 labels it gains; for the probe 624 steps are too few. Seed 1 has 82.4 untrained, 82.2 "
                "after them, and 84.4 after 2,496; with 10 labels 59.9, 62.4 and 68.8.",
            ),
            Entry("ijepa", 2, why=IJEPA),
            Entry("rotation", 12),
        ],
    ),
}


@dataclass(frozen=True)
class Room:
    """A set as it is opened, and where its runs lie."""

    data: Dataset
    known: Tensor
    """int64 places of the images that are learned from."""
    runs: Path

    def judged(self, encoder: Encoder, path: Path) -> Judgement:
        """What the encoder's features are worth, from a file if it is there."""
        if not path.exists():
            asked = self.data.indices("test")
            judge(
                Bank(features_of(encoder, self.data, self.known)),
                self.data.labels[self.known],
                features_of(encoder, self.data, asked),
                self.data.labels[asked],
                self.data.classes,
                labels_per_class=[k for k, _ in CELLS],
                draws=DRAWS,
            ).save(path)
        return Judgement.load(path)

    def raw(self) -> Judgement:
        """The pixels themselves."""
        mean, deviation = self.data.pixel_statistics()
        return self.judged(
            build_encoder(Pixels(), self.data.shape, mean=mean, deviation=deviation, seed=0),
            self.runs / "raw.judgement",
        )

    def job(self, entry: Entry, seed: int) -> Job:
        """What is trained."""
        return Job(
            data=self.data,
            method=entry.method,
            method_settings=entry.settings,
            index=self.known,
            settings=TrainSettings(seed=seed, epochs=entry.epochs, device="cpu"),
        )

    def timed(self, entry: Entry) -> float:
        """Seconds of training, by a run that is thrown away."""
        with terminal.silence(), tempfile.TemporaryDirectory() as folder:
            return run_job(self.job(entry, 0), folder).seconds

    def taken(self, entry: Entry, seed: int) -> tuple[Judgement, Judgement, float]:
        """The network judged as it was initialised and as it was trained, and the seconds of training."""
        name, job = f"{entry.name.replace(' ', '-')}-seed{seed}", self.job(entry, seed)
        before = self.judged(job.build().encoder.eval(), self.runs / f"{name}.before")
        trained = run_job(job, self.runs / name)
        return before, self.judged(trained.method.encoder, self.runs / f"{name}.after"), trained.seconds


def opened(name: str, runs: Path) -> Room:
    """A set with the images that are learned from drawn once for all runs."""
    data = load(SUBJECTS[name].source)
    train = data.indices("train")
    known = train[permutation(0, "pretext", len(train))[:ITEMS]].sort().values
    folder = runs / name
    folder.mkdir(parents=True, exist_ok=True)
    return Room(data, known, folder)


def take(room: Room, entry: Entry, seeds: Sequence[int]) -> dict[str, Any]:
    """An entry's figures over seeds; `raw` and `random` hold what the verdicts need."""
    with terminal.silence():
        raw = room.raw()
        found = [room.taken(entry, seed) for seed in seeds]
    figures: dict[str, Any] = {"seconds": max(seconds for _, _, seconds in found)}
    for k, head in CELLS:
        before = torch.stack([untrained.correct(k, head) for untrained, _, _ in found])
        after = torch.stack([trained.correct(k, head) for _, trained, _ in found])
        leads = paired_differences(
            {"after": after, "before": before, "raw": raw.correct(k, head)[None]},
            [("after", "before"), ("after", "raw")],
        )
        figures[str(k)] = {
            "before": list(accuracy_interval(before)),
            "after": list(accuracy_interval(after)),
            "raw": list(accuracy_interval(raw.correct(k, head)[None])),
            "leads": [(lead.difference, lead.low, lead.high, lead.verdict) for lead in leads],
        }
    print(entry.name, *cells(figures), flush=True)
    return figures


def cells(figures: Mapping[str, Any]) -> list[str]:
    """A row of a table but its name: leads that are certain are bold."""
    row = []
    for k, _ in CELLS:
        one = figures[str(k)]
        row += [percent(*one["after"]), percent(*one["before"])]
        for *lead, won in one["leads"]:
            row.append(f"**{percent(*lead)}**" if won == "a" else percent(*lead))
    return [*row, f"{figures['alone']:.0f}" if "alone" in figures else f"{figures['seconds']:.0f} (shared)"]


def section(name: str, found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A set's table."""
    subject = SUBJECTS[name]
    rows = [
        f"| `{entry.name}` | {entry.epochs} | {' | '.join(cells(found[entry.name]))} |"
        for entry in subject.entries
        if entry.name in found
    ]
    reasons = [f"- `{entry.name}`: {entry.why}" for entry in subject.entries if entry.why and entry.name in found]
    waiting = [f"`{entry.name}`" for entry in subject.entries if entry.name not in found]
    raw = next(iter(found.values()))
    heads = [
        f"{label} | its network untrained | less untrained | less raw"
        for label in ("10 labels a class", "probe, all labels")
    ]
    return [
        f"## {subject.title}\n",
        f"{subject.about} Raw pixels: {percent(*raw['10']['raw'])} with 10 labels a class, "
        f"{percent(*raw['all']['raw'])} with a probe on all labels.\n",
        f"| method | epochs | {' | '.join(heads)} | seconds |",
        "|---" * 11 + "|",
        *rows,
        "",
        *(["Why some don't certainly gain over no training:\n", *reasons, ""] if reasons else []),
        *([f"Not yet measured: {', '.join(waiting)}.\n"] if waiting else []),
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", nargs="+", choices=list(SUBJECTS), default=list(SUBJECTS))
    parser.add_argument("--methods", nargs="+", help="only these are trained; the page shows all that is there")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--runs", type=Path, default=Path("runs/pretext"))
    parser.add_argument("--time", action="store_true")
    parser.add_argument("--page", type=Path, default=Path("docs/pretext-results.md"))
    args = parser.parse_args()
    runs = args.runs.absolute()
    sections = []
    for name in args.sets:
        try:
            room = opened(name, runs)
        except InputError as error:
            print(f"{name} is left out: {error}", flush=True)
            continue
        path = room.runs / "figures.json"
        found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        for entry in SUBJECTS[name].entries:
            if entry.name not in found and (args.methods is None or entry.method in args.methods):
                found[entry.name] = take(room, entry, args.seeds)
                atomic.write_json(path, found)
            if args.time and entry.name in found and entry.method in (args.methods or [entry.method]):
                found[entry.name]["alone"] = room.timed(entry)
                print(entry.name, f"{found[entry.name]['alone']:.0f} s", flush=True)
                atomic.write_json(path, found)
        sections += section(name, found) if found else []
    about = (
        f"Made by `make results`: {ITEMS:,} images without labels, seeds {', '.join(map(str, args.seeds))}, the "
        "default settings otherwise. Accuracy in percent on the official test part with its 95 % interval over seeds, "
        f"{DRAWS} draws of the labels and test items: with 10 labels a class by the head that cross-validation "
        "chooses, and of a linear probe on all labels of the same images. Each lead is paired, on the same seeds, "
        "draws and items; it is bold where it is certain. Seconds are of training one seed on two cores left "
        "alone; those that are called shared, the longest of the seeds on one thread beside other work. What came out "
        "stands here as it is.\n"
    )
    args.page.write_text("\n".join(["# Predicting what was withheld: results\n", about, *sections]), encoding="utf-8")


if __name__ == "__main__":
    main()
