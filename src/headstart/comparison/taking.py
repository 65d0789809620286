"""Taking one route from one seed: an encoder, its features, and what they are judged to be worth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from headstart import atomic
from headstart.backbones import Encoder, Pixels, build_encoder, default_backbone, resized_encoder
from headstart.comparison.context import NEIGHBOURS_SHOWN, Context
from headstart.comparison.labelling import next_to_label, suggested_answers
from headstart.comparison.resources import measured
from headstart.comparison.routes import Route
from headstart.errors import InputError
from headstart.evaluation import Bank, Judgement, examine, features, features_of, health, nearest, unit
from headstart.methods import find_method
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
    """None where nothing can be judged."""
    sample: dict[str, Tensor]
    """`map` (features of the mapped items), `neighbours` (places of training items, a row a query), and what
    `labelling` adds."""
    facts: dict[str, Any]
    """seconds, peak_memory_bytes, health, collapsed; cut, round, epochs and held_out where they apply."""


def take(route: Route, seed: int, context: Context) -> Taken:
    """Trains and judges a route, or reads what an earlier start has done."""
    run = context.folder(route, seed)
    before = read_facts(run)
    asked = {"round": context.round, "epochs": context.settings.epochs}
    if asked.items() <= before.items():
        return read_taken(run, before, judged=bool(context.labels))
    with measured(context.device) as usage:
        encoder, collapsed = encoder_of(route, seed, context)
        judgement, sample, facts = judge_encoder(encoder, context)
    costs = {
        "seconds": before.get("seconds", 0.0) + usage.seconds,
        "peak_memory_bytes": max(before.get("peak_memory_bytes", 0), usage.peak_memory_bytes),
        **asked,
    }
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
    allowed = context.data.cross_validated and not context.settings.strict  # as for the routes trained here
    if seen and not (allowed and not _knows_labels(description)):
        raise InputError(f"{route.encoder} has learned from {seen} of the test items: it can't be judged on them.")
    return encoder if route.side is None else resized_encoder(encoder, route.side, route.side)


def _knows_labels(description: Mapping[str, Any]) -> bool:
    """Whether an encoder (its encoder.json) learned from labels; a head alone leaves it as it came."""
    name = description.get("method")
    return name not in (None, "head") and find_method(name).uses_labels


def judge_encoder(encoder: Encoder, context: Context) -> tuple[Judgement | None, dict[str, Tensor], dict[str, Any]]:
    """Everything that is asked of an encoder's features: heads on label draws, health, maps and neighbours."""
    data = context.data
    bank = Bank(features_of(encoder, data, context.train, device=context.device))
    within = data.cross_validated
    made = bank.features if within else features_of(encoder, data, context.test, device=context.device)
    judgement = None
    if context.labels:
        judgement = examine(bank, made[torch.isin(context.pool, context.test)], context.exam)
    sample = sample_of(made, bank.unit, context.train, context) | next_to_label(bank, context)
    if judgement is not None and not within:
        sample |= suggested_answers(bank, made, judgement, context)
    return judgement, sample, health_of(encoder, context)


def sample_of(made: Tensor, bank: Tensor, places: Tensor, context: Context) -> dict[str, Tensor]:
    """What the report shows of a route: features of the mapped items, and each query's nearest in the bank but itself.

    `made` are features of the items of `context.pool`, `bank` unit features of the training items at `places`.
    """
    shown, queries = (made[torch.searchsorted(context.pool, some)] for some in (context.mapped, context.queries))
    near = places[nearest(unit(queries), bank, NEIGHBOURS_SHOWN + 1).rows]
    others_first = (near == context.queries[:, None]).to(torch.uint8).argsort(dim=1, stable=True)
    return {"map": shown.contiguous(), "neighbours": near.gather(1, others_first)[:, :NEIGHBOURS_SHOWN]}


def health_of(encoder: Encoder, context: Context) -> dict[str, Any]:
    """Effective rank, alignment, uniformity and collapse, from two views of the same items."""
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


def read_facts(run: Path) -> dict[str, Any]:
    """The facts of what an earlier start has trained and judged; empty where it did not come that far."""
    path = run / JUDGED
    return {"round": 1, "epochs": None, **json.loads(path.read_text(encoding="utf-8"))} if path.exists() else {}


def read_taken(run: Path, facts: dict[str, Any], *, judged: bool) -> Taken:
    """What an earlier start has kept, `facts` among it."""
    judgement = Judgement.load(run / JUDGEMENT) if judged else None
    return Taken(run, judgement, load_file(run / SAMPLE), facts)
