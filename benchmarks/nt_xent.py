"""NT-Xent, forward and backward, against lightly's and the plain formula: seconds and memory on the same cores.

    python benchmarks/nt_xent.py [--pairs 256 1024 4096] [--features 128] [--repeats 3]

The project promises at least 3 times lightly's speed and at most 1/15 of its memory at 4,096 pairs of 128 features. The
bound is three matrix products of all rows with all rows: what a loss that holds its matrix computes, exponentials free.
Every contender runs in a process of its own; its memory is the growth of that process's peak (Linux).
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

TEMPERATURE = 0.5
PROMISED = {4096: (3.0, 1 / 15)}


def headstart(a: Tensor, b: Tensor) -> Tensor:
    from headstart.losses import nt_xent

    return nt_xent(a, b, temperature=TEMPERATURE)


def lightly(a: Tensor, b: Tensor) -> Tensor:
    from lightly.loss import NTXentLoss

    return NTXentLoss(temperature=TEMPERATURE)(a, b)


def plain(a: Tensor, b: Tensor) -> Tensor:
    """What one writes first: the whole matrix and a cross entropy."""
    rows = F.normalize(torch.cat([a, b]), dim=1)
    logits = (rows @ rows.T / TEMPERATURE).fill_diagonal_(-torch.inf)
    partner = torch.arange(len(rows)).roll(len(a))
    return F.cross_entropy(logits, partner)


def three_products(a: Tensor, b: Tensor) -> Tensor:
    """The bound, in chunks that fit the cache; the result means nothing."""
    rows = torch.cat([a, b]).detach()
    gradient = torch.zeros_like(rows)
    for part in rows.split(128):
        tile = part @ rows.T
        gradient += tile.T @ part
        part.copy_(tile @ rows)
    return (a * b).sum()


CONTENDERS: tuple[Callable[[Tensor, Tensor], Tensor], ...] = (three_products, plain, lightly, headstart)


def peak_bytes() -> int:
    """The most memory this process has held since the last `forget_peak`."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def measure(name: str, pairs: int, features: int, repeats: int) -> tuple[float, int, float]:
    """Seconds of the best of some runs, bytes of memory in the first, and the loss."""
    loss = {work.__name__: work for work in CONTENDERS}[name]
    made = torch.Generator().manual_seed(0)
    a, b = (torch.randn(2, pairs, features, generator=made)).requires_grad_().unbind()
    small = torch.randn(2, 8, features, generator=made, requires_grad=True)
    loss(*small.unbind()).backward()  # imports and start-up are not measured
    forget_peak()
    before, seconds, value = peak_bytes(), [], 0.0
    peak = 0
    for _ in range(repeats):
        began = time.perf_counter()
        result = loss(a, b)
        torch.autograd.grad(result, (a, b))
        seconds.append(time.perf_counter() - began)
        peak = peak or peak_bytes() - before
        value = result.item()
    return min(seconds), peak, value


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, nargs="+", default=[256, 1024, 4096])
    parser.add_argument("--features", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    print(f"{'pairs':>6} {'':16} {'seconds':>9} {'MB':>7} {'loss':>8}")
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as alone:
        for pairs in args.pairs:
            found = {}
            for work in CONTENDERS:
                asked = (work.__name__, pairs, args.features, args.repeats)
                seconds, memory, value = found[work.__name__] = alone.apply(measure, asked)
                print(f"{pairs:>6} {work.__name__:16} {seconds:>9.4f} {memory / 1e6:>7.0f} {value:>8.4f}", flush=True)
            faster, bound = (found[name][0] / found["headstart"][0] for name in ("lightly", "three_products"))
            share = found["headstart"][1] / found["lightly"][1]
            promise = "" if pairs not in PROMISED else " (promised {:g}×, 1/{:.0f})".format(*_promise(pairs))
            print(
                f"       headstart: {faster:.1f}× lightly's speed, 1/{1 / share:.0f} of its memory{promise}, "
                f"{1 / bound:.2f} bounds"
            )


def _promise(pairs: int) -> tuple[float, float]:
    speed, share = PROMISED[pairs]
    return speed, 1 / share


if __name__ == "__main__":
    main()
