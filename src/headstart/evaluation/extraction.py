"""Features of items, made once and kept on the CPU.

Shapes: N items of C×H×W, D features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import prod

import torch
from torch import Tensor, nn

from headstart.backbones import Encoder, evaluating
from headstart.errors import InputError
from headstart.views import plain

CHUNK_NUMBERS = 2**20
"""Input numbers shown to the network at once: 5 pictures of 3×256×256, 1,024 of 1×32×32."""

Layer = str | Callable[[Tensor], Tensor]


def features(
    encoder: Encoder,
    items: Tensor,
    *,
    device: torch.device | str = "cpu",
    layer: Layer | None = None,
    batch_size: int | None = None,
) -> Tensor:
    """float32 N×D features of uint8 items N×C×H×W, on the CPU.

    `layer` names a block of the backbone (`encoder.layers()`), whose maps are averaged over space, or is a function of
    the features, such as a method's projector. The encoder is in evaluation mode meanwhile. Raises `InputError` where
    there is no such layer.
    """
    size = batch_size or chunk_size(encoder.shape)
    encoder.to(device)
    rows = []
    with evaluating(encoder), torch.inference_mode(), _tapped(encoder, layer) as forward:
        for start in range(0, len(items), size):
            shown = plain(items[start : start + size].to(device), encoder.shape)
            if shown.shape[1] > 1:  # with one channel both layouts are the same
                shown = shown.contiguous(memory_format=torch.channels_last)
            rows.append(forward(shown).float().cpu())
    return torch.cat(rows).clone()


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
        seen: list[Tensor] = []
        hook = _find(encoder, layer).register_forward_hook(lambda _module, _inputs, output: seen.append(output))

        def forward(shown: Tensor) -> Tensor:
            seen.clear()
            encoder(shown)
            return seen[-1].flatten(2).mean(dim=2) if seen[-1].ndim > 2 else seen[-1]

        try:
            yield forward
        finally:
            hook.remove()


def _find(encoder: Encoder, name: str) -> nn.Module:
    """The module that `encoder.layers()` calls `name`: of the encoder itself, or of its backbone."""
    if name in encoder.layers():
        for prefix in ("", "backbone."):
            module: nn.Module | None = dict(encoder.named_modules()).get(prefix + name)
            if module is not None:
                return module
    raise InputError(f"--layer {name}: {encoder.name} has no such layer; it has {', '.join(encoder.layers())}.")
