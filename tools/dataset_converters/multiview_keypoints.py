"""Key points of two or more uncalibrated cameras to a training set (.npz) of synchronised views.

    python tools/dataset_converters/multiview_keypoints.py front/ side/ out.npz
    python tools/dataset_converters/multiview_keypoints.py front/ side/ out.npz --fps 30,25

A camera's folder (or file) holds what a 2D detector wrote of its recording: mmpose's inferencer,
OpenPose, AlphaPose, or MediaPipe in the form that mmviewpose/datasets/formats/detections.py
describes. Of several performances it holds a folder each, of the same names in all cameras, which
become the names of the clips.

Clocks need not agree: the offset between cameras is estimated from the motion itself, and a figure
shows the match. It is a warning where the match is not clear, and an error, before anything is
written, where nothing can be said. Cameras that look along one line are warned of: their angle is
that between the poses that a lifter predicts (--lifter), or roughly that of the key points.

Lists for the cameras are written with commas (--fps 30,25); one value is for all.
"""
import argparse
import sys
from itertools import combinations
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch

from mmviewpose.apis.lifter import Lifter, lift_recording, load_lifter
from mmviewpose.datasets.formats.detections import (FORMATS, Detections, find_recordings,
                                                    guess_image_size, read_detections)
from mmviewpose.datasets.formats.views import ViewSequence, write_views
from mmviewpose.engine.errors import one_line_errors
from mmviewpose.errors import DatasetError, UserError
from mmviewpose.functional.image_motion import resample
from mmviewpose.functional.synchronisation import Synchronisation, shared_motion, synchronise
from mmviewpose.functional.view_angle import (view_angle, view_angle_from_keypoints,
                                              view_angle_problem)
from mmviewpose.skeletons import LAYOUTS, get_skeleton
from mmviewpose.visualization.synchronisation import synchronisation_figure

USUAL_FPS = 30.
SHORTEST = 1.       # seconds that all cameras must share
ANGLE_SLACK = 10.   # degrees, for an angle from key points alone


class View(NamedTuple):
    """A camera's recording of a clip, in the layout of the training set."""
    name: str
    found: Detections
    fps: float      # of the listed frames
    image_size: Tuple[float, float]


