"""Views from one key point layout to another."""
from dataclasses import replace

import numpy as np

from mmviewpose.skeletons import get_skeleton, remap, remap_matrix

from .views import ViewSequence


def view_to_layout(sequence: ViewSequence, layout: str) -> ViewSequence:
    """The sequence in another key point layout; image points and 3D by the same weights.

    A joint that is made of several has the lowest of their scores, and is not seen (0) where one
    of them is not.

    Raises:
        KeyError: Unknown layout.
        ValueError: A joint of `layout` cannot be had from the sequence's layout.
    """
    if layout == sequence.layout:
        return sequence
    scores = remap_scores(sequence.scores, sequence.layout, layout)
    keypoints = np.where(scores[..., None] > 0,
                         remap(sequence.keypoints, sequence.layout, layout), 0)
    positions = sequence.positions
    if positions is not None:
        positions = remap(positions, sequence.layout, layout)
    return replace(sequence, keypoints=keypoints.astype(np.float32), scores=scores,
                   positions=positions, layout=get_skeleton(layout).name)


def remap_scores(scores: np.ndarray, source: str, target: str) -> np.ndarray:
    """Scores (..., Ks) of joints as (..., Kt): the lowest of those that a joint is made of."""
    made_of = remap_matrix(source, target) != 0  # (Kt, Ks)
    out = np.empty((*scores.shape[:-1], len(made_of)), scores.dtype)
    for joint, parts in enumerate(made_of):
        out[..., joint] = scores[..., parts].min(-1)
    return out
