"""The winning encoder with its head, in one folder that `predict` takes."""

from __future__ import annotations

import shutil
from pathlib import Path

from headstart.backbones import Encoder
from headstart.comparison.context import Context
from headstart.comparison.leaderboard import Best
from headstart.comparison.outcomes import Outcome
from headstart.evaluation import (
    HEADS,
    Bank,
    FittedHead,
    classifier_head,
    draws_of,
    features_of,
    fit_temperature,
    save_head,
)
from headstart.training import load_encoder, save_encoder

FOLDER = "best"


def save_winner(best: Best, context: Context) -> Path:
    """Writes `best/`: the encoder of the first seed and its head, fitted to the labels it was chosen with."""
    final = context.out / FOLDER
    draft = context.out / f".{FOLDER}.part"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    run = encoder_run(best.outcome)
    encoder, description = load_encoder(run)
    save_encoder(draft, encoder, {key: value for key, value in description.items() if key not in ("format", "encoder")})
    head, temperature = _head(best, encoder, run, context)
    save_head(draft, head, context.data.classes, temperature)
    shutil.rmtree(final, ignore_errors=True)
    draft.replace(final)
    return final


def encoder_run(outcome: Outcome) -> Path:
    """The run folder that holds the encoder shown for a route: a draw's own where every draw has one."""
    taken = outcome.taken[0]
    return taken.run.with_name(taken.facts["run"]) if "run" in taken.facts else taken.run


def _head(best: Best, encoder: Encoder, run: Path, context: Context) -> tuple[FittedHead, float | None]:
    """The head the route was judged with (most often, where every fold has its own), fitted to the first draw.

    With its temperature, where labels can be held out to find one by.
    """
    judgement = best.outcome.judgements[0]
    within = context.data.cross_validated
    name = best.outcome.head(best.labels_per_class) if within else judgement.chosen(best.labels_per_class)[0]
    if name == "own":
        return classifier_head(run), None
    data = context.data
    labels = data.labels[context.train]
    draw = draws_of(labels, best.labels_per_class, context.settings.draws, context.settings.split_seed, data.classes)[0]
    bank = Bank(features_of(encoder, data, context.train, device=context.device))
    trial = HEADS[name].fit_draws(bank, [draw], len(data.classes))[0]
    return trial.fitted, None if trial.held_out is None else fit_temperature(trial.held_out)
