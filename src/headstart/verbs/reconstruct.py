"""`headstart reconstruct`: what a method saw, and what it gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Unpack

from headstart.settings import Range
from headstart.terminal import note
from headstart.verbs.common import Part, Reading, Source, keep_skipped, note_seen, read, result_folder

if TYPE_CHECKING:
    from headstart.data import Dataset
    from headstart.methods.reconstruction.reconstructor import Reconstructor
    from headstart.report import GivenBack
    from headstart.transfer import Reconstructed


@dataclass(frozen=True)
class Given:
    """How well items are given back."""

    error: float
    """The mean over all items."""
    measure: str
    """What the error is."""
    items: int
    files: list[str]
    """The page, and a picture of the first items."""

    def __str__(self) -> str:
        return f"{self.items} items, mean {self.measure} {self.error:.4f}\n{self.files[0]}"


def reconstruct(
    run: Path,
    data: Source,
    *,
    items: Annotated[int, Range(least=1, most=100)] = 3,
    steps: Annotated[int, Range(least=0, most=20)] = 8,
    split: Part = "test",
    out: Path | None = None,
    device: str = "auto",
    **reading: Unpack[Reading],
) -> Given:
    """Show originals, what the network saw and what it gave back: the first items, the best, typical and worst ones.

    With a walk between the latent numbers of two items.

    Example: headstart reconstruct runs/digits-autoencoder digits

    Args:
        run: The run folder of a method that gives pictures back, such as autoencoder.
        data: The items.
        items: How many of each kind to show.
        steps: Of the walk between two items; 0: none.
        split: Which part of the data; all of it where there is no test part.
        out: Folder of the page and the picture; default runs/<data>-reconstruct.
        device: auto, cpu, cuda, cuda:N or mps.
    """
    from headstart.digests import digest
    from headstart.training import describe
    from headstart.training.machine import choose_device
    from headstart.transfer import check_shape, load_reconstructor, reconstruct_items

    method = load_reconstructor(run)
    shape = method.facts.shape
    loaded = read(data, usual_size=shape[-1] if shape[-2] == shape[-1] else None, **reading)
    check_shape(method.encoder, loaded)
    fits(loaded, shape)
    if split == "test" and "test" not in loaded.split:
        note(f"{loaded.name} has no test part: all items are given back.")
        split = "all"
    index = loaded.part(split)
    description = describe(run)
    note_seen(description, loaded, index)
    weights = digest(description["method"], *method.state_dict().values())
    chosen = {"run": weights, "items": items, "steps": steps, "split": split, "device": choose_device(device).type}
    folder = result_folder("reconstruct", loaded, out, chosen)
    found = reconstruct_items(method, loaded, index, items=items, steps=steps, device=str(choose_device(device)))
    if method.remark:
        note(method.remark)
    files = _write(found, loaded, folder, description, method)
    keep_skipped(folder, loaded)
    return Given(error=found.error, measure=method.measure, items=len(index), files=files)


def fits(data: Dataset, shape: tuple[int, ...]) -> None:
    """Raises `InputError` where items have another shape than the network gives back."""
    from headstart.errors import InputError

    if data.shape != tuple(shape):
        (channels, height, width), (_, rows, columns) = data.shape, shape
        raise InputError(
            f"{data.name} has items of {channels}×{height}×{width} (channels, rows, columns), and the network gives "
            f"back {shape[0]}×{rows}×{columns}: bring them to that first."
        )


def _write(
    found: Reconstructed,
    data: Dataset,
    folder: Path,
    description: dict[str, Any],
    method: Reconstructor,
) -> list[str]:
    from headstart.report import ReconstructionPage, reconstructions, write_reconstruction

    shown = reconstructions(found, method, data)
    page, drawn = folder / "reconstruct.html", folder / "reconstruct.png"
    write_reconstruction(
        ReconstructionPage(
            title=f"{data.name}: given back by {description['method']}",
            shown=shown,
            settings={name: description[name] for name in ("method", "seed", "steps")} | description["encoder"],
        ),
        page,
    )
    _draw(shown.groups["The first"], drawn)
    return [str(page.absolute()), str(drawn.absolute())]


def _draw(items: Sequence[GivenBack], path: Path) -> None:
    """Each item with its class and error; below it what was seen of it, where that differs, and what was given back."""
    from headstart.report import item_grid_png

    seen = [one.original if one.seen is None else one.seen for one in items]
    differs = any(one.seen is not None for one in items)
    item_grid_png(
        [one.original for one in items],
        [one.title for one in items],
        path,
        subtitles=[f"{one.error:.4f}" for one in items],
        below=[*([seen] if differs else []), [one.given for one in items]],
    )
