"""What the datasets of images with 3D poses share, for learning with few labels: moments that
several cameras saw, and which of their images are labelled.

Batches have

==================  ==================  =======================================================
``images``          ``(B, 3, S, S)``    uint8 RGB
``pose``            ``(B, K, 3)``       mm about the root, in the world's axes, y up; 0 where the
                                        image is not labelled, in training
``labelled``        ``(B,)`` bool       whether the row is there for its pose
``instant``         ``(B,)``            number of the moment: equal for its views, and only for them
``view``            ``(B,)``            number of the camera
``subject``         ``(B,)``            number of the person
``clip``            ``(B,)``            number of the performance in ``metainfo['clip_names']``
``index``           ``(B,)``            number of the row
==================  ==================  =======================================================

and further labels as whole numbers; words are numbered in their alphabetical order, which
``metainfo['label_names']`` gives, beside ``skeleton``, ``subjects`` and ``views``. The transform
``PackPoseImages`` makes the model's batch of it.

In training the rows are N images without a label, for pairs, and then the L labelled ones, which
are some of the same images again; :class:`~mmviewpose.datasets.samplers.PairBatchSampler` puts
batches together. In tests there are N rows, all labelled.
"""
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor

from mmviewpose.datasets.datasets.array_dataset import ArrayDataset, Batch
from mmviewpose.errors import DatasetError
from mmviewpose.skeletons import get_skeleton

LABEL_RULES = ('subjects', 'views', 'every', 'share')


class Shots(NamedTuple):
    """N images and what they show.

    Attributes:
        pose: ``(N, K, 3)`` float32 mm, y up; anywhere.
        clip: ``(N,)`` number of the performance.
        frame: ``(N,)`` number of the frame in it.
        view: ``(N,)`` number of the camera.
        subject: ``(N,)`` number of the person.
        labels: Further whole numbers, ``(N,)``.
    """
    pose: np.ndarray
    clip: np.ndarray
    frame: np.ndarray
    view: np.ndarray
    subject: np.ndarray
    labels: Dict[str, np.ndarray]


class Moments(NamedTuple):
    """M moments, sorted by clip and frame.

    Attributes:
        clip: ``(M,)`` number of the performance.
        frame: ``(M,)`` number of the frame in it.
        subject: ``(M,)`` number of the person.
    """
    clip: Tensor
    frame: Tensor
    subject: Tensor


class ReadImages:
    """``image`` ``(B,)``, numbers, to ``images``.

    Args:
        read: Gives images ``(B, 3, S, S)`` uint8 by their numbers ``(B,)``.
    """

    def __init__(self, read: Callable[[Tensor], Tensor]) -> None:
        self.read = read

    def __call__(self, batch: Batch) -> Batch:
        batch['images'] = self.read(batch.pop('image'))
        return batch


