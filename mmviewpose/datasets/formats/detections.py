"""Key points that 2D detectors wrote, one file or folder a camera.

========== ======================================================================================
format     what is read
========== ======================================================================================
mmpose     the inferencer's ``predictions/VIDEO.json``, a list of ``{frame_id, instances}``; the
           demo's ``{meta_info, instance_info}`` around that list; or, from images, a file an
           image with its list of instances, whose names end in the frame number
openpose   ``*_keypoints.json``, a file a frame, BODY_25
alphapose  ``alphapose-results.json``, a list of ``{image_id, keypoints, score}``
mediapipe  it has no file of its own; a JSON file of ours that copies its result a frame::

               {"image_size": [1920, 1080], "fps": 30, "frames": [
                 {"frame": 0, "pose_landmarks": [[{"x": .5, "y": .4, "visibility": .9}, ...]]}]}

           ``pose_landmarks`` holds a list of 33 landmarks for every person, and is empty where
           nobody is seen; ``image_size`` and ``fps`` may be left out. Coordinates are pixels or,
           where all lie in [-2, 3], shares of the image, as MediaPipe gives them.
========== ======================================================================================

Of 17, 26, 133 or 136 key points of mmpose and AlphaPose the first 17 are COCO's and are kept.
"""
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from mmviewpose.errors import DatasetError
from mmviewpose.skeletons import get_skeleton, remap

from .clip import PathLike, read_text
from .view_layout import remap_scores

_COCO_FIRST = (17, 26, 133, 136)
# Shares of the image beyond these are not what MediaPipe gives for a person in the picture.
_SHARES = (-2., 3.)
_OTHER_EAR = .5
_MOST_FRAMES = 10 ** 7      # 4 days at 30 fps; larger numbers are dates and times


@dataclass
class Detections:
    """The main person of one camera's recording, T frames at even steps.

    Args:
        keypoints: (T, K, 2) float32 px, x right, y down; 0 where the score is 0.
        scores: (T, K) float32 in [0, 1]; 0: not seen.
        frames: (T,) frame numbers of the recording; those without a person are there, with score 0.
        layout: Key point layout.
        fps: Frames per second, where the file says so.
        image_size: (width, height) px, where the file or the caller says so.
        source: File or folder that was read.
        people: Most people that were seen in one frame.
    """
    keypoints: np.ndarray
    scores: np.ndarray
    frames: np.ndarray
    layout: str
    fps: Optional[float] = None
    image_size: Optional[Tuple[float, float]] = None
    source: str = ''
    people: int = 1

    def __len__(self) -> int:
        return len(self.keypoints)

    @property
    def seen(self) -> np.ndarray:
        """(T,) bool, frames with a key point."""
        return (self.scores > 0).any(1)

    def to_layout(self, layout: str) -> 'Detections':
        """The same in another layout; a joint made of others has the least of their scores.

        The middle of the head and the head top are made of both ears. Where one is hidden the
        other stands in for it, with half its score: from the side they are at one place.

        Raises:
            ValueError: A joint of `layout` cannot be had from this one.
        """
        if layout == self.layout:
            return self
        keypoints, scores = self.keypoints.copy(), self.scores.copy()
        joints = get_skeleton(self.layout).joints
        if 'left_ear' in joints and 'right_ear' in joints:
            ears = [joints.index('left_ear'), joints.index('right_ear')]
            hidden = (scores[:, ears] == 0) & (scores[:, ears[::-1]] > 0)
            keypoints[:, ears] = np.where(hidden[..., None], keypoints[:, ears[::-1]],
                                          keypoints[:, ears])
            scores[:, ears] = np.where(hidden, _OTHER_EAR * scores[:, ears[::-1]],
                                       scores[:, ears])
        scores = remap_scores(scores, self.layout, layout)
        keypoints = remap(keypoints, self.layout, layout) * (scores > 0)[..., None]
        return replace(self, keypoints=keypoints, scores=scores, layout=layout)


class _Frame(NamedTuple):
    """What a file says of a frame: its number, (K, 3) x, y, score of each person, and its file."""
    number: int
    people: List[np.ndarray]
    file: Path


