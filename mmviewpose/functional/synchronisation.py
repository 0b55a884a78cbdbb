"""The time offset between cameras, from the motion that both saw.

Cameras that filmed one performance without a common clock, from unknown places, give 2D key points.
Far from a camera, image coordinates are linear in the pose, so what two cameras see of the joints'
motion shares a direction in space: the vertical for upright cameras at 90 degrees, and always one
(the affine epipolar constraint). How much the motion in one camera says about that in the other,
when one is shifted in time, is measured without knowing the direction: by the mutual information
of the two 2D motions as Gaussian variables,

    I = -1/2 log det(1 - Caa^-1 Cab Cbb^-1 Cba),

with the 2x2 covariances over time and over all joints, for which the direction is the same. It is
blind to any linear map of either image: to size, roll and viewing direction. It is added up over
octaves of frequency, each by its number of independent samples: slow motion, which is the one that
does not repeat at every step, counts as far as it carries information. The way of the whole body
counts beside the joints. All lags come out of fast Fourier transforms.
"""
from itertools import combinations
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from mmviewpose.errors import UserError

from .image_motion import SCALES, movement, octaves

_BODY = .13             # what the way of the whole body counts beside the joints
_BLOCK = 10.            # seconds for which the cameras' geometry is taken to be one
_APART = .2             # seconds between peaks that are not one
_RATE = 30.             # of the frames that evidence is counted in
# Chosen on other cases than those that docs/recordings.md reports.
_LEAST_RISE = 3.
_CLEAR_EVIDENCE, _CLEAR_MARGIN = 8., .2
_FLOOR = 3e-4           # body sizes, of motion; a twentieth of a pixel on somebody 500 px tall
_HARDLY_MOVES = .04     # body sizes, of the joint that moves most


class TimeOffset(NamedTuple):
    """How two recordings lie in time."""
    seconds: float       # camera b began this much later than camera a; negative: earlier
    agreement: float     # of the motions at this offset, 0 to 1: a correlation
    evidence: float      # for this offset against the second best peak: log-likelihood ratio, nats
    margin: float        # of the rise of the curve to its peak, what the second best one lacks
    second: float        # offset of the second best peak, seconds
    offsets: np.ndarray  # (L,) all offsets, seconds
    curve: np.ndarray    # (L,) agreement at them
    doubt: str           # '' where the match is clear, else in a line why it is not


class Synchronisation(NamedTuple):
    """How the recordings of V cameras lie in time."""
    seconds: np.ndarray                         # (V,) each camera's beginning after the first's
    pairs: Dict[Tuple[int, int], TimeOffset]    # those of cameras i < j that could be matched
    used: List[Tuple[int, int]]                 # the V - 1 pairs that the times are taken from
    doubts: List[str]                           # lines on what is not clear


