"""`scratch` and `supervised`: a network trained on nothing but the labels at hand, the baseline everybody has.

One code path, two names: `scratch` at few labels a class, once for every draw of them; `supervised` at all. In
cross-validation every fold of a draw has a network of its own.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

import torch
from torch import Tensor, nn

from headstart import randomness
from headstart.backbones import Encoder
from headstart.comparison.context import Context
from headstart.comparison.resources import measured
from headstart.comparison.routes import AllOrNumber, Route
from headstart.comparison.taking import Taken, health_of, read_facts, read_taken, sample_of, write_taken
from headstart.evaluation import HEADS, Bank, Judgement, Labelled, Sitting, draws_of, features_of, unit
from headstart.label_counts import said
from headstart.terminal import progress, silence
from headstart.training import Job, Trained, load_encoder, run_job
from headstart.training.folder import RUNS

SHORTEST = 500
"""Steps that every draw is trained for at least."""

LONGEST = 4
"""How many times the planned steps a draw is trained for at most, where its loss still falls."""

BATCH_SIZE = 64
FALLING = 0.05
"""The loss is flat where the last quarter of the steps brought no more than this share of all it has fallen."""

BANK_ITEMS = 10_000
"""Training items at most that a draw's own encoder makes a neighbour graph of: each draw has another encoder."""

NETWORKS = 10
"""Networks trained at most for a number of labels in cross-validation: the first repeats, whole ones, stand for all."""


@dataclass(frozen=True)
class Task:
    """One network to train: a draw of the labels, and who is asked about meanwhile."""

    sitting: Sitting
    draw: Labelled
    number: int
    """Of the draw."""
    suffix: str
    """Of its run's folder."""


@dataclass(frozen=True)
class Attempt:
    """One draw, learned from scratch."""

    task: Task
    own: Tensor
    """int64: its classifier's predictions for the items its sitting asks about."""
    heads: dict[str, Tensor]
    """int64 each: predictions of the heads that every route has, on its features."""
    falling: float
    """The share of all that the loss has fallen which the last quarter of the steps brought."""
    run: Path


def take_scratch(route: Route, seed: int, context: Context) -> Taken:
    """All draws of the labels, or the one of all labels, learned from scratch and judged."""
    run = context.folder(route, seed)
    known = read_facts(run)
    if known and known["epochs"] == context.settings.epochs:
        return read_taken(run, known, judged=True)
    labels = [k for k in context.labels if route.takes(k)]
    with measured(context.device) as usage:
        attempts = {k: _attempts(route, seed, k, context) for k in labels}
        shown = attempts[labels[-1]][0].run
        encoder, _ = load_encoder(shown)
        facts = {**health_of(encoder, context), "cut": any(was_cut(attempts[k]) for k in labels)}
        if route.kind == "supervised" and not context.data.cross_validated:
            facts["held_out"] = _held_out(route, seed, context)
        sample = _sample(encoder, context)
    run.mkdir(parents=True, exist_ok=True)
    costs = {"seconds": usage.seconds, "peak_memory_bytes": usage.peak_memory_bytes, "run": shown.name}
    facts |= {**costs, "epochs": context.settings.epochs}
    return write_taken(Taken(run, _judgement(attempts, labels, context), sample, facts))