def read_detections(path: PathLike, format: Optional[str] = None, layout: Optional[str] = None,
                    image_size: Optional[Sequence[float]] = None) -> Detections:
    """The main person's key points in a detector's output; see the module for the formats.

    Of several people one is followed, see :func:`follow_main_person`. Frame numbers that are not
    listed become frames without key points. Scores above 1, which heat maps give, become 1.

    Args:
        path: File, or folder with the files of one recording (or with ``predictions`` in it).
        format: One of ``FORMATS``; None tells it from the content.
        layout: Key point layout of the files, where it is not the format's usual one.
        image_size: (width, height) px.

    Raises:
        DatasetError: Nothing to read, an unknown format, truncated JSON, a wrong number of key
            points, a value that is not finite, or no key point with a score above 0.
        ValueError: An unknown `format`.
    """
    if format is not None and format not in FORMATS:
        raise ValueError(f'no format {format!r}; there are {", ".join(FORMATS)}')
    files = _files(Path(path))
    first = _load(files[0])
    found = _sniff(first, files[0]) if format is None else format
    if found is None:
        raise DatasetError('not the output of a known detector '
                           f'({", ".join(FORMATS)}), or a damaged one', file=files[0])
    frames, header = FORMATS[found](files, first)
    if not frames:
        raise DatasetError('no frames', file=path)
    frames.sort(key=lambda frame: frame.number)
    layout = _layout(frames, found, layout, path)
    size = image_size if image_size is not None else header.get('image_size')
    size = None if size is None else (float(size[0]), float(size[1]))
    if found == 'mediapipe':
        frames = _in_pixels(frames, size, path)
    keypoints, scores = _main_person(frames, get_skeleton(layout).num_joints)
    if not (scores > 0).any():
        raise DatasetError('no key point has a score above 0 in any frame', file=path)
    numbers, keypoints, scores = _without_gaps(frames, keypoints, scores)
    return Detections(keypoints, scores, numbers, layout, header.get('fps'), size, str(path),
                      max(len(frame.people) for frame in frames))


def find_recordings(folder: PathLike) -> Dict[str, Path]:
    """Recordings of one camera: clip name -> what :func:`read_detections` reads.

    A folder of a recording gives it alone, under the name ``''``. A folder of folders gives one
    clip a folder, and one of several whole videos (mmpose's inferencer on a folder of videos) one
    clip a file.

    Raises:
        DatasetError: The folder is missing or holds neither.
    """
    folder = Path(folder)
    if folder.is_file():
        return {'': folder}
    if not folder.is_dir():
        raise DatasetError('no such file or folder', file=folder)
    inner = folder / 'predictions'
    files = sorted((inner if inner.is_dir() else folder).glob('*.json'))
    if not files:
        clips = {sub.name: sub for sub in sorted(folder.iterdir())
                 if sub.is_dir() and not sub.name.startswith('.')}
        if not clips:
            raise DatasetError('the folder holds no .json file of a detector, and no folders',
                               file=folder)
        return clips
    if 1 < len(files) <= 64 and all(_is_whole_video(_load(file)) for file in files):
        return {file.stem: file for file in files}
    return {'': folder}


def _files(path: Path) -> List[Path]:
    """The files of a recording, in the order of their names."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DatasetError('no such file or folder', file=path)
    if (path / 'predictions').is_dir():
        path = path / 'predictions'
    usual = path / 'alphapose-results.json'
    files = [usual] if usual.is_file() else sorted(path.glob('*.json'))
    if not files:
        raise DatasetError('the folder holds no .json file of a detector', file=path)
    return files


def _load(file: Path) -> Any:
    text = read_text(file)
    try:
        return json.loads(text)
    except ValueError as e:
        raise DatasetError(f'not JSON, or truncated ({e})', file=file) from e


def _sniff(content: Any, file: Path) -> Optional[str]:
    """The format of a file, or None."""
    if isinstance(content, dict):
        for key, name in (('people', 'openpose'), ('instance_info', 'mmpose'),
                          ('frames', 'mediapipe')):
            if key in content:
                return name
        return None
    if not isinstance(content, list) or not all(isinstance(item, dict) for item in content):
        return None
    if not content:
        return 'alphapose' if file.name == 'alphapose-results.json' else 'mmpose'
    first = content[0]
    if 'image_id' in first and 'keypoints' in first:
        return 'alphapose'
    return 'mmpose' if 'instances' in first or 'keypoint_scores' in first else None


def _is_whole_video(content: Any) -> bool:
    """Whether a file of mmpose's holds a video, not an image."""
    return (isinstance(content, dict) and 'instance_info' in content
            or isinstance(content, list) and bool(content) and isinstance(content[0], dict)
            and 'instances' in content[0])


def _number(file: Path) -> int:
    """The frame number that a file name ends in."""
    digits = re.findall(r'\d+', file.stem)
    if not digits:
        raise DatasetError('the file name has no frame number', file=file)
    return int(digits[-1])