def _moments(points: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted moments (6, ..., T) of points (..., T, 2): 1, x, y, xx, xy, yy."""
    x, y = np.moveaxis(points, -1, 0)
    return weights * np.stack([np.ones_like(x), x, y, x * x, x * y, y * y])


# What is correlated: moments of camera a with moments of camera b.
_PAIRS = ((0, 0), (3, 0), (4, 0), (5, 0), (0, 3), (0, 4), (0, 5), (1, 1), (1, 2), (2, 1), (2, 2))


def _correlations(a: np.ndarray, b: np.ndarray, reach: int, block: int) -> np.ndarray:
    """Sums over time of products of moments, (11, K, blocks, 2 reach + 1).

    Args:
        a, b: (6, K, Ta) and (6, K, Tb).
        reach: Lags -reach ... reach; at lag l, frame i of a meets frame i - l of b.
        block: Frames of a that are summed up.
    """
    blocks = max(1, round(a.shape[-1] / block))
    size = -(-a.shape[-1] // blocks)
    length = size + 2 * reach
    count = -(-length // 64) * 64
    a_padded = np.zeros((*a.shape[:2], blocks * size))
    a_padded[..., :a.shape[-1]] = a
    b_padded = np.zeros((*b.shape[:2], blocks * size + 2 * reach))
    used = min(b.shape[-1], blocks * size + reach)
    b_padded[..., reach:reach + used] = b[..., :used]
    windows = np.lib.stride_tricks.sliding_window_view(b_padded, length, axis=-1)[:, :, ::size]
    spectra = (np.fft.rfft(a_padded.reshape(*a.shape[:2], blocks, size), count).conj(),
               np.fft.rfft(windows, count))
    return np.stack([np.fft.irfft(spectra[0][i] * spectra[1][j], count)[..., 2 * reach::-1]
                     for i, j in _PAIRS])


def _mutual_information(sums: np.ndarray) -> np.ndarray:
    """I of two 2D Gaussian variables from their summed moments (11, ...)."""
    axx, axy, ayy, bxx, bxy, byy, xx, xy, yx, yy = sums[1:] / np.maximum(sums[0], 1e-12)
    tiny = 1e-9 * (axx + ayy + bxx + byy) + _FLOOR ** 2
    axx, ayy, bxx, byy = axx + tiny, ayy + tiny, bxx + tiny, byy + tiny
    det_a, det_b = axx * ayy - axy * axy, bxx * byy - bxy * bxy
    cross = xx * yy - xy * yx
    # trace and determinant of Caa^-1 Cab Cbb^-1 Cba, the squared canonical correlations
    trace = (ayy * (byy * xx * xx - 2 * bxy * xx * xy + bxx * xy * xy)
             - 2 * axy * (byy * xx * yx - bxy * (xx * yy + xy * yx) + bxx * xy * yy)
             + axx * (byy * yx * yx - 2 * bxy * yx * yy + bxx * yy * yy)) / (det_a * det_b)
    return -.5 * np.log(np.clip(1 - trace + cross * cross / (det_a * det_b), 1e-4, 1.))


def _information(a: Tuple[np.ndarray, np.ndarray], b: Tuple[np.ndarray, np.ndarray], fps: float,
                 reach: int) -> Tuple[np.ndarray, np.ndarray]:
    """Information a frame and joint, and weighted frames a joint, at lags -reach ... reach.

    Args:
        a, b: Points (T, K + 1, 2) and weights (T, K + 1) of `movement`.
    """
    fine, smooth = zip(*((octaves(points, fps)[0], octaves(weights, fps)[1])
                         for points, weights in (a, b)))
    total, frames = 0., 0.
    for octave, scale in enumerate(SCALES):
        moments = [_moments(fine[c][octave].swapaxes(0, 1), smooth[c][octave].T) for c in (0, 1)]
        sums = _correlations(*moments, reach, round(_BLOCK * fps))
        share = 1 / (scale * sum(1 / s for s in SCALES))
        total = total + share * (_mean_information(sums[:, :-1].sum(1))
                                 + _BODY * _mean_information(sums[:, -1]))
        frames = frames + share * sums[0].sum(1).mean(0)
    return total, frames


def _mean_information(sums: np.ndarray) -> np.ndarray:
    """Mutual information (L,), the mean over blocks by their weight, from sums (11, blocks, L)."""
    return (_mutual_information(sums) * sums[0]).sum(0) / np.maximum(sums[0].sum(0), 1e-9)


def _second_peak(curve: np.ndarray, best: int, apart: int) -> int:
    """The highest local maximum further than `apart` from the best; the ends count as such."""
    padded = np.pad(curve, 1, constant_values=-np.inf)
    peak = (curve >= padded[:-2]) & (curve >= padded[2:])
    far = np.abs(np.arange(len(curve)) - best) > apart
    return int(np.where(far & peak, curve, -np.inf).argmax())


def _subframe(curve: np.ndarray, best: int) -> float:
    """Top of the parabola through a peak and its neighbours."""
    if not 0 < best < len(curve) - 1:
        return float(best)
    before, top, after = curve[best - 1:best + 2]
    bend = before - 2 * top + after
    return best + (.5 * float((before - after) / bend) if bend < 0 else 0.)


def estimate_offset(keypoints_a: np.ndarray, scores_a: np.ndarray, keypoints_b: np.ndarray,
                    scores_b: np.ndarray, fps: float, max_offset: float = 2.) -> TimeOffset:
    """How much later camera b began to record than camera a, from the motion of the person.

    Args:
        keypoints_a, keypoints_b: (Ta, K, 2) and (Tb, K, 2) px of the same joints, at one rate.
        scores_a, scores_b: (Ta, K) and (Tb, K) confidence; 0: not seen.
        fps: Frames per second of both, see :func:`resample`.
        max_offset: Offsets from minus this to this are searched, seconds.

    Returns:
        The offset, to fractions of a frame, and how sure it is.

    Raises:
        UserError: Nothing can be said: the recordings are too short, no joint is seen in both,
            the person hardly moves, or the motions do not match at any offset.
        ValueError: The shapes do not fit, or a rate or offset that is not positive.
    """
    _check(keypoints_a, scores_a, keypoints_b, scores_b, fps, max_offset)
    reach = int(round(max_offset * fps))
    shorter = min(len(keypoints_a), len(keypoints_b))
    if shorter < max(2 * reach, fps):
        raise UserError(f'a recording of {shorter / fps:.1f} s is too short to search offsets of '
                        f'up to {max_offset:g} s: it must be twice as long, and 1 s')
    if not ((scores_a > 0).any(0) & (scores_b > 0).any(0)).any():
        raise UserError('no joint is seen in both cameras')
    a, b = movement(keypoints_a, scores_a), movement(keypoints_b, scores_b)
    information, frames = _information(a, b, fps, reach)
    best = int(information.argmax())
    second = _second_peak(information, best, int(round(_APART * fps)))
    offsets = np.arange(-reach, reach + 1) / fps
    curve = np.sqrt(1 - np.exp(-2 * information))
    rise = float(information[best] - np.median(information))
    lead = float(information[best] - information[second])
    nats = float(frames.max()) * _RATE / fps
    if rise * nats < _LEAST_RISE:
        moved = min(_most_motion(*camera, fps) for camera in (a, b))
        raise UserError(
            f'the person hardly moves ({moved:.1%} of the body\'s size)' if moved < _HARDLY_MOVES
            else 'the motions do not match at any offset (best agreement '
                 f'{curve[best]:.2f} of 1); are they of one performance, and of one person?')
    found = TimeOffset(
        (_subframe(information, best) - reach) / fps, float(curve[best]), lead * nats, lead / rise,
        float(offsets[second]), offsets, curve, '')
    return found._replace(doubt=_doubt(found, best in (0, 2 * reach)))


def _check(keypoints_a: np.ndarray, scores_a: np.ndarray, keypoints_b: np.ndarray,
           scores_b: np.ndarray, fps: float, max_offset: float) -> None:
    if not fps > 0 or not max_offset > 0:
        raise ValueError(f'fps and max_offset must be positive, got {fps} and {max_offset}')
    for keypoints, scores in ((keypoints_a, scores_a), (keypoints_b, scores_b)):
        if (keypoints.ndim != 3 or keypoints.shape[-1] != 2 or scores.shape != keypoints.shape[:2]
                or keypoints.shape[1] != keypoints_a.shape[1]):
            raise ValueError('key points must be (T, K, 2) and scores (T, K) with one K, got '
                             f'{keypoints.shape} and {scores.shape}')


def _most_motion(points: np.ndarray, weights: np.ndarray, fps: float) -> float:
    """Deviation of the joint that moves most, without what may be noise, in body sizes."""
    slow = octaves(points[:, :-1], fps)[0][2:]
    return float(np.sqrt(np.square(slow).sum((0, -1)).mean(0).max()))


def _doubt(found: TimeOffset, at_end: bool) -> str:
    if at_end:
        return 'the best offset is the largest that was searched'
    if found.margin < _CLEAR_MARGIN:
        return (f'the motion repeats: an offset of {found.second:+.2f} s fits nearly as well as '
                f'{found.seconds:+.2f} s')
    if found.evidence < _CLEAR_EVIDENCE:
        return (f'there is little evidence for {found.seconds:+.2f} s; next best: '
                f'{found.second:+.2f} s')
    return ''


def synchronise(views: Sequence[Tuple[np.ndarray, np.ndarray]], fps: float, max_offset: float = 2.,
                names: Optional[Sequence[str]] = None) -> Synchronisation:
    """The times of V recordings of one performance, from the pairs that match best.

    All pairs are matched. The times are taken from the tree of pairs with the most evidence, so
    that a camera that does not match the first may join through another.

    Args:
        views: V key points (T, K, 2) px and scores (T, K), see :func:`estimate_offset`.
        fps: Frames per second of all.
        max_offset: Largest offset between any two, seconds.
        names: Of the cameras, for messages; default ``camera 1`` ...

    Raises:
        UserError: A camera can be matched to no other; the message says why.
    """
    names = [f'camera {i + 1}' for i in range(len(views))] if names is None else list(names)
    pairs: Dict[Tuple[int, int], TimeOffset] = {}
    refused: Dict[Tuple[int, int], str] = {}
    for i, j in combinations(range(len(views)), 2):
        try:
            pairs[i, j] = estimate_offset(*views[i], *views[j], fps, max_offset)
        except UserError as e:
            refused[i, j] = f'{names[i]} and {names[j]} cannot be synchronised: {e}'
    seconds, used = np.full(len(views), np.nan), []
    seconds[0] = 0.
    for _ in views[1:]:
        known = np.isfinite(seconds)
        border = [pair for pair in pairs if known[pair[0]] != known[pair[1]]]
        if not border:
            raise UserError(next(text for (i, j), text in refused.items() if known[i] != known[j]))
        i, j = pair = max(border, key=lambda pair: (not pairs[pair].doubt, pairs[pair].evidence))
        used.append(pair)
        if known[i]:
            seconds[j] = seconds[i] + pairs[pair].seconds
        else:
            seconds[i] = seconds[j] - pairs[pair].seconds
    return Synchronisation(seconds, pairs, used, _doubts(seconds, pairs, used, names, fps))


def _doubts(seconds: np.ndarray, pairs: Dict[Tuple[int, int], TimeOffset],
            used: Sequence[Tuple[int, int]], names: Sequence[str], fps: float) -> List[str]:
    lines = [f'{names[i]} and {names[j]}: {pairs[i, j].doubt}' for i, j in used
             if pairs[i, j].doubt]
    for (i, j), found in pairs.items():
        apart = found.seconds - (seconds[j] - seconds[i])
        if not found.doubt and abs(apart) > 1.5 / fps:
            lines.append(f'{names[i]} and {names[j]} match at {found.seconds:+.2f} s, but by way '
                         f'of the others at {seconds[j] - seconds[i]:+.2f} s')
    return lines


class SharedMotion(NamedTuple):
    """One joint's height in two cameras."""
    joint: int
    times_a: np.ndarray   # (Ta,) seconds since camera a began
    height_a: np.ndarray  # (Ta,) about its mean of a second or two, body sizes; NaN: not seen
    times_b: np.ndarray   # (Tb,) seconds since camera b began
    height_b: np.ndarray  # (Tb,)


def shared_motion(keypoints_a: np.ndarray, scores_a: np.ndarray, keypoints_b: np.ndarray,
                  scores_b: np.ndarray, fps: float, seconds: float) -> SharedMotion:
    """The joint that goes up and down most, and alike in two cameras, about the body's middle.

    Args:
        keypoints_a, scores_a, keypoints_b, scores_b, fps: As in :func:`estimate_offset`.
        seconds: Camera b's beginning after camera a's.
    """
    heights, seen = [], []
    for keypoints, scores in ((keypoints_a, scores_a), (keypoints_b, scores_b)):
        points, weights = movement(keypoints, scores)
        octave, smooth = octaves(points[:, :-1, 1], fps)
        slow = smooth[-1] - octave[-1]
        heights.append(slow - smooth[1])        # the image's y points down
        seen.append(octaves((weights[:, :-1] > 0).astype(float), fps)[1][2] > .2)
    places = np.arange(len(heights[0])) - seconds * fps
    match = np.clip(np.round(places).astype(int), 0, len(heights[1]) - 1)
    both = ((places >= 0) & (places <= len(heights[1]) - 1))[:, None] & seen[0] & seen[1][match]
    count = np.maximum(both.sum(0), 1)
    a, b = (np.where(both, h - (h * both).sum(0) / count, 0.)
            for h in (heights[0], heights[1][match]))
    # Covariance over the greater deviation: large where both move much, and alike.
    spread = np.sqrt(np.maximum(np.square(a).sum(0), np.square(b).sum(0)))
    joint = int(((a * b).sum(0) / np.maximum(spread, 1e-9)).argmax())
    shown = [np.where(s[:, joint], h[:, joint], np.nan) for s, h in zip(seen, heights)]
    return SharedMotion(joint, np.arange(len(shown[0])) / fps, shown[0],
                        np.arange(len(shown[1])) / fps, shown[1])
