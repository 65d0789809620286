"""Ants and bees with ImageNet's encoders: frozen and fine-tuned, the tutorial's recipe and ours; and the page on it.

    python benchmarks/headline.py [--encoders efficientnet-lite0 …] [--parts head all] [--recipes tutorial default]
                                  [--runs FOLDER] [--page FILE]

Every network is a run folder that is gone on with, or only read, when the command is given again; the page is written
anew after each, with what there is so far. Needs ../shared/data/hymenoptera and the extra `pretrained`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch
from scipy.stats import binomtest

import headstart
from figures import percent
from headstart import atomic, terminal
from headstart.backbones import installed_packages
from headstart.evaluation import accuracy_interval
from headstart.transfer import load_predictor

PHOTOS = Path(__file__).resolve().parents[2] / "shared" / "data" / "hymenoptera"
ENCODERS = ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2")
PARTS = {"head": "frozen", "all": "everything"}
RECIPES = ("tutorial", "default")
SEEDS = (0, 1, 2)
TUTORIALS_RIGHT, JUDGED = 148, 153
"""What the tutorial's VGG16 is known for: of so many photos in val/, so many right at its best epoch."""


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    encoder: str
    part: str
    recipe: str

    @property
    def solved(self) -> bool:
        """Whether nothing of it depends on a seed: the head on frozen features is the optimum."""
        return (self.part, self.recipe) == ("head", "default")

    @property
    def seeds(self) -> Sequence[int]:
        """What it is trained from."""
        return SEEDS[:1] if self.solved else SEEDS

    def folder(self, runs: Path, seed: int) -> Path:
        """Where a network of it lies."""
        return runs / f"{self.encoder}-{self.part}-{self.recipe}-seed{seed}"


@dataclass(frozen=True)
class Outcome:
    """One network."""

    right: list[bool]
    """Of the photos in val/, by the weights that are kept."""
    last: float | None
    """Accuracy after the last epoch, where the kept weights were chosen on these photos."""
    seconds: float


def outcome(row: Row, seed: int, runs: Path, *, train: bool) -> Outcome | None:
    """What a network came to; None where it isn't trained yet, and `train` is false."""
    folder = row.folder(runs, seed)
    known = folder / "headline.json"
    if known.exists():
        return Outcome(**json.loads(known.read_text()))
    if not train:
        return None
    print(f"{row.encoder}, {row.part}, {row.recipe}, seed {seed}", flush=True)
    found = headstart.finetune(row.encoder, PHOTOS, train=row.part, recipe=row.recipe, seed=seed, out=folder)
    record = json.loads((folder / "run.json").read_text())
    seconds = record.get("result", {}).get("seconds", 0.0)
    made = Outcome(right(folder), found.last_epoch and found.last_epoch["accuracy"], seconds)
    atomic.write_json(known, asdict(made))
    return made


def right(run: Path) -> list[bool]:
    """Where a network is right, on the photos in val/."""
    predictor = load_predictor(run)
    with terminal.silence():
        data = headstart.load(PHOTOS, size=predictor.encoder.decode or predictor.encoder.shape[-1])
    index = data.indices("test")
    answers = predictor.answer(data, index)
    return torch.eq(answers.labels, data.labels[index]).tolist()


def line(row: Row, outcomes: Sequence[Outcome | None]) -> str:
    """A row of the table, of the networks that are there."""
    there = [one for one in outcomes if one is not None]
    names = f"| {row.encoder} | {PARTS[row.part]} | {row.recipe} |"
    if len(there) < len(outcomes):
        done = f" ({len(there)} of {len(outcomes)} seeds are)" if there else ""
        return f"{names} not yet measured{done} | | | |"
    found = accuracy_interval(np.array([one.right for one in there])[:, None])
    counts = ", ".join(str(sum(one.right)) for one in there)
    chosen = " *selected on val*" if row.recipe == "tutorial" else ""
    last = "" if there[0].last is None else f"{100 * sum(one.last or 0 for one in there) / len(there):.1f}"
    minutes = "a pass" if row.solved else f"{sum(one.seconds for one in there) / len(there) / 60:.1f}"
    return f"{names} {percent(*found)}{chosen} | {counts} | {last} | {minutes} |"


def verdict(row: Row, outcomes: Sequence[Outcome | None]) -> str:
    """Where a row stands against the tutorial's VGG16, whose answers photo by photo nobody has: by the interval."""
    if None in outcomes:
        return ""
    found = accuracy_interval(np.array([one.right for one in outcomes if one is not None])[:, None])
    aim = TUTORIALS_RIGHT / JUDGED
    where = "above it" if found.low > aim else "below it" if found.high < aim else "around it"
    return f"- {row.encoder}, {PARTS[row.part]}, {row.recipe} recipe: {percent(*found)}, {where}."


def page(found: dict[Row, list[Outcome | None]]) -> str:
    """All that there is so far."""
    wilson = binomtest(TUTORIALS_RIGHT, JUDGED).proportion_ci(method="wilson")
    theirs = percent(TUTORIALS_RIGHT / JUDGED, wilson.low, wilson.high)
    verdicts = [said for row, outcomes in found.items() if (said := verdict(row, outcomes))]
    return "\n".join(
        [
            "# The classic tutorial's photos: results\n",
            "Made by `make headline`, which goes on where it was stopped. Ants and bees: 244 photos to learn from, "
            f"{JUDGED} in `val/` to judge by; accuracy in percent with its 95 % interval over the photos and three "
            "seeds. The tutorial's recipe keeps its best epoch on the very photos it is judged on, so its figures are "
            "marked, and the accuracy after its last epoch stands beside them; ours never sees them before the end. "
            "The head that the default recipe solves on frozen features depends on no seed. The tutorial's "
            "normalisation is ImageNet's, which is not the one that these weights were trained with. Minutes are of "
            "one thread of a machine that other work shared. What came out stands here as it is.\n",
            "| network | trained | recipe | accuracy on val/ | right, by seed | last epoch | minutes a run |",
            "|---|---|---|---|---|---|---|",
            f"| the tutorial's VGG16, as known | | tutorial | {theirs} *selected on val* | {TUTORIALS_RIGHT} | | |",
            *(line(row, outcomes) for row, outcomes in found.items()),
            "",
            f"Against the VGG16's {100 * TUTORIALS_RIGHT / JUDGED:.1f}, by the interval of each:\n",
            *verdicts,
            "",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--encoders", nargs="+", choices=ENCODERS, default=list(ENCODERS))
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=list(RECIPES))
    parser.add_argument("--runs", type=Path, default=Path("runs/headline"))
    parser.add_argument("--page", type=Path, default=Path("docs/tutorial-results.md"))
    args = parser.parse_args(arguments)
    missing = set(args.encoders) - set(installed_packages())
    if not PHOTOS.exists() or missing:
        print(f"nothing is measured: {'hymenoptera' if not PHOTOS.exists() else ', '.join(missing)} is missing")
        return
    runs = args.runs.absolute()
    rows = [Row(encoder, part, recipe) for part, encoder, recipe in product(PARTS, ENCODERS, RECIPES)]
    found = {row: [outcome(row, seed, runs, train=False) for seed in row.seeds] for row in rows}
    args.page.write_text(page(found), encoding="utf-8")
    for row in sorted(rows, key=lambda row: not row.solved):  # what takes seconds first
        if row.encoder in args.encoders and row.part in args.parts and row.recipe in args.recipes:
            for place, seed in enumerate(row.seeds):
                found[row][place] = outcome(row, seed, runs, train=True)
                args.page.write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
