"""What the datasets over archive files share: finding, checking and selecting."""
from pathlib import Path
from typing import Any, Dict, Iterable, Mapping, NamedTuple, Optional, Sequence

import numpy as np

from mmviewpose.datasets.formats.archive import Archive, read_archive
from mmviewpose.errors import DatasetError

SOURCE_KEYS = ('ann_file', 'select', 'drop', 'fold')
HOW_TO_GET = 'docs/data_preparation.md says how to get and convert it'


class Selection(NamedTuple):
    """Some sequences of an archive.

    Attributes:
        archive: Where they are.
        rows: Their numbers, ``(S,)``.
    """
    archive: Archive
    rows: np.ndarray


def select_sequences(source: Mapping[str, Any], data_root: str, skeleton: str) -> Selection:
    """Read an archive and pick sequences by their labels.

    Args:
        source: ``ann_file``, and any of ``select`` (allowed values by label, e.g.
            ``dict(view=[1, 2])``), ``drop`` (forbidden values by label) and ``fold``
            (``dict(count=7, keep=[0])``: every seventh sequence by name). The label ``'name'``
            means the sequence's name.
        data_root: Folder that ``ann_file`` is relative to.
        skeleton: Layout that the archive must have; it must be y up.

    Raises:
        DatasetError: The file is missing or broken, in another layout or without such a label, a
            rule is misspelt, or nothing is left.
    """
    path = source_path(source, data_root)
    if not path.is_file():
        raise DatasetError(f'file not found; {HOW_TO_GET}', file=path)
    _check_rules(source, path)
    archive = read_archive(path)
    if (archive.layout, archive.up) != (skeleton, '+y'):
        raise DatasetError(f'layout {archive.layout}, up {archive.up}; expected {skeleton}, +y: '
                           'convert it again with that layout', file=path)
    chosen = np.ones(len(archive.names), bool)
    for wanted, key in ((True, 'select'), (False, 'drop')):
        for label, values in (source.get(key) or {}).items():
            chosen &= np.isin(label_of(archive, label, path), values) == wanted
    if source.get('fold'):
        place = np.argsort(np.argsort(archive.names))
        chosen &= np.isin(place % source['fold']['count'], source['fold']['keep'])
    if not chosen.any():
        rules = {key: source[key] for key in ('select', 'drop', 'fold') if source.get(key)}
        raise DatasetError(f'no sequences left with {rules}', file=path)
    return Selection(archive, np.flatnonzero(chosen))


def _check_rules(source: Mapping[str, Any], path: Path) -> None:
    """Refuse what nobody reads: with a misspelt rule the held-out people would train."""
    unknown = set(source) - set(SOURCE_KEYS)
    if unknown:
        raise DatasetError(f'a source has no {", ".join(sorted(unknown))}; it takes '
                           f'{", ".join(SOURCE_KEYS)}', file=path)
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
        path = source_path(source, data_root)
        if not path.is_file():
            raise DatasetError(f'file not found; {HOW_TO_GET}', file=path)


def label_of(archive: Archive, label: str, file: Optional[Path] = None) -> np.ndarray:
    """A label of all sequences, ``(S,)``.

    Raises:
        DatasetError: The archive has no such label.
    """
    if label == 'name':
        return archive.names
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


Sources = Sequence[Mapping[str, Any]]
