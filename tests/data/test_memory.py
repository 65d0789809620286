from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset
from torchvision.datasets import FakeData, ImageFolder

from headstart.data import load
from headstart.errors import InputError


def images(count: int = 8, channels: int = 3) -> torch.Tensor:
    return torch.randint(0, 256, (count, channels, 8, 8), generator=torch.Generator().manual_seed(0)).byte()


def test_a_data_set_is_returned_as_it_is():
    data = load(images())
    assert load(data) is data
    with pytest.raises(InputError, match="array: it is loaded already; give --size where it is loaded"):
        load(data, size=16)


@pytest.mark.parametrize("labels", [torch.arange(8) % 2, np.arange(8) % 2, [0.0, 1.0] * 4, ["0", "1"] * 4])
def test_pairs(labels):
    data = load((images(), labels))
    assert data.classes == ("0", "1")
    assert data.labels.tolist() == [0, 1] * 4


def test_bfloat16_and_gradients():
    values = (images().float() / 255).bfloat16().requires_grad_()
    assert (load(values).items.int() - images().int()).abs().max() <= 1


def test_tensor_data_sets():
    data = load(TensorDataset(images(), torch.arange(8) // 4))
    assert torch.equal(data.items, images())
    assert data.labels.tolist() == [0] * 4 + [1] * 4
    assert load(TensorDataset(images())).classes == ()
    assert load(Subset(TensorDataset(images(), torch.arange(8)), [5, 2])).classes == ("2", "5")


def test_pil_data_sets():
    source = FakeData(6, image_size=(3, 10, 12), num_classes=3)
    data = load(source)
    assert data.shape == (3, 10, 12)
    for item, (image, _) in zip(data.items, source, strict=True):
        assert np.array_equal(item.permute(1, 2, 0).numpy(), np.asarray(image))
    assert data.label_names(data.indices("all")) == tuple(str(int(label)) for _, label in source)


def test_class_names_of_a_data_set_are_used(write, tmp_path):
    for name in ("ants/1.png", "ants/2.png", "bees/1.png"):
        write(name)
    data = load(ImageFolder(tmp_path))
    assert data.classes == ("ants", "bees")
    assert data.labels.tolist() == [0, 0, 1]


def test_lists_of_mixed_pictures():
    data = load([Image.new("L", (8, 8), 5), Image.new("RGB", (8, 8), (1, 2, 3))])
    assert data.items[:, :, 0, 0].tolist() == [[5, 5, 5], [1, 2, 3]]
    floats = [np.full((30, 40), 0.5), np.full((20, 20), 1.0)]
    data = load(floats)
    assert data.shape == (1, 16, 16)
    assert data.items[:, 0, 3, 3].tolist() == [128, 255]
    assert any("2 of 2 images were resized" in note for note in data.notes)


def test_narrow_pictures_keep_their_sides():
    narrow = Image.new("RGB", (2, 20))
    narrow.putpixel((1, 19), (1, 2, 3))
    items = load([narrow, narrow]).items
    assert items.shape == (2, 3, 20, 2)
    assert items[0, :, 19, 1].tolist() == [1, 2, 3]


def test_a_pair_without_labels():
    assert load((images(), None)).classes == ()


def test_a_size_resizes_arrays():
    data = load(images(), size=16)
    assert data.shape == (3, 16, 16)
    assert any("8 of 8 images were resized" in note for note in data.notes)


class Flawed(Dataset):
    """Raises at some places."""

    def __init__(self, length: int, bad: tuple[int, ...]) -> None:
        self.length, self.bad = length, bad

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int):
        if index in self.bad:
            raise OSError("image file is truncated")
        return images(1)[0], index % 2


def test_items_that_raise_are_skipped_and_keep_the_ids_of_the_others():
    data = load(Flawed(40, (3, 5)))
    assert data.ids[3:5] == ("4", "6")
    assert [one.path for one in data.skipped] == ["3", "5"]
    assert data.labels[3:5].tolist() == [0, 0]
    assert load((Flawed(40, (3, 5)), list(range(40)))).classes[3:5] == ("4", "6")
    with pytest.raises(InputError, match=r"2 of 8 images cannot be read \(first 3: OSError: image file is truncated"):
        load(Flawed(8, (3, 5)))


class Stream(IterableDataset):
    def __iter__(self):
        yield images(1)[0]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (DataLoader(TensorDataset(images())), "give the data set itself, not a loader"),
        (Stream(), "give the data set itself"),
        ("", "name of the data is empty"),
        (42, "A int is no source of data"),
        ({"x": images()}, "A dict is no source"),
        ([], "holds no items"),
        (["a.png"], "item 0: a str is no image"),
        ([np.zeros(4)], "item 0: the shape .4,. is not that of one image"),
        ([np.zeros((2, 9, 9)), np.zeros((5, 9, 9))], "have 2, 5 channels; make them alike"),
        ([np.zeros((9, 9)), np.full((8, 8), np.nan)], "The list, 1: item 0 has NaN"),
        ((images(), [1, 2]), "8 images but 2 labels"),
        ((images(), np.zeros((8, 3))), "shape 8×3; one label an item is needed"),
        ((images(), np.linspace(0, 1, 8)), "labels are fractions"),
        (TensorDataset(images(), torch.eye(8)), "item 0: it has several labels; one label an item is needed"),
        ([(one, {"boxes": [], "labels": []}) for one in images()], "item 0: it has several labels"),
    ],
)
def test_other_sources_say_what_to_give(source, message):
    with pytest.raises(InputError, match=message):
        load(source)
