"""Every adaptation method on three pairs of domains, and the page that tells what came out.

    python benchmarks/adaptation.py [--seeds 0 1 2] [--pairs NAME …] [--runs FOLDER] [--page FILE]

Every run is a run folder that is gone on with, or only read, when the command is given again. MNIST and USPS are looked
for in shared/data beside the repository, and their pairs are left out where they are missing.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from headstart import terminal
from headstart.data import Dataset, load
from headstart.evaluation import accuracy_interval
from headstart.methods import ADAPTERS
from headstart.training import TrainSettings
from headstart.transfer import Adaptation, Adapted, Pair, adapt_between, answers, pair

SHARED = Path(__file__).parents[2] / "shared" / "data"


@dataclass(frozen=True)
class Domains:
    """One table."""

    name: str
    source: str | Path
    target: str | Path
    about: str
    epochs: int | None = None
    """None: the recipe's."""


PAIRS = (
    Domains(
        "rendered-digits → digits",
        "rendered-digits",
        "digits",
        "Digits drawn from 21 fonts; digits that people wrote. 8×8 pixels. Views, batch norm and the weights of coral "
        "and mmd were chosen on this pair with the target's labels in sight, so its figures flatter them.",
    ),
    Domains(
        "MNIST → USPS",
        SHARED / "mnist",
        SHARED / "usps" / "usps.npz",
        "All 60,000 labels of MNIST, 7,291 unlabelled digits of USPS, scored on its 2,007 test items, at MNIST's 28×28 "
        "pixels. Papers that draw 2,000 and 1,800 items have other figures.",
        epochs=2,
    ),
    Domains(
        "USPS → MNIST",
        SHARED / "usps" / "usps.npz",
        SHARED / "mnist",
        "All 7,291 labels of USPS, MNIST's training part unlabelled, scored on its 10,000 test items, at USPS's 16×16 "
        "pixels.",
        epochs=15,
    ),
)


def take(method: str, seed: int, domains: Domains, both: Pair, runs: Path) -> tuple[Adapted, torch.Tensor]:
    """A method's run beside its baseline, and for each scored item whether the answer was right."""
    folder = runs / domains.name.replace(" → ", "-to-").lower()
    plan = Adaptation(method=method, pair=both, settings=TrainSettings(seed=seed, epochs=domains.epochs, device="cpu"))
    with terminal.silence():
        found = adapt_between(plan, folder / f"{method}-seed{seed}", folder / f"source_only-seed{seed}")
    right = answers(found.trained.method, both.target, both.scored).argmax(dim=1) == both.target.labels[both.scored]
    return found, right


def line(method: str, seeds: Sequence[int], domains: Domains, both: Pair, runs: Path) -> str:
    """A row of a table, over all seeds."""
    found = [take(method, seed, domains, both, runs) for seed in seeds]
    correct = torch.stack([right for _, right in found])[:, None]
    accuracy, low, high = accuracy_interval(correct.numpy())
    cells = [
        f"`{method}`",
        f"{100 * accuracy:.1f} ({100 * low:.1f}–{100 * high:.1f})",
        _spread([100 * (one.scores.source_accuracy or 0) for one, _ in found], 1),
        _spread([one.scores.density for one, _ in found], 2),
        "" if method == "source_only" else f"{sum(one.negative for one, _ in found)} of {len(found)}",
        f"{sum(one.trained.seconds for one, _ in found) / len(found):.0f}",
    ]
    print(" | ".join(cells), flush=True)
    return f"| {' | '.join(cells)} |"


def _spread(values: Sequence[float], digits: int) -> str:
    return f"{min(values):.{digits}f}–{max(values):.{digits}f}"


def missing(domains: Domains) -> Path | None:
    """The first data set that isn't here."""
    paths = [place for place in (domains.source, domains.target) if isinstance(place, Path)]
    return next((path for path in paths if not path.exists()), None)


def table(domains: Domains, seeds: Sequence[int], runs: Path, known: dict[str, Dataset]) -> list[str]:
    """A section of the page."""
    print(f"\n{domains.name}", flush=True)
    parts = [f"## {domains.name}\n", f"{domains.about}\n"]
    absent = missing(domains)
    if absent is not None:
        return [*parts, f"Left out: {absent.name} is not in shared/data.\n"]
    for place in (domains.source, domains.target):
        known.setdefault(str(place), load(place))
    both = pair(known[str(domains.source)], known[str(domains.target)])
    rows = [line(method, seeds, domains, both, runs) for method in ADAPTERS]
    head = "| | target | source | density | called negative | seconds |"
    return [*parts, head, "|---|---|---|---|---|---|", *rows, ""]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--pairs", nargs="+", default=[domains.name for domains in PAIRS])
    parser.add_argument("--runs", type=Path, default=Path("runs/adaptation"))
    parser.add_argument("--page", type=Path, default=Path("docs/adaptation-results.md"))
    args = parser.parse_args()
    parts = [
        "# Adaptation results\n",
        f"Made by `python benchmarks/adaptation.py`: seeds {', '.join(map(str, args.seeds))}, default settings (epochs "
        "as in the script). Accuracy in percent on the target's test part with its 95 % interval over seeds and test "
        "items, its labels used for nothing else, of the last weights; over the seeds, accuracy on the source's test "
        "part and soft neighbourhood density (no labels needed; higher is better); in how many runs the density was "
        "below that of `source_only`, so that negative transfer was called out; and seconds of training on a CPU. A "
        "method that loses stands here as losing.\n",
    ]
    known: dict[str, Dataset] = {}
    for domains in PAIRS:
        if domains.name in args.pairs:
            parts += table(domains, args.seeds, args.runs, known)
    args.page.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
