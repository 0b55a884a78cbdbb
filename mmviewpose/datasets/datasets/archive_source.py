"""What the datasets over archive files share: finding, checking and selecting."""
from pathlib import Path
from typing import (Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple,
                    Union)

import numpy as np

from mmviewpose.datasets.datasets.array_dataset import ArrayDataset, check_transforms
from mmviewpose.datasets.formats.archive import Archive, from_clips, read_archive
from mmviewpose.datasets.formats.views import ViewArchive, read_views
from mmviewpose.datasets.synthetic.people import synthetic_clips
from mmviewpose.errors import DatasetError

SOURCE_KEYS = ('ann_file', 'select', 'drop', 'fold')
HOW_TO_GET = 'docs/data_preparation.md says how to get and convert it'

AnyArchive = Union[Archive, ViewArchive]


class Selection(NamedTuple):
    """Some sequences of an archive.

    Attributes:
        archive: Where they are.
        rows: Their numbers, ``(S,)``.
    """
    archive: AnyArchive
    rows: np.ndarray


def select_sequences(source: Mapping[str, Any], data_root: str, skeleton: Optional[str],
                     *more: str) -> Selection:
    """Read an archive and pick sequences by their labels.

    Args:
        source: ``ann_file``, and any of ``select`` (allowed values by label, e.g.
            ``dict(view=[1, 2])``), ``drop`` (forbidden values by label) and ``fold``
            (``dict(count=7, keep=[0])``: every seventh sequence by name). The label ``'name'``
            means the sequence's name.
        data_root: Folder that ``ann_file`` is relative to.
        skeleton: Layout that the archive must have, None for any; it must be y up.
        more: Further keys that a source may have.

    Raises:
        DatasetError: The file is missing or broken, in another layout or without such a label, a
            rule is misspelt, or nothing is left.
    """
    path = _existing(source, data_root)
    _check_rules(source, path, *more)
    archive = read_archive(path)
    wanted = skeleton or archive.layout
    if (archive.layout, archive.up) != (wanted, '+y'):
        raise DatasetError(f'layout {archive.layout}, up {archive.up}; expected {wanted}, +y: '
                           'convert it again with that layout', file=path)
    return Selection(archive, _chosen(archive, source, path))


def select_views(source: Mapping[str, Any], data_root: str, skeleton: str) -> Selection:
    """Read an archive of views and pick some by their labels.

    Args:
        source: As for :func:`select_sequences`; the label ``'name'`` or ``'clip'`` is the
            performance, ``'view'`` the camera, and ``fold`` counts performances, so that the views
            of one stay together.
        data_root: Folder that ``ann_file`` is relative to.
        skeleton: Layout that the archive must have.

    Raises:
        DatasetError: As :func:`select_sequences`.
    """
    path = _existing(source, data_root)
    _check_rules(source, path, 'use_3d')
    archive = read_views(path)
    if archive.layout != skeleton:
        raise DatasetError(f'layout {archive.layout}; expected {skeleton}: convert it again with '
                           'that layout', file=path)
    return Selection(archive, _chosen(archive, source, path))


def select_motion(sources: 'Sources', data_root: str, skeleton: Optional[str], *more: str,
                  num_synthetic: int = 0, synthetic_frames: int = 243, synthetic_seed: int = 0
                  ) -> List[Selection]:
    """What sources name, and clips of the built-in synthetic people behind it.

    Args:
        sources, data_root, skeleton, more: As for :func:`select_sequences`.
        num_synthetic: Clips of the built-in people.
        synthetic_frames: Frames of each of them, at 30 Hz.
        synthetic_seed: Another seed gives other people and motions.

    Raises:
        DatasetError: As :func:`select_sequences`, or there is neither.
    """
    selections = [select_sequences(source, data_root, skeleton, *more) for source in sources]
    if num_synthetic:
        archive = from_clips(synthetic_clips(num_synthetic, synthetic_frames, synthetic_seed))
        selections.append(Selection(archive, np.arange(len(archive))))
    if not selections:
        raise DatasetError('no sources and no synthetic people')
    return selections


def sequence_of_frames(archive: AnyArchive) -> np.ndarray:
    """Number of the sequence of each of the frames, ``(F,)``."""
    return np.repeat(np.arange(len(archive)), archive.lengths)


def chosen_frames(selection: Selection) -> np.ndarray:
    """Which of the archive's frames are in the selection, ``(F,)`` bool."""
    archive, rows = selection
    chosen = np.zeros(len(archive), bool)
    chosen[rows] = True
    return np.repeat(chosen, archive.lengths)


