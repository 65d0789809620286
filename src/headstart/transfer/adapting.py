"""Adapting from a source that has labels to a target that has none, beside the same network without adaptation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from headstart import randomness
from headstart.backbones import Encoder
from headstart.data import Dataset
from headstart.evaluation import Interval, accuracy_interval, features_of
from headstart.measures import neighbourhood_density
from headstart.methods import find_adapter
from headstart.methods.method import Method
from headstart.training import Job, Trained, TrainSettings, run_job
from headstart.training.distributed import from_first, joined
from headstart.training.machine import choose_device
from headstart.transfer.answering import logits_of
from headstart.transfer.domain_statistics import with_statistics_of
from headstart.transfer.pairing import Pair
from headstart.transfer.views import mild_views

BASELINE = "source_only"
DENSITY_ITEMS = 2_048
"""Target items whose features are compared with each other."""


@dataclass(frozen=True, kw_only=True)
class Adaptation:
    """How to adapt: the settings of one method, and those that the baseline shares."""

    method: str
    pair: Pair
    backbone: str | None = None
    init: str | None = None
    """As `Job` has it: the encoder that method and baseline start from."""
    download: bool = False
    views: str | None = None
    """None: `mild_views`."""
    method_settings: Mapping[str, Any] = field(default_factory=dict)
    settings: TrainSettings = field(default_factory=TrainSettings)

    def job(self, *, after: Path | None = None) -> Job:
        """The method's training; `after` is the baseline's run, for a method that sees nothing but the target."""
        source, streams = self.pair.source, find_adapter(self.method).streams
        shared: dict[str, Any] = {
            **{name: getattr(self, name) for name in ("method", "backbone", "init", "download")},
            "views": self._views(),
        }
        if "source" not in streams:
            # How long, how fast and in which batches is the source's training: a pass over the target is what it is.
            settings = replace(self.settings, epochs=None, steps=None, lr=None, warmup_epochs=None)
            return Job(
                data=self.pair.hidden(), after=after, method_settings=self.method_settings, settings=settings, **shared
            )
        beside = {"target": self.pair.hidden()} if "target" in streams else {}
        return Job(
            data=source,
            index=self.pair.learned,
            beside=beside,
            method_settings=self.method_settings,
            settings=self.settings,
            **shared,
        )

    def _views(self) -> str:
        return self.views or mild_views(self.pair.source.shape)

    def baseline(self) -> Adaptation:
        """The same network, recipe and seed on the source alone."""
        return replace(self, method=BASELINE, method_settings={})


@dataclass(frozen=True)
class Scores:
    """What can be said of a network on a pair."""

    source_accuracy: float | None
    """On the source's test part, by the source's batch-norm statistics; None where it has none."""
    density: float
    """Soft neighbourhood density of the features on the target's training part; higher is better.

    Of features, not of answers: how sure the answers are depends on the method's loss (CORAL's are unsure by design).
    """
    accuracy: Interval | None
    """On the target's test part, where it has labels."""
    items: int
    """Target items that the accuracy is of."""


@dataclass(frozen=True)
class Adapted:
    """An adapted network beside the one that only knows the source."""

    trained: Trained
    scores: Scores
    before: Trained | None = None
    """The baseline; None where it is the method itself."""
    baseline: Scores | None = None

    @property
    def negative(self) -> bool:
        """Whether adapting made things worse by the label-free measure."""
        return self.baseline is not None and self.scores.density < self.baseline.density


def adapt_between(
    adaptation: Adaptation,
    folder: Path,
    baseline: Path,
    *,
    explicit: bool = True,
    restart: bool = False,
    command: str | None = None,
) -> Adapted:
    """Trains the baseline in one run folder and the method in another, goes on with them, or takes what is done.

    Raises as `run_job`.
    """
    how = {"explicit": explicit, "restart": restart, "command": command}
    with joined(choose_device(adaptation.settings.device)):
        adaptation.job().build()  # refuses what can't be adapted before the baseline is trained
        if adaptation.method == BASELINE:
            trained = run_job(adaptation.job(), folder, **how)  # type: ignore[arg-type]
            return Adapted(trained, score(trained.method, adaptation.pair))
        before = run_job(adaptation.baseline().job(), baseline, **how)  # type: ignore[arg-type]
        after = from_first(lambda: before.folder)  # written, once the first process is here
        trained = run_job(adaptation.job(after=after), folder, **how)  # type: ignore[arg-type]
        return Adapted(trained, score(trained.method, adaptation.pair), before, score(before.method, adaptation.pair))


def score(method: Method, pair: Pair) -> Scores:
    """The scores of a trained method with a classifier."""
    source, target = pair.source, pair.target
    seen = target.indices("train")
    seen = seen[randomness.permutation(0, "density", len(seen))[:DENSITY_ITEMS]]
    accuracy, kept = None, None
    if len(pair.scored):
        accuracy = accuracy_interval(_right(method, target, pair.scored)[None, None].numpy())
    if len(pair.tested):
        kept = float(_right(method, source, pair.tested, _source_encoder(method, pair)).float().mean())
    return Scores(
        source_accuracy=kept,
        density=float(neighbourhood_density(_features(method, target, seen))),
        accuracy=accuracy,
        items=len(pair.scored),
    )


def answers(method: Method, data: Dataset, index: Tensor, *, encoder: Encoder | None = None) -> Tensor:
    """n×C probabilities, on the CPU, of the items at these places; `encoder` as `logits_of` has it."""
    return logits_of(method, data, index, encoder=encoder).softmax(dim=1)


def _right(method: Method, data: Dataset, index: Tensor, encoder: Encoder | None = None) -> Tensor:
    """n booleans: whose most probable class is their label."""
    return answers(method, data, index, encoder=encoder).argmax(dim=1) == data.labels[index]


def _source_encoder(method: Method, pair: Pair) -> Encoder:
    """The encoder with batch-norm statistics of the source: its own where it saw nothing else, else gathered for this.

    By those of the target it would be asked about pictures that it doesn't expect, whatever it knows of the source.
    """
    if method.streams == ("source",):
        return method.encoder
    return with_statistics_of(pair.source, pair.learned, method.encoder, _device(method))


def _features(method: Method, data: Dataset, index: Tensor) -> Tensor:
    """n×D, on the CPU."""
    return features_of(method.encoder, data, index, device=_device(method))


def _device(method: Method) -> torch.device:
    return next(method.parameters()).device