def _person(points: Any, scores: Any, file: Path, frame: int) -> np.ndarray:
    """(K, 3) of points [[x, y], ...] and scores [...]."""
    try:
        points, scores = np.array(points, dtype=float), np.array(scores, dtype=float).reshape(-1)
    except (TypeError, ValueError) as e:
        raise DatasetError('key points and scores must be numbers', file=file, frame=frame) from e
    if points.shape == (len(scores), 3):
        raise DatasetError('these key points are 3D; the 2D ones are needed', file=file,
                           frame=frame)
    if points.shape != (len(scores), 2):
        raise DatasetError(f'key points {points.shape} and scores {scores.shape} do not fit',
                           file=file, frame=frame)
    return np.column_stack([points, scores])


def _triplets(values: Any, file: Path, frame: int) -> np.ndarray:
    """(K, 3) of x, y, score, x, y, score ..."""
    try:
        return np.array(values, dtype=float).reshape(-1, 3)
    except (TypeError, ValueError) as e:
        raise DatasetError('key points must be numbers x, y, score, x, y, score ...', file=file,
                           frame=frame) from e


def _field(item: Any, key: str, kind: type, file: Path, frame: Optional[int] = None) -> Any:
    value = item.get(key) if isinstance(item, dict) else None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise DatasetError(f'{key!r} is missing or not {kind.__name__}', file=file, frame=frame)
    return value


_Read = Tuple[List[_Frame], Dict[str, Any]]


def _mmpose(files: List[Path], first: Any) -> _Read:
    if len(files) == 1 and (_is_whole_video(first) or not first):
        file = files[0]
        frames = first['instance_info'] if isinstance(first, dict) else first
        if not isinstance(frames, list):
            raise DatasetError("'instance_info' is not a list", file=file)
        numbers = [_field(item, 'frame_id', int, file) for item in frames]
        return [_instances(_field(item, 'instances', list, file, number), number, file)
                for item, number in zip(frames, numbers)], {}
    if _is_whole_video(first):
        raise DatasetError('several files, and this one holds a whole video; give one file or '
                           'folder a recording', file=files[0])
    contents = [first, *map(_load, files[1:])]
    return [_instances(content, _number(file), file)
            for file, content in zip(files, contents)], {}


def _instances(items: Any, number: int, file: Path) -> _Frame:
    if not isinstance(items, list):
        raise DatasetError('not a list of instances', file=file, frame=number)
    return _Frame(number, [
        _person(_field(item, 'keypoints', list, file, number),
                _field(item, 'keypoint_scores', list, file, number), file, number)
        for item in items], file)


def _openpose(files: List[Path], first: Any) -> _Read:
    named = [file for file in files if file.stem.endswith('_keypoints')] or files
    frames = []
    for file in named:
        number, content = _number(file), _load(file)
        people = _field(content, 'people', list, file, number)
        frames.append(_Frame(number, [
            _triplets(_field(person, 'pose_keypoints_2d', list, file, number), file, number)
            for person in people], file))
    return frames, {}


def _alphapose(files: List[Path], first: Any) -> _Read:
    file = files[0]
    if not isinstance(first, list):
        raise DatasetError("not a list of AlphaPose's results", file=file)
    people: Dict[int, List[np.ndarray]] = {}
    from_video = True
    for item in first:
        image = item.get('image_id') if isinstance(item, dict) else None
        if isinstance(image, bool) or not isinstance(image, (int, str)):
            raise DatasetError("'image_id' is missing", file=file)
        number = image if isinstance(image, int) else _image_number(image, file)
        from_video &= re.fullmatch(r'(0|[1-9]\d*)\.jpg', str(image)) is not None
        people.setdefault(number, []).append(
            _triplets(_field(item, 'keypoints', list, file, number), file, number))
    if from_video and people:
        # AlphaPose lists only frames with people, and numbers those of a video from 0.
        people.setdefault(0, [])
    return [_Frame(number, found, file) for number, found in people.items()], {}


def _image_number(name: str, file: Path) -> int:
    try:
        return _number(Path(name))
    except DatasetError:
        raise DatasetError(f'image_id {name!r} has no frame number', file=file) from None


def _mediapipe(files: List[Path], first: Any) -> _Read:
    file = files[0]
    frames = []
    for item in _field(first, 'frames', list, file):
        number = _field(item, 'frame', int, file)
        frames.append(_Frame(number, [
            _landmarks(pose, file, number)
            for pose in _field(item, 'pose_landmarks', list, file, number)], file))
    return frames, _mediapipe_header(first, file)


