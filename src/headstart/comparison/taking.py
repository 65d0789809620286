"""Taking one route from one seed: an encoder, its features, and what they are judged to be worth."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from headstart import atomic
from headstart.backbones import Encoder, Pixels, build_encoder, default_backbone, resized_encoder
from headstart.comparison.context import NEIGHBOURS_SHOWN, Context
from headstart.comparison.resources import measured
from headstart.comparison.routes import Route
from headstart.errors import InputError
from headstart.evaluation import Bank, Judgement, features, features_of, health, judge, nearest, unit
from headstart.terminal import silence
from headstart.training import open_encoder, run_job, save_encoder
from headstart.transfer import check_shape, overlapping

JUDGED = "judged.json"
"""Written last: a route that has it needs neither training nor judging again."""

JUDGEMENT = "judgement.safetensors"
SAMPLE = "sample.safetensors"


@dataclass(frozen=True)
class Taken:
    """One route from one seed, trained and judged."""

    run: Path
    judgement: Judgement | None
    """None where there are no labels."""
    sample: dict[str, Tensor]
    """`map` (features of the mapped test items) and `neighbours` (places of training items, a row a query)."""
    facts: dict[str, Any]
    """seconds, peak_memory_bytes, health, collapsed; cut and held_out where they apply."""


def take(route: Route, seed: int, context: Context) -> Taken:
    """Trains and judges a route, or reads what an earlier start has done."""
    run = context.folder(route, seed)
    known = read_taken(run, judged=bool(context.labels))
    if known is not None:
        return known
    with measured(context.device) as usage:
        encoder, collapsed = encoder_of(route, seed, context)
        judgement, sample, facts = judge_encoder(encoder, context)
    costs = {"seconds": usage.seconds, "peak_memory_bytes": usage.peak_memory_bytes}
    return write_taken(Taken(run, judgement, sample, {**facts, **costs, "collapsed": collapsed or facts["collapsed"]}))


def encoder_of(route: Route, seed: int, context: Context) -> tuple[Encoder, bool]:
    """The encoder a route leads to, kept in its run folder; and whether it collapsed on the way."""
    run = context.folder(route, seed)
    if route.kind == "trained":
        if route.encoder is not None:
            foreign(route, context)  # refuses what must not be gone on from
        trained = run_job(context.job(route, seed), run)
        return trained.method.encoder, trained.collapsed
    encoder = foreign(route, context) if route.kind == "pretrained" else untrained(route, seed, context)
    run.mkdir(parents=True, exist_ok=True)
    save_encoder(run, encoder, {"method": route.name, "seed": seed, "data": {"fingerprint": context.data.fingerprint}})
    return encoder, False


def untrained(route: Route, seed: int, context: Context) -> Encoder:
    """The raw pixels, or a network as it was initialised."""
    mean, deviation = context.data.pixel_statistics()
    backbone = Pixels() if route.kind == "raw" else context.settings.backbone or default_backbone(context.data.shape)
    return build_encoder(backbone, context.data.shape, mean=mean, deviation=deviation, seed=seed)


def foreign(route: Route, context: Context) -> Encoder:
    """An encoder that somebody else, or an earlier run, has trained.

    Raises `InputError` where it can't be shown the items, or has learned from some of those it would be judged on.
    """
    assert route.encoder is not None
    with silence():  # what there is to say of it was said when the settings were checked
        encoder, description = open_encoder(
            route.encoder, backbone=context.architecture(route), download=context.settings.download
        )
    check_shape(encoder, context.data)
    seen = int(overlapping(description, context.data, context.test).sum())
    if seen:
        raise InputError(f"{route.encoder} has learned from {seen} of the test items: it can't be judged on them.")
    return encoder if route.side is None else resized_encoder(encoder, route.side, route.side)


def judge_encoder(encoder: Encoder, context: Context) -> tuple[Judgement | None, dict[str, Tensor], dict[str, Any]]:
    """Everything that is asked of an encoder's features: heads on label draws, health, maps and neighbours."""
    data, asked = context.data, context.settings
    bank = Bank(features_of(encoder, data, context.train, device=context.device))
    test = features_of(encoder, data, context.test, device=context.device)
    judgement = None
    if context.labels:
        judgement = judge(
            bank,
            data.labels[context.train],
            test,
            data.labels[context.test],
            data.classes,
            labels_per_class=context.labels,
            draws=asked.draws,
            split_seed=asked.split_seed,
        )
    found = nearest(unit(test[context.queries]), bank.unit, NEIGHBOURS_SHOWN)
    sample = {"map": test[context.mapped].contiguous(), "neighbours": context.train[found[1]]}
    return judgement, sample, health_of(encoder, context)


def health_of(encoder: Encoder, context: Context) -> dict[str, Any]:
    """Effective rank, alignment, uniformity and collapse, from two views of the same test items."""
    first, second = (features(encoder, view, device=context.device) for view in context.two_views)
    found = asdict(health(first, second))
    return {"health": found, "collapsed": found["collapsed"]}


def write_taken(taken: Taken) -> Taken:
    """Keeps what was found in the run folder, the mark that it is complete last."""
    if taken.judgement is not None:
        taken.judgement.save(taken.run / JUDGEMENT)
    with atomic.aside(taken.run / SAMPLE) as draft:
        save_file({name: value.contiguous() for name, value in taken.sample.items()}, draft)
    atomic.write_json(taken.run / JUDGED, taken.facts)
    return taken


def read_taken(run: Path, *, judged: bool) -> Taken | None:
    """What an earlier start has kept; None where it did not come that far."""
    if not (run / JUDGED).exists():
        return None
    facts = json.loads((run / JUDGED).read_text(encoding="utf-8"))
    judgement = Judgement.load(run / JUDGEMENT) if judged else None
    return Taken(run, judgement, load_file(run / SAMPLE), facts)
