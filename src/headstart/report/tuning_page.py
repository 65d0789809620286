"""What fine-tuning came to, on one page."""

from __future__ import annotations

from pathlib import Path

from headstart import atomic
from headstart.report.charts import heat_map, line_chart, logged_line
from headstart.report.content import TuningPage
from headstart.report.document import document
from headstart.report.markup import escape, facts, section
from headstart.report.parts import bullets

CURVES = (
    ("Loss", (("loss", "training, on views"), ("held_out_loss", "held out"))),
    ("Accuracy", (("accuracy", "training, on views"), ("held_out_accuracy", "held out"))),
)


def write_tuning(page: TuningPage, path: Path) -> None:
    """Writes the page as one HTML file, in one move."""
    meta = f"{len(page.classes)} classes: {', '.join(page.classes[:10])}{' …' if len(page.classes) > 10 else ''}"
    atomic.write_text(path, document(page.title, meta, "".join(_sections(page))))


def _sections(page: TuningPage) -> list[str]:
    drawn = "" if page.confusion is None else heat_map(page.confusion, page.classes, title="Confusion on the test part")
    return [
        section("What came out", bullets(page.summary), name="verdict"),
        section("Training", _curves(page), name="training"),
        section(
            "Confusion",
            drawn,
            name="confusion",
            lead="A row a true class, a column what it was taken for, on the test part.",
        ),
        section("Every figure", facts(page.settings), name="settings"),
    ]


def _curves(page: TuningPage) -> str:
    charts = []
    for title, values in CURVES:
        lines = [logged_line(name, page.history, value, position) for position, (value, name) in enumerate(values)]
        drawn = line_chart(lines, title=title, x_label="step", y_label=title, as_percent=title == "Accuracy")
        charts.append(f"<h3>{escape(title)}</h3>{drawn}" if drawn else "")
    return "".join(charts)
