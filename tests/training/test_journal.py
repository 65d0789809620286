from __future__ import annotations

import json

import torch
from hypothesis import given
from hypothesis import strategies as st

from headstart.training import places
from headstart.training.journal import Journal, read_rows


def test_rows_are_appended_and_cut_back(tmp_path):
    journal = Journal(tmp_path)
    for step in (1, 5, 10):
        journal.append({"step": step, "loss": 1 / step})
    again = Journal(tmp_path)
    again.cut(5)
    again.append({"step": 6})
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 5, 6]
    assert again.rows[0]["loss"] == 1.0


def test_a_torn_last_line_is_no_row(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1}\n{"step": 2, "lo')
    assert read_rows(path) == [{"step": 1}]
    journal = Journal(tmp_path)
    journal.cut(9)
    assert path.read_bytes() == b'{"step": 1}\n'


def test_without_a_folder_rows_are_kept_in_memory(tmp_path):
    journal = Journal(None)
    journal.cut(3)
    journal.append({"step": 1})
    journal.flush()
    assert journal.rows == [{"step": 1}]
    assert not list(tmp_path.iterdir())


def test_places_are_written_as_ranges():
    assert places.pack(torch.tensor([0, 1, 2, 5, 7, 8])) == "0-2,5,7-8"


@given(st.sets(st.integers(0, 300)))
def test_places_come_back(chosen):
    index = torch.tensor(sorted(chosen), dtype=torch.int64)
    assert torch.equal(places.unpack(places.pack(index)), index)
