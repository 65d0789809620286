from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.data import conditions, load
from headstart.data.patterns import parse
from headstart.errors import InputError


@pytest.mark.parametrize(
    ("pattern", "one", "fields"),
    [
        ("{label}_{speaker}_{n}.jpg", "7_theo_12.jpg", {"label": "7", "speaker": "theo", "n": "12"}),
        ("{label}_{speaker}_{n}", "deep/down/7_theo_12.jpg", {"label": "7", "speaker": "theo", "n": "12"}),
        ("{a}_{b}.png", "x_y_z.png", {"a": "x", "b": "y_z"}),
        ("{label}/{n}.jpg", "train/ants/12.jpg", {"label": "ants", "n": "12"}),
        ("{domain}/{label}/{}", "photo/dog/1.jpg", {"domain": "photo", "label": "dog"}),
        ("img{n}-{label}.jpg", "img-1-cat.jpg", {"n": "-1", "label": "cat"}),
        ("{label}.{}.png", "cat.7.png", {"label": "cat"}),
        ("v1.{label}", "v1.cat.jpg", {"label": "cat"}),
        ("{label}.{n}", "cat.0.jpg", {"label": "cat", "n": "0"}),
        ("{label}_v1.0", "cat_v1.0.jpg", {"label": "cat"}),
        ("{label}.{ext}", "cat.jpg", {"label": "cat", "ext": "jpg"}),
        ("{a}_{b}.png", "x_.png", None),
        ("{a}_{b}.png", "_y.png", None),
        ("{a}_{b}.png", "x_y.jpg", None),
        ("{a}b{c}b", "xbb", None),
        ("{label}/{n}.jpg", "12.jpg", None),
        ("all/{n}.jpg", "some/12.jpg", None),
    ],
)
def test_a_name_and_its_fields(pattern, one, fields):
    assert parse(pattern).match(one) == fields


@given(st.lists(st.text("abc0", min_size=1), min_size=1, max_size=5))
def test_what_was_put_together_comes_apart(values):
    pattern = parse("_".join(f"{{c{place}}}" for place in range(len(values))) + ".png")
    assert list(pattern.match("_".join(values) + ".png").values()) == values


def test_a_name_that_would_take_a_regular_expression_ages():
    assert parse("{a}_{b}_{c}_{d}_{e}_{f}!").match("_" * 250) is None


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("photo.jpg", "it names no column"),
        ("{}.jpg", "it names no column"),
        ("{a}_{a}", "it names a column twice"),
        ("{a}{b}", "side by side"),
        ("{a}_{b", "a brace has no partner"),
        ("{a b}_", r"\{a b\} is no name of a column"),
    ],
)
def test_patterns_that_are_none(pattern, message):
    with pytest.raises(InputError, match=rf"--label-from .*{message}"):
        parse(pattern)


@pytest.fixture
def sounds(write, tmp_path):
    """Pictures named like recordings: a digit, who says it, and which of eight takes."""
    for digit in (0, 1):
        for speaker in ("jackson", "theo"):
            for take in range(8):
                write(f"sounds/{digit}_{speaker}_{take:02}.png")
    return tmp_path / "sounds"


PATTERN = "{label}_{speaker}_{n}.png"


def test_a_pattern_labels_and_other_columns_may_label_instead(sounds):
    assert load(sounds, label_from=PATTERN).classes == ("0", "1")
    assert load(sounds, label_from=PATTERN, label_column="speaker").classes == ("jackson", "theo")
    assert load(sounds, label_from="{digit}_{}").classes == ()
    with pytest.raises(InputError, match="--label-column who: sounds has no such column; it has label, speaker, n"):
        load(sounds, label_from=PATTERN, label_column="who")
    with pytest.raises(InputError, match=r"--label-column who: .* it has none; --label-from makes some"):
        load(sounds, label_column="who")


def test_a_pattern_that_fits_nothing_shows_a_name(sounds):
    with pytest.raises(InputError, match=r"no item of sounds fits; they are called like 0_jackson_00\.png"):
        load(sounds, label_from="{label}-{n}.png")


def test_names_that_do_not_fit_are_counted_and_have_no_label(sounds, write):
    write("sounds/cover.png")
    data = load(sounds, label_from=PATTERN)
    assert data.labels[-1] == -1
    assert any("1 of 33 items don't fit" in note and "cover.png" in note for note in data.notes)


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("n < 5", 20), ("n<=5", 24), ("n > 5", 8), ("n >= 5", 12), ("n == 5", 4), ("n != 5", 28),
        ("n in 1,2, 03", 12), ("speaker == theo", 16), ("speaker != 'theo'", 16), ("speaker in theo, lucas", 16),
        ("n == 1e0", 4),
    ],
)  # fmt: skip
def test_a_condition_makes_the_test_part(sounds, condition, count):
    data = load(sounds, label_from=PATTERN, test_where=condition)
    assert Counter(data.split) == {"test": count, "train": 32 - count}
    assert any(f"{count} of 32 items are the test part" in note for note in data.notes)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("n ~ 5", "write a column, a sign and a value"),
        ("n <", "write a column, a sign and a value"),
        ("__import__('os')", "write a column, a sign and a value"),
        ("take < 5", "there is no column take; there are label, speaker, n"),
        ("n < many", "< compares numbers, and many is none"),
        ("speaker < 5", "< compares numbers, and speaker is jackson too"),
        ("n < 100", "it holds for all of the 32 items; n is 00, 01"),
        ("speaker == lucas", "it holds for none of the 32 items; speaker is jackson, theo"),
    ],
)
def test_conditions_that_make_none(sounds, condition, message):
    with pytest.raises(InputError, match=f"--test-where .*{message}"):
        load(sounds, label_from=PATTERN, test_where=condition)


def test_a_condition_without_columns(sounds):
    with pytest.raises(InputError, match=r"the data has no columns\. Make some of the file names with --label-from"):
        load(sounds, test_where="n < 5")
    with pytest.raises(InputError, match="--split-column and --test-where both make the test part"):
        load(sounds, label_from=PATTERN, test_where="n < 5", split_column="n")


def test_a_value_that_is_missing_is_not_in_the_test_part():
    assert conditions.parse("n != 5", ["n"]).holds([None, "5", "6"]) == [False, False, True]


def test_arrays_have_no_names_to_take_apart():
    with pytest.raises(InputError, match="they are called like 0"):
        load(np.zeros((8, 6, 6), dtype=np.uint8), label_from=PATTERN)


def test_a_group_stays_on_one_side(sounds, drawn_from_few):
    data = load(sounds, label_from=PATTERN, group="n")
    held_out = {one.split("_")[2] for one, part in zip(data.ids, data.split, strict=True) if part == "test"}
    assert len(held_out) == 2
    assert data.split.count("test") == 8
    assert data.counts(data.indices("test")) == (4, 4)
    assert load(sounds, label_from=PATTERN, group="n", split_seed=1).split != data.split


def test_columns_of_the_labels_can_group_and_part(sounds, tmp_path, drawn_from_few):
    rows = "".join(f"{path.name},{path.name[0]},{2000 + int(path.stem[-1])}\n" for path in sorted(sounds.iterdir()))
    (tmp_path / "l.csv").write_text("id,label,year\n" + rows)
    data = load(sounds, labels=tmp_path / "l.csv", test_where="year in 2003,2007")
    assert data.split.count("test") == 8
    assert load(sounds, labels=tmp_path / "l.csv", group="year").split.count("test") == 8
