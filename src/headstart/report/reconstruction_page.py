"""What went in, what the network saw and what it gave back, on one page."""

from __future__ import annotations

from pathlib import Path

from headstart import atomic
from headstart.report.content import GivenBack, ReconstructionPage
from headstart.report.document import document
from headstart.report.markup import escape, facts, image, section

SIDE = 84


def write_reconstruction(page: ReconstructionPage, path: Path) -> None:
    """Writes the page as one HTML file, in one move."""
    meta = f"{page.items:,} items · mean {page.measure} {page.error:.4f}"
    atomic.write_text(path, document(page.title, meta, "".join(_sections(page))))


def _sections(page: ReconstructionPage) -> list[str]:
    lead = f"The item, what the network saw of it where that differs, and what it gave back. {page.remark}".rstrip()
    strips = [
        section(heading, "".join(_strip(one) for one in shown), name=heading.lower().replace(" ", "-"), lead=lead)
        for heading, shown in page.groups.items()
    ]
    walk = "".join(image(step, f"step {number}", side=SIDE) for number, step in enumerate(page.between, 1))
    return [
        *strips,
        section(
            "Between two items",
            f'<div class="strip">{walk}</div>' if walk else "",
            name="between",
            lead="Equal steps between the latent numbers of two items.",
        ),
        section("The run", facts(page.settings), name="settings"),
    ]


def _strip(shown: GivenBack) -> str:
    pictures = [shown.original, *([] if shown.seen is None else [shown.seen]), shown.given]
    names = ["as it is", *([] if shown.seen is None else ["as it was seen"]), "given back"]
    drawn = '<span class="arrow">→</span>'.join(
        image(one, f"{shown.title}, {name}", side=SIDE) for one, name in zip(pictures, names, strict=True)
    )
    return (
        f'<div class="strip"><span class="class">{escape(shown.title)}<br><small>{shown.error:.4f}</small></span>'
        f"{drawn}</div>"
    )
