"""What every route of a comparison shares: the data, the label draws, the plan, the folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from headstart import randomness
from headstart.backbones import is_weights_file
from headstart.comparison.routes import AllOrNumber, Route
from headstart.comparison.settings import CompareSettings
from headstart.contracts import Draw, Part, Views
from headstart.data import Dataset
from headstart.training import Job, TrainSettings
from headstart.views import default_views, view_set

MAP_ITEMS = 600
"""Test items on the maps and among the thumbnails."""

NEIGHBOUR_QUERIES = 8
NEIGHBOURS_SHOWN = 6
HEALTH_ITEMS = 2_000


@dataclass(frozen=True)
class Context:
    """A comparison's fixed points."""

    data: Dataset
    settings: CompareSettings
    labels: Sequence[AllOrNumber]
    """Empty where there are no labels to judge by."""
    out: Path
    device: str
    steps: dict[str, int] = field(default_factory=dict)
    """Of each trained route, where a budget was dealt."""
    stretch: int = 4
    """How many times its steps a route trained on few labels may take, where its loss has not become flat."""

    @property
    def views(self) -> str:
        """The named set of views that trained routes are shown."""
        return self.settings.views or default_views(self.data.shape)

    @cached_property
    def train(self) -> Tensor:
        """int64 M: places of the items that may be learned from."""
        return self.data.indices("train")

    @cached_property
    def test(self) -> Tensor:
        """int64 T: places of the test items that have a label (all of them where none has)."""
        test = self.data.indices("test")
        labelled = test[self.data.labels[test] >= 0]
        return labelled if len(labelled) else test

    @cached_property
    def mapped(self) -> Tensor:
        """int64: rows of the test features that are drawn on the maps."""
        return _sample(len(self.test), MAP_ITEMS, "map")

    @cached_property
    def queries(self) -> Tensor:
        """int64: rows of the test features whose nearest neighbours are shown."""
        return _sample(len(self.test), NEIGHBOUR_QUERIES, "neighbours")

    @cached_property
    def two_views(self) -> Views:
        """Two views of some test items, the same for every route: how close they are is part of its health."""
        places = self.test[_sample(len(self.test), HEALTH_ITEMS, "health")]
        draw = Draw(seed=0, step=0, part=Part.whole(len(places)), purpose="health")
        shown = view_set(self.views, self.data.shape)
        first = shown(self.data.take(places), draw.named("first"))[0]
        return first, shown(self.data.take(places), draw.named("second"))[-1]

    def architecture(self, route: Route) -> str | None:
        """The backbone of a route's weights, where these lie in a file that doesn't say so."""
        return self.settings.backbone if is_weights_file(route.encoder or "") else None

    def folder(self, route: Route, seed: int, suffix: str = "") -> Path:
        """Where a run of this route is kept."""
        return self.out / "routes" / f"{route.folder}-seed{seed}{suffix}"

    def job(self, route: Route, seed: int, *, index: Tensor | None = None, steps: int | None = None) -> Job:
        """The training run of a route; on all training items, or those at the places `index`."""
        asked = self.settings
        steps = steps if steps is not None else self.steps.get(route.name)
        return Job(
            data=self.data,
            method=route.method or route.name,
            backbone=asked.backbone if route.encoder is None else self.architecture(route),
            init=route.encoder,
            download=asked.download,
            views=self.views,
            method_settings=route.settings,
            index=index,
            settings=TrainSettings(
                seed=seed,
                steps=steps,
                epochs=asked.epochs if steps is None else None,
                device=self.device,
                precision=asked.precision,  # type: ignore[arg-type]
                deterministic=asked.deterministic,
                checkpoint_seconds=asked.checkpoint_seconds,
                **route.training,  # type: ignore[arg-type]
            ),
        )


def _sample(count: int, most: int, purpose: str) -> Tensor:
    """At most `most` of the numbers 0…count-1, ascending, always the same."""
    if count <= most:
        return torch.arange(count)
    return randomness.permutation(0, f"comparison {purpose}", count)[:most].sort().values
