"""Features once, then heads on frozen features, few-label draws, and how sure the figures are."""

from headstart.evaluation.asking import asked_items, exam_of, lowered, most_labels
from headstart.evaluation.bank import Bank, Queries
from headstart.evaluation.draws import judging_folds, label_draws, stratified_folds
from headstart.evaluation.exam import Exam, Sitting, cross_validated, draws_of, fewest_known, held_out
from headstart.evaluation.extraction import decoded_for, features, features_of
from headstart.evaluation.heads import (
    FITTED,
    HEADS,
    FittedHead,
    Head,
    HeldOut,
    Labelled,
    StoredHead,
    Trial,
    classifier_head,
    fit_temperature,
    has_classifier,
    load_head,
    save_head,
    tempered,
)
from headstart.evaluation.intervals import (
    Interval,
    Paired,
    Verdict,
    accuracy_interval,
    holm,
    paired,
    paired_differences,
    verdicts,
)
from headstart.evaluation.judgement import Judgement, LabelCount
from headstart.evaluation.judging import examine, judge
from headstart.evaluation.neighbours import Nearest, nearest, unit
from headstart.evaluation.scores import balanced_accuracy, calibration_error, confusion_matrix, top_k_accuracy
from headstart.evaluation.wellbeing import Health, health

__all__ = [
    "FITTED",
    "HEADS",
    "Bank",
    "Exam",
    "FittedHead",
    "Head",
    "Health",
    "HeldOut",
    "Interval",
    "Judgement",
    "LabelCount",
    "Labelled",
    "Nearest",
    "Paired",
    "Queries",
    "Sitting",
    "StoredHead",
    "Trial",
    "Verdict",
    "accuracy_interval",
    "asked_items",
    "balanced_accuracy",
    "calibration_error",
    "classifier_head",
    "confusion_matrix",
    "cross_validated",
    "decoded_for",
    "draws_of",
    "exam_of",
    "examine",
    "features",
    "features_of",
    "fewest_known",
    "fit_temperature",
    "has_classifier",
    "health",
    "held_out",
    "holm",
    "judge",
    "judging_folds",
    "label_draws",
    "load_head",
    "lowered",
    "most_labels",
    "nearest",
    "paired",
    "paired_differences",
    "save_head",
    "stratified_folds",
    "tempered",
    "top_k_accuracy",
    "unit",
    "verdicts",
]
