"""Features of items, made once and kept on the CPU.

Shapes: N items of C×H×W, D features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from headstart.backbones import Encoder, evaluating
from headstart.data import Dataset
from headstart.errors import InputError
from headstart.views import framed, plain

CHUNK_NUMBERS = 2**20
"""Input numbers shown to the network at once: 5 pictures of 3×256×256, 1,024 of 1×32×32."""

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
    return features(encoder, decoded_for(encoder, data).take(index), device=device, layer=layer)


def decoded_for(encoder: Encoder, data: Dataset) -> Dataset:
    """The data with its pictures at the size from which the encoder's preprocessing starts."""
    if encoder.decode is None or data.files is None:
        return data
    native, shortest = data.short_side, min(data.shape[1:])
    if native < encoder.shape[-1]:
        return data if native <= shortest else data.at(native, encoder.resampling)
    return data.at(encoder.decode, encoder.resampling)


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
    size = batch_size or chunk_size(encoder.shape)
    encoder.to(device)
    with evaluating(encoder), torch.inference_mode(), _tapped(encoder, layer) as forward:
        rows = [forward(_shown(part.to(device), encoder)).float().cpu() for part in torch.split(items, size)]
    return torch.cat(rows).clone()


def _shown(items: Tensor, encoder: Encoder) -> Tensor:
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
    return max(8, min(1024, CHUNK_NUMBERS // prod(shape)))


@contextmanager
def _tapped(encoder: Encoder, layer: Layer | None) -> Iterator[Callable[[Tensor], Tensor]]:
    """The forward function that ends at `layer`."""
    if layer is None:
        yield encoder
    elif not isinstance(layer, str):
        yield lambda shown: layer(encoder(shown))
    else:
        seen: list[Any] = []
        hook = _find(encoder, layer).register_forward_hook(lambda _module, _inputs, output: seen.append(output))

        def forward(shown: Tensor) -> Tensor:
            seen.clear()
            encoder(shown)
            return _averaged(seen[-1][0] if isinstance(seen[-1], tuple) else seen[-1])

        try:
            yield forward
        finally:
            hook.remove()


def _averaged(maps: Tensor) -> Tensor:
    """n×D of maps n×D×h×w or tokens n×L×D."""
    if maps.ndim == 3:
        return maps.mean(dim=1)
    return maps.flatten(2).mean(dim=2) if maps.ndim > 3 else maps


def _find(encoder: Encoder, name: str) -> nn.Module:
    """The module that `encoder.layers()` calls `name`: of the encoder itself, or of its backbone."""
    if name in encoder.layers():
        for prefix in ("", "backbone."):
            module: nn.Module | None = dict(encoder.named_modules()).get(prefix + name)
            if module is not None:
                return module
    raise InputError(f"--layer {name}: {encoder.name} has no such layer; it has {', '.join(encoder.layers())}.")
