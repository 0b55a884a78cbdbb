"""From a data set as published to one archive in a model's layout, y up."""
from typing import Any, Callable, Dict, List, Optional

from mmviewpose.errors import DatasetError

from . import ape, bvh, cmu, h36m, mpi_inf_3dhp, ntu, nucla, pyskl
from .archive import Archive, from_clips, write_archive
from .clip import PathLike, SkeletonClip, at_fps, to_layout, to_y_up


def _read_cmu(src: PathLike, fps: Optional[float], **options: Any) -> List[SkeletonClip]:
    # Frames that are dropped anyway need not be read.
    stride = int(cmu.FPS / fps) if fps and cmu.FPS % fps == 0 else 1
    return cmu.read_folder(src, stride=stride, **options)


def _plain(read_folder: Callable[..., List[SkeletonClip]]) -> Callable[..., List[SkeletonClip]]:
    return lambda src, fps, **options: read_folder(src, **options)


SOURCES: Dict[str, Callable[..., List[SkeletonClip]]] = {
    'cmu': _read_cmu, **{name: _plain(module.read_folder) for name, module in dict(
        bvh=bvh, nucla=nucla, ntu=ntu, pyskl=pyskl, h36m=h36m, mpi_inf_3dhp=mpi_inf_3dhp,
        ape=ape).items()}}


def read_source(source: str, src: PathLike, layout: str = 'ape17', fps: Optional[float] = 30.,
                progress: bool = False, **options: Any) -> List[SkeletonClip]:
    """The clips of a data set in one layout, y up, at one frame rate.

    Args:
        source: One of `SOURCES`.
        src: Its folder or file.
        layout: Key point layout to map to.
        fps: Frame rate to bring clips to, None to leave it; poses without order in time stay.
        progress: Show a bar.
        options: Further arguments of the reader's `read_folder`. For ``bvh``, `source_layout`
            stands for its `layout`, and likewise for ``pyskl``.

    Raises:
        DatasetError: The data cannot be read.
        ValueError: Unknown source, or a layout the source's joints do not give.
    """
    if source not in SOURCES:
        raise ValueError(f'no source {source!r}; there are {", ".join(SOURCES)}')
    if 'source_layout' in options:
        options['layout'] = options.pop('source_layout')
    clips = SOURCES[source](src, fps, progress=progress, **options)
    if not clips:
        raise DatasetError('nothing is left to convert', file=src)
    ready = [to_layout(to_y_up(clip), layout) for clip in clips]
    return ready if fps is None else [at_fps(clip, fps) for clip in ready]


def convert(source: str, src: PathLike, out: Optional[PathLike] = None, layout: str = 'ape17',
            fps: Optional[float] = 30., progress: bool = False, **options: Any) -> Archive:
    """Read a data set (`read_source`) and write it as an archive, whole or not at all.

    Args:
        out: The .npz file to write; None only returns the archive.

    Returns:
        The archive; the other arguments and errors are those of `read_source`.
    """
    clips = read_source(source, src, layout, fps, progress, **options)
    return from_clips(clips) if out is None else write_archive(out, clips)


def summary(archive: Archive) -> str:
    """What an archive holds, in a line."""
    masked = int((~archive.valid).sum())
    return (f'{len(archive)} clips, {len(archive.positions)} frames, {masked} of them masked, '
            f'layout {archive.layout}, up {archive.up}')
