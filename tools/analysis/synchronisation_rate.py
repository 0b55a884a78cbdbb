#!/usr/bin/env python
"""How often the time offset between two cameras is found, on motion whose offset is known.

    python tools/analysis/synchronisation_rate.py --archive data/viewpose/cmu.npz --cases 100
    python tools/analysis/synchronisation_rate.py          # built-in synthetic people

A case is a take at random of those that are long enough (every one once before any comes again),
a cut of 6 to 10 s at random from it, seen at 30 fps by two cameras 30 to 180 degrees apart that
began up to 2 s apart (not whole frames), through a detector's noise: the transforms ProjectViews
and DetectionNoise as they are by default. Three kinds are drawn:

    performance  both cameras see the same; right is an offset within a frame of the true one
    unrelated    the second camera sees another take: to be refused, or warned of
    still        one pose is held: to be refused
"""
import argparse
import sys
from collections import Counter
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch

FPS = 30.
MAX_OFFSET = 2.
SECONDS = 6., 10.
ANGLES = 30., 180.
KINDS = ('performance', 'unrelated', 'still')
OUTCOMES = ('right', 'right, warned', 'wrong, warned', 'wrong, silent', 'refused')

View = Tuple[np.ndarray, np.ndarray]    # key points (T, K, 2) px and scores (T, K)


class Case(NamedTuple):
    """Two recordings.

    Attributes:
        take: Name of what was recorded.
        angle: Between the cameras, degrees.
        seconds: Camera b's beginning after camera a's.
        a, b: What the cameras saw.
    """
    take: str
    angle: float
    seconds: float
    a: View
    b: View


def human_paced_people(count: int = 20, frames: int = 600, seed: int = 3) -> List[tuple]:
    """Synthetic takes (name, (T, 17, 3) mm) at a pace that wavers by a sixth: the built-in people
    keep time like machines, and a motion that repeats exactly has no one offset."""
    from mmviewpose.datasets.synthetic import ACTIONS, synthetic_clips
    from mmviewpose.functional.image_motion import resample
    rng = np.random.default_rng(seed)
    actions = [action for action in ACTIONS if action != 'run']     # runs out of the picture
    takes = []
    for clip in synthetic_clips(count, frames, seed, actions=actions):
        wave, phase = rng.uniform(.05, .3, (3, 1)), rng.uniform(0., 2 * np.pi, (3, 1))
        time = np.arange(frames) / FPS
        pace = 1 + np.sin(2 * np.pi * wave * time + phase).sum(0) / 6
        places = np.cumsum(pace) - pace[0]
        places = places[places <= frames - 1]
        takes.append((clip.name, resample(clip.positions, np.ones((frames, 17)), places)[0]))
    return takes


def read_takes(archive: str) -> List[tuple]:
    """(name, (T, 17, 3) mm at 30 fps) of the takes of an archive that are long enough.

    Raises:
        UserError: There are fewer than two.
    """
    from mmviewpose.datasets.formats import read_archive
    from mmviewpose.errors import UserError
    from mmviewpose.functional.image_motion import resample
    from mmviewpose.skeletons import remap
    takes = []
    for clip in read_archive(archive).clips():
        places = np.arange(int((len(clip) - 1) / clip.fps * FPS + 1e-6) + 1) * clip.fps / FPS
        if len(places) >= (SECONDS[0] + MAX_OFFSET) * FPS + 2 and clip.valid.all():
            positions = remap(clip.positions, clip.layout, 'h36m17')
            takes.append((clip.name, resample(positions, np.ones(positions.shape[:2]), places)[0]))
    if len(takes) < 2:
        raise UserError(f'{archive} has {len(takes)} takes of {SECONDS[0] + MAX_OFFSET:g} s, '
                        'two are needed')
    return takes


def film(positions: Sequence[np.ndarray], angle: float, cameras: Optional[str] = None
         ) -> List[View]:
    """What a detector finds in two cameras.

    Args:
        positions: Of what each camera sees, (T, K, 3) mm.
        angle: Between the cameras, degrees.
        cameras: File of ProjectViews; None takes the built-in ones.
    """
    from mmviewpose.datasets.transforms import DetectionNoise, ProjectViews
    poses = torch.as_tensor(np.stack(positions))
    batch = dict(keypoints=poses, scores=torch.ones(poses.shape[:3]),
                 frame_mask=torch.ones(poses.shape[:2], dtype=torch.bool),
                 view=torch.arange(2), window=torch.zeros(2, dtype=torch.long))
    batch = DetectionNoise()(ProjectViews(cameras, angles=(0., angle))(batch))
    return [(points.contiguous().numpy(), scores.contiguous().numpy())
            for points, scores in zip(batch['keypoints_2d'], batch['scores'])]


