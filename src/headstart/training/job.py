"""What decides a training run, in names and settings."""

from __future__ import annotations

import copy
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from headstart import randomness
from headstart import settings as limits
from headstart.backbones import (
    Encoder,
    Preprocessing,
    build_encoder,
    default_backbone,
    prepared_encoder,
    resized_encoder,
    sha256_of,
)
from headstart.collectives import world_size
from headstart.contracts import Facts
from headstart.data import Dataset
from headstart.errors import InputError
from headstart.importing import target_of
from headstart.methods import find_method
from headstart.methods.method import Method
from headstart.training.batches import check_batches
from headstart.training.encoders import CLASSIFIER, WEIGHTS, load_weights, open_encoder, weights_digest
from headstart.training.machine import choose_device, choose_precision
from headstart.training.plan import StepPlan, plan_steps
from headstart.training.selecting import Judge
from headstart.training.settings import METHOD_SETTINGS, TrainSettings
from headstart.training.streams import Stream
from headstart.views import default_views


@dataclass(frozen=True, kw_only=True)
class Job:
    """Everything that decides what a training run learns."""

    data: Dataset
    method: str | type[Method]
    backbone: str | nn.Module | None = None
    """None: the method's own, or what suits the items' shape. With `init`, the architecture of weights in a file."""
    init: str | None = None
    """The encoder to go on from, by any name that `open_encoder` takes; None: a newly initialised one."""
    opened: Encoder | None = None
    """The encoder of `init`, where it is open already: what its opening has to say is then not said again."""
    download: bool = False
    """The weights of `init` may be brought to this machine."""
    preprocessing: Preprocessing | None = None
    """How the encoder of `init` is to see pictures; None: at the size of the items, normalised as it brought it."""
    views: str | None = None
    """None: what suits the items' shape."""
    method_settings: Mapping[str, Any] = field(default_factory=dict)
    settings: TrainSettings = field(default_factory=TrainSettings)
    index: Tensor | None = None
    """int64 places of the items to learn from; None: all but the test part."""
    beside: Mapping[str, Dataset] = field(default_factory=dict)
    """The sets of the method's further streams by name: learned from but for their test parts, their labels hidden."""
    judge: Judge | None = None
    """Says which weights are kept; None: the last."""
    after: Path | None = None
    """A finished run with a classifier, whose weights the method starts from."""

    @property
    def kind(self) -> type[Method]:
        """The method's class."""
        return find_method(self.method) if isinstance(self.method, str) else self.method

    @property
    def network(self) -> str | nn.Module:
        """What a new encoder is made of: the backbone asked for, else the method's own, else what suits the items."""
        return self.backbone or self.kind.default_backbone or default_backbone(self.data.shape)

    @property
    def shown_views(self) -> str:
        """The named set of views: the one asked for, else what suits the items."""
        return self.views or default_views(self.data.shape)

    @property
    def places(self) -> Tensor:
        """int64 places of the items to learn from, ascending."""
        return self.data.indices("train") if self.index is None else self.index.sort().values

    def streams(self) -> dict[str, Stream]:
        """What the method learns from, by the names of its streams; labels are those of the first alone.

        Raises `InputError` where there are other sets than the method has streams.
        """
        first, *others = self.kind.streams
        if set(others) != set(self.beside):
            wanted = f"the sets {', '.join(self.kind.streams)}" if others else "one set"
            given = ", ".join(self.beside) or "nothing"
            raise InputError(f"{self.kind.__name__} learns from {wanted}; beside the first there is {given}.")
        return {
            first: Stream(self.data.items, self.data.labels, self.places),
            **{name: Stream(self.beside[name].items, None, self.beside[name].indices("train")) for name in others},
        }

    def facts(self) -> Facts:
        """What the method's constructor is told of the data."""
        return self.data.facts(self.shown_views, self.places)

    def build(self) -> Method:
        """A new encoder and method; their weights depend on the seed alone.

        Raises:
            InputError: The method has no such setting, or not with this value, or can't learn from such batches.
        """
        limits.check(self.kind, self.method_settings)
        encoder = self._encoder()
        if self.after is not None:
            load_weights(encoder, self.after / WEIGHTS)
        with randomness.seeded(self.settings.seed, "init"):
            method = self.kind(encoder, self.facts(), **self.method_settings)
        if self.after is not None:
            load_weights(method.get_submodule("classifier"), self.after / CLASSIFIER)
        check_batches(method.train(), self.settings)
        return method

    @cached_property
    def start(self) -> tuple[Encoder, str] | None:
        """The encoder to go on from, made to take the items at their size, and the sha256 of its weights.

        Raises what `open_encoder` does, and `InputError` where it can't be shown these items.
        """
        if self.init is None:
            return None
        if self.opened is None:
            encoder, _ = open_encoder(self.init, backbone=self._architecture, download=self.download)
        else:
            encoder = copy.deepcopy(self.opened)  # it is about to be resized
        digest = weights_digest(self.init, encoder)
        channels, height, width = self.data.shape
        if channels not in (1, encoder.shape[0]):
            raise InputError(
                f"--init {self.init} takes {encoder.shape[0]} channels and {self.data.name} has {channels}."
            )
        if self.preprocessing is not None:
            return prepared_encoder(encoder, self.preprocessing), digest
        return resized_encoder(encoder, height, width, plain=True), digest

    @property
    def _architecture(self) -> str | None:
        """The named backbone, for weights in a file."""
        return self.backbone if isinstance(self.backbone, str) else None

    def _encoder(self) -> Encoder:
        if self.start is not None:
            return copy.deepcopy(self.start[0]).train()
        mean, deviation = self.data.pixel_statistics()
        return build_encoder(self.network, self.data.shape, mean=mean, deviation=deviation, seed=self.settings.seed)

    def notes(self) -> tuple[str, ...]:
        """What to say of an encoder that is gone on with."""
        if self.init is None or self.preprocessing is not None:
            return ()
        _, height, width = self.data.shape
        return (
            f"Goes on from {self.init}, its mean and deviation kept, at {width}×{height} pixels: the size of the items "
            "(--size sets another).",
        )

    def plan(self) -> StepPlan:
        """The steps to take, on as many processes as there are now."""
        sizes = [len(stream.index) for stream in self.streams().values()]
        return plan_steps(self.settings, self.kind.recipe, sizes[0], world_size(), fewest=min(sizes))


