"""The report of a comparison: the verdict first, then what it rests on, then everything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from headstart import atomic
from headstart.label_counts import amount, said
from headstart.report.charts import heat_map, line_chart, logged_line, scatter
from headstart.report.content import ComparisonPage, Row
from headstart.report.document import document
from headstart.report.giving_back import LEAD, mean_error, reconstruction_strips
from headstart.report.leaderboard import accuracy_chart, leaderboard_table
from headstart.report.markup import NOTHING, Cell, Figure, details, escape, facts, section, table
from headstart.report.parts import (
    bullets,
    duplicate_list,
    filter_figure,
    items_to_label,
    legend,
    neighbour_strips,
    skipped_table,
    view_strips,
)
from headstart.terminal import duration, size

CURVES = (("loss", "Loss"), ("rank_me", "Effective rank (RankMe) of the features"))


def write_comparison(page: ComparisonPage, path: Path) -> None:
    """Writes the report as one HTML file, in one move."""
    data = page.data
    classes = f", {len(page.classes)} classes" if page.classes else ""
    meta = f"{data['items']:,} items{classes} · {data['train']:,} to learn from, {data['test']:,} to judge by"
    atomic.write_text(path, document(page.title, meta, "".join(_sections(page))))


def _sections(page: ComparisonPage) -> list[str]:
    routes = list(dict.fromkeys(str(row["route"]) for row in page.rows))
    judged = sorted({row["labels_per_class"] for row in page.rows if row["accuracy"] is not None}, key=amount)
    return [
        _verdict(page),
        section(
            "Leaderboard",
            leaderboard_table(page, routes, judged),
            name="leaderboard",
            lead="Accuracy on the items asked about in percent, with its 95 % interval, by labels a class.",
        ),
        section(
            "What to label next",
            items_to_label(page.to_label, page.labelling),
            name="to-label",
            lead="The items whose labels would help most, the most useful first.",
        ),
        section("Accuracy against labels", accuracy_chart(page, routes, judged), name="accuracy"),
        section(
            "Is the lead real?",
            _pairs(page, judged),
            name="pairs",
            lead="Pairs of routes on the same draws and items. A lead is real where its corrected interval excludes 0.",
        ),
        section(
            "Maps of the items",
            _maps(page),
            name="maps",
            lead="The features of each route in two dimensions (t-SNE). Distances between clusters mean little.",
        ),
        section(
            "Nearest neighbours",
            _neighbours(page),
            name="neighbours",
            lead="An item asked about, then the training items nearest to it by cosine.",
        ),
        section("What the methods were shown", _views(page), name="views"),
        section("What was given back", _given_back(page), name="given-back", lead=LEAD),
        section(
            "First-layer filters",
            _filters(page),
            name="filters",
            lead="What each network looks for first. Middle grey is a weight of 0, darker is below and lighter above; "
            "each filter is scaled by its own largest weight.",
        ),
        section("Training", _curves(page, routes), name="training"),
        section("Confusion", _confusion(page), name="confusion"),
        section("Time, memory and health", _costs(page, routes), name="costs"),
        section("How this was judged", bullets(page.judging), name="judging"),
        section("The data", _data(page), name="data"),
        section("Every setting", _settings(page), name="settings"),
    ]


def _verdict(page: ComparisonPage) -> str:
    paragraphs = [f"<p>{escape(paragraph)}</p>" for paragraph in page.advice.splitlines()]
    if page.best:  # what is missing stands before it, as in the advice
        use = next((place for place, text in enumerate(paragraphs) if text.startswith("<p>Use ")), 0)
        paragraphs.insert(use, f'<p class="winner">Use {escape(page.best["route"])}</p>')
    commands = "".join(
        f"<p>{escape(purpose)}:</p><pre tabindex='0'>{escape(line)}</pre>" for purpose, line in page.commands
    )
    return f'<section id="verdict" class="verdict" aria-label="Verdict">{"".join(paragraphs)}{commands}</section>'


def _pairs(page: ComparisonPage, judged: Sequence[Any]) -> str:
    folded: list[str] = []
    for k in judged:
        rows = [_pair(row) for row in page.paired if row["labels_per_class"] == k]
        if rows:
            shown = table(["Pair", "Difference", "95 % interval", "Verdict"], rows, caption=f"Pairs at {said([k])}")
            folded.append(details(said([k]), shown, open=not folded))
    return "".join(folded)


def _pair(row: Row) -> list[str]:
    low, high = row["interval"]
    winner = {"a": row["a"], "b": row["b"]}.get(str(row["verdict"]))
    verdict = f'<span class="best">{escape(winner)}</span>' if winner else "tie"
    return [
        f"{escape(row['a'])} – {escape(row['b'])}",
        f"{100 * row['difference']:+.1f}",
        f"{100 * low:+.1f} … {100 * high:+.1f}",
        verdict,
    ]


def _maps(page: ComparisonPage) -> str:
    figures = "".join(
        f"<figure><figcaption>{escape(route)}</figcaption>"
        f"{scatter(drawn.points, drawn.labels, page.classes, title=f'Map of {route}')}</figure>"
        for route, drawn in page.maps.items()
        if len(drawn.points)
    )
    return f'{legend(page.classes)}<div class="maps">{figures}</div>' if figures else ""


def _neighbours(page: ComparisonPage) -> str:
    return "".join(
        details(route, neighbour_strips(shown), open=position == 0)
        for position, (route, shown) in enumerate(_best_first(page, page.neighbours).items())
        if shown.queries
    )


def _best_first(page: ComparisonPage, by_route: Mapping[str, Any]) -> dict[str, Any]:
    """The route that is kept before the others."""
    best = page.best["route"] if page.best else None
    return dict(sorted(by_route.items(), key=lambda item: item[0] != best))


def _views(page: ComparisonPage) -> str:
    return "".join(f"<h3>{escape(name)}</h3>{view_strips(shown)}" for name, shown in page.views.items())


def _given_back(page: ComparisonPage) -> str:
    return "".join(
        details(f"{route}: {mean_error(shown)}", reconstruction_strips(shown), open=position == 0)
        for position, (route, shown) in enumerate(page.given_back.items())
    )


def _filters(page: ComparisonPage) -> str:
    figures = "".join(filter_figure(route, filters) for route, filters in page.filters.items())
    return f'<div class="filters">{figures}</div>' if figures else ""


def _curves(page: ComparisonPage, routes: Sequence[str]) -> str:
    charts = []
    for value, title in CURVES:
        lines = [
            logged_line(route, page.curves.get(route, ()), value, position) for position, route in enumerate(routes)
        ]
        drawn = line_chart(lines, title=title, x_label="step", y_label=title)
        charts.append(f"<h3>{escape(title)}</h3>{drawn}" if drawn else "")
    return "".join(charts)


def _confusion(page: ComparisonPage) -> str:
    return "".join(
        details(
            f"{route}, {said([shown.labels_per_class])}",
            heat_map(shown.matrix, page.classes, title=f"Confusion of {route}"),
            open=position == 0,
        )
        for position, (route, shown) in enumerate(_best_first(page, page.confusion).items())
    )


def _costs(page: ComparisonPage, routes: Sequence[str]) -> str:
    lines: list[list[Cell]] = []
    for route in routes:
        row = next(row for row in page.rows if row["route"] == route)
        memory = row["peak_memory_bytes"]
        health = page.health.get(route, {})
        figures = [health.get("rank_me"), health.get("alignment"), health.get("uniformity")]
        lines.append(
            [
                escape(route),
                Figure(escape(duration(row["seconds"])), row["seconds"]),
                Figure(escape(size(memory)), memory) if memory else NOTHING,
                *(NOTHING if value is None else f"{value:.3g}" for value in figures),
                "yes" if row.get("collapsed") else "no",
            ]
        )
    heads = ["Route", "Time", "Peak memory", "Effective rank", "Alignment", "Uniformity", "Collapsed"]
    return table(heads, lines, caption="What each route cost, and the health of its features", sortable=True)


def _data(page: ComparisonPage) -> str:
    known = {name: value for name, value in page.data.items() if not isinstance(value, Mapping)}
    counts = page.data.get("classes")
    named = facts(counts) if isinstance(counts, Mapping) else ""
    return "".join(
        [
            facts(known),
            details(f"Items of each of {len(page.classes)} classes", named) if named else "",
            bullets(page.notes),
            skipped_table(page.skipped),
            duplicate_list(page.duplicates),
            duplicate_list(page.near_duplicates, "nearly equal", "≈"),
        ]
    )


def _settings(page: ComparisonPage) -> str:
    folded = [details(name, facts(values)) for name, values in page.settings.items() if values]
    if page.environment:
        folded.append(details("versions and machine", facts(page.environment)))
    return "".join(folded)
