"""`headstart diagnose` on two sets of 1,000 small images, from its start to its end, with a shift and without.

    python benchmarks/diagnose.py [--items 1000] [--sides 8 32]

The sets are disjoint parts of the bundled `rendered-digits`, all labelled, so that every kind of shift is tested; with
a shift the target is inverted. The project promises that it takes under a minute on two cores. Needs the extra
`rendered`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from headstart.data import load

PROMISED = 60.0


def draw_sets(count: int, side: int, folder: Path) -> dict[str, Path]:
    """Files of `count` items each, none in two of them but inverted: a source, and a target by what is found in it."""
    data = load("rendered-digits", size=side)
    order = np.random.default_rng(0).permutation(len(data))
    items, labels = data.items.numpy()[order], data.labels.numpy()[order]
    first, second = slice(count), slice(count, 2 * count)
    drawn = {
        "source": (items[first], labels[first]),
        "nothing": (items[second], labels[second]),
        "marginal": (255 - items[second], labels[second]),
    }
    paths = {name: folder / f"{name}-{side}.npz" for name in drawn}
    for name, (images, classes) in drawn.items():
        np.savez(paths[name], images=images, labels=classes)
    return paths


def diagnosed(source: Path, target: Path) -> tuple[float, float, str]:
    """Seconds and processor seconds of the command, and what it found."""
    command = [sys.executable, "-m", "headstart", "diagnose", str(source), str(target), "--json", "--quiet"]
    began, before = time.perf_counter(), os.times()
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    seconds, after = time.perf_counter() - began, os.times()
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    shifts = json.loads(ran.stdout)["shifts"]
    return seconds, busy, ", ".join(shift["kind"] for shift in shifts if shift["found"]) or "nothing"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, default=1_000)
    parser.add_argument("--sides", type=int, nargs="+", default=[8, 32])
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for side in args.sides:
            source, *targets = draw_sets(args.items, side, Path(folder)).items()
            for there, path in targets:
                seconds, busy, found = diagnosed(source[1], path)
                print(
                    f"2 × {args.items:,} of {side}×{side}, {there} to find: {seconds:5.1f} s ({busy:.1f} of a core), "
                    f"found {found} (promised under {PROMISED:.0f} s)",
                    flush=True,
                )


if __name__ == "__main__":
    main()
