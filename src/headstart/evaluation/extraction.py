"""Features of items, made once and kept on the CPU.

Shapes: N items of C×H×W, D features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from headstart.backbones import Encoder, evaluating, folding
from headstart.contracts import Part
from headstart.data import Dataset, Preferred
from headstart.errors import InputError
from headstart.views import framed, plain

CHUNK_NUMBERS = 2**20
"""Input numbers shown to the network at once: 6 pictures of 3×224×224, 1,024 of 1×32×32.

The largest maps of a network for photos hold some eight times as many: with 32 MB they are just small enough for
glibc's malloc to hand the same memory out again, where larger ones come from the system page by page every time.
"""

VIEWED = 64
"""Items whose views are made at once."""

Layer = str | Callable[[Tensor], Tensor]


def features_of(
    encoder: Encoder,
    data: Dataset,
    index: Tensor,
    *,
    device: torch.device | str = "cpu",
    layer: Layer | None = None,
) -> Tensor:
    """float32 n×D features of the items at the places `index`, each shown as the encoder wants it.

    Weights that somebody else trained bring their own preprocessing: pictures are decoded anew at the size it asks for,
    unless the files themselves are smaller than what the encoder sees. Raises what `features` and `Dataset.at` do.
    """
    return layers_of(encoder, data, index, [layer], device=device)[0]


def layers_of(
    encoder: Encoder,
    data: Dataset,
    index: Tensor,
    layers: Sequence[Layer | None],
    *,
    device: torch.device | str = "cpu",
) -> list[Tensor]:
    """As `features_of`, of several layers at once: every item is decoded and shown to the network once."""
    return features_by_layer(encoder, decoded_for(encoder, data).take(index), layers, device=device)


def decoded_for(encoder: Encoder, data: Dataset) -> Dataset:
    """The data with its pictures at the size from which the encoder's preprocessing starts."""
    preferred = preferred_size(encoder)
    if preferred is None or data.files is None:
        return data
    side = preferred.side(data.short_side)
    there = side < encoder.shape[-1] and side <= min(data.shape[1:])  # small pictures, whole
    return data if there else data.at(side, encoder.resampling)


def preferred_size(encoder: Encoder) -> Preferred | None:
    """The size from which an encoder's own preprocessing starts; None where it has none."""
    if encoder.decode is None:
        return None
    return Preferred(encoder.decode, encoder.shape[-1], encoder.resampling)


def features_of_views(
    encoder: Encoder,
    data: Dataset,
    index: Tensor,
    look: Callable[[Tensor, Part], Sequence[Tensor]],
    *,
    device: torch.device | str = "cpu",
) -> list[Tensor]:
    """float32 n×D for each of the views that `look` makes of uint8 items, a part of those at `index` at a time."""
    rows = []
    for start in range(0, len(index), VIEWED):
        part = Part(start, min(start + VIEWED, len(index)), len(index))
        views = look(data.take(index[start : part.stop]), part)
        rows.append([features(encoder, view, device=device) for view in views])
    return [torch.cat(made) for made in zip(*rows, strict=True)]


def features(
    encoder: Encoder,
    items: Tensor,
    *,
    device: torch.device | str = "cpu",
    layer: Layer | None = None,
    batch_size: int | None = None,
) -> Tensor:
    """float32 N×D features of items N×C×H×W (uint8, or floats in 0…1), on the CPU.

    `layer` names a block of the backbone (`encoder.layers()`), whose maps are averaged over space, or is a function of
    the features, such as a method's projector. The encoder is in evaluation mode meanwhile. Raises `InputError` where
    there is no such layer.
    """
    return features_by_layer(encoder, items, [layer], device=device, batch_size=batch_size)[0]


def features_by_layer(
    encoder: Encoder,
    items: Tensor,
    layers: Sequence[Layer | None],
    *,
    device: torch.device | str = "cpu",
    batch_size: int | None = None,
) -> list[Tensor]:
    """As `features`, of several layers in one pass over the items; None among them stands for the features."""
    size = batch_size or chunk_size(encoder.shape)
    encoder.to(device)
    chunks = (as_shown(part.to(device), encoder) for part in torch.split(items, size))
    with (
        evaluating(encoder),
        torch.inference_mode(),
        _tapped(encoder, layers) as forward,
        folding(forward, as_shown(items[:1].to(device), encoder)),
    ):
        parts = [[made.float().cpu() for made in forward(shown)] for shown in chunks]
    return [torch.cat(rows).clone() for rows in zip(*parts, strict=True)]


def as_shown(items: Tensor, encoder: Encoder) -> Tensor:
    """float n×C×h×w in 0…1, as the encoder wants to see items n×C×H×W (uint8, or floats in 0…1)."""
    if encoder.decode is None:
        shown = plain(items, encoder.shape)
    else:
        shown = framed(items, encoder.shape[-1], encoder.decode, encoder.resampling)
    if shown.shape[1] > 1:  # with one channel both layouts are the same
        shown = shown.contiguous(memory_format=torch.channels_last)
    return shown


def chunk_size(shape: tuple[int, ...]) -> int:
    """Items shown at once: a function of their shape alone, since another size may change the last bits."""
    return max(2, min(1024, CHUNK_NUMBERS // prod(shape)))


@contextmanager
def _tapped(encoder: Encoder, layers: Sequence[Layer | None]) -> Iterator[Callable[[Tensor], list[Tensor]]]:
    """The forward function that gives what comes out at each of these layers."""
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[nn.Module, Any, Any], None]:
        # Averaged at once: a layer that follows may work in place.
        return lambda _module, _inputs, output: seen.update({name: _averaged(output)})

    def forward(shown: Tensor) -> list[Tensor]:
        made: Tensor = encoder(shown)
        return [_at(layer, made, seen) for layer in layers]

    with ExitStack() as hooks:
        for layer in layers:
            if isinstance(layer, str):
                hooks.callback(_find(encoder, layer).register_forward_hook(keep(layer)).remove)
        yield forward


def _at(layer: Layer | None, made: Tensor, seen: Mapping[str, Tensor]) -> Tensor:
    """n×D of a layer, from the features `made` and the layers `seen` on the way to them."""
    if layer is None:
        return made
    if not isinstance(layer, str):
        return layer(made)
    if layer not in seen:
        raise InputError(f"--layer {layer}: no item passes through it on the way to the features.")
    return seen[layer]


def _averaged(output: Any) -> Tensor:
    """n×D of maps n×D×h×w or tokens n×L×D, or of several tensors whose first they are; in memory of its own."""
    maps: Tensor = output if isinstance(output, Tensor) else output[0]
    if maps.ndim == 3:
        return maps.mean(dim=1)
    return maps.flatten(2).mean(dim=2) if maps.ndim > 3 else maps.clone()


def check_layer(encoder: Encoder, name: str) -> None:
    """Raises `InputError` where no layer of the encoder is called so."""
    if name not in encoder.layers():
        raise InputError(f"--layer {name}: {encoder.name} has no such layer; it has {', '.join(encoder.layers())}.")


def _find(encoder: Encoder, name: str) -> nn.Module:
    """The module of the backbone that `encoder.layers()` calls `name`."""
    check_layer(encoder, name)
    return encoder.backbone.get_submodule(name)
