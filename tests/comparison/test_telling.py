import pytest

from headstart.comparison.telling import telling


def row(route, accuracy, state="done", labels="all"):
    return {"route": route, "labels_per_class": labels, "accuracy": accuracy, "state": state}


def pair(a, b, difference, corrected, verdict="tie", labels="all"):
    return {
        "a": a, "b": b, "labels_per_class": labels, "difference": difference, "corrected": corrected,
        "verdict": verdict,
    }  # fmt: skip


ROWS = [row("simclr", 0.80), row("byol", 0.75), row("raw", 0.5)]


def test_labels_are_missing_until_the_interval_is_as_narrow_as_the_difference():
    """Half the width is 0.10 with 40 items, twice the difference: four times the items, 120 more."""
    found = telling(ROWS, [pair("simclr", "byol", 0.05, [-0.05, 0.15])], [1, "all"], items=40, unlabelled=1000)
    assert found.more_labels == 120
    assert "simclr and byol can't be told apart yet: about 120 more labels" in found.sentence
    assert "5.0 points" in found.sentence


def test_the_number_is_rounded_up_to_two_digits():
    found = telling(ROWS, [pair("byol", "simclr", -0.04, [-0.17, 0.09])], ["all"], items=40, unlabelled=10_000)
    assert found.more_labels == 390  # 40 · (0.13 / 0.04)² - 40 = 382.5


def test_more_than_there_are_is_said():
    found = telling(ROWS, [pair("simclr", "byol", 0.05, [-0.05, 0.15])], ["all"], items=40, unlabelled=60)
    assert "only 60 items here have none" in found.sentence


@pytest.mark.parametrize("difference", [0.0, 0.009])
def test_a_difference_that_nobody_would_notice_needs_no_labels(difference):
    found = telling(ROWS, [pair("simclr", "byol", difference, [-0.1, 0.1])], ["all"], items=40, unlabelled=100)
    assert found.more_labels is None
    assert "more labels won't help" in found.sentence


def test_nothing_is_asked_for_where_the_best_is_known_or_there_is_one_route():
    assert telling(ROWS, [pair("simclr", "byol", 0.05, [0.01, 0.09], "a")], ["all"], items=40, unlabelled=9) is None
    assert telling(ROWS[:1], [], ["all"], items=40, unlabelled=9) is None
    assert telling([], [], [], items=40, unlabelled=9) is None


def test_a_route_without_all_its_time_is_not_one_of_the_two():
    rows = [row("simclr", 0.8), row("moco", 0.79, "dropped"), row("byol", 0.7)]
    pairs = [pair("simclr", "moco", 0.01, [-0.1, 0.12]), pair("simclr", "byol", 0.1, [-0.1, 0.3])]
    assert telling(rows, pairs, ["all"], items=40, unlabelled=1000).more_labels == 120
