"""NTU RGB+D 60 and 120: images of the person alone, a folder ``SsssCcccPpppRrrrAaaa`` a recording.

Masked depth as published, ``nturgb+d_depth_masked/SsssCcccPpppRrrrAaaa/MDepth-00000001.png``: 16
bit, millimetres, 0 outside the person. DensePose maps of the colour videos, which everybody makes
himself: ``SsssCcccPpppRrrrAaaa/*_IUV.png`` as DensePose's own tool writes them, the frame's number
before ``_IUV``; ``_rgb`` and the like may follow a folder's name.
"""
import os
from pathlib import Path
from typing import Dict, Iterator, List

from mmviewpose.errors import DatasetError

from .clip import PathLike
from .image_tree import Recording
from .ntu import LAST_SETUP_60, parse_name

# largest numbers in a name, of NTU RGB+D 60 (setups up to 17) and 120
LARGEST_60 = dict(setup=LAST_SETUP_60, camera=3, subject=40, action=60)
LARGEST_120 = dict(setup=32, camera=3, subject=106, action=120)


def read_recordings(root: PathLike) -> List[Recording]:
    """All recordings below a folder, sorted by name; images are not looked at.

    The label is the action, 0 for A001; labels are those of
    :func:`~mmviewpose.datasets.formats.ntu.parse_name`, also the protocols.

    Raises:
        DatasetError: No such folder, no recording in it, one that is there twice, images in a
            folder that is not named like a recording, or a setup, camera, subject or action that
            the data set does not have.
    """
    root = Path(root)
    if not root.is_dir():
        raise DatasetError('no such folder', file=root)
    found: Dict[str, Recording] = {}
    for folder in _folders(root):
        recording = _recording(folder)
        if recording.name in found:
            raise DatasetError(f'the recording is also in {found[recording.name].folder}',
                               file=folder, sequence=recording.name)
        found[recording.name] = recording
    if not found:
        raise DatasetError('the folder holds no recording SsssCcccPpppRrrrAaaa', file=root)
    return [found[name] for name in sorted(found)]


def _folders(root: Path) -> Iterator[Path]:
    """The folders named like a recording; what is in them is not listed, there are millions."""
    with os.scandir(root) as entries:
        for entry in entries:
            if entry.is_dir():
                if parse_name(entry.name) is None:
                    yield from _folders(Path(entry.path))
                else:
                    yield Path(entry.path)
            elif entry.name.endswith('.png') and not entry.name.startswith('.'):
                raise DatasetError('an image in a folder that is not named SsssCcccPpppRrrrAaaa',
                                   file=entry.path)


def _recording(folder: Path) -> Recording:
    labels = parse_name(folder.name)
    of_60 = labels['setup'] <= LAST_SETUP_60
    name = 'S{setup:03d}C{camera:03d}P{subject:03d}R{replication:03d}A{action:03d}'.format(**labels)
    for key, largest in (LARGEST_60 if of_60 else LARGEST_120).items():
        if not 1 <= labels[key] <= largest:
            raise DatasetError(f'{key} {labels[key]}, there are 1 to {largest}'
                               + f' in setups up to {LAST_SETUP_60}' * of_60, file=folder,
                               sequence=name)
    return Recording(folder, name, clip=name[:4] + name[8:], label=labels['action'] - 1,
                     num_classes=(LARGEST_60 if of_60 else LARGEST_120)['action'], labels=labels)