def draw_cases(takes: Sequence[tuple], count: int, seed: int, kind: str = 'performance',
               cameras: Optional[str] = None) -> Iterator[Case]:
    """Cases as described at the top of this file."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    order: List[int] = []
    for _ in range(count):
        order = order or rng.permutation(len(takes)).tolist()
        number = order.pop()
        seconds = rng.uniform(-MAX_OFFSET, MAX_OFFSET)
        other = (number + rng.integers(1, len(takes))) % len(takes)
        seen = [takes[number][1], takes[other if kind == 'unrelated' else number][1]]
        room = min(map(len, seen)) - 1 - int(np.ceil(abs(seconds) * FPS))
        length = min(int(rng.uniform(*SECONDS) * FPS), room)
        first = rng.integers(room - length + 1)
        cuts = [cut(positions, first + max(0., sign * seconds) * FPS, length)
                for positions, sign in zip(seen, (-1, 1))]
        if kind == 'still':
            cuts = [np.repeat(cuts[0][:1], length, 0)] * 2
        angle = rng.uniform(*ANGLES) * rng.choice([-1, 1])
        yield Case(takes[number][0], angle, seconds, *film(cuts, angle, cameras))


def cut(positions: np.ndarray, first: float, length: int) -> np.ndarray:
    """`length` frames from frame `first` on, which need not be whole."""
    from mmviewpose.functional.image_motion import resample
    return resample(positions, np.ones(positions.shape[:2]), first + np.arange(length))[0]


def judge(case: Case) -> Tuple[str, str]:
    """The outcome, one of OUTCOMES, and a line on it."""
    from mmviewpose.errors import UserError
    from mmviewpose.functional.synchronisation import estimate_offset
    text = f'{case.take} {case.angle:+.0f} degrees {case.seconds:+.2f} s: '
    try:
        found = estimate_offset(*case.a, *case.b, FPS, MAX_OFFSET)
    except UserError as e:
        return 'refused', f'{text}{e}'
    right = abs(found.seconds - case.seconds) <= 1 / FPS
    text += (f'found {found.seconds:+.2f} s, evidence {found.evidence:.1f}, margin '
             f'{found.margin:.2f}, {found.doubt or "clear"}')
    if right:
        return ('right, warned' if found.doubt else 'right'), text
    return ('wrong, warned' if found.doubt else 'wrong, silent'), text


def measure(takes: Sequence[tuple], count: int, seed: int, kind: str,
            cameras: Optional[str] = None, verbose: bool = False) -> Dict[str, int]:
    """Cases of each outcome."""
    found = Counter({outcome: 0 for outcome in OUTCOMES})
    for case in draw_cases(takes, count, seed, kind, cameras):
        outcome, text = judge(case)
        found[outcome] += 1
        if verbose and outcome != 'right':
            print(f'  {outcome}: {text}')
    return dict(found)


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--archive', help='motion capture, of tools/dataset_converters/'
                        'skeletons.py (default: built-in synthetic people)')
    parser.add_argument('--cameras', help='where cameras stand, of tools/dataset_converters/'
                        'h36m_cameras.py (default: built-in ones)')
    parser.add_argument('--cases', type=int, default=100, help='of each kind (default %(default)s)')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--kinds', nargs='+', choices=KINDS, default=KINDS)
    parser.add_argument('--json', help='file to write the numbers to')
    parser.add_argument('--verbose', action='store_true', help='say what went wrong')
    args = parser.parse_args(argv)
    from mmviewpose.engine.errors import one_line_errors
    with one_line_errors():
        from mmviewpose.engine.files import write_json
        takes = read_takes(args.archive) if args.archive else human_paced_people()
        print(f'{len(takes)} takes of {args.archive or "synthetic people"}, '
              f'{args.cases} cases of each kind, seed {args.seed}')
        found = {kind: measure(takes, args.cases, args.seed, kind, args.cameras, args.verbose)
                 for kind in args.kinds}
        for kind, counts in found.items():
            print(f'{kind:<12}' + ''.join(f'{name} {n:>3}   ' for name, n in counts.items()))
        if args.json:
            write_json(args.json, dict(archive=args.archive, cameras=args.cameras, seed=args.seed,
                                       cases=args.cases, takes=len(takes), **found))
    return 0


if __name__ == '__main__':
    sys.exit(main())
