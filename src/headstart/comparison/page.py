"""What the report of a comparison shows, gathered from the run folders."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from headstart.comparison.context import Context
from headstart.comparison.outcomes import Outcome
from headstart.comparison.routes import DEFAULT_ORDER
from headstart.comparison.scratch import NETWORKS
from headstart.comparison.winner import encoder_run
from headstart.data import Dataset
from headstart.report import (
    ComparisonPage,
    Confusion,
    Filters,
    Neighbours,
    PointMap,
    Reconstructions,
    filter_pictures,
    picture,
    pictures,
    reconstructions,
    shown_views,
    two_dimensional_map,
    write_comparison,
)
from headstart.terminal import calling, program, runnable
from headstart.training import load_encoder
from headstart.training.journal import NAME, read_rows
from headstart.training.settings import METHOD_SETTINGS
from headstart.transfer import gives_back, load_reconstructor, reconstruct_items

if TYPE_CHECKING:
    from headstart.comparison.result import Comparison


def write_page(
    comparison: Comparison, outcomes: Sequence[Outcome], context: Context, *, to_label: Tensor, command: str | None
) -> None:
    """Writes report.html; `to_label` are places of the items to label next."""
    taken = {outcome.name: outcome for outcome in outcomes if outcome.taken}
    data, k = context.data, context.labels[-1] if context.labels else None
    page = ComparisonPage(
        title=f"{data.name}: which representation wins",
        advice=comparison.advice.partition("\nTo use it: ")[0],  # the page has the commands beside it
        data=comparison.data,
        rows=comparison.rows,
        paired=comparison.paired,
        best=comparison.best,
        classes=data.classes,
        commands=_commands(comparison, command),
        curves={name: rows for name, o in taken.items() if (rows := read_rows(encoder_run(o) / NAME))},
        health={name: o.taken[0].facts["health"] for name, o in taken.items()},
        maps={name: map_of(o, context.data, context.mapped) for name, o in taken.items()},
        neighbours={name: _neighbours(o, context) for name, o in taken.items()},
        views={context.views: shown_views(context.data, context.views)},
        given_back=_given_back(taken, context),
        filters=filters_of(taken),
        confusion={
            name: Confusion(k, o.judgements[0].confusion(k).numpy())
            for name, o in taken.items()
            if k is not None and o.judged(k)
        },
        to_label=_to_label(to_label, context),
        labelling=_labelling(comparison, taken),
        settings=_settings(taken, context),
        judging=_judging(context),
        notes=[*data.notes],
        skipped=[(one.path, one.reason) for one in data.skipped],
        duplicates=data.leaks(),
        near_duplicates=data.near_duplicates,
        environment=_environment(taken),
    )
    write_comparison(page, Path(comparison.report))


def _commands(comparison: Comparison, command: str | None) -> list[tuple[str, str]]:
    """How to go on, and how this came about."""
    lines = []
    if comparison.best is not None:
        run = comparison.best["run"]
        lines.append(("Use the winner on new items", calling("predict", run, "NEW", "answers.csv")))
        lines.append(("Take its features elsewhere", calling("embed", run, "NEW", "new.parquet")))
    lines.append(("Compare on your own images", f"{program()} compare YOUR_FOLDER"))
    if command:
        lines.append(("Make this report again", runnable(command)))
    return lines


def map_of(outcome: Outcome, data: Dataset, places: Tensor) -> PointMap:
    """The features of the mapped items, which lie at `places`, in two dimensions."""
    return PointMap(
        points=two_dimensional_map(outcome.taken[0].sample["map"].numpy(), seed=0),
        labels=data.labels[places].numpy(),
        ids=[data.ids[place] for place in places.tolist()],
    )


def _neighbours(outcome: Outcome, context: Context) -> Neighbours:
    """Some items that are asked about, and the training items nearest to them."""
    return Neighbours(
        queries=pictures(context.queries, context.data),
        found=[pictures(row, context.data) for row in outcome.taken[0].sample["neighbours"]],
    )


def _given_back(taken: Mapping[str, Outcome], context: Context) -> dict[str, Reconstructions]:
    """The same items that are asked about, from every route whose method gives pictures back."""
    found = {}
    for name, outcome in taken.items():
        if outcome.route.kind == "trained" and gives_back(str(outcome.route.method)):
            method = load_reconstructor(encoder_run(outcome))
            made = reconstruct_items(method, context.data, context.given_back, device=context.device)
            found[name] = reconstructions(made, method, context.data)
    return found


def filters_of(taken: Mapping[str, Outcome]) -> dict[str, Filters]:
    """What the first layer of each route's encoder looks for, where that can be drawn."""
    found = {name: filter_pictures(load_encoder(encoder_run(outcome))[0]) for name, outcome in taken.items()}
    return {name: filters for name, filters in found.items() if filters is not None}


