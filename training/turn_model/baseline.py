"""The detector to beat, hashed n-grams in a logistic regression."""

from collections.abc import Sequence
from zlib import crc32

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from pipelines.engines.turn_tokens import words
from training.turn_model.samples import Sample

_BUCKETS = 1 << 18
_PENALTY = 1e-6


class HashedRegression:
    """Says P(end) from the last words, all words, and the words of the agent's question."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        """Fit it by L-BFGS on the logistic loss with a small squared penalty."""
        features = _hashed(samples)
        ends = np.array([sample.ends for sample in samples], np.float64)

        def loss(weights: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
            logits = features @ weights
            value = np.mean(np.logaddexp(0, logits) - ends * logits)
            gradient = features.T @ (1 / (1 + np.exp(-logits)) - ends) / len(ends)
            penalty = _PENALTY * weights
            return float(value + penalty @ weights / 2), gradient + penalty

        start = np.zeros(_BUCKETS)
        self._weights = minimize(
            loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 80}
        ).x

    def probabilities(self, samples: Sequence[Sample]) -> npt.NDArray[np.float64]:
        """P(end) of each, shape (samples,)."""
        return 1 / (1 + np.exp(-(_hashed(samples) @ self._weights)))


def _hashed(samples: Sequence[Sample]) -> csr_matrix:
    indices: list[int] = []
    starts = [0]
    for sample in samples:
        indices += {crc32(feature.encode()) % _BUCKETS for feature in _features(sample)}
        starts.append(len(indices))
    shape = (len(samples), _BUCKETS)
    return csr_matrix((np.ones(len(indices)), np.array(indices), np.array(starts)), shape)


def _features(sample: Sample) -> list[str]:
    said = ["<s>", *words(sample.text)]
    asked = words(sample.agent)[-12:]
    last = said[-1]
    features = ["bias", f"length {min(len(said), 20)}", f"suffix {last[-3:]}"]
    features += [f"{n} {' '.join(said[-n:])}" for n in range(1, 5)]
    features += [f"has {word}" for word in said]
    features += [f"asked {word} {min(len(said), 4)}" for word in asked[-4:]]
    features += [f"asked {' '.join(asked[-2:])} then {last}"]
    return features
