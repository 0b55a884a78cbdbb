"""QMAR: movements that six cameras see and that an expert scored (F. Sardari et al., VI-Net, 2020).

38 subjects act walking and sitting-to-standing with Parkinson's disease and after a stroke
(`MOVEMENTS`); three cameras are in front of them and three at their side. Its publishers' folders,
lists and score sheets could not be had when this was written, so **all of the following is an
assumption**, and what is published must be brought into this form:

* images lie in a folder a recording, numbered by frame: DensePose maps ``*_IUV.png`` or 16 bit
  depth ``*.png``, 0 outside the person; frames of one moment have one number in all views;
* ``annotations.csv`` beside them has a header and a row a recording, with ``folder`` (below the
  data's root), ``subject`` (number), ``movement`` (`MOVEMENTS`), ``view`` (1 to 6) and ``score``
  (whole number). Where somebody acts a movement more than once, a column ``performance`` numbers
  the times;
* views 1 to 3 are frontal, 4 to 6 from the side (`FRONTAL`, `SIDE`); `TRAIN_VIEWS` train;
* a movement's scores are those of `SCORES`, 0 for normal. With them counted from 0 there is a
  class more than the paper's "size of the FC layer is equal to the maximum score".
"""
import csv
from pathlib import Path
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from mmviewpose.errors import DatasetError

from .clip import PathLike, read_text
from .image_tree import Recording

MOVEMENTS = ('W-P', 'W-S', 'SS-P', 'SS-S')
# lowest and highest score
SCORES = {'W-P': (0, 4), 'W-S': (0, 5), 'SS-P': (0, 12), 'SS-S': (0, 5)}
FRONTAL, SIDE = (1, 2, 3), (4, 5, 6)
TRAIN_VIEWS = (2, 5)
ANNOTATIONS = 'annotations.csv'
COLUMNS = ('folder', 'subject', 'movement', 'view', 'score')


class _Lists(NamedTuple):
    """Who and what trains: numbers of views, and of subjects of both lists."""
    views: Tuple[int, ...]
    train: Optional[Tuple[int, ...]]
    test: Optional[Tuple[int, ...]]


def read_recordings(root: PathLike, ann_file: PathLike = ANNOTATIONS,
                    scores: Optional[Mapping[str, Sequence[int]]] = None,
                    train_views: Sequence[int] = TRAIN_VIEWS,
                    train_subjects: Optional[Sequence[int]] = None,
                    test_subjects: Optional[Sequence[int]] = None) -> List[Recording]:
    """All recordings of an annotation file, in its order; images are not looked at.

    The label is the score from the movement's lowest on. Labels are ``subject``, ``movement``,
    ``camera``, ``score``, ``performance``, and for each protocol 1 (training) or 0 (test):
    ``xview``, and ``xsub``, -1 without lists of subjects.

    Args:
        root: Folder that the file's folders are below.
        ann_file: Annotation file, below ``root`` or absolute.
        scores: Lowest and highest score by movement, instead of `SCORES`.
        train_views: The views that train; the others test.
        train_subjects, test_subjects: The lists of the cross-subject protocol.

    Raises:
        DatasetError: The file is missing or broken, a score is outside its range, a view of a
            performance is there twice, or lists and data do not have the same subjects and views.
    """
    path = Path(root, ann_file)
    limits = {**SCORES, **{key: tuple(value) for key, value in (scores or {}).items()}}
    lists = _Lists(tuple(train_views), *(None if who is None else tuple(who)
                                         for who in (train_subjects, test_subjects)))
    recordings = [_recording(row, line, Path(root), path, limits, lists)
                  for line, row in _rows(path)]
    _check_lists(recordings, lists, path)
    _check_once(recordings, path)
    return recordings


def _rows(path: Path) -> List[Tuple[int, Dict[str, str]]]:
    """Lines' numbers and values by column."""
    reader = csv.DictReader(read_text(path).lstrip('\ufeff').splitlines(), skipinitialspace=True)
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise DatasetError(f'no column {", ".join(missing)}; a row has {", ".join(COLUMNS)}',
                           file=path)
    rows = [(reader.line_num, row) for row in reader]
    if not rows:
        raise DatasetError('lists no recording', file=path)
    for line, row in rows:
        if None in row or None in row.values():
            raise DatasetError(f'line {line} has more or fewer values than the header', file=path)
    return rows


def _recording(row: Dict[str, str], line: int, root: Path, path: Path,
               limits: Mapping[str, Tuple[int, int]], lists: _Lists) -> Recording:
    def error(problem: str) -> DatasetError:
        return DatasetError(f'line {line}: {problem}', file=path, sequence=row['folder'])

    try:
        subject, view, score, performance = (
            int(row.get(key, 0)) for key in ('subject', 'view', 'score', 'performance'))
    except ValueError as e:
        raise error(f'not a whole number where one is expected ({e})') from e
    movement = row['movement'].strip()
    if movement not in limits:
        raise error(f'movement {movement!r}, there are {", ".join(limits)}')
    if view not in FRONTAL + SIDE:
        raise error(f'view {view}, there are {FRONTAL[0]} to {SIDE[-1]}')
    lowest, highest = limits[movement]
    if not lowest <= score <= highest:
        raise error(f'score {score}, those of {movement} are {lowest} to {highest}')
    xsub = -1 if lists.train is None or lists.test is None else int(subject in lists.train)
    return Recording(
        root / row['folder'], row['folder'], f'P{subject:03d}_{movement}_{performance}',
        score - lowest, highest - lowest + 1,
        dict(subject=subject, movement=movement, camera=view, score=score,
             performance=performance, xview=int(view in lists.views), xsub=xsub))


def _check_lists(recordings: Sequence[Recording], lists: _Lists, path: Path) -> None:
    """Lists and data must have the same subjects: else somebody would be left out, or test what he
    trained."""
    views = {recording.labels['camera'] for recording in recordings}
    if set(lists.views) - views:
        raise DatasetError(f'no recording of view {min(set(lists.views) - views)}, which '
                           f'train_views names; there are {sorted(views)}', file=path)
    if lists.train is None and lists.test is None:
        return
    train, test = set(lists.train or ()), set(lists.test or ())
    if train & test:
        raise DatasetError(f'subject {min(train & test)} is in both lists', file=path)
    subjects = {recording.labels['subject'] for recording in recordings}
    for subject in sorted((train | test) - subjects):
        raise DatasetError(f'no recording of subject {subject}, whom '
                           f'{"train" if subject in train else "test"}_subjects names', file=path)
    for recording in recordings:
        if recording.labels['subject'] not in train | test:
            raise DatasetError(f'subject {recording.labels["subject"]} is neither in '
                               'train_subjects nor in test_subjects', file=path,
                               sequence=recording.name)


def _check_once(recordings: Sequence[Recording], path: Path) -> None:
    seen = {}
    for recording in recordings:
        for key in (recording.name, (recording.clip, recording.labels['camera'])):
            if key in seen:
                raise DatasetError(f'the same folder, or view of a performance, as {seen[key]}; a '
                                   'column performance tells performances of one movement apart',
                                   file=path, sequence=recording.name)
            seen[key] = recording.name
