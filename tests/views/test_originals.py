"""Views cut from pictures of different sizes against torchvision's own crop of each."""

import torch
from torchvision.transforms.v2 import functional as vision

from headstart.contracts import Draw, Part
from headstart.views import CutOut, Flip, RandomResizedCrop

SIZES = ((40, 60), (100, 33), (64, 64), (9, 200))


def originals(sizes=SIZES):
    made = torch.Generator().manual_seed(0)
    return [torch.randint(0, 256, (3, *size), dtype=torch.uint8, generator=made) for size in sizes]


def test_every_view_is_torchvisions_crop_of_its_own_box():
    pictures, draw = originals(), Draw(3, 5, Part.whole(len(SIZES)))
    cut = CutOut(side=32, crop=RandomResizedCrop(), flip=Flip())
    heights, widths = torch.tensor(SIZES).split(1, dim=1)
    boxes = cut.crop.sample(draw.named("crop"), heights, widths).tolist()
    flips = cut.flip.sample(draw).tolist()
    assert len(set(flips)) == 2, "a seed that shows both"
    for picture, box, flipped, shown in zip(pictures, boxes, flips, cut(pictures, draw), strict=True):
        expected = vision.resized_crop(picture.float() / 255, *box, [32, 32], antialias=True)
        expected = vision.horizontal_flip(expected) if flipped else expected
        torch.testing.assert_close(shown, expected, atol=1e-5, rtol=1e-5)


def test_boxes_lie_in_their_pictures_as_they_do_where_all_have_one_size():
    count = 500
    draw = Draw(0, 0, Part.whole(count))
    same = RandomResizedCrop().sample(draw, 40, 60)
    assert torch.equal(RandomResizedCrop().sample(draw, torch.full((count, 1), 40), torch.full((count, 1), 60)), same)
    sizes = torch.tensor(SIZES).repeat(count // len(SIZES), 1)
    top, left, high, wide = RandomResizedCrop().sample(draw, sizes[:, :1], sizes[:, 1:]).unbind(dim=1)
    assert ((top >= 0) & (left >= 0) & (high > 0) & (wide > 0)).all()
    assert ((top + high <= sizes[:, 0]) & (left + wide <= sizes[:, 1])).all()
    assert all(len(torch.unique(high[place::4])) > 1 for place in range(3)), "nine rows are always taken whole"


def test_pictures_are_cut_on_the_cpu_and_shown_where_the_draw_is():
    draw = Draw(3, 5, Part.whole(len(SIZES)), device=torch.device("meta"))
    shown = CutOut(side=16, crop=RandomResizedCrop(), flip=Flip())(originals(), draw)
    assert (shown.shape, shown.device.type) == ((4, 3, 16, 16), "meta")


def test_each_process_shows_its_part_of_the_batch():
    pictures = originals()
    cut = CutOut(side=16, crop=RandomResizedCrop(), flip=Flip())
    whole = cut(pictures, Draw(0, 0, Part.whole(4)))
    halves = [cut(pictures[a : a + 2], Draw(0, 0, Part(a, a + 2, 4))) for a in (0, 2)]
    assert torch.equal(torch.cat(halves), whole)
