"""What went in, what the network saw and what it gave back, on one page."""

from __future__ import annotations

from pathlib import Path

from headstart import atomic
from headstart.report.content import ReconstructionPage
from headstart.report.document import document
from headstart.report.markup import facts, image, section
from headstart.report.parts import GIVEN_BACK, GIVEN_BACK_SIDE, given_back_strips


def write_reconstruction(page: ReconstructionPage, path: Path) -> None:
    """Writes the page as one HTML file, in one move."""
    meta = f"{page.items:,} items · mean {page.measure} {page.error:.4f}"
    atomic.write_text(path, document(page.title, meta, "".join(_sections(page))))


def _sections(page: ReconstructionPage) -> list[str]:
    lead = f"{GIVEN_BACK} {page.remark}".rstrip()
    strips = [
        section(heading, given_back_strips(shown), name=heading.lower().replace(" ", "-"), lead=lead)
        for heading, shown in page.groups.items()
    ]
    walk = "".join(image(step, f"step {number}", side=GIVEN_BACK_SIDE) for number, step in enumerate(page.between, 1))
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
