"""The end of a comparison of domains: rows, what to keep without a target label, advice, files and the report."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean
from typing import Any

from headstart.comparison.advice import advise
from headstart.comparison.domains.settings import CEILING, SOURCE_ONLY
from headstart.comparison.domains.taking import Domains
from headstart.comparison.leaderboard import leaderboard_rows, paired_rows
from headstart.comparison.outcomes import Outcome
from headstart.comparison.page import filters_of, map_of, settings_of
from headstart.comparison.result import REPORT, Comparison
from headstart.comparison.winner import FOLDER
from headstart.label_counts import series
from headstart.report import ComparisonPage, Confusion, write_comparison
from headstart.terminal import calling, runnable
from headstart.training.journal import NAME, read_rows

FORGOTTEN = 0.02
"""Accuracy on the source that a route may lose to `source_only` and still be kept: one that forgets its classes can
have dense features all the same."""

CHOSEN_BY = "the density of the target's features, which needs no target label"
KEPT = ("encoder.safetensors", "encoder.json", "classifier.safetensors")


def conclude(outcomes: Sequence[Outcome], domains: Domains, *, command: str | None) -> Comparison:
    """Draws the conclusions from all outcomes and writes every file."""
    labels = list(domains.labels)
    rows = [row | _without_labels(row, outcomes) for row in leaderboard_rows(outcomes, labels)]
    pairs = paired_rows(outcomes, labels)
    chosen = best_of(outcomes)
    best = None
    if chosen is not None:
        best = {
            "route": chosen.name,
            "labels_per_class": "all",
            "run": str(_keep(chosen, domains)),
            "chosen_by": CHOSEN_BY,
        }
    target = domains.pair.target
    comparison = Comparison(
        data=_facts(domains),
        rows=rows,
        best=best,
        paired=pairs,
        to_label=[],
        advice=_advice(rows, pairs, best, domains),
        report=str(domains.out / REPORT),
    )
    comparison.write(domains.out)
    taken = {outcome.name: outcome for outcome in outcomes if outcome.taken}
    page = ComparisonPage(
        title=f"{domains.pair.source.name} → {target.name}: what closes the gap",
        advice=comparison.advice.partition("\nTo use it: ")[0],
        data=comparison.data,
        rows=rows,
        paired=pairs,
        best=best,
        classes=target.classes,
        commands=_commands(best, command),
        curves={name: logged for name, outcome in taken.items() if (logged := read_rows(outcome.taken[0].run / NAME))},
        health={name: outcome.taken[0].facts["health"] for name, outcome in taken.items()},
        maps={name: map_of(outcome, target, domains.mapped) for name, outcome in taken.items()},
        filters=filters_of(taken),
        confusion={
            name: Confusion("all", outcome.judgements[0].confusion("all").numpy())
            for name, outcome in taken.items()
            if outcome.judgements
        },
        settings={"comparison": asdict(domains.settings)} | settings_of(taken),
        judging=_judging(domains),
        skipped=[(one.path, one.reason) for data in (domains.pair.source, target) for one in data.skipped],
        notes=[*domains.pair.notes, *domains.pair.source.notes, *target.notes],
    )
    write_comparison(page, Path(comparison.report))
    return comparison


def best_of(outcomes: Sequence[Outcome]) -> Outcome | None:
    """The route to keep, by what is known without target labels; the ceiling, which knows them, is none of those.

    The densest features of the target among routes that still know the source.
    """
    usable = [outcome for outcome in outcomes if outcome.taken and outcome.name != CEILING]
    if not usable:
        return None
    least = max((_mean(one, "source_accuracy") for one in usable if one.name == SOURCE_ONLY), default=0.0) - FORGOTTEN
    knowing = [outcome for outcome in usable if _mean(outcome, "source_accuracy") >= least]
    return max(knowing or usable, key=lambda outcome: _mean(outcome, "density"))


def _mean(outcome: Outcome, fact: str) -> float:
    values = [taken.facts[fact] for taken in outcome.taken]
    return mean(0.0 if value is None else value for value in values)


def _without_labels(row: dict[str, Any], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """A row's `source_accuracy`, `density` and whether that says it made things worse than no adaptation."""
    by_name = {outcome.name: outcome for outcome in outcomes}
    own, baseline = by_name[row["route"]], by_name[SOURCE_ONLY]
    if not own.taken:
        return {"source_accuracy": None, "density": None, "negative_transfer": None}
    density = _mean(own, "density")
    compared = bool(baseline.taken) and row["route"] not in (SOURCE_ONLY, CEILING)
    return {
        "source_accuracy": None if own.taken[0].facts["source_accuracy"] is None else _mean(own, "source_accuracy"),
        "density": density,
        "negative_transfer": density < _mean(baseline, "density") if compared else None,
    }


