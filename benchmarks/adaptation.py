"""Every adaptation method on pairs of domains, and the page that tells what came out.

    python benchmarks/adaptation.py [--seeds 0 1 2] [--pairs NAME …] [--runs FOLDER] [--page FILE]

Every run is a run folder that is gone on with, or only read, when the command is given again; all of them take about
half an hour of one core. MNIST, USPS and PACS are looked for in shared/data beside the repository, and their pairs are
left out where they are missing.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from figures import percent
from headstart import atomic, terminal
from headstart.data import Dataset, load
from headstart.evaluation import Interval, Verdict, accuracy_interval, paired_differences
from headstart.methods import ADAPTERS
from headstart.randomness import permutation
from headstart.training import TrainSettings
from headstart.transfer import Adaptation, Adapted, Pair, adapt_between, answers, pair

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
MNIST, USPS, PACS = SHARED / "mnist", SHARED / "usps" / "usps.npz", SHARED / "pacs" / "pacs128.tar.gz"
BASELINE = "source_only"


@dataclass(frozen=True)
class Domains:
    """One table."""

    name: str
    source: str
    target: str
    about: str
    needs: Sequence[Path] = ()
    size: int | None = None
    """Pixels a side; None: the source's own."""
    drawn: tuple[int, int] | None = None
    """Training items of source and target; None: all."""
    init: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of training; what is left out is the recipe's."""
    published: Mapping[str, str] = field(default_factory=dict)
    """Accuracy in percent by method, where a paper has the same protocol."""

    @property
    def folder(self) -> str:
        """What its runs lie in."""
        return self.name.replace(" → ", "-to-").replace(": ", "-").lower()


def sampled(source: str, target: str, tested: str, published: Mapping[str, str]) -> Domains:
    """MNIST and USPS, one way or the other, by the protocol of the papers."""
    places, counts = {"MNIST": MNIST, "USPS": USPS}, {"MNIST": 2_000, "USPS": 1_800}
    return Domains(
        f"{source} → {target}",
        str(places[source]),
        str(places[target]),
        "The protocol of Long et al. (ICCV 2013): 2,000 items drawn from MNIST and 1,800 from USPS, here once, from "
        f"the training parts, for all seeds; accuracy is of the target's whole test part ({tested} items), none of "
        "which was adapted to. 28×28 pixels. The papers' figures are those of Tzeng et al. (1702.05464, table 2: "
        "“source only” and “gradient reversal”), made by a LeNet; CORAL's paper (1607.01719) has none on digits.",
        needs=(MNIST, USPS),
        size=28,
        drawn=(counts[source], counts[target]),
        published=published,
    )


PAIRS = (
    Domains(
        "rendered-digits → digits",
        "rendered-digits",
        "digits",
        "Digits drawn from 21 fonts; digits that people wrote. 8×8 pixels. Views, batch norm and the weights of coral "
        "and mmd were chosen on this pair with the target's labels in sight, so its figures flatter them.",
    ),
    sampled("MNIST", "USPS", "2,007", {BASELINE: "75.2 ± 1.6", "dann": "77.1 ± 1.8"}),
    sampled("USPS", "MNIST", "10,000", {BASELINE: "57.1 ± 1.7", "dann": "73.0 ± 2.0"}),
    Domains(
        "PACS: photo → sketch",
        f"{PACS}::photo",
        f"{PACS}::sketch",
        "Photographs and line drawings of four animals, guitars, houses and people: 840 and 800 of PACS, a quarter of "
        "them test items, at 96×96 pixels. From ImageNet's `efficientnet-lite0` on (`--init`), six epochs in batches "
        "of 32. Papers on PACS take all its 9,991 images, of three domains at once, so none of their figures stands "
        "here.",
        needs=(PACS,),
        size=96,
        init="efficientnet-lite0",
        settings={"epochs": 6, "batch_size": 32},
    ),
)


@cache
def read(place: str, size: int | None) -> Dataset:
    """A domain, opened once for all pairs."""
    return load(place, size=size)


def opened(domains: Domains, runs: Path) -> Pair:
    """The pair, of as many training items as are asked for."""
    both = [read(place, domains.size) for place in (domains.source, domains.target)]
    if domains.drawn is not None:
        folder = runs / domains.folder
        folder.mkdir(parents=True, exist_ok=True)
        both = [drawn(data, count, folder) for data, count in zip(both, domains.drawn, strict=True)]
    return pair(*both)


def drawn(data: Dataset, count: int, folder: Path) -> Dataset:
    """The set with this many of its training items, drawn by its name, and its whole test part; kept as a file."""
    train = data.indices("train")
    chosen = {"train": train[permutation(0, data.name, len(train))[:count].sort().values], "test": data.indices("test")}
    arrays: dict[str, Any] = {}
    for part, index in chosen.items():
        arrays[f"x_{part}"] = data.take(index).squeeze(1).numpy()
        arrays[f"y_{part}"] = np.array(data.label_names(index))
    path = folder / f"{data.name}.npz"
    np.savez_compressed(path, **arrays)
    return load(path)


