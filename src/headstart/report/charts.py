"""Charts as inline SVG: lines with intervals, points on a map, a heat-map.

Each has a title and a description for those who can't see it, and takes its colours from the page's light or dark
scheme.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.report.markup import colour, escape, percent

WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 52, 130, 28, 40
LABEL_GAP = 14
SHAPES = 3
"""Of marks: with ten colours they tell thirty classes apart, and classes beside each other differ in both."""


@dataclass(frozen=True)
class Line:
    """A named series; low and high draw its interval where they are given."""

    name: str
    xs: Sequence[float]
    ys: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    colour: str = colour(0)


def logged_line(name: str, rows: Sequence[Mapping[str, Any]], value: str, position: int) -> Line:
    """What rows of metrics.jsonl say of one value, over the steps; `position` among the lines gives the colour."""
    logged = [row for row in rows if row.get(value) is not None]
    xs, ys = [float(row["step"]) for row in logged], [float(row[value]) for row in logged]
    return Line(name=name, xs=xs, ys=ys, colour=colour(position))


def line_chart(
    lines: Sequence[Line],
    *,
    title: str,
    x_label: str,
    y_label: str,
    ticks: Sequence[tuple[float, str]] | None = None,
    as_percent: bool = False,
) -> str:
    """Lines with their names at their ends; `ticks` are places and names along x."""
    lines = [line for line in lines if len(line.xs)]
    if not lines:
        return ""
    xs = [x for line in lines for x in line.xs]
    ys = [y for line in lines for y in (*line.ys, *line.low, *line.high)]
    low, high = _padded(ys)
    low, high = (max(low, 0.0), min(high, 1.0)) if as_percent else (low, high)
    across, up = _scale(min(xs), max(xs), LEFT, WIDTH - RIGHT), _scale(low, high, HEIGHT - BOTTOM, TOP)
    say: Callable[[float], str] = percent if as_percent else (lambda value: f"{value:.3g}")
    parts = [_frame(up, round_values(low, high), (lambda value: f"{100 * value:.4g}") if as_percent else say)]
    even = [(float(x), f"{x:,.0f}") for x in np.linspace(min(xs), max(xs), 5)]
    for place, name in ticks if ticks is not None else even:
        where = f'x="{across(place):.1f}" y="{HEIGHT - BOTTOM + 16}"'
        parts.append(f'<text {where} class="tick middle">{escape(name)}</text>')
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 4}" class="axis middle">{escape(x_label)}</text>'
    )
    parts.append(f'<text x="4" y="11" class="axis">{escape(y_label)}</text>')
    for line in lines:
        parts += _drawn(line, across, up, say)
    parts += _end_labels(lines, across, up)
    spoken = "; ".join(f"{line.name}: {say(line.ys[0])} to {say(line.ys[-1])}" for line in lines)
    drawn = _svg(parts, WIDTH, HEIGHT, title, spoken)
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(title)}">{drawn}</div>'


def _drawn(
    line: Line, across: Callable[[float], float], up: Callable[[float], float], say: Callable[[float], str]
) -> list[str]:
    places = [(across(x), up(y)) for x, y in zip(line.xs, line.ys, strict=True)]
    parts = []
    if len(line.low):
        edge = [(across(x), up(y)) for x, y in zip(line.xs, line.high, strict=True)]
        edge += [(across(x), up(y)) for x, y in reversed(list(zip(line.xs, line.low, strict=True)))]
        parts.append(f'<polygon points="{_points(edge)}" fill="{line.colour}" class="band"/>')
    parts.append(f'<polyline points="{_points(places)}" stroke="{line.colour}" class="line"/>')
    if len(places) <= 20:
        for (x, y), value in zip(places, line.ys, strict=True):
            about = f"<title>{escape(line.name)}: {say(value)}</title>"
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{line.colour}">{about}</circle>')
    return parts


def _end_labels(lines: Sequence[Line], across: Callable[[float], float], up: Callable[[float], float]) -> list[str]:
    """Names beside the ends of lines, pushed apart where they would overlap."""
    x = across(max(max(line.xs) for line in lines)) + 8
    parts, lowest = [], -math.inf
    for line in sorted(lines, key=lambda line: up(line.ys[-1])):
        lowest = max(up(line.ys[-1]) + 4, lowest + LABEL_GAP)
        parts.append(f'<text x="{x:.1f}" y="{lowest:.1f}" class="name" fill="{line.colour}">{escape(line.name)}</text>')
    return parts


def scatter(points: np.ndarray, labels: np.ndarray, names: Sequence[str], *, title: str) -> str:
    """T×2 points with the colour and shape of their class; hovering names it."""
    side = 300
    if not len(points):
        return ""
    low, high = points.min(axis=0), points.max(axis=0)
    places = (points - low) / np.maximum(high - low, 1e-9) * (side - 16) + 8
    groups = []
    for label in sorted(set(labels.tolist())):
        name = names[label] if 0 <= label < len(names) else "no label"
        tone = colour(label) if label >= 0 else "currentColor"
        marks = "".join(mark(label, x, y) for x, y in places[labels == label])
        groups.append(f'<g data-class="{label}" fill="{tone}"><title>{escape(name)}</title>{marks}</g>')
    return _svg(groups, side, side, title, f"{len(points)} test items in two dimensions, coloured by class", "map")


def mark(label: int, x: float, y: float, size: float = 2.6) -> str:
    """A dot, a square or a triangle, `size` from its middle to its edge: neighbouring classes differ in it too."""
    shape = max(label, 0) % SHAPES
    if shape == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}"/>'
    if shape == 1:
        side = 1.8 * size
        return f'<rect x="{x - side / 2:.1f}" y="{y - side / 2:.1f}" width="{side:.1f}" height="{side:.1f}"/>'
    return f'<path d="M{x:.1f} {y - 1.2 * size:.1f}l{1.2 * size:.1f} {2 * size:.1f}h{-2.4 * size:.1f}z"/>'


def heat_map(matrix: np.ndarray, names: Sequence[str], *, title: str) -> str:
    """C×C counts as shares of each row: a row a true class, a column a predicted one."""
    count = len(names)
    cell = max(14, min(34, 480 // max(count, 1)))
    margin = 92
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    whole = count * cell
    parts = [f'<rect x="{margin}" y="{margin}" width="{whole}" height="{whole}" class="cell"/>']
    for row, column in itertools.product(range(count), range(count)):
        share = float(shares[row, column])
        if share == 0 and row != column:  # most of many classes: a page of a few megabytes else
            continue
        about = f"{names[row]}{'' if row == column else f' taken for {names[column]}'}: {percent(share)} %"
        x, y = margin + column * cell, margin + row * cell
        kind = "right" if row == column else "wrong"
        parts.append(
            f'<rect x="{x}" y="{y}" width="{cell - 1}" height="{cell - 1}" class="{kind}" '
            f'fill-opacity="{share:.3f}"><title>{escape(about)}</title></rect>'
        )
    for place, name in enumerate(names):
        middle = margin + place * cell + cell / 2
        short = escape(name if len(name) <= 12 else name[:11] + "…")
        parts.append(f'<text x="{margin - 6}" y="{middle + 4}" class="tick end">{short}</text>')
        parts.append(f'<text transform="translate({middle + 4},{margin - 6}) rotate(-60)" class="tick">{short}</text>')
    side = margin + whole + 8
    right = float(np.trace(matrix) / max(matrix.sum(), 1))
    return _svg(
        parts, side, side, title, f"{percent(right)} % right; rows are true classes, columns predictions", "heat"
    )


def _frame(up: Callable[[float], float], values: Sequence[float], say: Callable[[float], str]) -> str:
    """Horizontal rules with their values."""
    parts = []
    for value in values:
        y = up(value)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="rule"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" class="tick end">{say(value)}</text>')
    return "".join(parts)


def round_values(low: float, high: float, most: int = 6) -> list[float]:
    """Up to `most` values between two others that are multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return [place * step for place in range(math.ceil(low / step), math.floor(high / step + 1e-9) + 1)]


def _padded(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return low - room, high + room


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """A linear map of low…high to start…end."""
    span = (high - low) or 1.0
    return lambda value: start + (value - low) / span * (end - start)


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _svg(parts: Sequence[str], width: float, height: float, title: str, spoken: str, kind: str = "chart") -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" class="{kind}" role="img" aria-label="{escape(title)}. {escape(spoken)}">'
        f"{''.join(parts)}</svg>"
    )
