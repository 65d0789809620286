"""The leaderboard as a few lines of text, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headstart.label_counts import amount, said
from headstart.terminal import duration

Row = Mapping[str, Any]


def terminal_table(rows: Sequence[Row]) -> list[str]:
    """A line a route, best first at the fewest labels: accuracy in percent with its 95 % interval by labels a class.

    Routes between two domains have their accuracy on the source and the density of their features beside it.
    """
    counts = sorted({row["labels_per_class"] for row in rows if row["accuracy"] is not None}, key=amount)
    cells = {(row["route"], row["labels_per_class"]): row for row in rows}
    routes = list(dict.fromkeys(row["route"] for row in rows))
    if counts:
        routes.sort(key=lambda route: -((cells.get((route, counts[0])) or {}).get("accuracy") or -1.0))
    adapted = any("density" in row for row in rows)
    lines = [["route", *(said([k]) for k in counts), *(["source", "density"] if adapted else []), "time", ""]]
    for route in routes:
        first = next(row for row in rows if row["route"] == route)
        state = "" if first["state"] == "done" else first["state"] + (f": {first['why']}" if first["why"] else "")
        figures = [*(_cell(cells.get((route, k))) for k in counts), *(_without_labels(first) if adapted else [])]
        lines.append([route, *figures, duration(first["seconds"]), state])
    wide = [max(len(line[column]) for line in lines) for column in range(len(lines[0]) - 1)]
    return [
        "  ".join([*(text.ljust(w) for text, w in zip(line, wide, strict=False)), line[-1]]).rstrip() for line in lines
    ]


def _without_labels(row: Row) -> list[str]:
    source, density = row["source_accuracy"], row["density"]
    return ["–" if source is None else f"{100 * source:.1f}", "–" if density is None else f"{density:.3f}"]


def _cell(row: Row | None) -> str:
    if row is None or row["accuracy"] is None:
        return "–"
    low, high = row["interval"]
    return f"{100 * row['accuracy']:.1f} ({100 * low:.1f}–{100 * high:.1f})"
