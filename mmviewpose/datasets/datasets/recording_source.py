"""What the datasets over trees of images share: finding, checking and selecting recordings."""
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np
from tqdm import tqdm

from mmviewpose.datasets.datasets.archive_source import HOW_TO_GET, shared_labels
from mmviewpose.datasets.formats import ntu_images, qmar
from mmviewpose.datasets.formats.image_tree import Frames, Recording, list_frames
from mmviewpose.errors import DatasetError

READERS: Dict[str, Callable[..., List[Recording]]] = dict(
    ntu=ntu_images.read_recordings, qmar=qmar.read_recordings)

Source = Union[str, Mapping[str, Any]]
Rules = Optional[Mapping[str, Sequence]]


def check_tree(cfg: Mapping[str, Any]) -> None:
    """Check that the folder of a dataset config, and what its source names, are there.

    Raises:
        DatasetError: Names what is missing and where to read how to get it.
    """
    root = Path(cfg['data_root'])
    if not root.is_dir():
        raise DatasetError(f'folder not found; {HOW_TO_GET}', file=root)
    name, options = _reader(cfg.get('source', 'ntu'))
    if name == 'qmar':
        annotations = Path(root, options.get('ann_file', qmar.ANNOTATIONS))
        if not annotations.is_file():
            raise DatasetError(f'file not found; {HOW_TO_GET}', file=annotations)


def _reader(source: Source) -> Tuple[str, Dict[str, Any]]:
    """Name and options of a source's reader."""
    options = dict(type=source) if isinstance(source, str) else dict(source)
    name = options.pop('type', None)
    if name not in READERS:
        raise DatasetError(f'source {name!r}, there are {", ".join(READERS)}')
    return name, options


def select_recordings(data_root: str, source: Source, views: Optional[Sequence[int]] = None,
                      select: Rules = None, drop: Rules = None) -> List[Recording]:
    """Read a tree of images and pick recordings by their labels.

    Args:
        data_root: Folder of the tree.
        source: ``'ntu'`` or ``'qmar'``, or ``dict(type='qmar', ...)`` with arguments of its
            reader in :mod:`mmviewpose.datasets.formats`.
        views: Cameras to take; all by default.
        select: Allowed values by label, e.g. ``dict(xview60=[1])`` for the training list of a
            protocol; the labels ``'name'`` and ``'clip'`` are the recording's and the
            performance's name.
        drop: Forbidden values by label.

    Raises:
        DatasetError: The tree is missing or broken, a rule names a label or a value that no
            recording has (somebody who is held out would train), or nothing is left.
    """
    name, options = _reader(source)
    recordings = READERS[name](data_root, **options)
    chosen = np.ones(len(recordings), bool)
    rules = [(True, select or {}), (False, drop or {})]
    if views is not None:
        rules.append((True, dict(camera=views)))
    for wanted, rule in rules:
        for label, values in rule.items():
            found = _label_of(recordings, label, data_root)
            for value in values:
                if not (found == value).any():
                    raise DatasetError(f'no recording has {label} {value!r}; there are: '
                                       f'{_some(found)}', file=data_root)
            chosen &= np.isin(found, values) == wanted
    if not chosen.any():
        raise DatasetError(f'no recordings left with select {select}, drop {drop} and views '
                           f'{views}', file=data_root)
    return [recordings[row] for row in np.flatnonzero(chosen)]


def _label_of(recordings: Sequence[Recording], label: str, file: str) -> np.ndarray:
    if label in ('name', 'clip'):
        return np.array([getattr(recording, label) for recording in recordings])
    if label not in recordings[0].labels:
        raise DatasetError(f'no label {label!r}; there are: {sorted(recordings[0].labels)}',
                           file=file)
    return np.array([recording.labels[label] for recording in recordings])


def _some(values: np.ndarray, most: int = 12) -> str:
    found = np.unique(values).tolist()
    return ', '.join(map(str, found[:most])) + ' ...' * (len(found) > most)


def labels_of(recordings: Sequence[Recording]
              ) -> Tuple[Dict[str, np.ndarray], Dict[str, List[str]]]:
    """The labels of recordings as whole numbers ``(R,)``, and the words that some stand for."""
    return shared_labels([{key: np.array([recording.labels[key] for recording in recordings])
                           for key in recordings[0].labels}])


def images_of(recordings: Sequence[Recording], modality: str) -> List[Frames]:
    """The images of each recording; a bar is shown where that takes long.

    Raises:
        DatasetError: As :func:`~mmviewpose.datasets.formats.image_tree.list_frames`.
    """
    return [list_frames(recording.folder, modality, recording.name)
            for recording in tqdm(recordings, 'listing images', unit='folder', delay=5)]
