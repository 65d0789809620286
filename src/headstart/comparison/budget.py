"""A budget in wall time, and the steps it buys: measured once at the start, written down, never measured again."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from headstart.errors import InputError

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}

SMALL = 5_000 * 32 * 32
MEDIUM = 100_000 * 32 * 32
"""Pixels of a data set (items × height × width) up to which the first and the second default budget hold."""

SAFETY = 0.9
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


ENOUGH = 0.5
"""The share of the steps it would like with which a route can be judged: no other is left behind to give it more."""


@dataclass(frozen=True)
class Need:
    """What a trained route would take if there were no limit."""

    steps: int
    """Of one run."""
    runs: float
    """How many runs of that length there are: seeds, times the label draws for a route trained on each of them."""
    rate: float
    """Steps a second, measured on this machine."""

    @property
    def seconds(self) -> float:
        """Of all its runs."""
        return self.runs * self.steps / self.rate


@dataclass(frozen=True)
class Plan:
    """What a budget buys; kept in run.json, never made again."""

    steps: dict[str, int]
    """Of each trained route."""
    stretch: int
    """How many times its steps a route trained on few labels may take, where its loss has not become flat."""
    first: dict[str, int] = field(default_factory=dict)
    """Of each route that competes for more time, in the first of two rounds; empty where there is one round."""
    places: int = 0
    """How many of these go on to the second, where `steps` are their steps in all."""


def deal(seconds: float, needs: dict[str, Need], *, stretched: Sequence[str] = (), longest: int = 1) -> Plan:
    """Deals time among routes.

    Args:
        seconds: For the training of all routes.
        needs: By route.
        stretched: Routes that may go on for longer, up to `longest` times, where time is left; their share is double,
            since no lead can be claimed over a baseline that was cut short.

    Time is dealt in equal shares; what a route does not need goes to those that need more.
    """
    weights = {name: 2.0 if name in stretched else 1.0 for name in needs}
    shares = _fair_shares({name: need.seconds for name, need in needs.items()}, weights, max(seconds, 0.0))
    steps = {name: max(1, min(need.steps, int(shares[name] * need.rate / need.runs))) for name, need in needs.items()}
    spare = seconds - sum(need.seconds for need in needs.values())
    once = sum(needs[name].seconds for name in stretched if name in needs)
    stretch = 1
    while 2 * stretch <= longest and (2 * stretch - 1) * once <= spare:
        stretch *= 2
    return Plan(steps, stretch)


def in_rounds(plan: Plan, needs: dict[str, Need], competing: Sequence[str], *, judging: float) -> Plan:
    """The same time dealt in two rounds, where it is too short for all the steps that the competing routes would like.

    Half of their time is shared equally among them, the other half among the better half of them. `judging` is what one
    of these costs when it is judged once more. Where each has `ENOUGH` of its steps in one round, the plan stays as it
    is.
    """
    routes = [name for name in competing if name in needs]
    places = math.ceil(len(routes) / 2)
    seconds = sum(plan.steps[name] * needs[name].runs / needs[name].rate for name in routes) - places * judging
    if len(routes) < 2 or seconds <= 0 or all(plan.steps[name] >= ENOUGH * needs[name].steps for name in routes):
        return plan
    first, steps = {}, dict(plan.steps)
    for name in routes:
        each = needs[name].rate / needs[name].runs
        first[name] = max(1, min(needs[name].steps, int(seconds / 2 / len(routes) * each)))
        steps[name] = min(needs[name].steps, first[name] + int(seconds / 2 / places * each))
    return replace(plan, steps=steps, first=first, places=places)


def _fair_shares(needs: dict[str, float], weights: dict[str, float], total: float) -> dict[str, float]:
    """Shares of `total` in proportion to weights, where nobody gets more than needed and the rest is dealt again."""
    shares: dict[str, float] = {}
    waiting = sorted(needs, key=lambda name: needs[name] / weights[name])
    for place, name in enumerate(waiting):
        weight = weights[name] / sum(weights[other] for other in waiting[place:])
        shares[name] = min(needs[name], total * weight)
        total -= shares[name]
    return shares