def fingerprint(job: Job, plan: StepPlan) -> dict[str, object]:
    """What a run of this job is recognised by: every setting that decides its result, defaults filled in."""
    chosen, recipe = job.settings, job.kind.recipe
    own = limits.own_settings(job.kind).items()
    defaults = {name: setting.default for name, setting in own if setting.default is not setting.empty}
    backbone = job.start[0].name if job.start and not job.backbone else job.network
    index = job.places
    return {
        METHOD_SETTINGS: {**defaults, **job.method_settings},  # apart: some have names of the loop's, as momentum has
        "data": job.data.fingerprint,
        "items": f"{len(index)} ({zlib.crc32(index.numpy().tobytes()):08x})",
        "method": target_of(job.kind),
        "backbone": backbone if isinstance(backbone, str) else type(backbone).__qualname__,
        "init": job.start and f"{job.init} ({job.start[1][:12]})",
        "views": job.shown_views,
        **({} if job.preprocessing is None else {"preprocessing": asdict(job.preprocessing)}),
        **{name: data.fingerprint for name, data in job.beside.items()},
        **({"after": sha256_of([job.after / WEIGHTS, job.after / CLASSIFIER])[:12]} if job.after else {}),
        **({"patience": job.judge.patience} if job.judge else {}),
        "epochs": plan.epochs if chosen.steps is None else None,
        "steps": chosen.steps,
        "warmup_epochs": chosen.warmup_epochs if chosen.warmup_epochs is not None else recipe.warmup_epochs,
        "precision": choose_precision(chosen.precision, choose_device(chosen.device)),
        "device": choose_device(chosen.device).type,
        **{name: getattr(chosen, name) for name in ("seed", "deterministic")},
        **{name: getattr(plan, name) for name in _PLANNED},
    }


_PLANNED = ("batch_size", "accumulate", "optimizer", "lr", "weight_decay", "momentum")
"""Settings of training that a fingerprint has as they were planned, so that naming a default changes nothing."""
