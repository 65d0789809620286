"""One comparison from data to verdict: every route trained and judged alike, each in a run folder of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from headstart.comparison.budget import default_budget
from headstart.comparison.choosing import settled, worth_going_on
from headstart.comparison.context import Context
from headstart.comparison.labels import usable_labels
from headstart.comparison.outcomes import Outcome
from headstart.comparison.planning import plan_steps
from headstart.comparison.result import Comparison, conclude
from headstart.comparison.rounds import take_rounds
from headstart.comparison.routes import WITH_LABELS, Route
from headstart.comparison.scratch import take_scratch
from headstart.comparison.settings import CompareSettings
from headstart.comparison.taking import Taken, take
from headstart.data import Dataset
from headstart.errors import HeadstartError, InputError, Interrupted
from headstart.terminal import note
from headstart.training import RunFolder
from headstart.training.machine import choose_device

CONTENTS = ("routes", "best", "leaderboard.json", "leaderboard.csv", "report.html")


def run_comparison(
    data: Dataset,
    settings: CompareSettings,
    out: Path,
    *,
    explicit: bool = True,
    restart: bool = False,
    command: str | None = None,
) -> Comparison:
    """Takes every route, or goes on where an earlier start of the same comparison stopped.

    Args:
        out: The comparison's folder; `explicit` and `restart` as `RunFolder.claim` takes them.
        command: The command line, for run.json and the report.

    Raises:
        InputError: The settings don't fit the data; nothing was written.
        Interrupted: The process was asked to stop; what is done is kept.
    """
    began = time.monotonic()
    labels, unjudged = usable_labels(data, settings)
    routes = settings.plan_routes(labels)
    _check_strict(data, settings)
    device = str(choose_device(settings.device))
    context = Context(data=data, settings=settings, labels=labels, out=out, device=device, unjudged=unjudged)
    _check_methods(routes, context)
    budget = None if settings.epochs is not None else settings.budget or default_budget(len(data), data.shape)
    recognised = {**_recognised(settings), "budget": budget, "data": data.fingerprint}
    with RunFolder.claim(out, recognised, explicit=explicit, restart=restart, contents=CONTENTS) as folder:
        known = Comparison.read(folder.path) if folder.state == "done" and not folder.grown else None
        if known is not None and not worth_going_on(known.rows):
            note(f"{folder.path} is done already: nothing to compare.")
            return known
        with folder.running():
            folder.update(command=command or folder.record.get("command"))
            context = replace(context, out=folder.path)
            outcomes = _take_all(routes, context, folder, budget, began)
            comparison = conclude(outcomes, context, command=folder.record.get("command"))
            folder.finish(seconds=time.monotonic() - began)
    return comparison


def _check_strict(data: Dataset, settings: CompareSettings) -> None:
    """Says what `--strict` changes, and refuses it where it leaves nothing to learn from."""
    if not settings.strict:
        return
    if not data.cross_validated:
        note("--strict changes nothing here: the test part is kept out of every training already.")
        return
    rest = int((data.labels[data.indices("train")] < 0).sum())
    if rest < LEAST_UNLABELLED:
        raise InputError(
            f"--strict leaves {rest} items without a label to learn from, and {LEAST_UNLABELLED} are the least.\n"
            "Leave it out, or add items that have no label."
        )


LEAST_UNLABELLED = 16


def _check_methods(routes: Sequence[Route], context: Context) -> None:
    """Raises `InputError` where a method can't learn from these items, such as patches from pictures too small.

    Those that go on from an encoder wait for their turn: which one it is may not be settled yet.
    """
    for route in routes:
        if route.kind == "trained" and route.encoder is None:
            try:
                context.job(route, context.settings.seeds[0]).build()
            except HeadstartError:
                raise
            except Exception:
                continue  # not the items' fault: it will fail in its turn, and say why in its row


def _recognised(settings: CompareSettings) -> dict[str, Any]:
    """What a comparison's folder is recognised by."""
    return {name: value for name, value in vars(settings).items() if name not in ("checkpoint_seconds", "budget")}


