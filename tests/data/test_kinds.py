"""What kind of thing a source holds is told by its names."""

import zipfile

import numpy as np
import pytest

from headstart.data import kind_of

HELD = {
    "a/1.PNG": "images",
    "deep/ants/x.jpg": "images",
    "set.npz": "images",
    "train-images-idx3-ubyte.gz": "images",
    "official/train-images-idx3-ubyte": "images",
    "words/1.txt": "texts",
    "lines.txt.gz": "texts",
    "speech/1.flac": "sounds",
    "papers/1.pdf": None,
}


@pytest.mark.parametrize(("name", "kind"), HELD.items())
def test_a_file_or_the_folder_it_lies_in(tmp_path, name, kind):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).touch()
    assert kind_of(tmp_path / name.partition("/")[0]) == kind


@pytest.mark.parametrize(("columns", "kind"), [("path,text", "images"), ("label,text", "texts"), ("a,b", None)])
def test_a_table_by_its_columns(tmp_path, columns, kind):
    (tmp_path / "table.csv").write_text(f"{columns}\n1,2\n")
    assert kind_of(str(tmp_path / "table.csv")) == kind


def test_notes_beside_what_is_held_and_an_archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name in ("README.txt", "a/1.wav"):
            archive.writestr(name, "")
    assert kind_of(tmp_path / "set.zip") == kind_of(f"{tmp_path / 'set.zip'}::a") == "sounds"


def test_names_and_what_is_in_memory(tmp_path):
    assert kind_of("digits") == kind_of("cifar10") == kind_of(np.zeros((3, 8, 8))) == "images"
    assert kind_of(tmp_path / "none") is kind_of("") is kind_of(tmp_path) is None