def tasks(k: AllOrNumber, context: Context) -> list[Task]:
    """The networks to train at k labels a class."""
    found: list[Task] = []
    sittings = context.exam.sittings
    folds = [sitting.first for sitting in sittings].count(0)
    for place, sitting in enumerate(sittings):
        for number, draw in enumerate(sitting.draws[k], start=sitting.first):
            suffix = f"-k{k}-draw{number}" + (f"-fold{place % folds}" if folds > 1 else "")
            found.append(Task(sitting, draw, number, suffix))
    return found if folds == 1 else found[: max(NETWORKS // folds, 1) * folds]


def _attempts(route: Route, seed: int, k: AllOrNumber, context: Context) -> list[Attempt]:
    """Every network at k labels a class."""
    asked = tasks(k, context)
    if len(asked) == 1:
        return [_attempt(route, seed, context, asked[0])]
    tried = []
    unit_name = "networks" if context.data.cross_validated else "draws"
    with progress(f"{route.name}, {said([k])}", len(asked), unit_name) as meter:
        for number, task in enumerate(asked):
            began = time.monotonic()
            with silence():
                tried.append(_attempt(route, seed, context, task))
            meter.update(number + 1, 1 / max(time.monotonic() - began, 1e-9))
    return tried


def _attempt(route: Route, seed: int, context: Context, task: Task) -> Attempt:
    """Learns one draw and predicts the items its sitting asks about."""
    run = context.folder(route, seed, task.suffix)
    trained = _train_until_flat(route, seed, context, context.train[task.draw.index], run)
    encoder, data = trained.method.encoder, context.data
    rows = _bank_rows(task.sitting.rows(len(context.train)), task.draw.index, len(context.train))
    bank = Bank(features_of(encoder, data, context.train[rows], device=context.device))
    test = features_of(encoder, data, context.test[task.sitting.asked], device=context.device)
    mine = task.draw.among(rows)
    heads = {name: head.fit_draws(bank, [mine], len(data.classes))[0].fitted for name, head in HEADS.items()}
    return Attempt(
        task=task,
        own=classify(trained.method, test),
        heads={name: fitted.predict(test).argmax(dim=1) for name, fitted in heads.items()},
        falling=still_falling(trained),
        run=run,
    )


def classify(method: nn.Module, features: Tensor) -> Tensor:
    """int64 N: the classes that a supervised method's own classifier gives N×D features."""
    classifier = method.classifier
    assert isinstance(classifier, nn.Module)
    with torch.inference_mode():
        device = next(classifier.parameters()).device
        scores: Tensor = classifier(features.to(device))
    return scores.argmax(dim=1).cpu()


def few_labels(route: Route, context: Context, seed: int, index: Tensor) -> Job:
    """The training run on the items at `index`: in small batches for as many steps as were planned, or `SHORTEST`."""
    few = route.kind == "scratch" or context.data.cross_validated
    steps = context.steps.get(route.name, SHORTEST if few else None)
    small = replace(route, training={"batch_size": min(BATCH_SIZE, len(index)), **route.training})
    return context.job(small if few else route, seed, index=index, steps=steps)


def _train_until_flat(route: Route, seed: int, context: Context, index: Tensor, run: Path) -> Trained:
    """Trains on the items at `index`, and on for as long again while the loss still falls and the plan allows it."""
    job = few_labels(route, context, seed, index)
    steps, times = job.plan().steps, 1
    there = RUNS.read(run).get("settings", {}).get("steps") or 0
    while times * steps < there:  # an earlier start has gone on so far
        times *= 2

    def trained_for(steps: int) -> Trained:
        return run_job(replace(job, settings=replace(job.settings, epochs=None, steps=steps)), run)

    trained = trained_for(times * steps)
    while still_falling(trained) > FALLING and 2 * times <= context.stretch:
        times *= 2
        trained = trained_for(times * steps)
    return trained


def was_cut(attempts: Sequence[Attempt]) -> bool:
    """Whether the loss was still falling, on average over the draws: one noisy draw of ten doesn't say so."""
    return mean(attempt.falling for attempt in attempts) > FALLING


def still_falling(trained: Trained) -> float:
    """The share of all that the loss has fallen which the last quarter of the steps brought; 1 where none shows it."""
    losses = [(row["step"], row["loss"]) for row in trained.history if row["loss"] is not None]
    third = [loss for step, loss in losses if 0.5 < step / trained.steps <= 0.75]
    fourth = [loss for step, loss in losses if step / trained.steps > 0.75]
    if not third or not fourth:  # a step or two have shown nothing
        return 1.0
    brought, fallen = mean(third) - mean(fourth), losses[0][1] - mean(fourth)
    return brought / fallen if fallen > 0 else float(brought > 0)


def _bank_rows(seen: Tensor, known: Tensor, items: int) -> Tensor:
    """int64, ascending: the rows in sight (of `items`) that a draw's graph is made of, the known ones among them."""
    if len(seen) <= BANK_ITEMS:
        return seen
    others = randomness.permutation(0, "bank of a draw", items)[:BANK_ITEMS]
    return seen[torch.isin(seen, torch.cat([known, others]))]


def _held_out(route: Route, seed: int, context: Context) -> float:
    """The accuracy of the same recipe, trained on four fifths of all labels, on the fifth it did not see.

    What the other routes have by cross-validation, so that the best can be chosen among all without the test part.
    """
    data = context.data
    draw = draws_of(data.labels[context.train], "all", 1, context.settings.split_seed, data.classes)[0]
    folds = draw.folds if draw.folds is not None else torch.arange(len(draw.index)) % 5
    seen, unseen = context.train[draw.index[folds != 0]], context.train[draw.index[folds == 0]]
    trained = _train_until_flat(route, seed, context, seen, context.folder(route, seed, "-kall-fold0"))
    predicted = classify(trained.method, features_of(trained.method.encoder, data, unseen, device=context.device))
    return float((predicted == data.labels[unseen]).double().mean())


def _sample(encoder: Encoder, context: Context) -> dict[str, Tensor]:
    """Features for the map, and neighbours, of one draw's encoder."""
    every = torch.arange(len(context.train))
    rows = _bank_rows(every, every[:1], len(every))
    made = features_of(encoder, context.data, context.pool, device=context.device)
    if context.data.cross_validated:
        bank = made[rows]
    else:
        bank = features_of(encoder, context.data, context.train[rows], device=context.device)
    return sample_of(made, unit(bank), context.train[rows], context)


def _judgement(
    attempts: dict[AllOrNumber, list[Attempt]], labels: Sequence[AllOrNumber], context: Context
) -> Judgement:
    """All networks' predictions in the form every route is judged in; no head has held-out labels here."""
    fits = {k: _joined(attempts[k], [torch.full_like(a.own, n) for n, a in enumerate(attempts[k])]) for k in labels}
    judgement = Judgement(
        classes=context.data.classes,
        labels_per_class=tuple(labels),
        test_labels=context.data.labels[context.test].short(),
        predictions={
            (k, head): _joined(attempts[k], [attempt.heads[head] for attempt in attempts[k]])
            for k in labels
            for head in HEADS
        },
        validation={(k, head): (None,) * len(attempts[k]) for k in labels for head in HEADS},
        settings={(k, head): ({},) * len(attempts[k]) for k in labels for head in HEADS},
        fits=fits,
    )
    for k in labels:
        judgement = judgement.with_own(k, _joined(attempts[k], [attempt.own for attempt in attempts[k]]))
    return judgement


def _joined(attempts: Sequence[Attempt], answers: Sequence[Tensor]) -> Tensor:
    """int16 D×T: each network's answers at its draw, where its sitting asked."""
    draws = 1 + max(attempt.task.number for attempt in attempts)
    items = sum(len(attempt.own) for attempt in attempts if attempt.task.number == 0)
    joined = torch.empty(draws, items, dtype=torch.int16)
    for attempt, mine in zip(attempts, answers, strict=True):
        joined[attempt.task.number, attempt.task.sitting.asked] = mine.short()
    return joined
