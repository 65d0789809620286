from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from headstart.data import load
from headstart.data.labels import from_names, from_values
from headstart.data.naming import natural, printable
from headstart.errors import InputError


@given(st.lists(st.integers(0, 10**12), unique=True))
def test_numbers_in_names_sort_by_size(numbers):
    names = [f"class {number} of many" for number in numbers]
    assert sorted(names, key=natural) == [f"class {number} of many" for number in sorted(numbers)]


@given(st.lists(st.text(), unique=True).flatmap(lambda names: st.tuples(st.just(names), st.permutations(names))))
def test_any_names_sort_in_one_way(orders):
    assert sorted(orders[0], key=natural) == sorted(orders[1], key=natural)


@given(st.binary(max_size=20))
def test_any_file_name_can_be_encoded(name):
    shown = printable(name.decode("utf-8", "surrogateescape"))
    assert len(shown.encode()) >= len(name)


@given(st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=1))
def test_names_come_back(names):
    numbers, classes = from_names(names)
    assert [classes[number] if number >= 0 else None for number in numbers.tolist()] == [name or None for name in names]


@pytest.mark.parametrize(
    ("values", "numbers", "classes"),
    [
        ([3, 10, 3, -1], [0, 1, 0, -1], ("3", "10")),
        ([1.0, float("nan"), 0.0], [1, -1, 0], ("0", "1")),
        ([True, False], [1, 0], ("0", "1")),
        (["b", "a", None, ""], [1, 0, -1, -1], ("a", "b")),
        (np.array([b"caf\xc3\xa9", b"x"]), [0, 1], ("café", "x")),
        (torch.tensor([[2], [1]]), [1, 0], ("1", "2")),
        (np.array([-1, -1]), [-1, -1], ()),
    ],
)
def test_values_of_every_kind(values, numbers, classes):
    found = from_values(values, "here")
    assert (found[0].tolist(), found[1]) == (numbers, classes)
    assert found[0].dtype == torch.int64


@pytest.fixture
def photos(write, tmp_path):
    for name in ("a/1.png", "a/2.png", "b/2.png", "b/only.png"):
        write(f"photos/{name}")
    return tmp_path / "photos"


def labelled(photos, text: str, name: str = "labels.csv"):
    path = photos.parent / name
    path.write_text(text, encoding="utf-8-sig")
    return load(photos, labels=path)


def test_a_file_of_labels_replaces_those_of_the_folders(photos):
    data = labelled(photos, 'path,label\na/1.png,"red, bright"\n./b/2.png,2\nonly.png,10\nnowhere.png,x\n')
    assert data.classes == ("2", "10", "red, bright")
    assert data.label_names(data.indices("all")) == ("red, bright", None, "2", "10")
    assert any("labels 3 of 4 items" in note for note in data.notes)
    assert any("1 of its rows name no item" in note for note in data.notes)


def test_tabs_and_ids(photos):
    assert labelled(photos, "id\tlabel\na/1.png\tx\n", "labels.tsv").classes == ("x",)


def test_a_file_name_that_two_folders_share_labels_neither(photos):
    with pytest.raises(InputError, match=r"none of its 1 rows is an item of photos\. Name items like this: a/1\.png"):
        labelled(photos, "path,label\n2.png,x\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path;label\na/1.png;x\n", "needs the columns path and label in its first line; it has path;label"),
        ("", "it has no rows"),
    ],
)
def test_files_that_are_no_labels(photos, text, message):
    with pytest.raises(InputError, match=message):
        labelled(photos, text)


def test_missing_and_unreadable_files_of_labels(photos):
    with pytest.raises(InputError, match=r"nowhere\.csv: there is no such file of labels"):
        load(photos, labels=photos / "nowhere.csv")
    (photos / "b.csv").write_bytes(b"path,label\n\xff\xfe,x\n")
    with pytest.raises(InputError, match="cannot be read as a CSV file"):
        load(photos, labels=photos / "b.csv")


def test_labels_in_memory(photos):
    assert load(photos, labels={"b/only.png": "x"}).labels.tolist() == [-1, -1, -1, 0]
    assert load(photos, labels=[0, 1, 1, 0]).labels.tolist() == [0, 1, 1, 0]
    with pytest.raises(InputError, match="4 images but 3 labels"):
        load(photos, labels=[0, 1, 1])