def _existing(source: Mapping[str, Any], data_root: str) -> Path:
    path = source_path(source, data_root)
    if not path.is_file():
        raise DatasetError(f'file not found; {HOW_TO_GET}', file=path)
    return path


def _chosen(archive: AnyArchive, source: Mapping[str, Any], path: Path) -> np.ndarray:
    """Numbers of the sequences that a source's rules leave, in the archive's order."""
    chosen = np.ones(len(archive), bool)
    for wanted, key in ((True, 'select'), (False, 'drop')):
        for label, values in (source.get(key) or {}).items():
            chosen &= np.isin(label_of(archive, label, path), values) == wanted
    if source.get('fold'):
        place = np.unique(label_of(archive, 'name'), return_inverse=True)[1]
        chosen &= np.isin(place % source['fold']['count'], source['fold']['keep'])
    if not chosen.any():
        rules = {key: source[key] for key in ('select', 'drop', 'fold') if source.get(key)}
        raise DatasetError(f'no sequences left with {rules}', file=path)
    return np.flatnonzero(chosen)


def _check_rules(source: Mapping[str, Any], path: Path, *more: str) -> None:
    """Refuse what nobody reads: with a misspelt rule the held-out people would train."""
    known = (*SOURCE_KEYS, *more)
    unknown = set(source) - set(known)
    if unknown:
        raise DatasetError(f'a source has no {", ".join(sorted(unknown))}; it takes '
                           f'{", ".join(known)}', file=path)
    fold = source.get('fold') or dict(count=1, keep=[0])
    if set(fold) != {'count', 'keep'} or not set(fold['keep']) <= set(range(fold['count'])):
        raise DatasetError(f'fold must be dict(count=N, keep=[numbers below N]), got {fold}',
                           file=path)


def source_path(source: Mapping[str, Any], data_root: str) -> Path:
    """The archive file of a source."""
    return Path(data_root, source['ann_file'])


def check_sources(sources: Iterable[Mapping[str, Any]], data_root: str = '') -> None:
    """Check that archives are there, before anything is built.

    Raises:
        DatasetError: Names the file and where to read how to get it.
    """
    for source in sources:
        _existing(source, data_root)


def label_of(archive: AnyArchive, label: str, file: Optional[Path] = None) -> np.ndarray:
    """A label of all sequences, ``(S,)``.

    Raises:
        DatasetError: The archive has no such label.
    """
    if isinstance(archive, ViewArchive):
        named = dict(name=archive.clips, clip=archive.clips, view=archive.views)
    else:
        named = dict(name=archive.names)
    if label in named:
        return named[label]
    if label not in archive.labels:
        raise DatasetError(f'no label {label!r}; there are: {sorted(archive.labels)}',
                           file=file)
    return archive.labels[label]


def numeric(labels: Mapping[str, np.ndarray]) -> Dict[str, np.ndarray]:
    """The labels that can go into a tensor: whole numbers, also where they are written as text (the
    serial numbers of Human3.6M's cameras)."""
    return {key: value.astype(np.int64) for key, value in labels.items()
            if value.dtype.kind in 'iub'
            or value.dtype.kind == 'U' and np.char.isdigit(value).all()}


def shared_labels(parts: Sequence[Mapping[str, np.ndarray]]
                  ) -> Tuple[Dict[str, np.ndarray], Dict[str, List[str]]]:
    """The labels that all parts have as whole numbers ``(S,)``, and the words that some stand
    for."""
    numbers, words = {}, {}
    for key in sorted(set.intersection(*(set(part) for part in parts))):
        values = np.concatenate([part[key] for part in parts])
        whole = numeric({key: values})
        if whole:
            numbers[key] = whole[key]
        else:
            found, numbers[key] = np.unique(values, return_inverse=True)
            words[key] = found.tolist()
    return numbers, words


Sources = Sequence[Mapping[str, Any]]


class SourcesDataset(ArrayDataset):
    """An :class:`ArrayDataset` of what ``sources`` below ``data_root`` hold."""

    @classmethod
    def check_files(cls, cfg: Mapping[str, Any]) -> None:
        """Check that the files of a dataset config and of its transforms are there.

        Raises:
            DatasetError: Names the first that is not.
        """
        check_sources(cfg.get('sources', ()), cfg.get('data_root', ''))
        check_transforms(cfg)
