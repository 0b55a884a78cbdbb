"""Rendered images of people whose 3D pose is known, by several cameras in step."""
from functools import partial
from typing import Any, List, Mapping, Optional, Sequence

import numpy as np
import torch

from mmviewpose.datasets.datasets.archive_source import (Selection, Sources, SourcesDataset,
                                                         select_motion)
from mmviewpose.datasets.datasets.moment_pose_dataset import MomentPoseDataset, Shots
from mmviewpose.datasets.datasets.rendered_dataset import film_clips
from mmviewpose.datasets.filming import Film
from mmviewpose.datasets.persons import subjects_of, with_bones
from mmviewpose.errors import DatasetError
from mmviewpose.registry import DATASETS


@DATASETS.register_module()
class RenderedPoseDataset(MomentPoseDataset, SourcesDataset):
    """Images and 3D poses of motion capture or of the built-in people, rendered when the dataset is
    built and kept in memory in uint8; see
    :mod:`~mmviewpose.datasets.datasets.moment_pose_dataset` for what a batch holds.

    A subject is a number, and looks and bones follow from it alone: subject 7 is the same person in
    every dataset, seen or drawn with whichever clips. A source's ``subject`` says who performs all
    of its clips; this way people can be made of folds of takes where an archive has no such label
    or one body for all (Bandai-Namco)::

        sources=[dict(ann_file='bandai_namco.npz', fold=dict(count=8, keep=[n]), subject=n + 1)
                 for n in range(5)]

    Otherwise it is the archive's label ``subject``; without one, clip n of an archive is by a
    person of its own, 1000 + n. The built-in people are 100 times ``synthetic_seed`` plus 1, 2 ...:
    a person performs all of the 12 actions before the next does.

    Args:
        sources: What to take of which archive of clips, see
            :func:`~mmviewpose.datasets.datasets.archive_source.select_sequences`; and ``subject``,
            as above.
        data_root: Folder that the archives are relative to.
        skeleton: Layout that the archives must have, with the root first.
        film: Arguments of :class:`~mmviewpose.datasets.filming.Film`; ``modality`` is ``'rgb'`` by
            default.
        views: Cameras to take, from 1; all by default.
        bone_change: Largest change of the length of a subject's bones, as a share of it; the pose
            changes with the picture.
        size_change: Largest change of a subject's whole body.
        num_synthetic, synthetic_frames, synthetic_seed: Clips of the built-in people, see
            :func:`~mmviewpose.datasets.datasets.archive_source.select_motion`.
        **moments: ``training``, ``labels``, ``pipeline``, ``prepare``, ``prepare_seed`` of
            :class:`~mmviewpose.datasets.datasets.moment_pose_dataset.MomentPoseDataset`.

    Raises:
        DatasetError: A file is missing or broken, nothing is left, a source's subject is not a
            number, no such camera, or as ``MomentPoseDataset``.
    """

    def __init__(self, sources: Sources = (), data_root: str = '', skeleton: str = 'ape17',
                 film: Optional[Mapping[str, Any]] = None, views: Optional[Sequence[int]] = None,
                 bone_change: float = 0., size_change: float = 0., num_synthetic: int = 0,
                 synthetic_frames: int = 60, synthetic_seed: int = 0, **moments) -> None:
        selections = select_motion(
            sources, data_root, skeleton, 'subject', num_synthetic=num_synthetic,
            synthetic_frames=synthetic_frames, synthetic_seed=synthetic_seed)
        subjects = _subjects(selections, sources, synthetic_seed)
        if bone_change or size_change:
            selections = [
                Selection(with_bones(archive, rows, who, bone_change, size_change), rows)
                for (archive, rows), who in zip(selections, subjects)]
        film = dict(dict(modality='rgb'), **film or {})
        seen = film_clips(selections, film, views, people=subjects)
        frames = [Film(**film).frames(archive, rows)[0] for archive, rows in selections]
        clip = np.repeat(np.arange(len(seen.lengths)), seen.lengths)
        starts = np.concatenate([archive.starts[rows] for archive, rows in selections])
        facts = dict(seen.labels, subject=np.concatenate(subjects))
        facts = {key: values[clip] for key, values in facts.items()}
        facts.update(
            clip=clip, frame=np.concatenate(frames) - starts[clip],
            pose=np.concatenate([archive.positions[numbers]
                                 for (archive, _), numbers in zip(selections, frames)]))
        # images are those of the first camera, of the second ...
        facts = {key: np.concatenate([values] * len(seen.cameras))
                 for key, values in facts.items()}
        facts['view'] = np.repeat(seen.cameras, len(clip))
        own = {key: facts.pop(key) for key in Shots._fields if key != 'labels'}
        super().__init__(
            partial(torch.index_select, seen.images.flatten(0, 1), 0), Shots(**own, labels=facts),
            skeleton, seen.names.tolist(), seen.words, **moments)


def _subjects(selections: Sequence[Selection], sources: Sources, synthetic_seed: int
              ) -> List[np.ndarray]:
    """Number of the person in each clip of each selection."""
    found = []
    for number, (archive, rows) in enumerate(selections):
        if number == len(sources):  # the built-in people
            found.append(100 * synthetic_seed + 1 + archive.labels['person'][rows])
            continue
        who = sources[number].get('subject')
        if who is None:
            found.append(subjects_of(archive, rows))
        elif isinstance(who, int) and who >= 0:
            found.append(np.full(len(rows), who))
        else:
            raise DatasetError(f'subject must be a whole number from 0, got {who!r}',
                               file=sources[number]['ann_file'])
    return found
