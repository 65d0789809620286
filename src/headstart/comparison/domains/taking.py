"""Taking one route between two domains from one seed: a network, its answers on the target, what can be said without.

Shapes: T target items that are scored.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from headstart import randomness
from headstart.comparison.context import MAP_ITEMS
from headstart.comparison.domains.settings import CEILING, SOURCE_ONLY, DomainSettings
from headstart.comparison.resources import measured
from headstart.comparison.routes import AllOrNumber, Route
from headstart.comparison.taking import Taken, read_facts, read_taken, write_taken
from headstart.data import Dataset
from headstart.evaluation import Judgement, features_of
from headstart.measures import is_collapsed, rank_me
from headstart.methods import find_method
from headstart.methods.method import Method
from headstart.terminal import listed
from headstart.training import Job, Trained, TrainSettings, run_job
from headstart.transfer import Adaptation, Pair, answers, score
from headstart.transfer.views import mild_views

ALL: Literal["all"] = "all"
"""Source labels a class that every route learns."""


@dataclass(frozen=True)
class Domains:
    """What all routes between two domains share."""

    pair: Pair
    settings: DomainSettings
    out: Path
    device: str

    @cached_property
    def known(self) -> Tensor:
        """int64 places of the target's items that `target_supervised` learns: labelled, and not scored."""
        target = self.pair.target
        train = target.indices("train")
        train = train[target.labels[train] >= 0]
        return train[~torch.isin(train, self.pair.scored)]

    @property
    def no_ceiling(self) -> str | None:
        """Why `target_supervised` has nothing to learn; None where it has."""
        target, scored = self.pair.target, self.pair.scored
        if not len(self.known):
            if not len(scored):
                return "the target has no labels"
            if "test" in target.split:
                return "the target has no labels outside its test part"
            return "the target has no test part, so all its labels are scored and none is left to learn"
        missing = set(target.labels[scored].tolist()) - set(target.labels[self.known].tolist())
        if not missing:
            return None
        named = listed([target.classes[label] for label in sorted(missing)])
        return f"nothing in the target's training part is labelled {named}, and some of its test part is"

    @property
    def labels(self) -> tuple[AllOrNumber, ...]:
        """The numbers of labels a class that there are figures for: all, or none where the target has no labels."""
        return (ALL,) if len(self.pair.scored) else ()

    @cached_property
    def mapped(self) -> Tensor:
        """int64 places of the target's items on the maps."""
        scored = self.pair.scored
        pool = scored if len(scored) else self.pair.target.indices("all")
        return pool[randomness.permutation(0, "domains on the map", len(pool))[:MAP_ITEMS].sort().values]

    def folder(self, route: Route, seed: int) -> Path:
        """Where a run of this route is kept."""
        return self.out / "routes" / f"{route.folder}-seed{seed}"

    def job(self, route: Route, seed: int) -> Job:
        """The training of a route."""
        asked = self.settings
        settings = TrainSettings(
            seed=seed,
            epochs=asked.epochs,
            device=self.device,
            precision=asked.precision,  # type: ignore[arg-type]
            deterministic=asked.deterministic,
            checkpoint_seconds=asked.checkpoint_seconds,
            **route.training,  # type: ignore[arg-type]
        )
        if route.name == CEILING:
            return self._ceiling(route, settings)
        assert route.method is not None
        adaptation = Adaptation(
            method=route.method,
            pair=self.pair,
            backbone=asked.backbone,
            views=asked.views,
            method_settings=route.settings,
            settings=settings,
        )
        baseline = Route(SOURCE_ONLY, "trained", SOURCE_ONLY)
        return adaptation.job(after=self.folder(baseline, seed))

    def _ceiling(self, route: Route, settings: TrainSettings) -> Job:
        """Supervision on the target's own labels, with the recipe of the others."""
        recipe = find_method(SOURCE_ONLY).recipe
        target: Dataset = self.pair.target
        return Job(
            data=target,
            method="supervised",
            backbone=self.settings.backbone,
            views=self.settings.views or mild_views(target.shape),
            method_settings=route.settings,
            index=self.known,
            settings=replace(settings, epochs=settings.epochs or recipe.epochs),
        )


def take(route: Route, seed: int, domains: Domains) -> Taken:
    """Trains and scores a route, or reads what an earlier start has done."""
    run = domains.folder(route, seed)
    known = read_facts(run)
    if known and known["epochs"] == domains.settings.epochs:
        return read_taken(run, known, judged=bool(domains.labels))
    with measured(domains.device) as usage:
        job = domains.job(route, seed)
        if job.after is not None:
            shutil.rmtree(run, ignore_errors=True)  # it takes no time, and its start may have been trained for longer
        trained = run_job(job, run)
        found = _found(trained, domains)
        made = features_of(trained.method.encoder, domains.pair.target, domains.mapped, device=domains.device)
    costs = {"seconds": usage.seconds, "peak_memory_bytes": usage.peak_memory_bytes, "epochs": domains.settings.epochs}
    return write_taken(Taken(run, _judgement(trained.method, domains), {"map": made.contiguous()}, {**found, **costs}))


def _found(trained: Trained, domains: Domains) -> Mapping[str, Any]:
    """What can be said of a network without the target's labels."""
    scores = asdict(score(trained.method, domains.pair))
    target = domains.pair.target
    seen = target.indices("train")[:MAP_ITEMS]
    made = features_of(trained.method.encoder, target, seen, device=domains.device)
    collapsed = bool(is_collapsed(made))
    health = {"rank_me": float(rank_me(made)), "alignment": None, "uniformity": None, "collapsed": collapsed}
    return {**{name: scores[name] for name in ("source_accuracy", "density")}, "health": health, "collapsed": collapsed}


def _judgement(method: Method, domains: Domains) -> Judgement | None:
    """Its own classifier's answers on the target's test items; None where these have no labels."""
    if not domains.labels:
        return None
    target, scored = domains.pair.target, domains.pair.scored
    answered = answers(method, target, scored).argmax(dim=1)
    return Judgement(
        classes=target.classes,
        labels_per_class=(ALL,),
        test_labels=target.labels[scored].short(),
        predictions={(ALL, "own"): answered[None].short()},
        validation={(ALL, "own"): (None,)},
        settings={(ALL, "own"): ({},)},
    )
