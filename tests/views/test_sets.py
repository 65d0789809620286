import pytest
import torch
from PIL import Image
from torchvision.transforms.v2 import functional as vision

from headstart.contracts import Draw, Part
from headstart.errors import InputError
from headstart.views import VIEW_SETS, Affine, View, default_views, plain, view_set
from headstart.views import view as views_of_one

SHAPES = [(1, 8, 8), (3, 32, 32), (3, 40, 64), (5, 16, 16), (1, 28, 28)]


def _items(shape, count=12, seed=0):
    return torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def _draw(start=0, stop=12, total=12, step=0, seed=0):
    return Draw(seed=seed, step=step, part=Part(start, stop, total))


@pytest.mark.parametrize("name", VIEW_SETS)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_set_shows_every_kind_of_item(name, shape):
    items = _items(shape)
    shown = view_set(name, shape)(items, _draw())
    assert len(shown) == 2
    for view in shown:
        assert view.dtype == torch.float32
        assert view.shape == items.shape
        assert view.min() >= 0
        assert view.max() <= 1
    assert not torch.equal(*shown)


@pytest.mark.parametrize("name", VIEW_SETS)
@pytest.mark.parametrize("shape", SHAPES[:3])
def test_two_halves_are_the_whole_exactly(name, shape):
    items, chosen = _items(shape), view_set(name, shape)
    whole, left, right = chosen(items, _draw()), chosen(items[:5], _draw(0, 5)), chosen(items[5:], _draw(5, 12))
    for view, a, b in zip(whole, left, right, strict=True):
        assert torch.equal(view, torch.cat([a, b]))


@pytest.mark.parametrize("name", VIEW_SETS)
def test_chunks_change_nothing(name, monkeypatch):
    shape = (3, 40, 64)
    whole = view_set(name, shape)(_items(shape), _draw())
    monkeypatch.setattr(views_of_one, "CHUNK_NUMBERS", 5 * 3 * 40 * 64)
    for view, chunked in zip(whole, view_set(name, shape)(_items(shape), _draw()), strict=True):
        assert torch.equal(view, chunked)


@pytest.mark.parametrize("name", VIEW_SETS)
def test_equal_items_get_views_of_their_own_that_depend_on_seed_and_step_alone(name):
    shape = (3, 36, 36)
    items, chosen = _items(shape, 1).expand(12, -1, -1, -1), view_set(name, shape)
    first = chosen(items, _draw(step=3, seed=1))[0]
    assert len({tuple(view.flatten().tolist()) for view in first}) == 12
    torch.manual_seed(99)
    assert torch.equal(first, chosen(items, _draw(step=3, seed=1))[0])
    assert not torch.equal(first, chosen(items, _draw(step=4, seed=1))[0])
    assert not torch.equal(first, chosen(items, _draw(step=3, seed=2))[0])


def test_floats_and_bytes_look_the_same():
    items = _items((3, 32, 32))
    a, b = (view_set("simclr", (3, 32, 32))(x, _draw())[0] for x in (items, items / 255))
    torch.testing.assert_close(a, b)


def test_nothing_asks_for_a_gradient():
    items = (_items((1, 8, 8)) / 255).requires_grad_()
    assert not any(view.requires_grad for view in view_set("glyphs", (1, 8, 8))(items, _draw()))


def test_glyphs_are_never_mirrored():
    """A corner of three unequal arms keeps its sense of rotation in every view."""
    item = torch.zeros(1, 1, 28, 28, dtype=torch.uint8)
    item[..., 8:20, 10:12] = 255  # an L: a long stroke down, a short one to the right
    item[..., 18:20, 10:18] = 255
    for view in view_set("glyphs", (1, 28, 28)).views:
        shown = View(affine=view.affine, flip=view.flip, crop=view.crop)(
            item.expand(500, -1, -1, -1), _draw(0, 500, 500)
        )
        y, x = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
        mass = shown.sum(dim=(1, 2, 3))
        mx, my = ((shown[:, 0] * place).sum(dim=(1, 2)) / mass for place in (x, y))
        dx, dy = x - mx[:, None, None], y - my[:, None, None]
        skew_x = (shown[:, 0] * dx**3).sum(dim=(1, 2))  # mass piles up left of the middle, its tail is to the right
        skew_y = (shown[:, 0] * dy**3).sum(dim=(1, 2))  # and up, for the long stroke
        assert (skew_x > 0).float().mean() > 0.99
        assert (skew_y < 0).float().mean() > 0.99