def _to_label(places: Tensor, context: Context) -> list[tuple[str, np.ndarray]]:
    """The items to label next, by name."""
    names = [context.data.ids[place] for place in places.tolist()]
    return [(name, picture(item)) for name, item in zip(names, context.data.take(places), strict=True)]


def _labelling(comparison: Comparison, taken: Mapping[str, Outcome]) -> list[str]:
    """The commands that lead to a sheet to label these items on, and on from there."""
    if not comparison.to_label:
        return []
    run = comparison.best["run"] if comparison.best is not None else encoder_run(_most_trusted(taken))
    return [
        calling("embed", run, "YOUR_DATA", "features.parquet"),
        f"{program()} suggest features.parquet --items {len(comparison.to_label)} --sheet labels.html --data YOUR_DATA",
        f"{program()} compare YOUR_DATA --labels labels.csv",
    ]


def _most_trusted(taken: Mapping[str, Outcome]) -> Outcome:
    """Whose suggestions are followed where no route is best."""
    return min(taken.values(), key=lambda outcome: DEFAULT_ORDER.index(outcome.route.kind))


def _settings(taken: Mapping[str, Outcome], context: Context) -> dict[str, dict[str, Any]]:
    """Every setting: of the comparison, and of each run."""
    own = {**asdict(context.settings), "views": context.views, "labels_per_class": list(context.labels)}
    return {"comparison": own} | settings_of(taken)


def settings_of(taken: Mapping[str, Outcome]) -> dict[str, dict[str, Any]]:
    """Every setting of each route's run, as its run.json has it."""
    found = {}
    for name, outcome in taken.items():
        record = encoder_run(outcome) / "run.json"
        if record.exists():
            content = json.loads(record.read_text(encoding="utf-8"))
            settings = dict(content.get("settings", {}))
            own = settings.pop(METHOD_SETTINGS, {})
            parts = {"": settings, "method: ": own, "plan: ": content["plan"]}
            found[name] = {f"{of}{key}": value for of, part in parts.items() for key, value in part.items()}
    return found


def _judging(context: Context) -> list[str]:
    """How the figures came about, in sentences."""
    asked = context.settings
    if not context.labels:
        return [context.unjudged or "Nothing has a label, so no route was judged."]
    seeds = f"{len(asked.seeds)} pretraining seed{'s' if len(asked.seeds) > 1 else ''}"
    return [
        *(_cross_validation(context, seeds) if context.data.cross_validated else _test_part(context, seeds)),
        "Features are made once. Three heads are fitted to each draw: label propagation over the neighbour graph of "
        "all training items, a linear probe whose L2 strength is cross-validated, and a weighted vote of neighbours.",
        "From 3 labels a class on, the head is chosen by cross-validation within each draw; below, it is propagation. "
        "A network trained from scratch is judged by its own classifier; below 3 labels by the better of that and "
        "propagation by test accuracy: the doubt goes to the baseline.",
        "Intervals are at 95 % and resample seeds, draws and the items asked about together; verdicts are corrected "
        "for the number of pairs at each number of labels (Holm).",
    ]


def _test_part(context: Context, seeds: str) -> list[str]:
    return [
        f"Every route saw the same {len(context.train):,} training items; figures are of the same "
        f"{len(context.test):,} test items, which no choice ever saw.",
        f"For each number of labels, {context.settings.draws} draws of the labels, the same for every route, and "
        f"{seeds}.",
        "“If you label the ones we suggest”: the route's head on the labels of the items that `suggest` picks from its "
        "training features without any label, as many as the random draws have, from ten starts of the clusters.",
    ]


def _cross_validation(context: Context, seeds: str) -> list[str]:
    items, repeats = len(context.test), context.settings.draws
    folds = len(context.exam.sittings) // repeats
    if context.settings.strict:
        pixels = "No labelled item was seen in pretraining, not even its pixels (--strict)."
    else:
        pixels = "Methods that need no labels learn from the pixels of all items, those asked about too; labels they "
        pixels += "never see. --strict leaves these pixels out."
    return [
        f"Labels are too few for a test part, so figures are by cross-validation over the {items:,} labelled items: "
        f"{repeats} times they are dealt into {folds} folds, and each is asked about by heads that were fitted, and "
        "chosen, without its fold. What is asked about is in no neighbour graph meanwhile.",
        pixels,
        f"For each number of labels, {repeats} draws of the labels outside the fold, the same for every route, and "
        f"{seeds}. All labels are all outside the fold. Networks trained on labels alone are at most {NETWORKS} for a "
        "number of labels, and are compared on the draws they have.",
        "The route that is kept was chosen by the same labels that the figures are of, so its own figure is a little "
        "too kind.",
    ]


def _environment(taken: Mapping[str, Outcome]) -> dict[str, Any]:
    """Versions and machine, from the first trained run."""
    for outcome in taken.values():
        record = encoder_run(outcome) / "run.json"
        if record.exists():
            content = json.loads(record.read_text(encoding="utf-8"))
            return {**content.get("versions", {}), **content.get("machine", {})}
    return {}
