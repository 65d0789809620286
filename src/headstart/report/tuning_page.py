"""What fine-tuning came to, on one page."""

from __future__ import annotations

from pathlib import Path

from headstart import atomic
from headstart.label_counts import heading
from headstart.report.charts import heat_map, line_chart, logged_line
from headstart.report.content import TuningPage
from headstart.report.document import document
from headstart.report.leaderboard import counts_chart
from headstart.report.markup import details, escape, facts, percent, section, table
from headstart.report.parts import bullets

CURVES = (
    ("Loss", (("loss", "training, on views"), ("held_out_loss", "held out"))),
    ("Accuracy", (("accuracy", "training, on views"), ("held_out_accuracy", "held out"))),
)

FEW = 8
"""Tensors that are listed at once."""


def write_tuning(page: TuningPage, path: Path) -> None:
    """Writes the page as one HTML file, in one move."""
    meta = f"{len(page.classes)} classes: {', '.join(page.classes[:10])}{' …' if len(page.classes) > 10 else ''}"
    atomic.write_text(path, document(page.title, meta, "".join(_sections(page))))


def _sections(page: TuningPage) -> list[str]:
    drawn = "" if page.confusion is None else heat_map(page.confusion, page.classes, title="Confusion on the test part")
    return [
        section("What came out", bullets(page.summary), name="verdict"),
        section(
            "Accuracy against labels",
            _few_label(page),
            name="few-labels",
            lead="A head on the body as it came, solved on fewer labels: the mean over draws of these, on the test "
            "part, with its 95 % interval. Where it still rises, more labels help.",
        ),
        section("Training", _curves(page), name="training"),
        section(
            "Confusion",
            drawn,
            name="confusion",
            lead="A row a true class, a column what it was taken for, on the test part.",
        ),
        section("Parameters to learn", _parameters(page), name="parameters"),
        section("Every figure", facts(page.settings), name="settings"),
    ]


def _few_label(page: TuningPage) -> str:
    """The curve, and its figures; or why there is none."""
    if not page.few_label:
        return f"<p>{escape(page.no_few_label)}</p>" if page.no_few_label else ""
    rows = [
        (
            escape(heading(row["labels_per_class"])),
            percent(row["accuracy"]),
            "–".join(percent(end) for end in row["interval"]),
            str(row["draws"]),
        )
        for row in page.few_label
    ]
    figures = table(("Labels a class", "Accuracy, %", "95 % interval", "Draws"), rows, caption="Accuracy by labels")
    return counts_chart({"head": page.few_label}, [row["labels_per_class"] for row in page.few_label]) + figures


def _parameters(page: TuningPage) -> str:
    """A row a tensor, folded away where they are many."""
    if not page.to_learn:
        return ""
    said = f"{sum(page.to_learn.values()):,} numbers in {len(page.to_learn)} tensors"
    rows = [(escape(name), f"{count:,}") for name, count in page.to_learn.items()]
    return details(said, table(("tensor", "numbers"), rows, caption=said), open=len(rows) <= FEW)


def _curves(page: TuningPage) -> str:
    means = [
        {**row, "loss": row["epoch_loss"], "accuracy": row["epoch_accuracy"]}
        for row in page.history
        if "epoch_loss" in row  # smoother than the losses of single steps
    ]
    charts = []
    for title, ((mine, name), (judged, other)) in CURVES:
        lines = [logged_line(name, means or page.history, mine, 0), logged_line(other, page.history, judged, 1)]
        drawn = line_chart(lines, title=title, x_label="step", y_label=title, as_percent=title == "Accuracy")
        charts.append(f"<h3>{escape(title)}</h3>{drawn}" if drawn else "")
    return "".join(charts)