def _take_all(
    routes: Sequence[Route], context: Context, folder: RunFolder, budget: str | None, began: float
) -> list[Outcome]:
    """Untrained routes first: what judging them costs is part of the plan for the trained ones."""
    routes = settled(routes, context, folder, budget)
    untrained = [route for route in routes if route.method is None or route.left_out]
    trained = sorted((route for route in routes if route not in untrained), key=lambda r: r.kind in WITH_LABELS)
    found = {route.name: take_seeds(route, context) for route in untrained}
    if trained and budget is not None:
        plan = plan_steps(trained, context, folder, budget, began=began, judging=_judging(found))
        context = replace(context, steps=plan.steps, stretch=plan.stretch)
        if plan.first:
            found |= take_rounds(trained, context, plan, folder, take_seeds)
    found |= {route.name: take_seeds(route, context) for route in trained if route.name not in found}
    return [found[route.name] for route in routes]


def _judging(found: Mapping[str, Outcome]) -> float:
    """Seconds that judging a trained network will take: what the untrained one took, else the most that any did.

    The raw pixels are of another width, and the first route to be judged pays for what all share.
    """
    each = {o.route.kind: o.seconds / max(o.seeds, 1) for o in found.values() if o.route.kind != "pretrained"}
    return each.get("random", max(each.values(), default=5.0))


def take_seeds(route: Route, context: Context) -> Outcome:
    """One route from every seed; a failure is an outcome that says why."""
    outcome = Outcome(route)
    reason = route.left_out or _left_out(route, context)
    if reason is not None:
        outcome.state, outcome.why = "left out", reason
        return outcome
    seeds = context.settings.seeds[:1] if route.kind in SEEDLESS else context.settings.seeds
    way = take_scratch if route.kind in WITH_LABELS else take
    return take_each(outcome, seeds, lambda seed: way(route, seed, context))


def take_each(outcome: Outcome, seeds: Sequence[int], way: Callable[[int], Taken]) -> Outcome:
    """Counts in what each seed comes to.

    Whatever goes wrong in a method, or in its file, ends its route and not the comparison: the row says why, and has
    no figures, which would be those of fewer seeds than the others'.
    """
    name = outcome.name
    for seed in seeds:
        note(f"{name}{f', seed {seed}' if len(seeds) > 1 else ''}")
        try:
            taken = way(seed)
        except Interrupted:
            raise
        except Exception as error:
            outcome.state, outcome.why = "failed", _reason(error)
            outcome.taken.clear()
            outcome.judgements.clear()
            note(f"{name} failed: {outcome.why}")
            return outcome
        _add(outcome, taken)
    return outcome


def _left_out(route: Route, context: Context) -> str | None:
    """Why these labels don't let a route be taken."""
    if route.kind in WITH_LABELS and not context.labels:
        return "it learns from labels, and there are too few"
    return None


SEEDLESS = ("raw", "pretrained")
"""Routes that no seed changes."""


def _add(outcome: Outcome, taken: Taken) -> None:
    """Counts one seed in."""
    outcome.seeds += 1
    outcome.run = outcome.run or str(taken.run)
    outcome.seconds += taken.facts["seconds"]
    outcome.peak_memory_bytes = max(outcome.peak_memory_bytes, taken.facts["peak_memory_bytes"])
    outcome.collapsed = outcome.collapsed or taken.facts["collapsed"]
    outcome.taken.append(taken)
    if taken.judgement is not None:
        outcome.judgements.append(taken.judgement)
    if taken.facts.get("cut"):
        outcome.state, outcome.why = "cut", "its training loss was still falling when its steps were used up"


def _reason(error: BaseException) -> str:
    """An error as one line for the table."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if isinstance(error, HeadstartError) else f"{type(error).__name__}: {text}"[:300]
