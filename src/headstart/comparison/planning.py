"""The steps of every trained route, from the budget and from rates measured once on this machine."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from typing import Any

import torch
from torch import Tensor

from headstart.comparison.budget import SAFETY, Need, Plan, deal, in_rounds, parse_budget
from headstart.comparison.context import Context
from headstart.comparison.rounds import can_drop
from headstart.comparison.routes import WITH_LABELS, AllOrNumber, Route
from headstart.comparison.scratch import LONGEST, few_labels, tasks
from headstart.errors import Interrupted
from headstart.terminal import duration, note
from headstart.training import RunFolder, step_rate

REPORT = 12.0
"""Seconds kept back for maps and pages."""

MEASURED = 1.5
"""Seconds for which a route's rate is measured."""

DRAW = 0.05
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
        return _with_late(routes, context, folder, kept)
    seconds = parse_budget(budget)
    note(f"Budget: {duration(seconds)}{'' if context.settings.budget else ', chosen for the size of the data'}.")
    needs = _needs(routes, context)
    networks = sum(needs[r.name].runs for r in routes if r.name in needs and _many(r, context))
    seeds = len(context.settings.seeds)
    left = seconds * SAFETY - (time.monotonic() - began) - REPORT - judging * (seeds * len(needs) + DRAW * networks)
    plan = deal(left, needs, stretched=WITH_LABELS, longest=LONGEST)
    if can_drop(context):
        competing = [route.name for route in routes if route.kind == "trained"]
        plan = in_rounds(plan, needs, competing, judging=seeds * judging)
    folder.update(
        plan={
            **asdict(plan),
            "budget_seconds": seconds,
            "wanted": {name: need.steps for name, need in needs.items()},
            "steps_per_second": {name: need.rate for name, need in needs.items()},
        }
    )
    _announce(plan, needs)
    return plan


def _with_late(routes: Sequence[Route], context: Context, folder: RunFolder, kept: dict[str, Any]) -> Plan:
    """The plan of an earlier start, with steps for routes that couldn't be taken then: each has an equal share."""
    plan = Plan(**{field.name: kept[field.name] for field in fields(Plan) if field.name in kept})
    needs = _needs([route for route in routes if route.name not in plan.steps], context)
    if not needs:
        return plan
    seconds = kept["budget_seconds"] * SAFETY * len(needs) / len(routes)
    plan = replace(plan, steps=plan.steps | deal(seconds, needs).steps)
    folder.update(plan={**kept, "steps": plan.steps})
    return plan


def _needs(routes: Sequence[Route], context: Context) -> dict[str, Need]:
    """What each route would take, but for those that fail."""
    needs = {}
    for route in routes:
        try:
            needs[route.name] = _need(route, context)
        except Interrupted:
            raise
        except Exception:
            continue  # it will fail in its turn, and say why in its row
    return needs


def _announce(plan: Plan, needs: dict[str, Need]) -> None:
    """Says where the budget is short, and what is done about it."""
    short = [name for name in needs if plan.steps[name] < needs[name].steps]
    if short:
        shares = ", ".join(f"{name} {plan.steps[name]} of {needs[name].steps} steps" for name in short)
        note(f"The budget is shorter than these would like: {shares}. --budget gives them more.")
    if plan.first:
        shares = ", ".join(f"{name} {steps}" for name, steps in plan.first.items())
        note(f"Two rounds: first {shares} steps; the {plan.places} best by cross-validation on training labels go on.")
    elif short:
        note("All routes share the time in one round.")


def _need(route: Route, context: Context) -> Need:
    """A route's steps, runs and rate."""
    seeds = len(context.settings.seeds)
    if route.kind not in WITH_LABELS:
        job = context.job(route, context.settings.seeds[0])
        return Need(job.plan().steps, seeds, step_rate(job, seconds=MEASURED))
    counts = [k for k in context.labels if route.takes(k)]
    jobs = {k: few_labels(route, context, context.settings.seeds[0], _labelled(k, context)) for k in counts}
    runs = {k: len(tasks(k, context)) if _many(route, context) else HELD_OUT for k in counts}
    took = sum(runs[k] / step_rate(job, seconds=MEASURED / len(counts)) for k, job in jobs.items())
    return Need(max(job.plan().steps for job in jobs.values()), seeds * sum(runs.values()), sum(runs.values()) / took)


def _many(route: Route, context: Context) -> bool:
    """Whether a route trains a network for every draw or fold; else on all labels, and again with some held out."""
    return route.kind == "scratch" or (route.kind == "supervised" and context.data.cross_validated)


def _labelled(k: AllOrNumber, context: Context) -> Tensor:
    """int64: places of as many labelled items as a network learns from at k labels a class."""
    labels = context.data.labels[context.train]
    most = None if k == "all" else k
    some = [torch.nonzero(labels == c).flatten()[:most] for c in range(len(context.data.classes))]
    return context.train[torch.cat(some)]
