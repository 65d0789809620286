"""What a comparison is asked to do, checked before any data is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

from headstart.backbones import check_backbone
from headstart.comparison.budget import parse_budget
from headstart.comparison.routes import (
    BEST_INSTALLED,
    AllOrNumber,
    Route,
    check_seeds,
    parse_labels,
    parse_routes,
    parse_settings,
)
from headstart.errors import InputError
from headstart.settings import Range, check
from headstart.training import open_encoder
from headstart.views import check_view_set

DEFAULT_LABELS: tuple[AllOrNumber, ...] = (1, 5, 10, "all")


@dataclass(frozen=True, kw_only=True)
class CompareSettings:
    """The settings of `compare`, as the verb takes them."""

    routes: Sequence[str] | None = None
    labels_per_class: Sequence[AllOrNumber] | None = None
    draws: Annotated[int, Range(least=10)] = 10
    seeds: tuple[int, ...] = (0,)
    split_seed: Annotated[int, Range(least=0)] = 0
    budget: str | None = None
    epochs: Annotated[int, Range(least=1)] | None = None
    backbone: str | None = None
    views: str | None = None
    strict: bool = False
    """Leaves the pixels of items that are cross-validated on out of pretraining."""
    overrides: Sequence[str] = ()
    """Of single routes, as `route.setting=value`."""
    device: str = "auto"
    precision: str = "auto"
    deterministic: bool = False
    download: bool = False
    """Weights of named encoders may be brought to this machine."""
    checkpoint_seconds: Annotated[float, Range(least=0)] = 30.0

    def __post_init__(self) -> None:
        check(CompareSettings, asdict(self))
        if self.epochs is not None and self.budget is not None:
            raise InputError("--epochs and --budget both say how long to train: leave one of them out.")
        if self.budget is not None:
            parse_budget(self.budget)
        check_seeds(self.seeds)

    @property
    def labels(self) -> list[AllOrNumber]:
        """The numbers of labels a class asked for, or the default."""
        return parse_labels(self.labels_per_class) or list(DEFAULT_LABELS)

    def check_names(self) -> None:
        """Refuses routes, their settings, views, backbones and weights that don't exist, before any data is read."""
        routes = self.plan_routes(self.labels)
        if self.views is not None:
            check_view_set(self.views)
        check_backbone(self.backbone)
        for name in {route.encoder for route in routes} - {None, BEST_INSTALLED}:
            open_encoder(str(name), backbone=self.backbone, download=self.download)

    def plan_routes(self, labels: Sequence[AllOrNumber]) -> list[Route]:
        """The routes to take with these numbers of labels."""
        return parse_routes(self.routes, labels, parse_settings(self.overrides))
