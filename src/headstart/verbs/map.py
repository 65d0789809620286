"""`headstart map`: features in two dimensions, drawn in several ways side by side."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from headstart.errors import InputError
from headstart.settings import Range
from headstart.terminal import duration, note
from headstart.verbs.common import Seed, Source, read, result_folder
from headstart.verbs.mapped import Maps, pictures_of, write_drawing

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.transfer import Embeddings, Mapped

NEIGHBOURS = 10
MOST = 100_000
"""Items that are drawn unless --points asks for more: beyond it, the neighbours alone take hours."""


def map(
    *embeddings: Path,
    methods: str | None = None,
    points: Annotated[int, Range(least=1)] | None = None,
    sample: bool = False,
    neighbors: Annotated[int, Range(least=2, most=200)] | None = None,
    into: Path | None = None,
    data: Source | None = None,
    seed: Seed = 0,
    out: Path | None = None,
) -> Maps:
    """Draw features in two dimensions, in several ways side by side, each with its time and how faithful it is.

    Up to 2,000 points all six: pca, kernel_pca, lle, isomap, tsne and umap; of more, pca and tsne. New items find
    their places in maps that are there already with --into.

    Example: headstart map digits.parquet --points 500

    Args:
        embeddings: The Parquet file that `headstart embed` wrote, or several to be drawn together.
        methods: Which maps, with commas between: pca, kernel_pca, lle, isomap, tsne, umap, or all.
        points: How many items to draw, the first of the file; default all, at most 100,000 of them.
        sample: Draw the --points items at random instead.
        neighbors: Nearest neighbours that lle, isomap and umap join and faithfulness is measured on; default 10.
        into: The folder of maps that the items are placed in.
        data: What was embedded, to show pictures of where EMBEDDINGS names no files.
        seed: Of everything that is drawn at random.
        out: Folder of the page and the pictures; default runs/<embeddings>-map.
    """
    from headstart.transfer import draw_items, place_items, read_mapped

    if not embeddings:
        raise InputError("map needs a file of features: `headstart embed RUN DATA -o FILE` writes one.")
    if sample and points is None:
        raise InputError("--sample says how the --points items are chosen: give --points too.")
    if into is not None and neighbors is not None:
        raise InputError(f"--into {into}: --neighbors is that of its maps; leave it out.")
    there = None if into is None else read_mapped(Path(into))
    neighbours = neighbors or (NEIGHBOURS if there is None else there.neighbours)
    items = _read([Path(one) for one in embeddings], points, sample, seed)
    names = _names(items, methods, neighbours) if there is None else _names_there(items, methods, there, str(into))
    shown = None if data is None else read(data, allow_skips=True)
    pictures = pictures_of(items if there is None else there.items.followed_by(items), shown, seed)
    chosen = {
        "embeddings": items.fingerprint,
        "points": len(items),
        "methods": ",".join(names),
        "neighbors": neighbours,
        "into": None if there is None else there.fingerprint,
        "data": None if shown is None else shown.fingerprint,
        "seed": seed,
    }
    folder = result_folder("map", items.name, out, chosen)
    if there is None:
        note(_expected(names, len(items)))
        drawing = draw_items(items, names, neighbours=neighbours, seed=seed)
    else:
        drawing = place_items(items, there, names, str(into))
    return write_drawing(drawing, pictures, folder)


def _read(paths: Sequence[Path], points: int | None, sample: bool, seed: int) -> Embeddings:
    """The items to draw, of all files together; no others are held in memory."""
    from headstart.transfer import count_embeddings, join_embeddings, read_embeddings

    counts = [count_embeddings(path) for path in paths]
    rows = _chosen(sum(counts), points, sample, seed)
    parts, start = [], 0  # of the first row of a file among those of all
    for path, count in zip(paths, counts, strict=True):
        mine = None if rows is None else rows[(rows >= start) & (rows < start + count)] - start
        start += count
        if mine is None or len(mine):
            parts.append(read_embeddings(path, mine))
    return join_embeddings(parts)


def _chosen(count: int, points: int | None, sample: bool, seed: int) -> Tensor | None:
    """int64, ascending: which of so many items to draw; None for all."""
    import torch

    from headstart.randomness import permutation

    if points is None and count > MOST:
        note(
            f"{count:,} items: {MOST:,} of them, chosen at random, are drawn. --points takes as many as you like, and "
            "--into places others in the maps."
        )
        points, sample = MOST, True
    if points is None or points >= count:
        return None
    return permutation(seed, "map", count)[:points].sort().values if sample else torch.arange(points)


def _names(items: Embeddings, methods: str | None, neighbours: int) -> list[str]:
    """The maps to draw: those that are named, or the usual ones that are installed."""
    from headstart.evaluation.maps import MAPS, usual_maps
    from headstart.transfer import check_drawable

    check_drawable(items, neighbours)
    if methods is not None:
        return _named(methods, list(MAPS))
    usual = usual_maps(len(items))
    for name in usual:
        if not MAPS[name].is_installed():
            note(f"{MAPS[name].title} is left out; this adds it: pip install 'headstart[maps]'")
    return [name for name in usual if MAPS[name].is_installed()]


def _names_there(items: Embeddings, methods: str | None, there: Mapped, into: str) -> list[str]:
    """The maps to place items in: those that are named, or all there are."""
    from headstart.transfer import check_placeable

    check_placeable(items, there, into)
    return _named(methods or "all", list(there.places), into)


def _named(methods: str, known: list[str], into: str | None = None) -> list[str]:
    """Names with commas between, each once, of all maps or of those in the folder `into`."""
    from headstart.evaluation.maps import MAPS

    if methods == "all":
        return known
    names = [name.strip() for name in methods.split(",")]
    for name in names:
        if name in MAPS and name not in known:
            raise InputError(f"--methods {name}: {into} has no {name}; it has {', '.join(known)}.")
        if name not in known:
            near = get_close_matches(name, known)
            hint = f"did you mean {near[0]}?" if near else f"choose among {', '.join(known)}, or all."
            raise InputError(f"--methods {name}: there is no such map; {hint}")
    return list(dict.fromkeys(names))


def _expected(names: Sequence[str], count: int) -> str:
    """What is done and how long it should take."""
    from headstart.evaluation.maps import MAPS, expected_seconds, judging_seconds, landmarks_of

    parts = []
    for name in names:
        some = landmarks_of(name, count)
        on = f" (fitted on {some:,} of them, the others placed among these)" if some else ""
        parts.append(f"{MAPS[name].title}{on} about {duration(max(1, expected_seconds(name, count)))}")
    judging = duration(max(1, len(names) * judging_seconds(count)))
    return f"{count:,} points: {', '.join(parts)}, and judging how faithful they are about {judging}."
