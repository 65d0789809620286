"""What a comparison of two domains is asked to do, checked before any data is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

from headstart.backbones import check_backbone
from headstart.comparison.routes import Route, check_seeds, each_named, parse_settings, route_settings, short_name
from headstart.methods import ADAPTERS, find_adapter, find_method
from headstart.settings import Range, check
from headstart.views import check_view_set

SOURCE_ONLY, CEILING = "source_only", "target_supervised"
"""The row to beat, and the row that knows the target's labels."""


@dataclass(frozen=True, kw_only=True)
class DomainSettings:
    """The settings of `compare SOURCE --target TARGET`."""

    routes: Sequence[str] | None = None
    """None: `source_only`, every method that adapts, and `target_supervised` where the target has labels to learn."""
    seeds: tuple[int, ...] = (0,)
    epochs: Annotated[int, Range(least=1)] | None = None
    """Passes over the source, for every route; None: the recipe's."""
    backbone: str | None = None
    views: str | None = None
    overrides: Sequence[str] = ()
    """Of single routes, as `route.setting=value`."""
    device: str = "auto"
    precision: str = "auto"
    deterministic: bool = False
    checkpoint_seconds: Annotated[float, Range(least=0)] = 30.0

    def __post_init__(self) -> None:
        check(DomainSettings, asdict(self))
        check_seeds(self.seeds)
        if self.views is not None:
            check_view_set(self.views)
        check_backbone(self.backbone)
        self.plan_routes()

    def plan_routes(self, *, no_ceiling: str | None = None) -> list[Route]:
        """The routes to take, `source_only` always among them and first.

        `no_ceiling`: why the target has no labels for `target_supervised`, which is left out where it was asked for.
        Raises `InputError` for a route that there is not, one named twice, or settings of one that is not taken.
        """
        names = list(self.routes or (*ADAPTERS, *(() if no_ceiling else (CEILING,))))
        if SOURCE_ONLY not in names:
            names.insert(0, SOURCE_ONLY)
        given = parse_settings(self.overrides)
        routes = each_named(names, given, lambda name: _route(name, given.get(short_name(name), {}), no_ceiling))
        return sorted(routes, key=lambda route: route.name != SOURCE_ONLY)


def _route(name: str, own: dict[str, object], no_ceiling: str | None) -> Route:
    kind = find_method("supervised") if name == CEILING else find_adapter(name)
    settings, training = route_settings(own, kind)
    if name == CEILING:
        return Route(name, "supervised", "supervised", settings, training, left_out=no_ceiling)
    return Route(short_name(name), "trained", name, settings, training)
