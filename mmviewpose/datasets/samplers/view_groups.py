"""Which samples of a dataset are views of one window."""
from typing import Any, Dict, Iterator, List, Tuple

import numpy as np
import torch
from torch import Tensor

from mmviewpose.datasets.formats.h36m import parse_name
from mmviewpose.errors import UserError

Groups = Tuple[Tensor, List[str]]


def groups_of(dataset: Any, group_by: str = 'dataset') -> Groups:
    """The views of each window of a dataset.

    Args:
        dataset: With ``group_by='dataset'`` one that has ``view_groups()`` and ``view_names``, or
            a ``ConcatDataset`` of such.
        group_by: ``'dataset'``, or ``'h36m'`` for mmpose's ``Human36mDataset``: what has the same
            subject, action, subaction and first, target and last frame, but another camera.

    Returns:
        Indices of the samples, ``(G, C)``, a column a camera, -1 where there is none; and the C
        cameras' names.

    Raises:
        UserError: The dataset cannot tell.
    """
    if hasattr(dataset, 'datasets'):
        return _joined([groups_of(part, group_by) for part in dataset.datasets],
                       [len(part) for part in dataset.datasets])
    if group_by == 'h36m':
        return h36m_groups(dataset)
    if group_by != 'dataset':
        raise UserError(f"config: group_by must be 'dataset' or 'h36m', got {group_by!r}")
    if not hasattr(dataset, 'view_groups'):
        raise UserError(f'config: {type(dataset).__name__} does not say which samples are views of '
                        "one clip; for mmpose's Human36mDataset give group_by='h36m'")
    return dataset.view_groups(), list(dataset.view_names)


def _joined(parts: List[Groups], sizes: List[int]) -> Groups:
    names = sorted({name for _, found in parts for name in found})
    offsets = np.cumsum(sizes) - sizes
    tables = []
    for (groups, found), offset in zip(parts, offsets):
        table = torch.full((len(groups), len(names)), -1)
        columns = [names.index(name) for name in found]
        table[:, columns] = torch.where(groups >= 0, groups + int(offset), -1)
        tables.append(table)
    return torch.cat(tables), names


def h36m_groups(dataset: Any) -> Groups:
    """See :func:`groups_of`."""
    windows: Dict[tuple, int] = {}
    rows, found = [], []
    for names in _frame_names(dataset):
        ((subject, action, camera), first), (_, target), (_, last) = map(parse_name, names)
        rows.append(windows.setdefault((subject, action, first, target, last), len(windows)))
        found.append(camera)
    cameras, columns = np.unique(found, return_inverse=True)
    groups = torch.full((len(windows), len(cameras)), -1)
    groups[rows, columns] = torch.arange(len(rows))
    return groups, cameras.tolist()


def _frame_names(dataset: Any) -> Iterator[List[str]]:
    """Image names of the first frame of each sample, of the one that it is about (the last of a
    causal one, else the middle), and of the last.

    mmpose pads windows at the ends of a recording by repeating frames, so that several may begin
    with the same one; their target frames differ. Where a camera lacks frames, the windows about
    one moment begin or end at others.
    """
    if not hasattr(dataset, 'sequence_indices'):
        raise UserError(f"config: group_by='h36m' needs mmpose's Human36mDataset, not "
                        f'{type(dataset).__name__}')
    windows, names = dataset.sequence_indices, dataset.ann_data['imgname']
    if len(windows) != len(dataset):  # samples without key points were left out
        windows = [windows[dataset.get_data_info(i)['id']] for i in range(len(dataset))]
    for frames in windows:
        target = -1 if dataset.causal else len(frames) // 2
        yield [str(names[frames[place]]) for place in (0, target, -1)]