class MomentPoseDataset(ArrayDataset):
    """Images with 3D poses; see the top of this file.

    Args:
        read: Gives images ``(B, 3, S, S)`` uint8 by their numbers ``(B,)``.
        shots: What the N images show.
        skeleton: Layout of the poses, with the root first.
        clip_names: Of the performances.
        label_names: Words that some labels stand for.
        training: Whether rows are N images and then L labelled ones.
        labels: Which images are labelled, in training; all by default. ``subjects`` and ``views``
            name them, and of the moments that these show ``every`` takes every how many-th, or
            ``share`` this share, evenly spaced: ``dict(subjects=[1], views=[1, 2, 3],
            share=.05)``. With ``dict(subjects=[])`` none is.
        pipeline, prepare, prepare_seed: As for
            :class:`~mmviewpose.datasets.datasets.array_dataset.ArrayDataset`; ``prepare`` has no
            images.

    Raises:
        DatasetError: The root is not the layout's first joint, or ``labels`` has an unknown rule,
            subject or view, leaves nothing, or is given for a test.
    """

    def __init__(self, read: Callable[[Tensor], Tensor], shots: Shots, skeleton: str,
                 clip_names: Sequence[str], label_names: Mapping[str, List[str]],
                 training: bool = True, labels: Optional[Mapping[str, Any]] = None,
                 pipeline: Sequence = (), prepare: Sequence = (), prepare_seed: int = 0) -> None:
        if get_skeleton(skeleton).root != 0:
            raise DatasetError(f'layout {skeleton} has its root not first; ape17 and h36m17 do')
        if labels is not None and not training:
            raise DatasetError('labels are for training: in a test all images are labelled')
        self.training, self.num_images = training, len(shots.clip)
        instant, self.moments = _moments(shots)
        chosen = _labelled(shots, instant, labels or {}) if training else np.arange(0)
        image = np.concatenate([np.arange(self.num_images), chosen])
        labelled = np.arange(len(image)) >= (self.num_images if training else 0)
        pose = np.zeros((len(image), *shots.pose.shape[1:]), np.float32)
        pose[labelled] = (shots.pose - shots.pose[:, :1])[image[labelled]]
        facts = dict(shots.labels, instant=instant, view=shots.view, subject=shots.subject,
                     clip=shots.clip)
        super().__init__(
            dict({key: value[image] for key, value in facts.items()}, image=image, pose=pose,
                 labelled=labelled),
            pipeline=[ReadImages(read), *pipeline], prepare=prepare, prepare_seed=prepare_seed,
            metainfo=dict(
                skeleton=skeleton, subjects=np.unique(shots.subject).tolist(),
                views=np.unique(shots.view).tolist(), clip_names=list(clip_names),
                label_names=dict(label_names)))
        print_log(f'{self.num_images} images of {len(self.moments.clip)} moments, seen by the '
                  f'cameras {self.metainfo["views"]}, of {len(self.metainfo["subjects"])} people; '
                  f'{int(labelled.sum())} labelled', 'current')

    @property
    def labelled_rows(self) -> Tensor:
        """Numbers of the labelled rows, ``(L,)``."""
        return self.arrays['labelled'].nonzero()[:, 0]

    @property
    def view_names(self) -> List[str]:
        """The cameras: the columns of :meth:`view_groups`."""
        return [str(view) for view in self.metainfo['views']]

    def view_groups(self) -> Tensor:
        """Which images are the views of each moment: ``(M, V)``, a column a camera, -1 where the
        moment was not seen by it."""
        view = torch.tensor(self.metainfo['views'])
        rows = torch.arange(self.num_images)
        groups = torch.full((len(self.moments.clip), len(view)), -1)
        groups[self.arrays['instant'][rows],
               torch.searchsorted(view, self.arrays['view'][rows])] = rows
        return groups

    def pose_statistics(self) -> Tuple[Tensor, Tensor]:
        """Mean and standard deviation of the labelled poses as the pipeline makes them, in front of
        black images of one pixel; ``(K, 3)`` float32 each.

        Raises:
            DatasetError: Nothing is labelled.
        """
        rows = self.labelled_rows
        if not len(rows):
            raise DatasetError('there is no labelled image, and so no statistics of poses')
        batch = {key: array.index_select(0, rows) for key, array in self.arrays.items()}
        batch.update(index=rows, images=torch.zeros(len(rows), 3, 1, 1, dtype=torch.uint8))
        del batch['image']
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            for transform in self.pipeline.transforms[1:]:
                batch = transform(batch)
        poses = batch.get('data_samples', batch)['pose'].double()
        return poses.mean(0).float(), poses.std(0, unbiased=False).float()


def _moments(shots: Shots) -> Tuple[np.ndarray, Moments]:
    """Number of the moment of each of the images, ``(N,)``, and the moments."""
    place = shots.clip.astype(np.int64) * (int(shots.frame.max()) + 1) + shots.frame
    _, first, instant = np.unique(place, return_index=True, return_inverse=True)
    return instant.ravel(), Moments(*(
        torch.as_tensor(values[first].astype(np.int64))
        for values in (shots.clip, shots.frame, shots.subject)))


def _labelled(shots: Shots, instant: np.ndarray, rules: Mapping[str, Any]) -> np.ndarray:
    """Numbers of the labelled images, ``(L,)``."""
    unknown = set(rules) - set(LABEL_RULES)
    if unknown:
        raise DatasetError(f'labels have no {", ".join(sorted(unknown))}; they take '
                           f'{", ".join(LABEL_RULES)}')
    chosen = np.ones(len(instant), bool)
    for rule, values in (('subjects', shots.subject), ('views', shots.view)):
        wanted = rules.get(rule)
        if wanted is None:
            continue
        for value in wanted:
            if value not in values:
                raise DatasetError(f'labels: {rule} has {value}, there are '
                                   f'{np.unique(values).tolist()}')
        chosen &= np.isin(values, wanted)
    moments = np.unique(instant[chosen])
    chosen &= np.isin(instant, moments[_spaced(len(moments), rules)])
    return np.flatnonzero(chosen)


def _spaced(count: int, rules: Mapping[str, Any]) -> np.ndarray:
    """Places of the labelled ones among a number of moments in the order of time."""
    every, share = rules.get('every'), rules.get('share')
    if every is not None and share is not None:
        raise DatasetError('labels take every or share, not both')
    if share is None:
        every = 1 if every is None else every
        if every < 1:
            raise DatasetError(f'labels: every must be at least 1, got {every}')
        return np.arange(0, count, every)
    if not 0 < share <= 1:
        raise DatasetError(f'labels: share must be above 0 and at most 1, got {share}')
    taken = min(count, max(1, round(share * count)))
    return ((2 * np.arange(taken) + 1) * count) // (2 * taken)
