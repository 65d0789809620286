from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from headstart.data import load
from headstart.data.arrays import channels_last
from headstart.errors import InputError


def pixels(channels: st.SearchStrategy[int], smallest: int = 6) -> st.SearchStrategy[np.ndarray]:
    """uint8 N×C×H×W with both ends of the range present."""
    sides = st.integers(smallest, 9)
    shapes = st.tuples(st.integers(1, 4), channels, sides, sides)
    return shapes.flatmap(lambda shape: hnp.arrays(np.uint8, shape)).map(anchored)


def anchored(array: np.ndarray) -> np.ndarray:
    array.flat[0], array.flat[-1] = 0, 255
    return array


@given(pixels(st.integers(1, 5)))
def test_both_channel_layouts_give_the_same_items(items):
    first = load(items).items
    last = load(np.ascontiguousarray(items.transpose(0, 2, 3, 1))).items
    assert np.array_equal(first.numpy(), items)
    assert torch.equal(first, last)


@given(pixels(st.just(1)))
def test_grey_arrays_may_leave_the_channel_out(items):
    assert np.array_equal(load(items[:, 0]).items.numpy(), items)


@given(st.integers(1, 40), st.integers(2, 39))
def test_square_pictures_may_have_any_number_of_channels(channels, side):
    if channels != side:
        assert channels_last((side, side, channels))
        assert not channels_last((channels, side, side))


@given(pixels(st.sampled_from([1, 3])), st.sampled_from([np.float16, np.float32, np.float64, "tensor"]))
def test_floats_of_either_range_come_back_as_their_levels(items, kind):
    floats = torch.from_numpy(items).float() if kind == "tensor" else items.astype(kind)
    if kind != np.float16:
        assert np.array_equal(load(floats / 255).items.numpy(), items)
    assert np.array_equal(load(floats).items.numpy(), items)


@given(pixels(st.just(1)), st.sampled_from([np.uint16, np.int16, np.int32, np.int64]))
def test_integers_up_to_255_are_kept(items, kind):
    assert np.array_equal(load(items.astype(kind)).items.numpy(), items)


@given(hnp.arrays(np.float64, (3, 4, 4), elements=st.floats(-50, 5000)))
def test_other_ranges_are_scaled_once_for_the_whole_set(values):
    values[0, 0, 0], values[2, 3, 3] = -50, 5000
    data = load(values)
    expected = np.interp(values, [-50, 5000], [0, 255])
    assert np.abs(data.items[:, 0].numpy() - expected).max() <= 0.5 + 1e-9
    assert any("range from -50 to 5000" in note for note in data.notes)


def test_sixteen_bits_are_scaled_and_said_so():
    values = np.linspace(0, 4000, 2 * 64).reshape(2, 8, 8).astype(np.uint16)
    data = load(values)
    assert (int(data.items.min()), int(data.items.max())) == (0, 255)
    assert any("from 0 to 4000" in note for note in data.notes)


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int64])
def test_two_valued_pixels_become_black_and_white(kind):
    values = np.eye(6).astype(kind)[None]
    assert torch.unique(load(values).items).tolist() == [0, 255]


def test_dark_bytes_stay_dark():
    values = np.full((2, 6, 6), 7, dtype=np.uint8)
    assert load(values).items.unique().tolist() == [7]


def test_the_range_that_was_recognised_is_said():
    ramp = np.linspace(0, 1, 64).reshape(1, 8, 8)
    assert any("0…1" in note for note in load(ramp).notes)
    assert any("0…255" in note for note in load(ramp * 255).notes)


def test_a_uint8_tensor_is_not_copied():
    items = torch.randint(0, 256, (5, 3, 8, 8), dtype=torch.uint8)
    assert load(items).items.data_ptr() == items.data_ptr()


def test_an_unusual_number_of_channels_says_how_it_was_read():
    data = load(np.zeros((2, 9, 9, 13), dtype=np.uint8))
    assert data.shape == (13, 9, 9)
    assert any("N×H×W×C, 13 channels" in note for note in data.notes)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_no_numbers_name_the_first_item(bad):
    values = np.zeros((9, 4, 4), dtype=np.float32)
    values[5, 1, 1] = values[7, 0, 0] = bad
    with pytest.raises(InputError, match=r"item 5 has NaN or infinite pixels, and so have 1 more"):
        load(values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((10, 64)), "shape 10×64 is not that of images"),
        (np.zeros((0, 8, 8)), "holds no images"),
        (np.zeros((2, 8, 8), dtype=complex), "complex128 values; images need numbers"),
        (np.array([[["a"]]]), "images need numbers"),
        (np.array([[[1e308]], [[-1e308]]]), "span more than numbers can"),
    ],
)
def test_what_is_no_set_of_images_is_refused(values, message):
    with pytest.raises(InputError, match=message):
        load(values)
