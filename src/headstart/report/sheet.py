"""A page to label items on: a key a class, progress kept in the browser, and a file of labels at the end."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from headstart import atomic
from headstart.report.content import SheetItem, SheetPage
from headstart.report.document import document
from headstart.report.markup import escape, image

SIDE = 224
"""Pixels along the longer side of a picture."""

TOOLS = """
<section id="tools" class="tools" aria-label="Classes">
<p id="status" role="status" aria-live="polite"></p>
<ul id="classes" class="classes" aria-label="Classes: press one, or its key, to label the marked item"></ul>
<form id="adding"><label for="new-class">New class</label>
<input id="new-class" type="text" autocomplete="off" maxlength="200"><button type="submit">Add</button></form>
<p class="actions"><button type="button" id="undo">Undo</button>
<button type="button" id="clear">Take the label off</button>
<button type="button" id="save" class="main">Save labels.csv</button></p>
<p class="lead">A class's key labels the marked item and goes on to the next; arrow keys move, Backspace takes the last
step back. What you did is kept in this browser until you come again. Give the saved file to any verb with --labels.</p>
</section>"""


def write_sheet(page: SheetPage, path: Path) -> None:
    """Writes the page as one HTML file, in one move."""
    cards = "".join(_card(place, item) for place, item in enumerate(page.items))
    listed = f'<section aria-label="Items"><ol id="cards" class="cards">{cards}</ol></section>'
    count = f"{len(page.items)} items to label, the most useful first"
    content = f"{TOOLS}{listed}<noscript>Labelling needs JavaScript, which this page holds itself.</noscript>"
    data = f'<script type="application/json" id="sheet-data">{_data(page)}</script>'
    atomic.write_text(path, document(page.title, count, content + data, own="sheet"))


def _card(place: int, item: SheetItem) -> str:
    drawn = (
        '<span class="missing">no picture</span>'
        if item.picture is None
        else image(item.picture, f"Item {place + 1}", side=SIDE)
    )
    return (
        f'<li><button type="button" class="card" data-place="{place}">{drawn}<span class="label"></span>'
        f"<small>{escape(item.id)}<br>{escape(item.why)}</small></button></li>"
    )


def _data(page: SheetPage) -> str:
    """What the page's behaviour needs, as JSON that no tag inside it can end."""
    told = [page.title, *(item.id for item in page.items), *map("\0".join, page.known)]
    content = {
        "key": "headstart labels " + hashlib.blake2b("\0\0".join(told).encode(), digest_size=12).hexdigest(),
        "classes": list(page.classes),
        "items": [{"id": item.id, "path": item.path} for item in page.items],
        "known": [list(row) for row in page.known],
    }
    text = json.dumps(content, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
