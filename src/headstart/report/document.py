"""A whole page: one file, no network, light and dark."""

from __future__ import annotations

from importlib.resources import files

from headstart.report.markup import escape


def document(title: str, meta: str, content: str, *, own: str = "") -> str:
    """HTML with its style and behaviour inside; `content` is HTML already.

    `own` names a page that has a style and behaviour of its own besides: `<own>.css` and `<own>.js`.
    """
    room = files("headstart.report")
    style, behaviour = (
        "".join(room.joinpath(f"{name}.{kind}").read_text(encoding="utf-8") for name in names if name)
        for kind, names in (("css", ("style", own)), ("js", ("behaviour", own)))
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="icon" href="data:,"><style>{style}</style></head><body>'
        '<a class="skip" href="#content">Skip to the content</a>'
        f'<header><div><h1>{escape(title)}</h1><p class="meta">{escape(meta)}</p></div>'
        '<button id="theme" type="button">Light or dark</button></header>'
        f'<main id="content">{content}</main>'
        "<footer>Made by headstart. This page needs no network and sends nothing.</footer>"
        f"<script>{behaviour}</script></body></html>\n"
    )
