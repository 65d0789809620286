"""The steps of every trained route, from the budget and from rates measured once on this machine."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict

import torch

from headstart.comparison.budget import SAFETY, Need, Plan, deal, parse_budget
from headstart.comparison.context import Context
from headstart.comparison.routes import WITH_LABELS, Route
from headstart.comparison.scratch import LONGEST, few_labels
from headstart.errors import HeadstartError
from headstart.terminal import duration, note
from headstart.training import RunFolder, step_rate

REPORT = 12.0
"""Seconds kept back for maps and pages."""

MEASURED = 1.5
"""Seconds for which a route's rate is measured."""

DRAW = 0.15
"""The share of a route's judging that judging one draw of a network trained from scratch costs."""

HELD_OUT = 1.8
"""Runs of `supervised`: on all labels, and on four fifths of them."""


def plan_steps(
    routes: Sequence[Route], context: Context, folder: RunFolder, budget: str, *, began: float, judging: float
) -> Plan:
    """What each trained route gets of the budget, as an earlier start of the comparison planned it or from now on.

    Args:
        began: When the comparison did (`time.monotonic`).
        judging: Seconds that judging one route takes.
    """
    kept = folder.record.get("plan")
    if kept is not None:
        return Plan(dict(kept["steps"]), kept["stretch"])
    seconds = parse_budget(budget)
    note(f"Budget: {duration(seconds)}{'' if context.settings.budget else ', chosen for the size of the data'}.")
    needs = {}
    for route in routes:
        try:
            needs[route.name] = _need(route, context)
        except HeadstartError:  # it will fail in its turn, and say why in its row
            continue
    draws = sum(need.runs for name, need in needs.items() if name == "scratch")
    seeds = len(context.settings.seeds)
    left = seconds * SAFETY - (time.monotonic() - began) - REPORT - judging * (seeds * len(needs) + DRAW * draws)
    plan = deal(left, needs, stretched=WITH_LABELS, longest=LONGEST)
    folder.update(
        plan={
            **asdict(plan),
            "budget_seconds": seconds,
            "wanted": {name: need.steps for name, need in needs.items()},
            "steps_per_second": {name: need.rate for name, need in needs.items()},
        }
    )
    short = [name for name in needs if plan.steps[name] < needs[name].steps]
    if short:
        shares = ", ".join(f"{name} {plan.steps[name]} of {needs[name].steps} steps" for name in short)
        note(f"The budget is shorter than these would like: {shares}. --budget gives them more.")
    return plan


def _need(route: Route, context: Context) -> Need:
    """A route's steps, runs and rate."""
    seeds = len(context.settings.seeds)
    if route.kind != "scratch":
        job = context.job(route, context.settings.seeds[0])
        runs = seeds * (HELD_OUT if route.kind == "supervised" else 1)
        return Need(job.plan().steps, runs, step_rate(job, seconds=MEASURED))
    counts = [k for k in context.labels if k != "all"]
    labels = context.data.labels[context.train]
    some = [torch.nonzero(labels == c).flatten()[: max(counts)] for c in range(len(context.data.classes))]
    job = few_labels(route, context, context.settings.seeds[0], context.train[torch.cat(some)])
    return Need(job.plan().steps, seeds * context.settings.draws * len(counts), step_rate(job, seconds=MEASURED))
