import pytest

from headstart.label_counts import amount, heading, said, series


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ([1], "1 label a class"),
        ([5], "5 labels a class"),
        ([1, 5, 10], "1, 5 and 10 labels a class"),
        ([5, "all"], "5 labels a class and all labels"),
        (["all"], "all labels"),
        ([], ""),
    ],
)
def test_numbers_of_labels_are_said_once_for_all(counts, text):
    assert said(counts) == text


def test_all_labels_are_the_most():
    assert sorted(["all", 10, 1], key=amount) == [1, 10, "all"]
    assert [heading(k) for k in (1, 5, "all")] == ["1 label", "5 labels", "all labels"]
    assert series(["a", "b"]) == "a and b"
