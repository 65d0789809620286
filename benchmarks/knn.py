"""The neighbour search of 10,000 queries among 60,000×512 anchors against its matrix product alone, in one run.

    python benchmarks/knn.py [--queries 10000] [--neighbours 20 200]

The project promises at most 1.5 products.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from torch import Tensor

from headstart.evaluation import nearest, unit


def product(queries: Tensor, anchors: Tensor, rows: int = 512) -> None:
    """The bound: all similarities, thrown away, in the fastest chunks known."""
    buffer = queries.new_empty(rows, len(anchors))
    for part in queries.split(rows):
        torch.mm(part, anchors.T, out=buffer[: len(part)])


def plain(queries: Tensor, anchors: Tensor, k: int, rows: int = 512) -> None:
    """What one writes first: a product and torch's topk, in chunks."""
    for part in queries.split(rows):
        (part @ anchors.T).topk(k, dim=1)


def fastest(work: Callable[[], object], repeats: int = 3) -> float:
    """Seconds of the best of some runs."""
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--queries", type=int, default=10_000)
    parser.add_argument("--anchors", type=int, default=60_000)
    parser.add_argument("--neighbours", type=int, nargs="+", default=[20, 200])
    args = parser.parse_args()
    made = torch.Generator().manual_seed(0)
    queries = unit(torch.randn(args.queries, 512, generator=made))
    anchors = unit(torch.randn(args.anchors, 512, generator=made))
    bound = fastest(lambda: product(queries, anchors))
    print(f"matrix product       {bound:6.2f} s")
    for k in args.neighbours:
        ours = fastest(lambda k=k: nearest(queries, anchors, k))
        first = fastest(lambda k=k: plain(queries, anchors, k))
        print(f"headstart, k = {k:<4}  {ours:6.2f} s  {ours / bound:.2f} products")
        print(f"product and topk     {first:6.2f} s  {first / bound:.2f} products")


if __name__ == "__main__":
    main()