def _mediapipe_header(content: Dict[str, Any], file: Path) -> Dict[str, Any]:
    try:
        size = np.array(content.get('image_size') or (1, 1), dtype=float)
        fps = np.array(content.get('fps') or 1, dtype=float)
    except (TypeError, ValueError):
        size = fps = np.zeros(0)
    if size.shape != (2, ) or fps.shape != () or not min(*size, fps) > 0:
        raise DatasetError("'image_size' must be [width, height] and 'fps' a number", file=file)
    return {key: content[key] for key in ('image_size', 'fps') if content.get(key)}


def _landmarks(pose: Any, file: Path, frame: int) -> np.ndarray:
    try:
        return np.array([[mark['x'], mark['y'], mark['visibility']] for mark in pose],
                        dtype=float).reshape(-1, 3)
    except (TypeError, KeyError, ValueError) as e:
        raise DatasetError("a landmark must have numbers 'x', 'y' and 'visibility'", file=file,
                           frame=frame) from e


FORMATS: Dict[str, Callable[[List[Path], Any], _Read]] = dict(
    mmpose=_mmpose, openpose=_openpose, alphapose=_alphapose, mediapipe=_mediapipe)


def _layout(frames: Sequence[_Frame], format: str, layout: Optional[str], path: PathLike) -> str:
    """The layout of all people, whose number of key points is checked; more are cut off."""
    if layout is not None:
        counts: Tuple[int, ...] = (get_skeleton(layout).num_joints,)
    elif format in ('mmpose', 'alphapose'):
        layout, counts = 'coco17', _COCO_FIRST
    else:
        layout = dict(openpose='openpose25', mediapipe='mediapipe33')[format]
        counts = (get_skeleton(layout).num_joints,)
    for frame in frames:
        for person in frame.people:
            if len(person) not in counts:
                raise DatasetError(
                    f'{len(person)} key points a person; {format} in layout {layout} has '
                    f'{" or ".join(map(str, counts))}', file=frame.file, frame=frame.number)
    return layout


def _main_person(frames: Sequence[_Frame], joints: int) -> Tuple[np.ndarray, np.ndarray]:
    """(F, K, 2) and (F, K) of the one person to follow, in the listed frames."""
    most = max(1, max(len(frame.people) for frame in frames))
    people = np.zeros((len(frames), most, joints, 3))
    for place, frame in zip(people, frames):
        if frame.people:
            place[:len(frame.people)] = [person[:joints] for person in frame.people]
    keypoints, scores = people[..., :2], np.clip(people[..., 2], 0., 1.)
    bad = (~np.isfinite(people[..., 2]) | (~np.isfinite(keypoints).all(-1) & (scores > 0))
           ).any((1, 2))
    if bad.any():
        frame = frames[int(np.flatnonzero(bad)[0])]
        raise DatasetError('a value is not finite', file=frame.file, frame=frame.number)
    keypoints = np.where((scores > 0)[..., None], keypoints, 0.)
    if most == 1:
        return keypoints[:, 0].astype(np.float32), scores[:, 0].astype(np.float32)
    numbers = np.array([frame.number for frame in frames])
    main = follow_main_person(keypoints, scores, numbers)
    row, seen = np.arange(len(frames)), main >= 0
    keypoints = keypoints[row, main] * seen[:, None, None]
    return keypoints.astype(np.float32), (scores[row, main] * seen[:, None]).astype(np.float32)


