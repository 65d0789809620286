from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from headstart.data import load
from headstart.errors import InputError


def images(count: int, seed: int = 0) -> np.ndarray:
    made = np.random.default_rng(seed).integers(0, 256, (count, 6, 6), dtype=np.uint8)
    made[0, 0, :2] = 0, 255
    return made


def test_npy(tmp_path):
    np.save(tmp_path / "a.npy", images(8))
    data = load(tmp_path / "a.npy")
    assert np.array_equal(data.items[:, 0].numpy(), images(8))
    assert (data.name, data.classes, data.ids[:2]) == ("a", (), ("0", "1"))


@pytest.mark.parametrize("keys", [("images", "labels"), ("x", "y")])
def test_npz_with_labels(tmp_path, keys):
    np.savez(tmp_path / "a.npz", **dict(zip(keys, (images(8), ["b", "a"] * 4), strict=True)))
    data = load(tmp_path / "a.npz")
    assert data.classes == ("a", "b")
    assert data.labels.tolist() == [1, 0] * 4


def test_npz_without_labels(tmp_path):
    np.savez(tmp_path / "a.npz", images=images(8), other=np.zeros(3))
    assert load(tmp_path / "a.npz").classes == ()


def test_npz_parts_share_one_scale_and_one_numbering(tmp_path):
    train, test = images(8).astype(np.float32) / 255, images(4, 1).astype(np.float32) / 255 / 3
    np.savez_compressed(
        tmp_path / "a.npz", x_train=train, y_train=[5, 7] * 4, x_test=test, y_test=np.array([[7], [7], [5], [5]])
    )
    data = load(tmp_path / "a.npz")
    assert Counter(data.split) == {"train": 8, "test": 4}
    assert data.classes == ("5", "7")
    assert data.labels.tolist() == [0, 1] * 4 + [1, 1, 0, 0]
    assert np.array_equal(data.items[8:, 0].numpy(), np.rint(images(4, 1) / 3).astype(np.uint8))


@pytest.mark.parametrize("names", [["a", "b"] * 4, [0, 1] * 4])
def test_a_part_without_labels(tmp_path, names):
    np.savez(tmp_path / "a.npz", x_train=images(8), y_train=names, x_test=images(4, 1))
    data = load(tmp_path / "a.npz")
    assert len(data.classes) == 2
    assert data.labels.tolist() == [0, 1] * 4 + [-1] * 4


def test_unknown_keys_are_listed(tmp_path):
    np.savez(tmp_path / "a.npz", data=images(4), x_test=images(4))
    with pytest.raises(InputError, match=r"a\.npz: it has the keys data, x_test; name the images"):
        load(tmp_path / "a.npz")


def test_labels_of_another_length(tmp_path):
    np.savez(tmp_path / "a.npz", x=images(8), y=np.zeros(9))
    with pytest.raises(InputError, match=r"a\.npz: x: there are 8 images but 9 labels"):
        load(tmp_path / "a.npz")


def test_parts_of_different_shapes(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=images(8), x_test=images(8)[:, :5])
    with pytest.raises(InputError, match=r"different shapes: .*x_train 8×6×6, .*x_test 8×5×6"):
        load(tmp_path / "a.npz")


def test_nan_names_the_part_and_the_item(tmp_path):
    bad = images(8).astype(np.float32)
    bad[3, 2, 2] = np.nan
    np.savez(tmp_path / "a.npz", x_train=images(8), x_test=bad)
    with pytest.raises(InputError, match="x_test: item 3 has NaN"):
        load(tmp_path / "a.npz")


@pytest.mark.parametrize("ending", ["npy", "npz"])
def test_python_objects_are_never_read(tmp_path, ending):
    objects = np.array([{"a": 1}, None], dtype=object)
    path = tmp_path / f"a.{ending}"
    np.save(path, objects, allow_pickle=True) if ending == "npy" else np.savez(path, images=objects)
    with pytest.raises(InputError, match="holds Python objects, which are never read"):
        load(path)


@pytest.mark.parametrize("ending", ["npy", "npz"])
@pytest.mark.parametrize("keep", [0, 5, 300])
def test_truncated_files(tmp_path, ending, keep):
    path = tmp_path / f"a.{ending}"
    np.save(path, images(40)) if ending == "npy" else np.savez(path, images=images(40))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=rf"a\.{ending}: it is truncated, damaged or no NumPy file"):
        load(path)


def test_a_file_with_the_ending_of_the_other_kind(tmp_path):
    np.save(tmp_path / "a.npy", images(4))
    np.savez(tmp_path / "b.npz", images=images(4))
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    (tmp_path / "b.npz").rename(tmp_path / "b.npy")
    with pytest.raises(InputError, match=r"a\.npz: inside it is a file of the kind \.npy"):
        load(tmp_path / "a.npz")
    with pytest.raises(InputError, match=r"b\.npy: inside it is a file of the kind \.npz"):
        load(tmp_path / "b.npy")
