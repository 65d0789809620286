"""Small pieces of two photographs: colour to try things on where there is no network.

The photographs are those that come with scikit-learn, a pagoda in China and a flower, 640×427 pixels each. They are cut
into tiles of 128×128 pixels, and each tile into overlapping patches; a tile stays on one side of the split, so no pixel
lies on both.
"""

from __future__ import annotations

import torch

from headstart.data.raw import Raw

NAME = "patches"
CLASSES = ("china", "flower")
SIDE, STRIDE, TILE = 32, 16, 128


def patches() -> Raw:
    """1,470 patches of 32×32 pixels in colour, of two classes: which photograph they are of."""
    from sklearn.datasets import load_sample_images

    items, labels, ids, groups = [], [], [], []
    for label, photograph in enumerate(load_sample_images().images):
        pixels = torch.from_numpy(photograph.copy()).permute(2, 0, 1)  # [3, 427, 640]
        tiles = pixels.unfold(1, TILE, TILE).unfold(2, TILE, TILE)  # [3, rows, columns, 128, 128]
        for row in range(tiles.shape[1]):
            for column in range(tiles.shape[2]):
                cut = tiles[:, row, column].unfold(1, SIDE, STRIDE).unfold(2, SIDE, STRIDE)
                found = cut.permute(1, 2, 0, 3, 4).reshape(-1, 3, SIDE, SIDE)
                tile = f"{CLASSES[label]}/{row}-{column}"
                items.append(found)
                labels += [label] * len(found)
                ids += [f"{tile}/{number}" for number in range(len(found))]
                groups += [tile] * len(found)
    return Raw(
        name=NAME,
        items=torch.cat(items).contiguous(),
        labels=torch.tensor(labels),
        classes=CLASSES,
        ids=tuple(ids),
        groups=groups,
        notes=(f"{NAME}: {len(ids):,} pieces of scikit-learn's two photographs; a tile of 49 stays on one side.",),
    )
