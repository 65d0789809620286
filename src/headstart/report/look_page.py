"""What is in a data set, on one page."""

from __future__ import annotations

from pathlib import Path

from headstart import atomic
from headstart.report.content import LookPage
from headstart.report.document import document
from headstart.report.markup import Cell, Figure, escape, facts, section, table
from headstart.report.parts import bullets, duplicate_list, item_figures, near_strips, skipped_table, view_strips


def write_look(page: LookPage, path: Path) -> None:
    """Writes the page as one HTML file, in one move."""
    splits = ", ".join(f"{name} {count:,}" for name, count in page.splits.items())
    meta = f"{page.data['items']:,} items · {splits}"
    atomic.write_text(path, document(page.title, meta, "".join(_sections(page))))


def _sections(page: LookPage) -> list[str]:
    total = max(sum(page.classes.values()), 1)
    counts: list[list[Cell]] = [
        [escape(name), Figure(f"{count:,}", count), f"{100 * count / total:.1f} %"]
        for name, count in page.classes.items()
    ]
    shown = view_strips(page.views) if page.views is not None else ""
    return [
        section("Items", item_figures(page.items), name="items"),
        section("What a method is shown", shown, name="views"),
        section(
            "Classes",
            table(["Class", "Items", "Share"], counts, caption="Items of each class", sortable=True) if counts else "",
            name="classes",
        ),
        section("The data", facts(page.data) + bullets(page.notes), name="data"),
        section("Equal items", duplicate_list(page.duplicates), name="duplicates"),
        section(
            "Nearly equal items",
            near_strips(page.near_duplicates, page.near_groups),
            name="near-duplicates",
            lead="Bursts, re-encoded copies, slight crops: a drawn split keeps each group on one side.",
        ),
        section("Skipped files", skipped_table(page.skipped), name="skipped"),
    ]
