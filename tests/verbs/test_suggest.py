"""`suggest` names items, says why, and refuses what it can't use."""

import csv
import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import headstart


@pytest.fixture
def embedded(photos, tmp_path):
    """The folder `photos` as a table without labels, its colours for features."""
    data = headstart.load(photos)
    made = data.items.float().mean(dim=(2, 3)).numpy() + np.random.default_rng(0).normal(0, 3, (len(data), 3))
    values = pa.array(made.astype(np.float32).reshape(-1))
    columns = {
        "id": list(data.ids),
        "path": [str(path) for path in data.paths],
        "label": pa.array([None] * len(data), pa.string()),
        "split": ["test" if place % 8 == 7 else "train" for place in range(len(data))],
        "embedding": pa.FixedSizeListArray.from_arrays(values, 3),
    }
    pq.write_table(pa.table(columns), tmp_path / "photos.parquet")
    return tmp_path / "photos.parquet"


def changed(path, **columns):
    """The table with other columns; None takes one away."""
    table = pq.read_table(path)
    for name, values in columns.items():
        table = table.drop_columns(name)
        table = table if values is None else table.append_column(name, pa.array(values))
    pq.write_table(table, path)
    return path


def test_it_writes_what_to_label_and_why(call_json, embedded, tmp_path):
    found = call_json("suggest", embedded, "--items", 6, "-o", tmp_path / "list.csv", "--sheet", tmp_path / "s.html")
    rows = list(csv.DictReader((tmp_path / "list.csv").open(encoding="utf-8")))
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    assert all(row["why"] for row in rows)
    assert [row["path"] for row in rows] == found["to_label"]
    assert (found["file"], found["items"], found["sheet"]) == (str(tmp_path / "list.csv"), 6, str(tmp_path / "s.html"))
    table = pq.read_table(embedded).to_pylist()
    test = {row["id"] for row in table if row["split"] == "test"}
    assert len(test) == 5
    assert not test & {row["id"] for row in rows}


def test_the_list_lies_under_runs_by_default(call_json, embedded, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call_json("suggest", embedded, "--items", 2)["file"] == str(tmp_path / "runs/photos-suggest.csv")


def test_newer_labels_count(call_json, embedded, tmp_path):
    ids = pq.read_table(embedded)["id"].to_pylist()
    with (tmp_path / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "label"), *((one, one.partition("/")[0]) for one in ids[:-3])])
    said = call_json("suggest", embedded, "--items", 2, "--labels", tmp_path / "labels.csv", "-o", tmp_path / "o.csv")
    rows = list(csv.DictReader((tmp_path / "o.csv").open(encoding="utf-8")))
    assert said["items"] == 2
    assert {row["id"] for row in rows} == set(ids[-3:-1]), "all but these have a label or are of the test part"


def test_the_sheet_holds_pictures_classes_and_the_labels_there_are(call, embedded, hard_names, tmp_path):
    names = [one.partition("/")[0] for one in pq.read_table(embedded)["id"].to_pylist()]
    changed(embedded, label=[name if place % 4 == 0 else None for place, name in enumerate(names)])
    code, _, err = call("suggest", embedded, "--items", 5, "--sheet", tmp_path / "s.html", "-o", tmp_path / "o.csv")
    assert code == 0, err
    page = (tmp_path / "s.html").read_text(encoding="utf-8")
    assert page.count('<img src="data:image/png;base64,') == 5
    assert "<b>bold" not in page
    told = json.loads(re.search(r'id="sheet-data">(.*?)</script>', page, re.DOTALL)[1])
    assert set(told["classes"]) == set(hard_names)
    assert len(told["known"]) == 10
    assert not re.search(r'(src|href)="(?!data:|#)', page)


def test_pictures_of_arrays_come_from_the_data(call, tmp_path, run):
    call("embed", run, "digits", "-o", tmp_path / "digits.parquet")
    table = changed(tmp_path / "digits.parquet", label=pa.nulls(1797, pa.string()))
    code, _, err = call("suggest", table, "--sheet", tmp_path / "s.html", "-o", tmp_path / "o.csv")
    assert code == 2
    assert "--data" in err
    assert not (tmp_path / "o.csv").exists()
    code, out, err = call(
        "suggest", table, "--sheet", tmp_path / "s.html", "-o", tmp_path / "o.csv", "--data", "digits"
    )
    assert code == 0, err
    assert "s.html" in out
    assert (tmp_path / "s.html").read_text(encoding="utf-8").count("<img ") == 20


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda p: p.unlink(), "there is no such file"),
        (lambda p: p.write_bytes(b"PAR1 nothing of the kind"), "can't be read as Parquet"),
        (lambda p: changed(p, embedding=None), "it has no column embedding"),
        (lambda p: changed(p, id=None), "it has no column id"),
        (lambda p: changed(p, embedding=["a"] * 40), "lists of numbers are needed"),
        (lambda p: changed(p, embedding=[["a"]] * 40), "no numbers"),
        (lambda p: changed(p, embedding=[[1.0]] * 39 + [[1.0, 2.0]]), "differ in length"),
        (lambda p: changed(p, embedding=[[1.0]] * 39 + [[float("nan")]]), "1 of its 40 embeddings"),
        (lambda p: changed(p, embedding=[[1.0]] * 39 + [None]), "differ in length"),
        (lambda p: changed(p, id=["same"] * 40), "stands in it twice"),
        (lambda p: pq.write_table(pq.read_table(p)[:0], p), "it has no rows"),
        (lambda p: changed(p, split=["test"] * 40), "only 0 of the 40 items"),
        (lambda p: changed(p, label=["a"] * 38 + [None] * 2), "--items 2: only 1 of the 40"),
    ],
)  # fmt: skip
def test_bad_tables_are_refused(call, embedded, tmp_path, spoil, said):
    spoil(embedded)
    code, out, err = call("suggest", embedded, "--items", 2, "-o", tmp_path / "list.csv", "--json")
    assert code == 2
    assert out == ""
    assert said in err
    assert len(err.strip().splitlines()) <= 2
    assert not (tmp_path / "list.csv").exists()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--items", "0"], "--items 0 is out of range"),
        (["--items", "36"], "--items 36: only 35 of the 40"),
        (["--labels", "missing.csv"], "missing.csv"),
        (["--data", "digits", "--sheet", "s.html"], "has no item"),
        (["--sheet", "."], "is a folder"),
    ],
)
def test_bad_settings_are_refused(call, embedded, tmp_path, monkeypatch, flags, said):
    monkeypatch.chdir(tmp_path)
    code, _, err = call("suggest", embedded, *flags)
    assert code == 2
    assert said in err
    assert not (tmp_path / "runs/photos-suggest.csv").exists()
