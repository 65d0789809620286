"""Maps of Fashion-MNIST's pixels: every map of 500 items, t-SNE of 10,000 against two others, and all 70,000.

    python benchmarks/maps.py [--parts 500 10000 70000]

Every engine runs in a process of its own, so that its import and what it compiles count (`UMAP, warm` draws a second
time in that process). The project promises that what is drawn of 10,000 points by default takes under 20 s on two
cores at no worse trustworthiness than t-SNE's, that its t-SNE is no slower than the faster of scikit-learn's and
openTSNE's, and that 70,000 finish. Needs ../shared/data/fashion_mnist, and openTSNE and umap-learn installed.
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
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headstart.transfer import Embeddings

FASHION = Path(__file__).resolve().parents[2] / "shared" / "data" / "fashion_mnist"
NEIGHBOURS, VERB = 10, "headstart map"
PARTS = {
    500: ["pca", "kernel_pca", "lle", "isomap", "tsne", "umap", "umap, warm", "scikit-learn", "openTSNE"],
    2_000: ["pca", "kernel_pca", "lle", "isomap", "tsne", "umap"],
    10_000: ["pca", "kernel_pca", "lle", "isomap", "tsne", "umap", "umap, warm", "scikit-learn", "openTSNE", VERB],
    70_000: ["pca", "tsne", VERB],
}


def features_of(count: int) -> Embeddings:
    """The first test items as `embed` would write them, or all items."""
    from headstart.data import load
    from headstart.transfer import Embeddings

    data = load(FASHION)
    index = data.indices("test" if count <= 10_000 else "all")[:count]
    features = data.items[index].flatten(1).float() / 255
    ids = tuple(data.ids[place] for place in index.tolist())
    return Embeddings("fashion", ids, (None,) * count, data.label_names(index), ("test",) * count, features)


def drawn(engine: str, count: int) -> tuple[float, float, float, float, float]:
    """Seconds, processor seconds, trustworthiness, continuity and neighbours kept of one engine in this process."""
    import numpy as np
    import torch

    from headstart.evaluation.maps import MAPS, asked_about, draw_map, faithfulness

    features = features_of(count).features
    name, _, warm = engine.partition(", ")
    if warm:
        draw_map(name, features, neighbours=NEIGHBOURS, seed=0)
    began, busy = time.perf_counter(), time.process_time()
    if name in MAPS:
        places = draw_map(name, features, neighbours=NEIGHBOURS, seed=0).places
    else:
        from sklearn.decomposition import PCA

        reduced = PCA(50, random_state=0).fit_transform(features.numpy())
        places = torch.from_numpy(np.asarray(theirs(name, reduced)).astype(np.float32))
    seconds, busy = time.perf_counter() - began, time.process_time() - busy
    found = faithfulness(
        features, places, NEIGHBOURS, torch.arange(count) if count <= 10_000 else asked_about(count, 0)
    )
    return seconds, busy, found.trustworthiness, found.continuity, found.kept


def theirs(name: str, reduced: object) -> object:
    """A t-SNE of 50 principal components with the library's own settings, on all cores."""
    if name == "scikit-learn":
        from sklearn.manifold import TSNE

        return TSNE(init="pca", random_state=0, n_jobs=-1).fit_transform(reduced)
    import openTSNE

    return openTSNE.TSNE(random_state=0, n_jobs=-1).fit(reduced)


def whole(count: int) -> tuple[float, float]:
    """Seconds and processor seconds of `headstart map` from its start to its end, page and pictures included."""
    from headstart.transfer import write_embeddings

    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "fashion.parquet"
        write_embeddings(features_of(count), table)
        command = [sys.executable, "-m", "headstart", "map", str(table), "-o", str(Path(folder) / "out")]
        began, before = time.perf_counter(), os.times()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds, after = time.perf_counter() - began, os.times()
        busy = after.children_user + after.children_system - before.children_user - before.children_system
        return seconds, busy


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--parts", type=int, nargs="+", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--engines", nargs="+")
    parser.add_argument("--one", nargs=2, metavar=("ENGINE", "POINTS"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(drawn(args.one[0], int(args.one[1]))))
        return
    for count in args.parts:
        ours = None
        for engine in args.engines or PARTS[count]:
            if engine == VERB:
                seconds, busy = whole(count)
                print(f"{count:>6} {VERB:<14} {seconds:7.2f} s ({busy:.1f} of a core)", flush=True)
                continue
            command = [sys.executable, __file__, "--one", engine, str(count)]
            ran = subprocess.run(command, check=True, capture_output=True, text=True)
            seconds, busy, trust, continuity, kept = json.loads(ran.stdout.splitlines()[-1])
            ours = seconds if engine == "tsne" else ours
            beside = f"  {seconds / ours:5.1f} times tsne" if ours else ""
            print(
                f"{count:>6} {engine:<14} {seconds:7.2f} s ({busy:.1f} of a core)  trustworthiness {trust:.4f}  "
                f"continuity {continuity:.4f}  kept {kept:.3f}{beside}",
                flush=True,
            )


if __name__ == "__main__":
    main()
