"""The motion of a person in one camera's image: key points between frames, in body sizes about the
body's middle, and in octaves of frequency."""
import math
from typing import Tuple

import numpy as np

# Standard deviations of the Gaussians whose differences are the octaves, seconds.
SCALES = (1 / 30, 2 / 30, 4 / 30, 8 / 30, 16 / 30)
_OCTAVE = 1.6
_UNSURE = .3            # of the usual confidence
_OUTLIER = 4 * 1.48     # times the usual distance from the neighbours' median


def resample(keypoints: np.ndarray, scores: np.ndarray, places: np.ndarray
             ) -> Tuple[np.ndarray, np.ndarray]:
    """Key points between frames, linearly.

    Args:
        keypoints: (T, K, D), D = 2 or 3.
        scores: (T, K).
        places: (N,) frame numbers, with fractions, rising or not.

    Returns:
        (N, K, D) and (N, K) in the dtype of the input. The score is the lesser one of the two
        neighbours; 0, with key points 0, where one of them is not seen or outside the recording.
    """
    places = np.asarray(places, dtype=np.float64)
    # A place that is a frame but for rounding must not need that frame's neighbour.
    nearest = np.round(places)
    places = np.where(np.abs(places - nearest) < 1e-6, nearest, places)
    inside = (places >= 0) & (places <= len(keypoints) - 1)
    before = np.clip(np.floor(places).astype(int), 0, len(keypoints) - 1)
    after = np.clip(np.ceil(places).astype(int), 0, len(keypoints) - 1)
    share = (places - before).astype(keypoints.dtype)[:, None]
    found = np.minimum(scores[before], scores[after]) * inside[:, None]
    mixed = keypoints[before] + share[..., None] * (keypoints[after] - keypoints[before])
    return mixed * (found > 0)[..., None], found


def movement(keypoints: np.ndarray, scores: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Joints about the body's middle, and the middle, (T, K + 1, 2) in body sizes; weights.

    Gaps are interpolated; points of low confidence, for this recording, and single frames far from
    their neighbours are taken for gaps. The body's size is the spread of the joints about their
    middle, about 0.3 of the height.

    Args:
        keypoints: (T, K, 2) px.
        scores: (T, K); 0: not seen.
    """
    points, weights = np.asarray(keypoints, np.float64), np.asarray(scores, np.float64)
    seen = weights > 0
    if seen.any():
        seen = weights > _UNSURE * np.median(weights[seen])
    filled = _interpolated(points, seen)
    size = max(_spread(filled[:, seen.any(0)]), 1e-9)
    around = np.lib.stride_tricks.sliding_window_view(
        np.pad(filled, ((2, 2), (0, 0), (0, 0)), mode='edge'), 5, axis=0)
    away = np.linalg.norm(filled - np.median(around, -1), axis=-1)
    usual = np.median(away, 0)
    seen &= away <= np.maximum(_OUTLIER * np.maximum(usual, np.median(usual)), .1 * size)
    weights = np.where(seen, weights, 0.)
    filled = _interpolated(points, seen)
    used = seen.any(0)
    middle = filled[:, used].mean(1, keepdims=True) if used.any() else filled[:, :1]
    points = np.concatenate([(filled - middle) * used[:, None], middle], 1) / size
    return points, np.concatenate([weights, weights.mean(1, keepdims=True)], 1)


def _interpolated(points: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Points (T, K, 2) with those not seen (T, K) put between their neighbours in time."""
    count = len(points)
    row = np.arange(count)[:, None]
    before = np.maximum.accumulate(np.where(seen, row, -1), 0)
    after = np.minimum.accumulate(np.where(seen, row, count)[::-1], 0)[::-1]
    first, last = before < 0, after == count
    before, after = np.where(first, after, before), np.where(last, before, after)
    share = (row - before) / np.maximum(after - before, 1)
    before, after = (np.clip(place, 0, count - 1)[..., None] for place in (before, after))
    low, high = (np.take_along_axis(points, place, 0) for place in (before, after))
    mixed = low + np.clip(share, 0., 1.)[..., None] * (high - low)
    return np.where(seen.any(0)[:, None], mixed, 0.)


def _spread(points: np.ndarray) -> float:
    if not points.size:
        return 0.
    return float(np.sqrt(np.square(points - points.mean(1, keepdims=True)).sum(-1).mean()))


def octaves(values: np.ndarray, fps: float) -> Tuple[np.ndarray, np.ndarray]:
    """Values (T, ...) in octaves of frequency and smoothed as much, two (S, T, ...)."""
    reach = int(math.ceil(4 * _OCTAVE * SCALES[-1] * fps))
    padded = np.pad(values, ((reach, reach), *((0, 0),) * (values.ndim - 1)), mode='edge')
    count = -(-len(padded) // 64) * 64
    omega = 2 * np.pi * np.fft.rfftfreq(count) * fps
    spectrum = np.fft.rfft(padded, count, axis=0)

    def smoothed(factor: float) -> np.ndarray:
        gauss = np.exp(-.5 * np.square(factor * np.outer(SCALES, omega)))
        gauss = gauss.reshape(*gauss.shape, *(1,) * (values.ndim - 1))
        return np.fft.irfft(spectrum * gauss, count, axis=1)[:, reach:reach + len(values)]

    fine = smoothed(1.)
    return fine - smoothed(_OCTAVE), fine
