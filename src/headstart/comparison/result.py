"""The end of a comparison: leaderboard, advice, the winner's files and the report."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from torch import Tensor

from headstart import atomic
from headstart.comparison.advice import advise
from headstart.comparison.context import Context
from headstart.comparison.leaderboard import best_route, leaderboard_rows, paired_rows
from headstart.comparison.outcomes import Outcome
from headstart.comparison.suggested import to_label
from headstart.comparison.summary import terminal_table
from headstart.comparison.telling import telling
from headstart.comparison.winner import save_winner
from headstart.terminal import calling, listed

LEADERBOARD = "leaderboard.json"
REPORT = "report.html"

COLUMNS = (
    "route",
    "labels_per_class",
    "accuracy",
    "low",
    "high",
    "balanced_accuracy",
    "head",
    "draws",
    "suggested_labels",
    "suggested_accuracy",
    "seeds",
    "seconds",
    "peak_memory_bytes",
    "state",
    "why",
    "run",
)

BETWEEN_DOMAINS = ("source_accuracy", "density", "negative_transfer")
"""Further columns of routes between two domains."""


@dataclass(frozen=True)
class Comparison:
    """What `compare` found: the content of leaderboard.json."""

    data: dict[str, Any]
    rows: list[dict[str, Any]]
    """One per route and number of labels."""
    best: dict[str, Any] | None
    """route, labels_per_class, run and chosen_by; None where there are no labels to choose by."""
    paired: list[dict[str, Any]]
    """Every pair of routes at each number of labels."""
    to_label: list[str]
    """Items to label next, the most useful first: absolute paths, or ids where they are not files; empty where all
    have labels."""
    advice: str
    report: str
    """Path of report.html."""
    more_labels: int | None = None
    """About how many more would tell the two best routes apart, where labels are what is missing."""

    def __str__(self) -> str:
        lines = [*terminal_table(self.rows), "", self.advice]
        if self.to_label:
            lines.append(f"To label next: {listed(self.to_label, 3)}; the report shows them.")
        return "\n".join([*lines, f"Report: {self.report}"])

    @classmethod
    def read(cls, out: Path) -> Self | None:
        """What an earlier start wrote; None where it is missing or incomplete."""
        try:
            return cls(**json.loads((out / LEADERBOARD).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, out: Path) -> None:
        """Writes leaderboard.csv and leaderboard.json."""
        atomic.write_text(out / "leaderboard.csv", _table(self.rows))
        atomic.write_json(out / LEADERBOARD, asdict(self))


def conclude(outcomes: Sequence[Outcome], context: Context, *, command: str | None) -> Comparison:
    """Draws the conclusions from all outcomes and writes every file of a comparison."""
    from headstart.comparison.page import write_page

    labels = list(context.labels)
    rows = leaderboard_rows(outcomes, labels)
    pairs = paired_rows(outcomes, labels)
    chosen = best_route(outcomes, labels)
    best = None
    if chosen is not None:
        folder = save_winner(chosen, context)
        best = {
            "route": chosen.outcome.name,
            "labels_per_class": chosen.labels_per_class,
            "run": str(folder),
            "chosen_by": chosen.chosen_by,
        }
    told = None
    if context.data.cross_validated:
        unlabelled = int((context.data.labels[context.train] < 0).sum())
        told = telling(rows, pairs, labels, items=len(context.test), unlabelled=unlabelled)
    next_ones = to_label(outcomes, chosen.outcome if chosen is not None else None)
    predict = calling("predict", best["run"], "YOUR_DATA", "answers.csv") if best else None
    comparison = Comparison(
        data=_data_facts(context),
        rows=rows,
        best=best,
        paired=pairs,
        to_label=_names(next_ones, context),
        advice=advise(
            rows,
            pairs,
            best,
            seeds=len(context.settings.seeds),
            predict=predict,
            judged_on=context.judged_on,
            more=told.sentence if told else None,
            unjudged=context.unjudged,
        ),
        report=str(context.out / REPORT),
        more_labels=told.more_labels if told else None,
    )
    comparison.write(context.out)
    write_page(comparison, outcomes, context, to_label=next_ones, command=command)
    return comparison


def _names(places: Tensor, context: Context) -> list[str]:
    """Absolute paths of these items, or their ids where they are not files."""
    data = context.data
    return [data.ids[place] if data.files is None else data.files[place].place for place in places.tolist()]


def _data_facts(context: Context) -> dict[str, Any]:
    """The data in a few numbers."""
    data = context.data
    return {
        "name": data.name,
        "items": len(data),
        "shape": list(data.shape),
        "classes": dict(zip(data.classes, data.counts(data.indices("all")), strict=True)),
        "train": len(context.train),
        "test": len(context.test),
        "judging": _judging(context),
        "fingerprint": data.fingerprint,
        "split_seed": context.settings.split_seed,
        "skipped": len(data.skipped),
        "duplicates_across_parts": len(data.leaks()),
        "near_duplicates": len(data.near_duplicates),
        "near_duplicates_across_parts": len(data.near_leaks()),
    }


def _judging(context: Context) -> str | None:
    """What the figures come from."""
    if not context.labels:
        return None
    return "cross-validation" if context.data.cross_validated else "test part"


def _table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as CSV, intervals and suggestions in columns of their own."""
    text = io.StringIO()
    adapted = any("density" in row for row in rows)
    columns = [*COLUMNS, *(BETWEEN_DOMAINS if adapted else ())]
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        low, high = row["interval"] or (None, None)
        suggested = {f"suggested_{name}": value for name, value in (row["suggested"] or {}).items()}
        writer.writerow({**row, **suggested, "low": low, "high": high})
    return text.getvalue()
