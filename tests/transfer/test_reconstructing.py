"""Items are given back in chunks, each once for its errors and once for its pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import headstart
from headstart.contracts import Draw, Part
from headstart.methods.reconstruction.reconstructor import Reconstruction
from headstart.transfer import reconstruct_items, reconstructing

CHUNK = 8


class Noise(torch.nn.Module):
    """Gives back what it saw, which is the picture and noise; keeps what it was called with."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def reconstruct(self, images, draw):
        self.calls.append(draw.step)
        seen = (images + draw.normal("noise", *images.shape[1:])).clamp(0, 1)
        return Reconstruction(seen, seen, (seen - images).abs().mean((1, 2, 3)))


@pytest.fixture
def data(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (3 * CHUNK + 5, 6, 6), dtype=np.uint8)
    np.save(tmp_path / "items.npy", pixels)
    return headstart.load(tmp_path / "items.npy")


def test_a_chunk_is_computed_once_for_all_that_is_shown_of_it(data, monkeypatch):
    monkeypatch.setattr(reconstructing, "CHUNK", CHUNK)
    method, index = Noise(), torch.arange(len(data.items)).flip(0)
    found = reconstruct_items(method, data, index, items=3, steps=0, device="cpu")
    assert method.calls == [0, 1, 2, 3, 2, 1, 0], "for the errors, then for the pictures: by this seed of every chunk"
    errors = {}
    for row, place in enumerate(index.tolist()):
        step, offset = divmod(row, CHUNK)
        images = data.take(index[step * CHUNK : (step + 1) * CHUNK]).float() / 255
        draw = Draw(seed=0, step=step, part=Part.whole(len(images)), purpose="reconstruct")
        alone = Noise().reconstruct(images, draw)
        errors[place] = float(alone.errors[offset])
        for one in (one for shown in found.groups.values() for one in shown if one.place == place):
            assert torch.equal(one.original, images[offset])
            assert torch.equal(one.seen, alone.seen[offset])
            assert one.error == errors[place]
    ranked = sorted(errors, key=errors.get)
    assert {heading: [one.place for one in shown] for heading, shown in found.groups.items()} == {
        "The first": index[:3].tolist(),
        "Best": ranked[:3],
        "Typical": ranked[13:16],
        "Worst": ranked[:-4:-1],
    }
