"""The leaderboard as a table and as a chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headstart.label_counts import heading
from headstart.report.charts import Line, line_chart
from headstart.report.content import ComparisonPage, Row
from headstart.report.markup import NOTHING, Cell, Figure, colour, escape, percent, table
from headstart.terminal import duration

SUGGESTED = "If you label the ones we suggest"

WITHOUT_LABELS = ("Accuracy on the source", "Density of the target's features")
"""What routes between two domains are chosen by."""

UNBALANCED = 1.5
"""Times the smallest class that the largest may be before the mean over classes is shown beside accuracy."""


def leaderboard_table(page: ComparisonPage, routes: Sequence[str], judged: Sequence[Any]) -> str:
    """A row a route, a column a number of labels."""
    cells = {(row["route"], row["labels_per_class"]): row for row in page.rows}
    top = {k: max(row["accuracy"] or 0.0 for (_, at), row in cells.items() if at == k) for k in judged}
    simulated = any(row.get("suggested") for row in page.rows)
    adapted = any("density" in row for row in page.rows)
    lines: list[list[Cell]] = []
    for route in routes:
        own = [row for row in page.rows if row["route"] == route]
        name = escape(route) + "".join(_tags(own[0], page.best))
        figures = [_figure(cells.get((route, k)), top[k], balanced=_unbalanced(page)) for k in judged]
        took = Figure(escape(duration(own[0]["seconds"])), own[0]["seconds"])
        more = [*([_suggested(own)] if simulated else []), *(_without_labels(own[0]) if adapted else [])]
        lines.append([name, *figures, *more, took])
    beside = [*([SUGGESTED] if simulated else []), *(WITHOUT_LABELS if adapted else [])]
    heads = ["Route", *(heading(k) for k in judged), *beside, "Time"]
    return table(heads, lines, caption="Routes by labels a class", sortable=True)


def _without_labels(row: Row) -> list[Cell]:
    density = row["density"]
    return [percent(row["source_accuracy"]), NOTHING if density is None else f"{density:.3f}"]


def _tags(row: Row, best: Row | None) -> list[str]:
    tags = []
    if best is not None and row["route"] == best["route"]:
        tags.append(' <span class="tag lead-tag">kept</span>')
    if row["state"] != "done":
        tags.append(f' <span class="tag warn">{escape(row["state"])}</span>')
    if row.get("collapsed"):
        tags.append(' <span class="tag warn">collapsed</span>')
    if row["why"]:
        tags.append(f"<br><small>{escape(row['why'])}</small>")
    return tags


def _unbalanced(page: ComparisonPage) -> bool:
    """Whether accuracy alone would hide how a small class fares."""
    counts = page.data.get("classes")
    counted = [count for count in counts.values() if count] if isinstance(counts, Mapping) else []
    return bool(counted) and max(counted) > UNBALANCED * min(counted)


def _figure(row: Row | None, top: float, *, balanced: bool) -> str:
    if row is None or row["accuracy"] is None:
        return NOTHING
    low, high = row["interval"]
    shown = percent(row["accuracy"])
    strong = f'<span class="best">{shown}</span>' if row["accuracy"] >= top else shown
    more = f", balanced {percent(row['balanced_accuracy'])}" if balanced else ""
    return f"{strong} <small>{percent(low)}–{percent(high)}</small><br><small>{escape(row['head'])}{more}</small>"


def _suggested(rows: Sequence[Row]) -> str:
    """What labels that were picked would have been worth: a line a number of labels."""
    found = [row["suggested"] for row in rows if row.get("suggested")]
    lines = [
        f"{escape(one['labels'])} in all: {percent(one['accuracy'])} "
        f"<small>{'–'.join(percent(end) for end in one['interval'])}</small>"
        for one in found
    ]
    return "<br>".join(lines) or NOTHING


def accuracy_chart(page: ComparisonPage, routes: Sequence[str], judged: Sequence[Any]) -> str:
    """One line a route."""
    judged_rows = [row for row in page.rows if row["accuracy"] is not None]
    return counts_chart({route: [row for row in judged_rows if row["route"] == route] for route in routes}, judged)


def counts_chart(rows: Mapping[str, Sequence[Row]], counts: Sequence[Any]) -> str:
    """A line for each name's rows (labels_per_class, accuracy, interval) over evenly spaced numbers of labels."""
    place = {k: float(position) for position, k in enumerate(counts)}
    lines = []
    for position, (name, own) in enumerate(rows.items()):
        shown = sorted(own, key=lambda row: place[row["labels_per_class"]])
        lines.append(
            Line(
                name=name,
                xs=[place[row["labels_per_class"]] for row in shown],
                ys=[row["accuracy"] for row in shown],
                low=[row["interval"][0] for row in shown],
                high=[row["interval"][1] for row in shown],
                colour=colour(position),
            )
        )
    return line_chart(
        lines,
        title="Accuracy against labels a class",
        x_label="labels a class",
        y_label="accuracy, %",
        ticks=[(place[k], str(k)) for k in counts],
        as_percent=True,
    )
