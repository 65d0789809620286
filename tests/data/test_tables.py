from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headstart.data import load
from headstart.errors import InputError

ROWS = [
    {"path": f"pictures/{number}.png", "label": "a" if number % 2 else "b", "split": part, "group": number // 4}
    for number, part in enumerate(["train"] * 8 + ["valid"] * 4 + ["Test"] * 4)
]


@pytest.fixture
def pictures(write, tmp_path):
    for row in ROWS:
        write(row["path"])
    return tmp_path


def delimited(rows, separator=","):
    lines = [list(rows[0]), *(row.values() for row in rows)]
    return "".join(separator.join("" if cell is None else str(cell) for cell in line) + "\n" for line in lines)


def written(folder: Path, name: str, rows=ROWS) -> Path:
    """These rows as a table of the kind that the name says."""
    path = folder / name
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
        return path
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    text = lines if ".jsonl" in name else delimited(rows, "\t" if ".tsv" in name else ",")
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize(
    "name", ["t.csv", "t.tsv", "t.jsonl", "t.parquet", "t.csv.gz", "t.tsv.gz", "t.jsonl.gz", "T.CSV"]
)
def test_every_form_gives_the_same(pictures, name):
    data = load(written(pictures, name))
    assert data.name == name[0]
    assert data.ids == tuple(row["path"] for row in ROWS)
    assert data.paths == tuple(pictures / row["path"] for row in ROWS)
    assert data.label_names(data.indices("all")) == tuple(row["label"] for row in ROWS)
    assert Counter(data.split) == {"train": 8, "val": 4, "test": 4}
    assert data.fingerprint == load(written(pictures, "other.csv")).fingerprint


def test_columns_of_other_names(pictures):
    names = {"path": "file", "label": "kind", "split": "fold", "group": "patient"}
    rows = [{names[name]: value for name, value in row.items()} for row in ROWS]
    data = load(written(pictures, "t.csv", rows), path_column="file", label_column="kind", split_column="fold")
    assert data.classes == ("a", "b")
    assert Counter(data.split) == {"train": 8, "val": 4, "test": 4}
    grouped = load(pictures / "t.csv", path_column="file", group="patient")
    assert Counter(grouped.split) == {"train": 12, "test": 4}
    sides = {row["group"]: set() for row in ROWS}
    for row, part in zip(ROWS, grouped.split, strict=True):
        sides[row["group"]].add(part)
    assert all(len(parts) == 1 for parts in sides.values())


def test_columns_that_are_not_there_are_named_with_those_that_are(pictures):
    path = written(pictures, "t.csv")
    for flag in ("label_column", "split_column", "group"):
        with pytest.raises(
            InputError, match=rf"--{flag.replace('_', '-')} kind: t has no such column; it has path, label"
        ):
            load(path, **{flag: "kind"})
    with pytest.raises(InputError, match=r"needs a column of image paths, called file; it has path, label, split, gro"):
        load(path, path_column="file")


def test_a_table_of_texts_says_what_it_needs_and_has(tmp_path):
    (tmp_path / "t.tsv").write_text("text\tlabel\nfine\t1\n")
    with pytest.raises(InputError, match=r"t\.tsv: it needs a column of image paths, called path; it has text, label"):
        load(tmp_path / "t.tsv")
    (tmp_path / "t.tsv").write_text("a very long first line that is no line of names\t1\nfine\t1\n")
    with pytest.raises(InputError, match=r"it has a very long first line that is no line o…, 1\."):
        load(tmp_path / "t.tsv")
    (tmp_path / "t.tsv").write_text("")
    with pytest.raises(InputError, match="it has no columns"):
        load(tmp_path / "t.tsv")


def test_files_that_are_not_there_are_named_and_left_out_on_request(pictures):
    rows = [*ROWS, *({**ROWS[0], "path": f"gone{number}.png"} for number in range(12))]
    path = written(pictures, "t.csv", rows)
    with pytest.raises(InputError, match=r"12 of its 28 files are not there: gone0\.png, .*gone9\.png and 2 more"):
        load(path)
    data = load(path, allow_skips=True)
    assert len(data) == 16
    assert any("12 of the 28 files that" in note for note in data.notes)
    with pytest.raises(InputError, match="1 of its 1 files are not there"):
        load(written(pictures, "t.csv", rows[-1:]), allow_skips=True)


def test_files_named_twice_and_with_two_labels(pictures):
    again = [*ROWS, {**ROWS[3], "path": "./pictures//3.png"}]
    with pytest.raises(InputError, match=r"1 files are named twice: pictures/3\.png"):
        load(written(pictures, "t.csv", again))
    torn = [*again, {**ROWS[2], "label": "z"}]
    with pytest.raises(InputError, match=r"1 files have two labels: pictures/2\.png"):
        load(written(pictures, "t.csv", torn))


def test_rows_without_a_path_are_left_out_and_counted(pictures):
    data = load(written(pictures, "t.csv", [*ROWS, {**ROWS[0], "path": None}]))
    assert len(data) == 16
    assert any("1 rows of" in note for note in data.notes)
    with pytest.raises(InputError, match="its column path names no file"):
        load(written(pictures, "t.csv", [{**ROWS[0], "path": None}]))


@pytest.mark.parametrize("odd", ["holdout", None])
def test_parts_of_other_names_are_refused(pictures, odd):
    with pytest.raises(InputError, match=rf"column split holds {odd or 'nothing'}; it may say train, val or test"):
        load(written(pictures, "t.csv", [*ROWS[1:], {**ROWS[0], "split": odd}]))


def test_a_split_column_of_other_words_is_no_hindrance_where_the_parts_are_named_otherwise(pictures):
    path = written(pictures, "t.csv", [{**row, "split": f"fold{row['group']}", "part": row["split"]} for row in ROWS])
    with pytest.raises(InputError, match=r"holds fold0, fold1, fold2, fold3; .*\n--split-column names another"):
        load(path)
    assert Counter(load(path, split_column="part").split) == {"train": 8, "val": 4, "test": 4}
    assert Counter(load(path, test_where="split == fold0").split) == {"test": 4, "train": 12}


def test_an_empty_split_column_is_none(pictures):
    data = load(written(pictures, "t.csv", [{**row, "split": None, "group": None} for row in ROWS]))
    assert Counter(data.split) == {"train": 16}
    assert data.cross_validated, "nobody has said which part is for testing, and the labels are few"


def test_a_group_on_both_sides_of_an_official_split_is_counted(pictures):
    data = load(written(pictures, "t.csv", [{**row, "group": "one"} for row in ROWS]))
    assert any("1 groups lie on both sides of the split (for one one)" in note for note in data.notes)


def test_numbers_as_labels(pictures):
    rows = [{**row, "label": float(place % 3)} for place, row in enumerate(ROWS)]
    assert load(written(pictures, "t.parquet", rows)).classes == ("0", "1", "2")
    rows[0]["label"] = None
    assert load(written(pictures, "t.jsonl", rows)).labels.tolist()[:2] == [-1, 1]
    rows[1]["label"] = 0.5
    with pytest.raises(InputError, match=r"t\.parquet: the column label holds fractions \(0\.5\)"):
        load(written(pictures, "t.parquet", rows))


def test_fractions_in_texts_are_no_classes_and_whole_ones_are_numbers(pictures):
    rows = [{**row, "label": f"{place / 10:.3f}"} for place, row in enumerate(ROWS)]
    with pytest.raises(InputError, match=r"t\.csv: the column label holds fractions \(0\.100\)"):
        load(written(pictures, "t.csv", rows))
    names = ["1.0", "10.0", "2", "007"]
    rows = [{**row, "label": names[place % 4]} for place, row in enumerate(ROWS)]
    assert load(written(pictures, "t.csv", rows)).classes == ("1", "2", "007", "10")
    assert load(written(pictures, "t.csv", rows), label_column="label").classes == ("1", "2", "007", "10")
    rows[1]["label"] = "1.5 dots"
    assert load(written(pictures, "t.csv", rows)).classes == ("1.0", "1.5 dots", "2", "007", "10.0")


@pytest.mark.parametrize("name", ["t.jsonl", "t.parquet"])
def test_several_values_a_row_are_refused_where_they_say_something(pictures, name):
    rows = [{**row, "boxes": [[1, 2]], "size": {"width": 20}} for row in ROWS]
    assert load(written(pictures, name, rows)).classes == ("a", "b")
    for column in ("label", "path"):
        several = [{**row, column: [row[column]]} for row in rows]
        with pytest.raises(InputError, match=f"column {column} holds several values in row 1; one a row is needed"):
            load(written(pictures, name, several))
    labelled = written(pictures, f"l-{name}", [{**row, "label": [row["label"]]} for row in rows])
    with pytest.raises(InputError, match=r"l-t\..*: the column label holds several values in row 1"):
        load(pictures / "pictures", labels=labelled)


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_column_that_is_there_twice_is_refused(pictures, name):
    if name == "t.csv":
        (pictures / name).write_text("path,label,label,,\npictures/0.png,a,b,,\n")
    else:
        pq.write_table(pa.table([["pictures/0.png"], ["a"], ["b"]], names=["path", "label", "label"]), pictures / name)
    with pytest.raises(InputError, match=r"it has the column label twice\. Rename one"):
        load(pictures / name)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"path,label\na.png,x,y\n", "line 2 has 3 cells, the first line 2"),
        ("t.csv", b"path\n\xff\n", "cannot be read as a table"),
        ("t.csv.gz", b"no gzip", "the gzip file is truncated or damaged"),
        ("t.csv.gz", gzip.compress(b"path\n" * 1000, mtime=0)[:-20], "the gzip file is truncated or damaged"),
        ("t.jsonl", b'{"path": "a.png"}\n{"path"\n', "line 2 is no JSON"),
        ("t.jsonl", b"[1]\n", "line 1 is no JSON object"),
        ("t.parquet", b"PAR1 no", r"truncated, damaged or no Parquet file"),
    ],
)
def test_damaged_tables_are_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"{name}: .*{message}"):
        load(tmp_path / name)


def test_labels_for_a_table_may_call_their_paths_otherwise(pictures):
    path = written(pictures, "t.csv", [{"file": row["path"], "split": row["split"]} for row in ROWS])
    labels = written(pictures, "l.csv", [{"path": row["path"], "label": row["label"]} for row in ROWS])
    data = load(path, path_column="file", labels=labels)
    assert data.classes == ("a", "b")
    with pytest.raises(InputError, match=r"l\.csv: it needs the columns name and label"):
        load(pictures / "pictures", path_column="name", labels=labels)
