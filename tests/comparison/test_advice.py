from headstart.comparison.advice import advise


def row(route, accuracy, labels=5, state="done"):
    interval = None if accuracy is None else [accuracy - 0.01, accuracy + 0.01]
    return {"route": route, "labels_per_class": labels, "accuracy": accuracy, "interval": interval, "state": state}


def pair(a, b, verdict, labels=5):
    return {"a": a, "b": b, "labels_per_class": labels, "verdict": verdict}


BEST = {"route": "simclr", "labels_per_class": 5, "chosen_by": "cross-validation on the training labels"}


def test_a_certain_lead_is_said_to_be_certain():
    text = advise([row("simclr", 0.96), row("raw", 0.85)], [pair("raw", "simclr", "b")], BEST, seeds=3)
    assert text.startswith("Use simclr, chosen by cross-validation")
    assert "96.0 %" in text
    assert "certainly ahead of every other route" in text


def test_a_tie_is_never_called_a_lead():
    text = advise([row("simclr", 0.96), row("byol", 0.955)], [pair("simclr", "byol", "tie")], BEST, seeds=3)
    assert "could be luck" in text
    assert "certainly ahead" not in text


def test_some_beaten_and_some_tied_are_named_apart():
    rows = [row("simclr", 0.96), row("byol", 0.955), row("raw", 0.8)]
    text = advise(rows, [pair("simclr", "byol", "tie"), pair("simclr", "raw", "a")], BEST, seeds=3)
    assert "certainly ahead of raw; against byol it is a tie" in text


def test_training_that_was_worth_nothing_is_said_aloud():
    text = advise([row("raw", 0.9), row("simclr", 0.85)], [pair("raw", "simclr", "a")], None, seeds=3)
    assert "simclr did no better than the raw input" in text


def test_doubts_are_told_and_only_where_there_are_any():
    rows = [row("simclr", 0.96), row("scratch", 0.9, state="cut"), row("moco", None, state="failed")]
    text = advise(rows, [pair("simclr", "scratch", "tie")], BEST, seeds=1)
    assert "cut scratch short" in text
    assert "Moco failed" in text
    assert "one seed" in text
    assert "one seed" not in advise(rows, [], BEST, seeds=3)


def test_what_more_labels_would_bring_stands_by_itself():
    rows = [row("simclr", 0.96), row("byol", 0.955)]
    text = advise(rows, [], BEST, seeds=3, judged_on="labelled items", more="About 120 more labels would do it.")
    assert "of the labelled items" in text
    assert "About 120 more labels would do it." in text.splitlines()


def test_a_route_left_behind_is_named():
    text = advise([row("simclr", 0.96), row("moco", 0.9, state="dropped")], [], BEST, seeds=3)
    assert "Moco fell behind" in text


def test_no_labels_is_not_a_verdict():
    alone = "Class 'bee' has a label on one item only: label another of it."
    assert alone in advise([row("simclr", None)], [], None, seeds=1, unjudged=alone)
    assert "not a verdict" in advise([row("simclr", None)], [], None, seeds=1)


def test_nothing_finished():
    assert "No route came to an end" in advise([row("simclr", None, state="failed")], [], None, seeds=1)
