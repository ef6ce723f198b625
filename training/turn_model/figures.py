"""Figures of a detector from its scores and the truth."""

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

Scores = npt.NDArray[np.float64]
Truth = npt.NDArray[np.bool_]


def auc(scores: Scores, ends: Truth) -> float:
    """Area under the ROC curve: how often an end scores above a hold, ties counted half.

    Args:
        scores: P(end of turn) of each pause, shape (n,).
        ends: whether it was one, shape (n,).
    """
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positives = int(ends.sum())
    negatives = len(ends) - positives
    if not positives or not negatives:
        return float("nan")
    return float((ranks[ends].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def recall_at(scores: Scores, ends: Truth, false_ends: float) -> float:
    """Share of ends found at the threshold that takes this share of the holds for ends."""
    if ends.all() or not ends.any():
        return float("nan")
    threshold = np.quantile(scores[~ends], 1 - false_ends, method="higher")
    return float((scores[ends] > threshold).mean())


def calibration_error(scores: Scores, ends: Truth, bins: int = 10) -> float:
    """Expected calibration error over equally wide bins (Guo et al. 2017, equation 3)."""
    places = np.minimum((scores * bins).astype(int), bins - 1)
    error = 0.0
    for place in range(bins):
        inside = places == place
        if inside.any():
            error += inside.mean() * abs(scores[inside].mean() - ends[inside].mean())
    return float(error)


def fit_platt(logits: Scores, ends: Truth) -> tuple[float, float]:
    """Scale and offset that make sigmoid(scale · logit + offset) likeliest (Platt 1999)."""

    def loss(weights: Scores) -> tuple[float, Scores]:
        fitted = weights[0] * logits + weights[1]
        errors = expit(fitted) - ends
        value = np.mean(np.logaddexp(0, fitted) - ends * fitted)
        return float(value), np.array([np.mean(errors * logits), np.mean(errors)])

    scale, offset = minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS").x
    return float(scale), float(offset)
