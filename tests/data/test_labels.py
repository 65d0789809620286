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
        (["a", float("nan"), "b", -1], [0, -1, 1, -1], ("a", "b")),
        ([0, -1, None, 10, 2.0], [0, -1, -1, 2, 1], ("0", "2", "10")),
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
    data = labelled(photos, 'path,label\na/1.png,"red, bright"\n./b/2.png,2\nonly.png,10\n')
    assert data.classes == ("2", "10", "red, bright")
    assert data.label_names(data.indices("all")) == ("red, bright", None, "2", "10")
    assert any("labels 3 of 4 items" in note for note in data.notes)


def test_rows_that_name_no_item_are_named_and_left_out_on_request(photos):
    text = "path,label\na/1.png,x\n" + "".join(f"gone{number}.png,x\n" for number in range(12))
    with pytest.raises(
        InputError, match=r"labels\.csv: 12 of its 13 rows name no item of photos: gone0\.png"
    ) as caught:
        labelled(photos, text)
    assert "gone9.png and 2 more" in str(caught.value)
    assert "gone10.png" not in str(caught.value)
    assert "--allow-skips" in str(caught.value)
    data = load(photos, labels=photos.parent / "labels.csv", allow_skips=True)
    assert data.labels.tolist() == [0, -1, -1, -1]
    assert any("12 of its rows name no item" in note for note in data.notes)


def test_a_file_named_twice_and_two_classes_for_one_file_are_named(photos):
    with pytest.raises(InputError, match=r"labels\.csv: 1 files are named twice: b/only\.png"):
        labelled(photos, "path,label\nonly.png,x\nb/only.png,x\n")
    with pytest.raises(InputError, match=r"labels\.csv: 2 files have two labels: a/1\.png, a/2\.png"):
        labelled(photos, "path,label\na/1.png,x\na/1.png,y\na/2.png,x\na/2.png,\nonly.png,x\nonly.png,x\n")


def test_files_are_found_from_the_folder_of_the_labels_and_by_whole_paths(photos):
    data = labelled(photos, f"path,label\nphotos/a/1.png,x\n{photos}/b/2.png,y\n")
    assert data.label_names(data.indices("all")) == ("x", None, "y", None)


def test_files_are_found_where_both_are_named_from_another_folder(photos, monkeypatch):
    labelled(photos, "path,label\nphotos/a/1.png,x\n")
    (photos.parent / "work").mkdir()
    monkeypatch.chdir(photos.parent / "work")
    data = load("../photos", labels="../labels.csv")
    assert data.labels.tolist() == [0, -1, -1, -1]
    assert data.files[0].place == str(photos / "a/1.png")


def test_rows_about_files_that_can_not_be_read_are_no_mistake(photos):
    (photos / "a" / "empty.png").write_bytes(b"")
    (photos / "b" / "late.png").write_bytes(b"")
    text = "path,label\na/empty.png,x\nlate.png,x\na/1.png,x\n"
    (photos.parent / "labels.csv").write_text(text)
    data = load(photos, labels=photos.parent / "labels.csv", allow_skips=True)
    assert data.labels.tolist() == [0, -1, -1, -1]
    assert not any("name no item" in note for note in data.notes)


def test_labels_of_every_form_of_table(photos, tmp_path):
    import gzip
    import json

    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{"id": "a/1.png", "label": 3}, {"id": "b/2.png", "label": 10}, {"id": "b/only.png", "label": None}]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "l.jsonl").write_text(lines)
    (tmp_path / "l.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (tmp_path / "l.csv.gz").write_bytes(gzip.compress(b"id,label\na/1.png,3\nb/2.png,10\n"))
    pq.write_table(pa.Table.from_pylist([row | {"embedding": [0.5]} for row in rows]), tmp_path / "l.parquet")
    for name in ("l.jsonl", "l.jsonl.gz", "l.csv.gz", "l.parquet"):
        data = load(photos, labels=tmp_path / name)
        assert data.label_names(data.indices("all")) == ("3", None, "10", None), name


def test_columns_of_other_names(photos):
    text = "file,species,label\na/1.png,ant,x\nb/2.png,bee,y\n"
    (photos.parent / "l.csv").write_text(text)
    data = load(photos, labels=photos.parent / "l.csv", path_column="file", label_column="species")
    assert data.classes == ("ant", "bee")
    with pytest.raises(InputError, match=r"it needs the columns path and species .* it has file, species, label"):
        load(photos, labels=photos.parent / "l.csv", label_column="species")


def test_tabs_and_ids(photos):
    assert labelled(photos, "id\tlabel\na/1.png\tx\n", "labels.tsv").classes == ("x",)


def test_a_file_name_that_two_folders_share_labels_neither(photos):
    with pytest.raises(InputError, match=r"none of its 1 rows is an item of photos\. Name items like this: a/1\.png"):
        labelled(photos, "path,label\n2.png,x\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path;label\na/1.png;x\n", "needs the columns path and label in its first line; it has path;label"),
        ("", "it has no columns"),
    ],
)
def test_files_that_are_no_labels(photos, text, message):
    with pytest.raises(InputError, match=message):
        labelled(photos, text)


def test_missing_and_unreadable_files_of_labels(photos):
    with pytest.raises(InputError, match=r"nowhere\.csv: there is no such file"):
        load(photos, labels=photos / "nowhere.csv")
    (photos / "b.csv").write_bytes(b"path,label\n\xff\xfe,x\n")
    with pytest.raises(InputError, match="cannot be read as a table"):
        load(photos, labels=photos / "b.csv")


def test_labels_in_memory(photos):
    assert load(photos, labels={"b/only.png": "x"}).labels.tolist() == [-1, -1, -1, 0]
    assert load(photos, labels=[0, 1, 1, 0]).labels.tolist() == [0, 1, 1, 0]
    with pytest.raises(InputError, match="4 images but 3 labels"):
        load(photos, labels=[0, 1, 1])
