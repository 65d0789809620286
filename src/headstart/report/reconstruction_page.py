"""What went in, what the network saw and what it gave back, on one page."""

from __future__ import annotations

from pathlib import Path

from headstart import atomic
from headstart.report.content import ReconstructionPage
from headstart.report.document import document
from headstart.report.giving_back import LEAD, mean_error, reconstruction_strips
from headstart.report.markup import facts, section


def write_reconstruction(page: ReconstructionPage, path: Path) -> None:
    """Writes the page as one HTML file, in one move."""
    sections = [
        section("What was given back", reconstruction_strips(page.shown), name="given-back", lead=LEAD),
        section("The run", facts(page.settings), name="settings"),
    ]
    atomic.write_text(path, document(page.title, mean_error(page.shown), "".join(sections)))
