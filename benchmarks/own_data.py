"""Photos and few labels: what the routes are worth on real sets, and the page that tells what came out.

    python benchmarks/own_data.py [--only hymenoptera] [--runs FOLDER] [--page FILE]

Every comparison lies in a folder that is gone on with, or only read, when the command is given again. Needs
../shared/data: `hymenoptera` (397 photos of ants and bees) and `cifar10` (60,000 JPEG files in one archive, 20,000 of
which are unpacked to files with 40 labels in a table). A set that isn't there is left out, and the page says so.
"""

from __future__ import annotations

import argparse
import csv
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import headstart
from figures import percent
from headstart import atomic
from headstart.backbones import installed_packages
from headstart.comparison import Comparison
from headstart.label_counts import said
from headstart.randomness import permutation

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
PHOTOS, LABELLED = 20_000, 40
LEARNERS = ("simclr", "moco", "byol")
BUDGETS = {"hymenoptera": "25m", "cifar10": "15m"}
SIDE = 64
"""Pixels a side for what is trained here on ants and bees: on two cores a ResNet-18 at 96 pixels learns nothing from
scratch in 25 minutes. Pretrained encoders see the photos at the size they ask for all the same."""


def hymenoptera(runs: Path) -> Comparison:
    """ImageNet's features against what 244 photos of 64 pixels teach by themselves."""
    return headstart.compare(
        SHARED / "hymenoptera",
        routes="raw,random,scratch,efficientnet-lite0,efficientnet-lite2,simclr,efficientnet-lite0+simclr",
        labels_per_class="1,5,10,all",
        seeds="0,1,2",
        size=SIDE,
        budget=BUDGETS["hymenoptera"],
        out=runs / "hymenoptera",
    )


def cifar10(runs: Path) -> Comparison:
    """A folder of 20,000 photos and a table with 40 labels, as somebody would bring them."""
    photos = unpacked(runs / "cifar10-photos")
    return headstart.compare(
        photos, labels=photos.with_name("labels.csv"), budget=BUDGETS["cifar10"], out=runs / "cifar10"
    )


def unpacked(folder: Path) -> Path:
    """The first 20,000 training images of a random order as files in one flat folder, and 40 labels beside it."""
    table = folder.with_name("labels.csv")
    if table.exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(SHARED / "cifar10" / "cifar10_jpeg.tar.gz") as archive:
        members = [one for one in archive.getmembers() if one.isfile() and one.name.startswith("train/")]
        order = permutation(0, "photos", len(members))[:PHOTOS].tolist()
        wanted = {members[place].name: number for number, place in enumerate(order)}
        for member in members:
            if member.name in wanted:
                content = archive.extractfile(member)
                assert content is not None
                (folder / f"{wanted[member.name]:05d}.jpg").write_bytes(content.read())
    classes = {number: PurePosixPath(name).parts[1] for name, number in wanted.items()}
    rows = [(f"{number:05d}.jpg", label) for number, label in few_of_each(classes)]
    with atomic.aside(table) as draft, draft.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "label"), *rows])
    return folder


def few_of_each(classes: Mapping[int, str]) -> list[tuple[int, str]]:
    """The first four photos of every class, 40 in all."""
    each = LABELLED // len(set(classes.values()))
    by_class: dict[str, list[int]] = {}
    for number in sorted(classes):
        by_class.setdefault(classes[number], []).append(number)
    return sorted((number, name) for name, numbers in by_class.items() for number in numbers[:each])


SETS: Mapping[str, tuple[str, Callable[[Path], Comparison]]] = {
    "hymenoptera": ("Ants and bees: 244 photos to learn from, 153 to judge by", hymenoptera),
    "cifar10": ("20,000 small photos, 40 labels, a quarter of an hour", cifar10),
}


def section(title: str, about: Callable[[Path], Comparison], found: Comparison, budget: str) -> list[str]:
    """A set's table, with the verdict in the words of the report."""
    counts = list(dict.fromkeys(row["labels_per_class"] for row in found.rows if row["accuracy"] is not None))
    routes = list(dict.fromkeys(row["route"] for row in found.rows))
    cells = {(row["route"], row["labels_per_class"]): row for row in found.rows}
    heads = " | ".join("all labels" if k == "all" else f"{k} label{'' if k == 1 else 's'} a class" for k in counts)
    lines = [f"## {title}\n", f"{about.__doc__} Budget {budget}, seeds {seeds_of(found)}.\n"]
    lines += [f"| route | {heads} | seconds | state |", "|---" * (len(counts) + 3) + "|"]
    for route in routes:
        own = next(row for row in found.rows if row["route"] == route)
        figures = [figure(cells.get((route, k))) for k in counts]
        state = own["state"] + (f": {own['why']}" if own["why"] else "")
        lines.append(f"| {' | '.join([route, *figures, format(own['seconds'], '.0f'), state])} |")
    report = [f"> {line}" for line in found.advice.partition("\nTo use it: ")[0].splitlines()]
    return [*lines, "", *plainly(found), *report, ""]


def plainly(found: Comparison) -> list[str]:
    """Whether what was learned here beats what others trained, in a sentence; nothing where one of them is missing."""
    routes = dict.fromkeys(row["route"] for row in found.rows)
    others = [route for route in routes if route == "pretrained" or route in installed_packages()]
    own = [route for route in routes if route.rpartition("+")[2] in LEARNERS]
    loser = {"a": "b", "b": "a"}
    ahead = {
        (row[row["verdict"]], row[loser[row["verdict"]]], row["labels_per_class"])
        for row in found.paired
        if row["verdict"] in loser
    }
    counts = list(dict.fromkeys(row["labels_per_class"] for row in found.paired))
    lines = []
    for route in own:
        behind = [k for k in counts if any((other, route, k) in ahead for other in others)]
        if behind:
            lines.append(f"`{route}` is certainly behind ImageNet's features with {said(behind)}.")
    if others and own and len(lines) == len(own):
        lines.insert(0, "Self-supervision on these photos does not beat ImageNet's features.")
    return [" ".join(lines) + "\n"] if lines else []


def seeds_of(found: Comparison) -> str:
    """How many seeds the trained routes have."""
    return str(max(row["seeds"] for row in found.rows))


def figure(row: Mapping[str, Any] | None) -> str:
    """Accuracy in percent with its interval."""
    if row is None or row["accuracy"] is None:
        return "–"
    return percent(row["accuracy"], *row["interval"])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=list(SETS), nargs="+", default=list(SETS))
    parser.add_argument("--runs", type=Path, default=Path("runs/own-data"))
    parser.add_argument("--page", type=Path, default=Path("docs/own-data-results.md"))
    args = parser.parse_args(arguments)
    parts = [
        "# Photos and few labels: results\n",
        "Made by `make results` on two cores: accuracy in percent with its 95 % interval over seeds, draws of the "
        "labels and items judged. What came out stands here as it is, and below each table what the report said.\n",
    ]
    for name in args.only:
        title, take = SETS[name]
        if not (SHARED / name).exists():
            parts += [f"## {title}\n", f"Left out: {name} is not beside the repository.\n"]
            continue
        parts += section(title, take, take(args.runs.absolute()), BUDGETS[name])
    args.page.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