def follow_main_person(keypoints: np.ndarray, scores: np.ndarray,
                       frames: Optional[np.ndarray] = None, reach: float = 1.,
                       longest_gap: int = 30) -> np.ndarray:
    """Which of the people in each frame is the main one.

    Frame by frame, detections are joined to the nearest person seen before (mean distance of the
    key points over the person's size). The main person is who gathers most score times size over
    time: long seen, large and sure. Where the main person is lost and another track that never
    was beside theirs follows, at least a tenth as long, it is taken for the same person.

    Args:
        keypoints: (F, P, K, 2) px, up to P people a frame.
        scores: (F, P, K); all 0 where there is no such person.
        frames: (F,) frame numbers, rising; default 0, 1, 2 ...
        reach: How far a person moves in a frame at most, of their size (the spread of the key
            points about their middle, about 0.3 of the height). It doubles as time passes.
        longest_gap: Frames after which somebody lost begins a new track.

    Returns:
        (F,) index into P, -1 where the main person is not seen.
    """
    frames = np.arange(len(keypoints)) if frames is None else np.asarray(frames)
    total = scores.sum(-1)
    weight = scores / np.maximum(total, 1e-9)[..., None]
    middle = (weight[..., None] * keypoints).sum(-2)
    spread = np.square(keypoints - middle[..., None, :]).sum(-1)
    size = np.maximum(np.sqrt((weight * spread).sum(-1)), 1.)

    track = np.full(total.shape, -1)
    last: List[Tuple[int, int]] = []       # of each track: row and person where it was last seen
    for row in range(len(keypoints)):
        people = np.flatnonzero(total[row] > 0)
        alive = [t for t, (r, _) in enumerate(last) if frames[row] - frames[r] <= longest_gap]
        if len(people) and alive:
            before = tuple(np.array([last[t] for t in alive]).T)
            shared = scores[before][:, None] * scores[row, people]              # (A, P, K)
            apart = np.linalg.norm(keypoints[before][:, None] - keypoints[row, people], axis=-1)
            common = shared.sum(-1)
            distance = np.where(common > 0, (shared * apart).sum(-1) / np.maximum(common, 1e-9),
                                np.inf) / size[row, people]
            gap = (frames[row] - frames[before[0]])[:, None]
            distance = np.where(distance <= reach * np.minimum(1. + .1 * (gap - 1), 2.), distance,
                                np.inf)
            while np.isfinite(distance).any():
                a, p = np.unravel_index(distance.argmin(), distance.shape)
                track[row, people[p]] = alive[a]
                distance[a], distance[:, p] = np.inf, np.inf
        for person in people:
            if track[row, person] < 0:
                track[row, person] = len(last)
                last.append((row, person))
            last[track[row, person]] = row, person
    return _main_track(track, total * size)


def _main_track(track: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """(F,) person of the track of most worth, and of what follows or precedes it."""
    main = np.full(len(track), -1)
    row, person = np.nonzero(track >= 0)
    if not len(row):
        return main
    tracks = track[row, person]
    value, length = np.bincount(tracks, worth[row, person]), np.bincount(tracks)
    best = int(value.argmax())
    for number in np.argsort(-value, kind='stable'):
        mine = tracks == number
        if length[number] >= .1 * length[best] and (main[row[mine]] < 0).all():
            main[row[mine]] = person[mine]
    return main


def _in_pixels(frames: List[_Frame], size: Optional[Tuple[float, float]], path: PathLike
               ) -> List[_Frame]:
    """The frames with shares of the image as pixels, which they may be already."""
    seen = [person[person[:, 2] > 0, :2] for frame in frames for person in frame.people]
    points = np.concatenate([np.zeros((0, 2)), *seen])
    if not len(points) or points.min() < _SHARES[0] or points.max() > _SHARES[1]:
        return frames
    if size is None:
        raise DatasetError('coordinates are shares of the image; give its size in pixels',
                           file=path)
    scale = np.array([*size, 1.])
    return [frame._replace(people=[person * scale for person in frame.people])
            for frame in frames]


def _without_gaps(frames: Sequence[_Frame], keypoints: np.ndarray, scores: np.ndarray
                  ) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frames at even steps, the least common one; those that are not listed have score 0."""
    span = frames[-1].number - frames[0].number
    if span > _MOST_FRAMES:
        raise DatasetError(f'frame numbers from {frames[0].number} to {frames[-1].number}: these '
                           'are not the frames of one recording', file=frames[-1].file)
    numbers = np.array([frame.number for frame in frames], dtype=np.int64)
    steps = np.diff(numbers)
    if (steps == 0).any():
        frame = frames[int(np.flatnonzero(steps == 0)[0])]
        raise DatasetError('a frame comes twice', file=frame.file, frame=frame.number)
    step = max(1, int(np.gcd.reduce(steps))) if len(steps) else 1
    place = (numbers - numbers[0]) // step
    every = numbers[0] + step * np.arange(place[-1] + 1)
    out_keypoints = np.zeros((len(every), *keypoints.shape[1:]), np.float32)
    out_scores = np.zeros((len(every), scores.shape[1]), np.float32)
    out_keypoints[place], out_scores[place] = keypoints, scores
    return every, out_keypoints, out_scores


def guess_image_size(recordings: Iterable[Detections]) -> Tuple[float, float]:
    """(width, height) px of the smallest usual video that holds all but 1 of 1,000 key points."""
    points = np.concatenate([d.keypoints[d.scores > 0] for d in recordings])
    corner = np.quantile(points, .999, axis=0)
    for long, short in ((640, 360), (640, 480), (1280, 720), (1920, 1080), (2560, 1440),
                        (3840, 2160), (7680, 4320)):
        for size in ((long, short), (short, long)):
            if (corner <= size).all():
                return float(size[0]), float(size[1])
    return float(np.ceil(corner[0])), float(np.ceil(corner[1]))