def _keep(chosen: Outcome, domains: Domains) -> Path:
    """Writes `best/`: the network of the first seed with its classifier."""
    final, draft = domains.out / FOLDER, domains.out / f".{FOLDER}.part"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    for name in KEPT:
        shutil.copyfile(chosen.taken[0].run / name, draft / name)
    shutil.rmtree(final, ignore_errors=True)
    draft.replace(final)
    return final


def _facts(domains: Domains) -> dict[str, Any]:
    source, target = domains.pair.source, domains.pair.target
    return {
        "name": target.name,
        "source": source.name,
        "items": len(target),
        "shape": list(target.shape),
        "classes": dict(zip(target.classes, target.counts(target.indices("all")), strict=True)),
        "train": len(target.indices("train")),
        "test": len(domains.pair.scored),
        "source_items": len(domains.pair.learned),
        "judging": "test part" if domains.labels else None,
        "fingerprint": target.fingerprint,
        "source_fingerprint": source.fingerprint,
    }


def _advice(
    rows: Sequence[dict[str, Any]],
    pairs: Sequence[dict[str, Any]],
    best: dict[str, Any] | None,
    domains: Domains,
) -> str:
    predict = calling("predict", best["run"], "YOUR_DATA", "answers.csv") if best else None
    return advise(
        rows,
        pairs,
        best,
        seeds=len(domains.settings.seeds),
        predict=predict,
        judged_on=f"test items of {domains.pair.target.name}",
        more=" ".join(filter(None, [better_than(pairs, best), _losing(rows, pairs)])) or None,
        unjudged=f"{domains.pair.target.name} has no labels to score by: routes are compared by density alone.",
    )


def better_than(pairs: Sequence[dict[str, Any]], best: dict[str, Any] | None) -> str | None:
    """Which routes the target's labels say to be better than the one that was kept without them."""
    kept = best["route"] if best else None
    better = [row[row["verdict"]] for row in pairs if kept in (row["a"], row["b"]) and row["verdict"] != "tie"]
    named = [route for route in better if route not in (kept, CEILING)]
    if not named:
        return None
    return f"The choice could not know it: by the target's labels {series(named)} is certainly better than {kept}."


def _losing(rows: Sequence[dict[str, Any]], pairs: Sequence[dict[str, Any]]) -> str | None:
    """Which routes certainly did worse than no adaptation, and which the density says so of."""
    worse = [row["b"] for row in pairs if row["a"] == SOURCE_ONLY and row["verdict"] == "a"]
    doubted = [row["route"] for row in rows if row["negative_transfer"]]
    told = []
    if worse:
        told.append(f"Negative transfer: {', '.join(worse)} did certainly worse than no adaptation.")
    if doubted:
        told.append(f"By density alone, which needs no labels, {', '.join(doubted)} made the target's features worse.")
    return " ".join(told) or None


def _commands(best: dict[str, Any] | None, command: str | None) -> list[tuple[str, str]]:
    lines = [("Use the network that is kept", calling("predict", best["run"], "NEW", "answers.csv"))] if best else []
    return [*lines, *([("Make this report again", runnable(command))] if command else [])]


def _judging(domains: Domains) -> list[str]:
    source, target = domains.pair.source, domains.pair.target
    return [
        f"Every route learns the {len(domains.pair.learned):,} labels of {source.name} with the same network, recipe "
        f"and seeds, and may look at the unlabelled training items of {target.name}.",
        *(_scoring(domains) if domains.labels else [f"{target.name} has no labels to score by."]),
        "The route that is kept has the densest features of the target (soft neighbourhood density), among those whose "
        f"accuracy on the source is at most {100 * FORGOTTEN:.0f} points below that of {SOURCE_ONLY}.",
    ]


def _scoring(domains: Domains) -> list[str]:
    """What accuracies on the target are of."""
    ceiling = f"; {CEILING} learns the {len(domains.known):,} labels of its training part, and is the ceiling"
    return [
        f"Accuracies are of the {len(domains.pair.scored):,} labelled test items of {domains.pair.target.name}, whose "
        f"labels nobody saw{'' if domains.no_ceiling else ceiling}.",
        "Intervals are at 95 % and resample seeds and test items together; verdicts are corrected for the number of "
        "pairs (Holm).",
    ]
