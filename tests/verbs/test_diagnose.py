"""The verb `diagnose`: what it prints, what it gives to programs, and bad input."""

import csv
import shlex

import numpy as np
import pytest

import headstart

KINDS = ["inputs", "marginal", "labels", "class-shares", "conditional"]


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Halves of digits as files: with labels, inverted, and inverted without labels."""
    folder = tmp_path_factory.mktemp("sets")
    data = headstart.load("digits")
    items, labels = data.items.numpy(), data.labels.numpy()
    order = np.random.default_rng(0).permutation(len(items))
    first, second = order[:600], order[600:1200]
    np.savez(folder / "here.npz", images=items[first], labels=labels[first])
    np.savez(folder / "there.npz", images=items[second], labels=labels[second])
    np.savez(folder / "inverted set.npz", images=255 - items[second], labels=labels[second])
    np.save(folder / "bare.npy", items[second])
    with (folder / "labels.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "label"])
        rows.writerows((place, (label + 1) % 10) for place, label in enumerate(labels[second][:200].tolist()))
    return folder


def found(shifts):
    return [shift["kind"] for shift in shifts if shift["found"]]


def test_the_object_is_what_the_design_promises(call_json, sets):
    made = call_json("diagnose", sets / "here.npz", sets / "inverted set.npz")
    assert [shift["kind"] for shift in made["shifts"]] == KINDS
    for shift in made["shifts"]:
        assert set(shift) == {"kind", "scenario", "found", "why", "evidence", "p_value"}
        assert shift["found"] in (True, False, None)
        assert shift["why"].endswith(".")
    assert found(made["shifts"]) == ["marginal"]
    assert made["items"] == {"source": 600, "target": 600}
    assert f"headstart adapt dann {sets / 'here.npz'} '{sets / 'inverted set.npz'}'" in made["advice"]


def test_people_get_a_line_a_kind_and_the_next_command(call, sets):
    code, out, _ = call("diagnose", sets / "here.npz", sets / "inverted set.npz")
    assert code == 0
    lines = out.splitlines()
    assert [line.split()[0] for line in lines if line.startswith(tuple(KINDS))] == KINDS
    marginal = next(line for line in lines if line.startswith("marginal"))
    assert "FOUND" in marginal
    assert next(line for line in lines if line.startswith("conditional")).split()[2] == "?"
    assert any(line.startswith("Next: headstart adapt dann") for line in lines)


def test_target_labels_come_from_a_file_of_their_own(call_json, sets):
    plain = call_json("diagnose", sets / "here.npz", sets / "bare.npy")
    assert found(plain["shifts"]) == []
    assert plain["shifts"][4]["found"] is None
    made = call_json("diagnose", sets / "here.npz", sets / "bare.npy", "--target-labels", sets / "labels.csv")
    assert found(made["shifts"]) == ["conditional"]
    assert made["shifts"][4]["evidence"]["target_labels"] == 200


def test_python_users_get_the_same(sets, call_json):
    made = headstart.diagnose(str(sets / "here.npz"), str(sets / "there.npz"), seed=1)
    assert found(made.shifts) == []
    printed = call_json("diagnose", sets / "here.npz", sets / "there.npz", "--seed", 1)
    assert printed["shifts"] == made.shifts
    assert printed["advice"] == made.advice


def test_an_encoder_of_ones_own_describes_the_pictures(call_json, sets, run):
    made = call_json("diagnose", sets / "here.npz", sets / "inverted set.npz", "--encoder", run)
    other = call_json("diagnose", sets / "here.npz", sets / "inverted set.npz")
    assert found(made["shifts"]) == ["marginal"]
    assert made["shifts"][1]["evidence"]["mmd_squared"] != other["shifts"][1]["evidence"]["mmd_squared"]


def test_items_that_are_in_both_are_said(call, sets):
    code, _, err = call("diagnose", sets / "here.npz", sets / "here.npz")
    assert code == 0
    assert "600 of the 600 target items are in the source too" in err


def test_a_set_in_memory_is_called_by_its_name():
    data = headstart.load("digits")
    advice = headstart.diagnose(data, (255 - data.items[:500], data.labels[:500])).advice
    assert "headstart adapt dann digits array" in advice


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("digits",), "target"),
        (("digits", "no-such-folder"), "no-such-folder"),
        (("digits", "digits", "--encoder", "no/such/run"), "no/such/run"),
        (("digits", "digits", "--seed", "-1"), "--seed -1"),
        (("digits", "digits", "--device", "abacus"), "abacus"),
        (("digits", "digits", "--target-labels", "none.csv"), "none.csv"),
    ],
    ids=" ".join,
)
def test_bad_input_is_named(call, arguments, says):
    code, out, err = call("diagnose", *arguments)
    assert code == 2
    assert out == ""
    assert says in err.lower()
    assert "Traceback" not in err


def test_too_few_items_and_channels_that_can_not_be_compared(call, tmp_path):
    np.save(tmp_path / "few.npy", np.zeros((9, 8, 8), np.uint8))
    np.save(tmp_path / "many.npy", np.random.default_rng(0).integers(0, 255, (40, 4, 8, 8), dtype=np.uint8))
    for name, says in (("few", "few has 9 items"), ("many", "4 channels")):
        code, _, err = call("diagnose", "digits", tmp_path / f"{name}.npy")
        assert code == 2
        assert says in err.splitlines()[-1]


def test_an_encoder_of_other_channels(call, sets, run, photos):
    code, _, err = call("diagnose", photos, photos, "--encoder", run)
    assert code == 2
    assert "grey" in err


def test_the_next_command_reads_the_sets_as_the_diagnosis_did(call, sets):
    """On a line of its own, to be given as it is printed: without the flags the source would have no labels."""
    data = headstart.load("digits")
    np.save(sets / "flat.npy", data.items.numpy()[:500])
    (sets / "flat.csv").write_text(
        "\n".join(["id,label", *(f"{n},{c}" for n, c in enumerate(data.labels[:500].tolist()))])
    )
    flags = ("--labels", sets / "flat.csv", "--target-labels", sets / "labels.csv", "--size", 16, "--no-cache")
    code, out, err = call("diagnose", sets / "flat.npy", sets / "inverted set.npz", *flags)
    assert code == 0, err
    command = shlex.split(out.splitlines()[-1].removeprefix("Next: headstart "))
    assert command == [
        *("adapt", "dann", str(sets / "flat.npy"), str(sets / "inverted set.npz")),
        *map(str, ("--labels", sets / "flat.csv", "--size", 16, "--no-cache", "--target-labels", sets / "labels.csv")),
    ]
