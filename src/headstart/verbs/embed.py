"""`headstart embed`: features of every item as a table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from headstart.verbs.common import (
    Part,
    Reading,
    Source,
    check_named_encoder,
    check_writable,
    default_out,
    note_seen,
    read_for,
)
from headstart.verbs.layers import find_layer


@dataclass(frozen=True)
class Written:
    """A file with one row an item."""

    file: str
    items: int

    def __str__(self) -> str:
        return f"{self.items} items written to {self.file}"


def embed(
    encoder: str | Path,
    data: Source,
    *,
    out: Path | None = None,
    layer: str | None = None,
    split: Part = "all",
    backbone: str | None = None,
    device: str = "auto",
    **reading: Unpack[Reading],
) -> Written:
    """Write the features of every item to a Parquet file: id, path, label, split and embedding.

    Example: headstart embed runs/photos-simclr photos/ -o photos.parquet

    Args:
        encoder: A run folder, efficientnet-lite0, resnet18, timm/NAME, a Hugging Face id, or a file of weights.
        data: The items.
        out: The file; default runs/<data>-embed.parquet.
        layer: A block of the backbone, or projection.
        split: Which part of the data.
        backbone: The architecture of a file of weights.
        device: auto, cpu, cuda, cuda:N or mps.
    """
    from headstart.evaluation import features_of
    from headstart.training import open_encoder
    from headstart.training.machine import choose_device
    from headstart.transfer import Embeddings, check_shape, write_embeddings

    check_named_encoder(str(encoder), backbone)
    target = check_writable(out) if out is not None else None
    network, description = open_encoder(encoder, backbone=backbone, download=reading.get("download", False))
    where = choose_device(device)
    shown = find_layer(network, Path(encoder), layer, where)
    loaded = read_for(network, data, **reading)
    check_shape(network, loaded)
    index = loaded.part(split)
    note_seen(description, loaded, index)
    made = features_of(network, loaded, index, device=where, layer=shown)
    target = target or check_writable(default_out(loaded, "embed").with_suffix(".parquet"))
    places = index.tolist()
    table = Embeddings(
        name=target.stem,
        ids=tuple(loaded.ids[place] for place in places),
        paths=tuple(loaded.files[place].place if loaded.files else None for place in places),
        labels=tuple(loaded.label_names(index)),
        split=tuple(loaded.split[place] for place in places),
        features=made,
    )
    write_embeddings(table, target)
    return Written(str(target), len(index))