def parse_args(args: Optional[Sequence[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('cameras', nargs='+', metavar='CAMERA', help='folder or file of a camera')
    parser.add_argument('out', metavar='OUT.npz', help='training set to write')
    parser.add_argument('--fps', type=_numbers, metavar='F,F...',
                        help="frames per second of the videos (default: the file's, or 30)")
    parser.add_argument('--target-fps', type=float, metavar='F',
                        help='of the training set (default: the lowest of the cameras)')
    parser.add_argument('--format', choices=sorted(FORMATS), help='default: from the content')
    parser.add_argument('--source-layout', choices=sorted(LAYOUTS),
                        help="layout of the files, where not the format's usual one")
    parser.add_argument('--layout', default='h36m17', choices=('h36m17', 'coco17'),
                        help='of the training set (default %(default)s; its head top is '
                             'estimated from COCO key points)')
    parser.add_argument('--clip', help="name of the clip (default: OUT's)")
    parser.add_argument('--image-size', type=_sizes, metavar='WxH,WxH...',
                        help="pixels of the videos (default: the file's, or guessed)")
    parser.add_argument('--max-offset', type=float, default=2., metavar='S',
                        help='largest offset between two cameras, seconds (default %(default)s)')
    given = parser.add_mutually_exclusive_group()
    given.add_argument('--no-sync', action='store_true',
                       help='the first frames of all cameras were taken at one moment')
    given.add_argument('--offset', type=_numbers, metavar='S,S...',
                       help="each camera's beginning after the first one's, seconds; "
                            '--offset=0,-1.2 where one is negative')
    parser.add_argument('--skip-unclear', action='store_true',
                        help='leave out clips whose offset is not clear, instead of warning')
    parser.add_argument('--lifter', nargs=2, metavar=('CONFIG', 'CHECKPOINT'),
                        help='trained SequenceLifter that tells the angle between the cameras '
                             '(default: roughly, from the key points)')
    parser.add_argument('--figure-dir', metavar='DIR',
                        help='figures of the matches (default: OUT_synchronisation)')
    return parser.parse_args(args)


def _numbers(text: str) -> List[float]:
    return [float(part) for part in text.split(',')]


def _sizes(text: str) -> List[Tuple[float, float]]:
    sizes = [tuple(float(number) for number in part.lower().split('x'))
             for part in text.split(',')]
    if any(len(size) != 2 or min(size) <= 0 for size in sizes):
        raise ValueError(text)
    return sizes


def each(values: Optional[Sequence], count: int, option: str) -> List:
    """One value a camera, of the list that an option gave.

    Raises:
        UserError: The list is neither of one nor of `count` values.
    """
    if values is None:
        return [None] * count
    if len(values) not in (1, count):
        raise UserError(f'{option} needs one value, or {count} for {count} cameras; got '
                        f'{len(values)}')
    return list(values) * (count if len(values) == 1 else 1)


def camera_names(folders: Sequence[str]) -> List[str]:
    """The folders' (or files') own names, or numbers where these do not differ."""
    paths = [Path(folder).resolve() for folder in folders]
    names = [(path.parent if path.name == 'predictions' else path).stem for path in paths]
    return names if len(set(names)) == len(names) else [
        f'camera{number + 1}' for number in range(len(names))]


def match_clips(folders: Sequence[str], names: Sequence[str], only: str) -> Dict[str, List[Path]]:
    """Clip -> its recordings, one a camera; a single recording is called `only`.

    Raises:
        DatasetError: A camera lacks a clip that another has.
    """
    recordings = [find_recordings(folder) for folder in folders]
    if all(len(found) == 1 for found in recordings) and any('' in found for found in recordings):
        return {only: [next(iter(found.values())) for found in recordings]}
    for folder, name, found in zip(folders, names, recordings):
        missing = sorted(set().union(*recordings) - set(found) - {''})
        if missing or '' in found:
            raise DatasetError(f'{name} has no clip {missing[0] if missing else "folders"!r} as '
                               'the other cameras have', file=folder)
    return {clip: [found[clip] for found in recordings] for clip in recordings[0]}


def read_views_of(args: argparse.Namespace, clip: str, paths: Sequence[Path],
                  names: Sequence[str]) -> List[View]:
    """Read the recordings of a clip and say what they hold."""
    rates = each(args.fps, len(paths), '--fps')
    sizes = each(args.image_size, len(paths), '--image-size')
    views = []
    for path, name, rate, size in zip(paths, names, rates, sizes):
        found = read_detections(path, args.format, args.source_layout, size)
        source, step = found.layout, _step(found)
        try:
            found = found.to_layout(args.layout)
        except ValueError as e:
            raise UserError(f'{path}: {e}') from None
        fps = (rate or found.fps or USUAL_FPS) / step
        view = View(name, found, fps, found.image_size or guess_image_size([found]))
        print(f'{clip}: {name}: {len(found)} frames at {fps:g} fps'
              f'{"" if rate or found.fps else " (assumed, see --fps)"}, '
              f'{view.image_size[0]:g}x{view.image_size[1]:g}'
              f'{"" if found.image_size else " (guessed, see --image-size)"}, {source}, a person '
              f'in {found.seen.mean():.0%} of them'
              f'{f", {found.people} people, the main one taken" if found.people > 1 else ""}')
        views.append(view)
    return views


def _step(found: Detections) -> int:
    return int(found.frames[1] - found.frames[0]) if len(found) > 1 else 1


def at_rate(view: View, fps: float) -> Tuple[np.ndarray, np.ndarray]:
    """The whole recording at another rate, from its first frame."""
    count = int((len(view.found) - 1) / view.fps * fps + 1e-6) + 1
    return resample(view.found.keypoints, view.found.scores, np.arange(count) * view.fps / fps)


def find_times(args: argparse.Namespace, clip: str, views: Sequence[View], figures: Path
               ) -> Tuple[np.ndarray, List[str]]:
    """(V,) seconds at which the cameras begin, after the first; and what is not clear of them.

    Raises:
        UserError: They cannot be told.
    """
    if args.no_sync:
        return np.zeros(len(views)), []
    if args.offset is not None:
        if len(args.offset) != len(views):
            raise UserError(f'--offset needs {len(views)} values, got {len(args.offset)}')
        return np.array(args.offset) - args.offset[0], []
    fps = min(view.fps for view in views)
    moving = [at_rate(view, fps) for view in views]
    names = [view.name for view in views]
    try:
        found = synchronise(moving, fps, args.max_offset, names)
    except UserError as e:
        raise UserError(f'{clip}: {e}; give --offset, or --no-sync if the clocks agree') from None
    for i, j in found.used:
        match = found.pairs[i, j]
        print(f'{clip}: {names[j]} begins {match.seconds:+.3f} s after {names[i]} (agreement '
              f'{match.agreement:.2f}, evidence {match.evidence:.0f}, margin {match.margin:.2f}: '
              f'{"not clear" if match.doubt else "clear"})')
    draw_matches(args.layout, clip, found, moving, names, fps, figures)
    return found.seconds, found.doubts


def draw_matches(layout: str, clip: str, found: Synchronisation,
                 moving: Sequence[Tuple[np.ndarray, np.ndarray]], names: Sequence[str],
                 fps: float, figures: Path) -> None:
    """A figure of every pair that the times were taken from."""
    for i, j in found.used:
        match = found.pairs[i, j]
        motion = shared_motion(*moving[i], *moving[j], fps, match.seconds)
        joint = get_skeleton(layout).joints[motion.joint].replace('_', ' ')
        path = figures / f'{clip}_{names[i]}_{names[j]}.png'
        synchronisation_figure(match, motion, path, (names[i], names[j]), joint,
                               f'Synchronisation of {clip}')
        print(f'{clip}: {path}')


def on_one_clock(views: Sequence[View], seconds: np.ndarray, fps: float, clip: str
                 ) -> List[Tuple[np.ndarray, np.ndarray]]:
    """Key points and scores of all views at the same moments, where all cameras recorded.

    A camera of this very rate keeps its frames as they are. Frames at both ends in which no
    camera sees the person are left out.

    Raises:
        DatasetError: The cameras share less than a second, or one sees nobody in it.
    """
    ends = [s + (len(view.found) - 1) / view.fps for s, view in zip(seconds, views)]
    start, end = float(np.max(seconds)), float(np.min(ends))
    kept = next((s for s, view in zip(seconds, views) if abs(view.fps - fps) < 1e-9), seconds[0])
    start = kept + np.ceil((start - kept) * fps - 1e-6) / fps
    count = int(np.floor((end - start) * fps + 1e-6)) + 1
    if count < SHORTEST * fps:
        raise DatasetError(f'the cameras share only {max(0., end - start):.1f} s',
                           sequence=clip)
    times = start + np.arange(count) / fps
    cut = [resample(view.found.keypoints, view.found.scores, (times - s) * view.fps)
           for s, view in zip(seconds, views)]
    seen = np.stack([(scores > 0).any(1) for _, scores in cut])
    for view, mine in zip(views, seen):
        if not mine.any():
            raise DatasetError(f'{view.name} sees nobody while all cameras record',
                               sequence=clip)
    frames = np.flatnonzero(seen.any(0))
    part = slice(frames[0], frames[-1] + 1)
    return [(keypoints[part], scores[part]) for keypoints, scores in cut]


def angle_warnings(sequences: Sequence[ViewSequence], lifter: Optional[Lifter]) -> List[str]:
    """Print the angle between each two cameras; lines on those that are of little use.

    Args:
        sequences: The views of a clip.
        lifter: Whose predictions tell it; None: the key points, roughly.
    """
    poses = [None if lifter is None else lift_recording(lifter, view.keypoints, view.scores,
                                                        view.image_size) for view in sequences]
    lines = []
    for (a, pose_a), (b, pose_b) in combinations(zip(sequences, poses), 2):
        both = (a.scores > 0) & (b.scores > 0)
        pair = f'{a.view} and {b.view}'
        if not both.any():
            print(f'{a.clip}: {pair}: no angle, they see no joints at the same time')
            continue
        angle = keypoint_angle(a, b) if lifter is None else pose_angle(pose_a, pose_b, both)
        print(f'{a.clip}: {pair}: about {angle:.0f} degrees apart')
        problem = view_angle_problem(angle, ANGLE_SLACK * (lifter is None))
        lines += [f'{pair}: {problem}'] if problem else []
    return lines


def keypoint_angle(a: ViewSequence, b: ViewSequence) -> float:
    """Degrees between two upright cameras, from what they saw."""
    return view_angle_from_keypoints(a.keypoints, a.scores, b.keypoints, b.scores, a.fps,
                                     get_skeleton(a.layout))


def pose_angle(a: np.ndarray, b: np.ndarray, both: np.ndarray) -> float:
    """Degrees between two cameras, from poses (T, K, 3) in their axes, seen (T, K) by both."""
    return float(view_angle(*map(torch.as_tensor, (a, b, both))).viewing)


def convert_clip(args: argparse.Namespace, clip: str, paths: Sequence[Path],
                 names: Sequence[str], figures: Path, lifter: Optional[Lifter]
                 ) -> List[ViewSequence]:
    """The synchronised views of a clip; none where it is to be skipped."""
    views = read_views_of(args, clip, paths, names)
    try:
        seconds, doubts = find_times(args, clip, views, figures)
    except UserError as e:
        if not args.skip_unclear or args.offset is not None:
            raise
        doubts = [str(e)]
    if doubts and args.skip_unclear:
        print(f'{clip}: left out: {doubts[0]}')
        return []
    fps = args.target_fps or min(view.fps for view in views)
    sequences = [
        ViewSequence(keypoints, scores, clip, view.name, fps, view.image_size, args.layout)
        for view, (keypoints, scores) in zip(views, on_one_clock(views, seconds, fps, clip))]
    for line in [*doubts, *angle_warnings(sequences, lifter)]:
        print(f'warning: {clip}: {line}', file=sys.stderr)
    return sequences


def read_lifter(args: argparse.Namespace) -> Optional[Lifter]:
    """The lifter of the command line.

    Raises:
        UserError: It cannot be loaded, or its layout is not that of the training set.
    """
    if args.lifter is None:
        return None
    lifter = load_lifter(*args.lifter)
    if lifter.skeleton != args.layout:
        raise UserError(f'the lifter takes {lifter.skeleton}, the training set is {args.layout}')
    return lifter


def main(arguments: Optional[Sequence[str]] = None) -> int:
    args = parse_args(arguments)
    with one_line_errors():
        if len(args.cameras) < 2:
            raise UserError('at least two cameras are needed: CAMERA CAMERA OUT.npz')
        if Path(args.out).suffix != '.npz':
            raise UserError(f'the last argument is the file to write and ends in .npz, got '
                            f'{args.out}')
        numbers = [args.max_offset, args.target_fps, *(args.fps or ())]
        if not all(number is None or number > 0 for number in numbers):
            raise UserError('--max-offset, --target-fps and --fps must be positive')
        out = Path(args.out)
        names = camera_names(args.cameras)
        clips = match_clips(args.cameras, names, args.clip or out.stem)
        if args.clip and len(clips) > 1:
            raise UserError("--clip names one clip; several have their folders' names")
        figures = Path(args.figure_dir or out.with_name(f'{out.stem}_synchronisation'))
        lifter = read_lifter(args)
        sequences = [sequence for clip, paths in clips.items()
                     for sequence in convert_clip(args, clip, paths, names, figures, lifter)]
        if not sequences:
            raise UserError('no clip could be synchronised; nothing is written')
        archive = write_views(out, sequences)
        print(f'{out}: {len(set(archive.clips))} clips, {len(archive)} views, '
              f'{len(archive.keypoints)} frames, layout {archive.layout}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
