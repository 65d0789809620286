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
from headstart.evaluation import Exam, asked_items, exam_of
from headstart.training import Job, TrainSettings
from headstart.views import default_views, view_set

MAP_ITEMS = 600
"""Items on the maps."""

NEIGHBOUR_QUERIES = 8
NEIGHBOURS_SHOWN = 6
HEALTH_ITEMS = 2_000

GIVEN_BACK_ITEMS = 256
"""Among which the best, typical and worst are looked for: 0.1 s of a core on digits, 3 s on photos of 96×96."""


@dataclass(frozen=True)
class Context:
    """A comparison's fixed points."""

    data: Dataset
    settings: CompareSettings
    labels: Sequence[AllOrNumber]
    """Empty where nothing can be judged."""
    out: Path
    device: str
    unjudged: str | None = None
    """Why nothing can, in a sentence."""
    steps: dict[str, int] = field(default_factory=dict)
    """Of each trained route, where a budget was dealt."""
    round: int = 1
    """Of training: routes that go on are judged once more after the second."""
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
        """int64 T: places of the items that routes are judged on; in cross-validation they are training items too."""
        return asked_items(self.data)

    @property
    def judged_on(self) -> str:
        """What `test` items are, in words."""
        return "labelled items, each out of sight when it is asked about" if self.data.cross_validated else "test items"

    @cached_property
    def exam(self) -> Exam:
        """What every route is asked, in rows of `train` and of `test`."""
        asked = self.settings
        return exam_of(self.data, self.labels, draws=asked.draws, split_seed=asked.split_seed)

    @cached_property
    def learned(self) -> Tensor | None:
        """int64: places that methods without labels learn from; None: all that may be learned from."""
        if not (self.settings.strict and self.data.cross_validated):
            return None
        return self.train[self.data.labels[self.train] < 0]

    @cached_property
    def pool(self) -> Tensor:
        """int64, ascending: places of the items that maps, neighbours and health are of: the test part if there is one.

        In cross-validation they are the training items, among which those asked about are.
        """
        return self.train if self.data.cross_validated else self.test

    @cached_property
    def mapped(self) -> Tensor:
        """int64: places of the items on the maps; in cross-validation those asked about, and others around them."""
        asked = self.test[_sample(len(self.test), MAP_ITEMS, "map")]
        others = self.pool[~torch.isin(self.pool, self.test)]
        return torch.cat([asked, others[_sample(len(others), MAP_ITEMS - len(asked), "others on the map")]])

    @cached_property
    def queries(self) -> Tensor:
        """int64: places of the items whose nearest neighbours are shown."""
        return self.test[_sample(len(self.test), NEIGHBOUR_QUERIES, "neighbours")]

    @cached_property
    def given_back(self) -> Tensor:
        """int64: places of the items that methods which give pictures back are shown."""
        return self.test[_sample(len(self.test), GIVEN_BACK_ITEMS, "given back")]

    @cached_property
    def two_views(self) -> Views:
        """Two views of some items, the same for every route: how close they are is part of its health."""
        places = self.pool[_sample(len(self.pool), HEALTH_ITEMS, "health")]
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
        """The training run of a route; on all it may learn from, or the items at the places `index`."""
        asked = self.settings
        steps = steps if steps is not None else self.steps.get(route.name)
        index = self.learned if index is None else index
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
