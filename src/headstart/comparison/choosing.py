"""Which installed encoder the route `pretrained` stands for: the largest whose features the budget can pay for.

Measured once, at the start of a comparison, and written to its run.json: one that is gone on with keeps the choice.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from headstart.backbones import PACKAGES, PRETRAINED_COMMAND, foreign_encoder, installed_packages
from headstart.comparison.budget import default_budget, parse_budget
from headstart.comparison.context import HEALTH_ITEMS, Context
from headstart.comparison.routes import BEST_INSTALLED, Route
from headstart.evaluation import features
from headstart.terminal import duration, note
from headstart.training import RunFolder

SHARE = 0.03
"""The share of the budget that the features of `pretrained` may take."""

MOST = 0.3
"""The share above which the route is left out, where even the smallest encoder at the smallest size needs it."""

SMALLEST, MULTIPLE = 96, 32
"""Pixels a side that pictures are brought to at least, where the size is reduced, and what sides are multiples of."""

TIMES = 3
"""Chunks that are timed; the fastest counts, since others may be using the machine."""

NOTHING_INSTALLED = f"no pretrained encoder is installed here; {PRETRAINED_COMMAND} adds three of ImageNet"


@dataclass(frozen=True)
class Choice:
    """What was chosen; kept in run.json."""

    encoder: str | None
    side: int | None
    """Pixels a side that it sees."""
    seconds: float | None
    """What its features were estimated to take."""
    why_not: str | None = None


def settled(routes: Sequence[Route], context: Context, folder: RunFolder, budget: str | None) -> list[Route]:
    """The routes, with an installed encoder, or the reason why there is none, where one stands for `pretrained`."""
    if not any(route.encoder == BEST_INSTALLED for route in routes):
        return list(routes)
    choice = _choice(context, folder, budget)
    return [_settled(route, choice) if route.encoder == BEST_INSTALLED else route for route in routes]


def worth_going_on(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a finished comparison left a route out for want of a package that is installed now."""
    return bool(installed_packages()) and any(row["why"] == NOTHING_INSTALLED for row in rows)


def _settled(route: Route, choice: Choice) -> Route:
    if choice.encoder is None or (choice.why_not is not None and route.method is None):
        return replace(route, left_out=choice.why_not)
    return replace(route, encoder=choice.encoder, side=choice.side)


def _choice(context: Context, folder: RunFolder, budget: str | None) -> Choice:
    """As an earlier start chose, or by measuring now; that nothing is installed is found out anew each time."""
    kept = folder.record.get(BEST_INSTALLED)
    if kept is not None:
        return Choice(**kept)
    installed = installed_packages()
    if not installed:
        return Choice(None, None, None, NOTHING_INSTALLED)
    seconds = parse_budget(budget or default_budget(len(context.data), context.data.shape))
    shown = len(context.train) + len(context.test) + 2 * min(len(context.test), HEALTH_ITEMS)
    rates: dict[str, tuple[int, float]] = {}
    for name in reversed(installed):
        rates[name] = _rate(name, context.device)
        if shown / rates[name][1] <= SHARE * seconds:
            break
    choice = choose(rates, shown, seconds, limited=budget is not None)
    folder.update(**{BEST_INSTALLED: vars(choice)})
    _say(choice, rates)
    return choice


def choose(rates: Mapping[str, tuple[int, float]], items: int, seconds: float, *, limited: bool) -> Choice:
    """The largest encoder whose features fit, or the smallest at a size at which they do.

    Args:
        rates: By name: the pixels a side it sees, and images a second at that size.
        items: Images to be shown.
        seconds: The budget.
        limited: It must be kept: a route that needs more than `MOST` of it is left out.
    """
    for name in sorted(rates, key=list(PACKAGES).index, reverse=True):
        side, rate = rates[name]
        if items / rate <= SHARE * seconds:
            return Choice(name, side, items / rate)
    name = min(rates, key=list(PACKAGES).index)
    full, rate = rates[name]
    sides = [side for side in range(full - 1, SMALLEST, -1) if side % MULTIPLE == 0]
    costs = {side: items / rate * (side / full) ** 2 for side in (*sides, SMALLEST)}
    side = next((side for side, cost in costs.items() if cost <= SHARE * seconds), SMALLEST)
    short = f"the budget is too short for its features: about {duration(costs[side])} (--budget gives it more)"
    return Choice(name, side, costs[side], short if limited and costs[side] > MOST * seconds else None)


def _rate(name: str, device: str) -> tuple[int, float]:
    """The pixels a side that an encoder sees, and images a second at that size, on this machine."""
    encoder = foreign_encoder(name)
    items = torch.zeros(8, *encoder.shape, dtype=torch.uint8)
    took = []
    for _ in range(1 + TIMES):  # the first one warms up
        began = time.perf_counter()
        features(encoder, items, device=device)
        took.append(time.perf_counter() - began)
    return encoder.shape[-1], len(items) / min(took[1:])


def _say(choice: Choice, rates: Mapping[str, tuple[int, float]]) -> None:
    """What was chosen and why, in a line."""
    if choice.encoder is None or choice.why_not is not None or choice.side is None or choice.seconds is None:
        return
    full = rates[choice.encoder][0]
    size = f"at {choice.side}×{choice.side} pixels" + (f" instead of {full}" if choice.side != full else "")
    note(
        f"{BEST_INSTALLED} is {choice.encoder} {size}: the features take about {duration(choice.seconds)}, and up to "
        f"{SHARE:.0%} of the budget is given to them."
    )
