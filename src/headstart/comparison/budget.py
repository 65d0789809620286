"""A budget in wall time, and the steps it buys: measured once at the start, written down, never measured again."""

from __future__ import annotations

import re
from dataclasses import dataclass

from headstart.errors import InputError

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}

SMALL = 5_000 * 32 * 32
MEDIUM = 100_000 * 32 * 32
"""Pixels of a data set (items × height × width) up to which the first and the second default budget hold."""

SAFETY = 0.92
"""The share of the budget that is planned: rates measured at the start drift by some per cent."""


def parse_budget(text: str) -> float:
    """`90s`, `10m`, `1.5h` as seconds; anything else raises `InputError`."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh])\s*", text)
    if match is None:
        raise InputError(f"--budget {text}: give a time such as 600s, 10m or 2h.")
    seconds = float(match[1]) * UNITS[match[2]]
    if seconds <= 0:
        raise InputError(f"--budget {text}: a budget must be longer than nothing.")
    return seconds


def default_budget(items: int, shape: tuple[int, ...]) -> str:
    """An upper limit that suits the size of the data."""
    pixels = items * shape[-1] * shape[-2]
    if pixels <= SMALL:
        return "5m"
    return "20m" if pixels <= MEDIUM else "2h"


@dataclass(frozen=True)
class Costs:
    """What was measured before the plan was made; seconds."""

    judging: float
    """Features, heads and files of one trained route."""
    steps_per_second: dict[str, float]
    """Of each trained route at its own batch size."""
    scratch: float
    """One label draw of `scratch`, at the shortest plan."""


def deal(
    budget: float, spent: float, costs: Costs, wanted: dict[str, int], *, seeds: int, draws: int, reserve: float
) -> dict[str, int]:
    """The steps each trained route gets.

    Args:
        budget: Wall time for the whole comparison.
        spent: What has gone by already.
        costs: Rates measured on this machine.
        wanted: The steps each route would take if there were no limit.
        seeds: Pretraining seeds; every route is trained once for each.
        draws: Runs of `scratch` for each seed, over all numbers of labels.
        reserve: Kept back for the report.

    Time is dealt in equal shares; what a route does not need goes to those that need more.
    """
    left = budget * SAFETY - spent - reserve - seeds * draws * costs.scratch
    left -= seeds * len(wanted) * costs.judging
    needs = {route: seeds * steps / costs.steps_per_second[route] for route, steps in wanted.items()}
    shares = _fair_shares(needs, max(left, 0.0))
    return {
        route: max(1, min(wanted[route], int(shares[route] * costs.steps_per_second[route] / seeds)))
        for route in wanted
    }


def _fair_shares(needs: dict[str, float], total: float) -> dict[str, float]:
    """Equal shares of `total`, where nobody gets more than needed and the rest is dealt again."""
    shares: dict[str, float] = {}
    open_needs = dict(sorted(needs.items(), key=lambda item: item[1]))
    while open_needs:
        name = next(iter(open_needs))
        need = open_needs.pop(name)
        shares[name] = min(need, total / (len(open_needs) + 1))
        total -= shares[name]
    return shares
