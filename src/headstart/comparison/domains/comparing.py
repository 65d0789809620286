"""One comparison of two domains from data to verdict, each route in a run folder of its own."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from headstart.comparison.comparing import CONTENTS, take_each
from headstart.comparison.domains.concluding import conclude
from headstart.comparison.domains.settings import DomainSettings
from headstart.comparison.domains.taking import Domains, take
from headstart.comparison.outcomes import Outcome
from headstart.comparison.result import Comparison
from headstart.comparison.routes import Route
from headstart.terminal import note
from headstart.training import RunFolder
from headstart.training.machine import choose_device
from headstart.transfer import Pair


def compare_domains(
    pair: Pair,
    settings: DomainSettings,
    out: Path,
    *,
    explicit: bool = True,
    restart: bool = False,
    command: str | None = None,
) -> Comparison:
    """Takes every route, or goes on where an earlier start of the same comparison stopped.

    Raises:
        InputError: The settings don't fit the data; nothing was written.
        Interrupted: The process was asked to stop; what is done is kept.
    """
    began = time.monotonic()
    with RunFolder.claim(
        out, _recognised(pair, settings), explicit=explicit, restart=restart, contents=CONTENTS
    ) as folder:
        known = Comparison.read(folder.path) if folder.state == "done" and not folder.grown else None
        if known is not None:
            note(f"{folder.path} is done already: nothing to compare.")
            return known
        with folder.running():
            folder.update(command=command or folder.record.get("command"))
            domains = Domains(pair, settings, folder.path, str(choose_device(settings.device)))
            routes = settings.plan_routes(no_ceiling=domains.no_ceiling)
            outcomes = [_take_seeds(route, domains) for route in routes]
            comparison = conclude(outcomes, domains, command=folder.record.get("command"))
            folder.finish(seconds=time.monotonic() - began)
    return comparison


def _recognised(pair: Pair, settings: DomainSettings) -> dict[str, Any]:
    """What a comparison's folder is recognised by."""
    asked = {name: value for name, value in vars(settings).items() if name != "checkpoint_seconds"}
    return {**asked, "data": pair.source.fingerprint, "target": pair.target.fingerprint}


def _take_seeds(route: Route, domains: Domains) -> Outcome:
    """One route from every seed; a failure is an outcome that says why."""
    outcome = Outcome(route)
    if route.left_out is not None:
        outcome.state, outcome.why = "left out", route.left_out
        return outcome
    return take_each(outcome, domains.settings.seeds, lambda seed: take(route, seed, domains))