@pytest.mark.parametrize("name", VIEW_SETS)
def test_what_the_papers_say(name):
    first, second = view_set(name, (3, 224, 224)).views
    expected = {
        "simclr": ((0.08, 1), (0.8, 0.8, 0.8, 0.2, 0.8), 0.5, 0.5),
        "moco1": ((0.2, 1), (0.4, 0.4, 0.4, 0.4, 1.0), None, None),
        "moco2": ((0.2, 1), (0.4, 0.4, 0.4, 0.1, 0.8), 0.5, 0.5),
        "byol": ((0.08, 1), (0.4, 0.4, 0.2, 0.1, 0.8), 1.0, 0.1),
        "glyphs": None,
    }[name]
    if expected is None:
        assert all(view.flip is None and view.crop.area[0] >= 0.5 for view in (first, second))
        return
    area, jitter, blur_first, blur_second = expected
    for view, blur in ((first, blur_first), (second, blur_second)):
        assert view.crop.area == area
        assert view.crop.ratio == (3 / 4, 4 / 3)
        assert view.flip.probability == 0.5
        assert view.grey.probability == 0.2
        assert tuple(vars(view.jitter).values()) == jitter
        assert (view.blur and view.blur.probability) == blur
    solarised = [view.solarise and view.solarise.probability for view in (first, second)]
    assert solarised == ([None, 0.2] if name == "byol" else [None, None])


def test_small_items_get_the_recipe_for_cifar_and_are_told_so():
    small = view_set("simclr", (3, 32, 32))
    assert small.views[0].blur is None
    assert small.views[0].jitter.brightness == 0.4
    assert "half-strength" in small.summary
    assert "no blur" in small.summary


@pytest.mark.parametrize(
    ("shape", "name"),
    [((1, 8, 8), "glyphs"), ((1, 32, 32), "glyphs"), ((1, 28, 40), "simclr"), ((3, 32, 32), "simclr")],
)
def test_small_grey_pictures_are_taken_for_glyphs(shape, name):
    assert default_views(shape) == name
    if name == "glyphs":
        assert "never a flip" in view_set(name, shape).summary


def test_steps_can_be_left_out_by_name():
    chosen = view_set("simclr-colour-blur", (3, 64, 64))
    assert all(view.jitter is view.grey is view.blur is None for view in chosen.views)
    assert all(view.crop and view.flip for view in chosen.views)
    assert chosen.summary.endswith("Left out: colour, blur.")
    assert [view.solarise for view in view_set("byol-solarise", (3, 64, 64)).views] == [None, None]
    assert view_set("simclr-crop", (3, 64, 64)).views[0].crop is None
    assert view_set("simclr-blur", (3, 32, 32)).views == view_set("simclr", (3, 32, 32)).views


@pytest.mark.parametrize(
    ("name", "says"), [("nothing", "choose simclr"), ("simclr-hat", "the steps are"), ("glyphs-flip", "no step flip"),
                       ("simclr-", "the steps are"), ("", "choose simclr")]
)  # fmt: skip
def test_unknown_names_are_refused(name, says):
    with pytest.raises(InputError, match=says):
        view_set(name, (3, 32, 32))


def test_greyscale_hue_and_saturation_leave_grey_items_alone_and_colours_five_channels():
    grey = view_set("simclr-crop-flip-jitter", (1, 16, 16))
    torch.testing.assert_close(grey(_items((1, 16, 16)), _draw())[0], _items((1, 16, 16)) / 255)
    five = view_set("simclr-crop-flip", (5, 16, 16))
    torch.testing.assert_close(five(_items((5, 16, 16)), _draw())[0], _items((5, 16, 16)) / 255)


def test_affine_with_a_crop_still_zooms_in():
    items = _items((1, 24, 24))
    chained = view_set("moco1-colour", (1, 24, 24)).views[0]
    shown = View(affine=Affine(rotate=0.01), crop=chained.crop, flip=chained.flip)(items, _draw())
    alone = View(crop=chained.crop, flip=chained.flip)(items, _draw())
    inside = (shown - alone).abs()[..., 6:-6, 6:-6]
    assert inside.mean() < 0.01


@pytest.mark.parametrize("size", [(32, 32), (7, 9), (20, 31)])
def test_plain_is_pillows_resizing(size):
    item = _items((3, 20, 31), 1)
    shown = plain(item, (3, *size))[0]
    image = Image.fromarray(item[0].permute(1, 2, 0).numpy()).resize(size[::-1], Image.Resampling.BILINEAR)
    torch.testing.assert_close(
        shown, vision.to_dtype(vision.pil_to_tensor(image), torch.float32, scale=True), atol=4e-3, rtol=0
    )
    assert torch.equal(plain(item), item / 255)