def take(method: str, seed: int, domains: Domains, both: Pair, runs: Path) -> tuple[Adapted, Tensor]:
    """A method's run beside its baseline, and for each scored item whether the answer was right."""
    folder = runs / domains.folder
    settings = TrainSettings(seed=seed, device="cpu", **domains.settings)
    plan = Adaptation(method=method, pair=both, init=domains.init, settings=settings)
    with terminal.silence():
        found = adapt_between(plan, folder / f"{method}-seed{seed}", folder / f"{BASELINE}-seed{seed}")
    right = answers(found.trained.method, both.target, both.scored).argmax(dim=1) == both.target.labels[both.scored]
    print(f"{method}, seed {seed}: {100 * right.float().mean():.1f}", flush=True)
    return found, right


def rows(domains: Domains, seeds: Sequence[int], both: Pair, runs: Path) -> list[str]:
    """A row for every method, over all seeds."""
    found, correct = {}, {}
    for method in ADAPTERS:
        taken = [take(method, seed, domains, both, runs) for seed in seeds]
        found[method] = [one for one, _ in taken]
        correct[method] = torch.stack([right for _, right in taken])[:, None].numpy()
    adapted = [method for method in ADAPTERS if method != BASELINE]
    verdicts = paired_differences(correct, [(method, BASELINE) for method in adapted])
    leads = dict(zip(adapted, verdicts, strict=True))
    return [
        row(method, found[method], accuracy_interval(correct[method]), leads.get(method), domains.published)
        for method in ADAPTERS
    ]


def row(
    method: str,
    found: Sequence[Adapted],
    accuracy: Interval,
    lead: Verdict | None,
    published: Mapping[str, str],
) -> str:
    """A method's figures; those of the baseline have no `lead`."""
    cells = [
        f"`{method}`",
        percent(*accuracy),
        "" if lead is None else against(lead),
        spread([100 * (one.scores.source_accuracy or 0) for one in found], 1),
        spread([one.scores.density for one in found], 2),
        "" if lead is None else f"{sum(one.negative for one in found)} of {len(found)}",
        f"{sum(one.trained.seconds for one in found) / len(found):.0f}",
        *([published.get(method, "")] if published else []),
    ]
    return f"| {' | '.join(cells)} |"


def against(lead: Verdict) -> str:
    """The points won or lost, with the word for a certain difference."""
    word = {"a": " **gains**", "b": " **loses**", "tie": ""}[lead.verdict]
    return f"{percent(lead.difference, lead.low, lead.high)}{word}"


def spread(values: Sequence[float], digits: int) -> str:
    """The smallest and the largest."""
    return f"{min(values):.{digits}f}–{max(values):.{digits}f}"


def table(domains: Domains, seeds: Sequence[int], runs: Path) -> list[str]:
    """A section of the page."""
    print(f"\n{domains.name}", flush=True)
    parts = [f"## {domains.name}\n", f"{domains.about}\n"]
    absent = next((path for path in domains.needs if not path.exists()), None)
    if absent is not None:
        return [*parts, f"Left out: {absent.name} is not in shared/data.\n"]
    columns = ["", "target", "against `source_only`", "source", "density", "called negative", "seconds"]
    columns += ["papers"] if domains.published else []
    head = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return [*parts, *head, *rows(domains, seeds, opened(domains, runs), runs), ""]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--pairs", nargs="+", default=[domains.name for domains in PAIRS])
    parser.add_argument("--runs", type=Path, default=Path("runs/adaptation"))
    parser.add_argument("--page", type=Path, default=Path("docs/adaptation-results.md"))
    args = parser.parse_args()
    parts = [
        "# Adaptation results\n",
        f"Made by `python benchmarks/adaptation.py`: seeds {', '.join(map(str, args.seeds))}, and default settings "
        "where a section names no other. Accuracy in percent on the target's test part with its 95 % interval over "
        "seeds and test items, its labels used for nothing else, of the last weights; the points that this is above "
        "`source_only`, where “gains” and “loses” are certain of all methods of a table together (Holm); over the "
        "seeds, accuracy on the source's test part and soft neighbourhood density (no labels needed; higher is "
        "better); in how many runs the density was below that of `source_only`, so that negative transfer was called "
        "out; and seconds of training on a CPU. A method that loses stands here as losing.\n",
    ]
    for domains in PAIRS:
        if domains.name in args.pairs:
            parts += table(domains, args.seeds, args.runs)
    atomic.write_text(args.page, "\n".join(parts))


if __name__ == "__main__":
    main()
