"""Two rounds of training: the better half by cross-validation on the training labels goes on, the rest is left behind.

Steps are planned before the first, and which routes go on follows from their figures, never from the clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from headstart.comparison.budget import Plan
from headstart.comparison.context import Context
from headstart.comparison.outcomes import Outcome
from headstart.comparison.routes import AllOrNumber, Route
from headstart.label_counts import said
from headstart.terminal import note
from headstart.training import RunFolder

Take = Callable[[Route, Context], Outcome]


def can_drop(context: Context) -> bool:
    """Whether some number of labels lets routes be compared by cross-validation on the training labels."""
    return any(
        draw.folds is not None for k in context.labels for sitting in context.exam.sittings for draw in sitting.draws[k]
    )


def take_rounds(
    routes: Sequence[Route], context: Context, plan: Plan, folder: RunFolder, take: Take
) -> dict[str, Outcome]:
    """The competing routes, taken for the steps of round 1, and the better half for the rest of theirs.

    Who goes on is written to run.json before anybody does, so that a comparison that is interrupted goes on alike.
    """
    competing = [route for route in routes if route.name in plan.first]
    kept = folder.record["plan"].get("kept")
    short = replace(context, steps={**plan.steps, **plan.first})
    found = {route.name: take(route, short) for route in competing if kept is None or route.name not in kept}
    if kept is None:
        kept = better_half(list(found.values()), context.labels, plan.places)
        folder.update(plan={**folder.record["plan"], "kept": kept})
    note(f"Round 2: {', '.join(kept)}")
    for name, outcome in found.items():
        if name not in kept and outcome.state == "done":
            outcome.state, outcome.why = "dropped", _reason(outcome, context.labels)
    longer = replace(context, steps=plan.steps, round=2)
    return found | {route.name: take(route, longer) for route in competing if route.name in kept}


def better_half(outcomes: Sequence[Outcome], labels: Sequence[AllOrNumber], places: int) -> list[str]:
    """The names of at most `places` routes, the best first; one that failed is none of them."""
    done = [outcome for outcome in outcomes if outcome.state == "done"]
    ranked = sorted(done, key=lambda outcome: -(outcome.standing(labels)[0] or 0.0))
    return [outcome.name for outcome in ranked[:places]]


def _reason(outcome: Outcome, labels: Sequence[AllOrNumber]) -> str:
    score, k = outcome.standing(labels)
    at = said([] if k is None else [k])
    return f"after half of the time its cross-validated accuracy ({100 * (score or 0.0):.1f} % with {at}) was behind"
