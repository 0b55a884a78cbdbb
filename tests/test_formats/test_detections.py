"""Each detector's output is read as it is published, and what cannot be used is named."""
import json

import numpy as np
import pytest

from mmviewpose.datasets.formats.detections import (Detections, find_recordings,
                                                    follow_main_person, guess_image_size,
                                                    read_detections)
from mmviewpose.errors import DatasetError
from mmviewpose.skeletons import get_skeleton

JOINTS = dict(mmpose=17, openpose=25, alphapose=17, mediapipe=33)


@pytest.fixture
def rng():
    return np.random.Generator(np.random.PCG64(0))


def make_person(rng, frames, joints, place=(400., 300.), size=80.):
    """(T, K, 3): x, y and score of somebody who drifts to the right by 2 px a frame."""
    pose = np.array(place) + size * rng.normal(size=(joints, 2))
    points = pose + np.stack([2. * np.arange(frames), np.zeros(frames)], -1)[:, None]
    return np.concatenate([points, rng.uniform(.5, .9, (frames, joints, 1))], -1)


def instance(person):
    return dict(keypoints=person[:, :2].tolist(), keypoint_scores=person[:, 2].tolist(),
                bbox=[[0., 0., 1., 1.]], bbox_score=.9)


def write(folder, format, frames):
    """Write a detector's output; frames: {number: [(K, 3), ...]}. Gives what is to be read."""
    folder.mkdir(parents=True, exist_ok=True)
    if format == 'mmpose':
        path = folder / 'predictions' / 'video.json'
        path.parent.mkdir(exist_ok=True)
        content = [dict(frame_id=n, instances=[instance(p) for p in people])
                   for n, people in frames.items()]
        path.write_text(json.dumps(content))
    elif format == 'openpose':
        for n, people in frames.items():
            content = dict(version=1.3, people=[
                dict(person_id=[-1], pose_keypoints_2d=p.ravel().tolist(), face_keypoints_2d=[])
                for p in people])
            (folder / f'video_{n:012d}_keypoints.json').write_text(json.dumps(content))
    elif format == 'alphapose':
        content = [dict(image_id=f'{n}.jpg', category_id=1, keypoints=p.ravel().tolist(),
                        score=2.9, box=[0, 0, 1, 1], idx=1)
                   for n, people in frames.items() for p in people]
        (folder / 'alphapose-results.json').write_text(json.dumps(content))
    else:
        content = dict(image_size=[1000, 500], fps=25, frames=[
            dict(frame=n, pose_landmarks=[
                [dict(x=x / 1000, y=y / 500, z=0., visibility=s, presence=1.) for x, y, s in p]
                for p in people]) for n, people in frames.items()])
        (folder / 'video.json').write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize('format', JOINTS)
class TestEachFormat:

    def test_is_recognised_and_read(self, format, rng, tmp_path):
        person = make_person(rng, 6, JOINTS[format])
        found = read_detections(write(tmp_path, format, dict(enumerate(person[:, None]))))
        np.testing.assert_allclose(found.keypoints, person[..., :2], rtol=1e-5)
        np.testing.assert_allclose(found.scores, person[..., 2], rtol=1e-5)
        assert found.keypoints.dtype == found.scores.dtype == np.float32
        assert found.frames.tolist() == list(range(6)) and found.people == 1
        assert get_skeleton(found.layout).num_joints == JOINTS[format]

    def test_frames_without_a_person_and_frames_that_are_not_listed(self, format, rng, tmp_path):
        person = make_person(rng, 6, JOINTS[format])
        frames = {n: [person[n]] for n in (0, 1, 3, 5)}
        frames[3] = []
        found = read_detections(write(tmp_path, format, frames))
        assert found.seen.tolist() == [True, True, False, False, False, True]
        assert not found.keypoints[2:5].any()

    def test_the_main_person_of_several_is_followed(self, format, rng, tmp_path):
        joints = JOINTS[format]
        main = make_person(rng, 8, joints, size=90.)
        other = make_person(rng, 8, joints, place=(800., 200.), size=30.)
        frames = {n: [main[n], other[n]][::1 if n % 2 else -1] for n in range(8)}
        frames[4] = [other[4]]
        found = read_detections(write(tmp_path, format, frames))
        assert found.people == 2
        assert found.seen.tolist() == [True] * 4 + [False] + [True] * 3
        np.testing.assert_allclose(found.keypoints[found.seen], main[found.seen][..., :2],
                                   rtol=1e-4)

    def test_no_confidence_at_all(self, format, rng, tmp_path):
        person = make_person(rng, 3, JOINTS[format])
        person[..., 2] = 0
        with pytest.raises(DatasetError, match='no key point has a score above 0'):
            read_detections(write(tmp_path, format, dict(enumerate(person[:, None]))))

    def test_another_number_of_key_points(self, format, rng, tmp_path):
        person = make_person(rng, 3, 11)
        with pytest.raises(DatasetError, match='frame 0: 11 key points a person.*has'):
            read_detections(write(tmp_path, format, dict(enumerate(person[:, None]))))

    def test_a_value_that_is_not_finite(self, format, rng, tmp_path):
        person = make_person(rng, 5, JOINTS[format])
        person[3, 2, 0] = np.nan
        with pytest.raises(DatasetError, match='frame 3: a value is not finite'):
            read_detections(write(tmp_path, format, dict(enumerate(person[:, None]))))

    def test_truncated(self, format, rng, tmp_path):
        person = make_person(rng, 3, JOINTS[format])
        folder = write(tmp_path, format, dict(enumerate(person[:, None])))
        file = sorted(folder.rglob('*.json'))[-1]
        file.write_text(file.read_text()[:-20])
        with pytest.raises(DatasetError, match=f'{file.name}: not JSON, or truncated'):
            read_detections(folder)


def test_mmpose_writes_three_forms(rng, tmp_path):
    person = make_person(rng, 4, 17)
    whole = read_detections(write(tmp_path / 'video', 'mmpose', dict(enumerate(person[:, None]))))
    demo = tmp_path / 'demo.json'
    demo.write_text(json.dumps(dict(meta_info={}, instance_info=[
        dict(frame_id=n, instances=[instance(p)]) for n, p in enumerate(person)])))
    images = tmp_path / 'images'
    images.mkdir()
    for n, p in enumerate(person):
        (images / f'frame_{n:04d}.json').write_text(json.dumps([instance(p)]))
    for path in (demo, images):
        np.testing.assert_array_equal(read_detections(path).keypoints, whole.keypoints)
        np.testing.assert_array_equal(read_detections(path).frames, range(4))


@pytest.mark.parametrize('joints', [26, 133, 136])
def test_of_larger_sets_the_body_is_kept(joints, rng, tmp_path):
    person = make_person(rng, 2, joints)
    found = read_detections(write(tmp_path, 'alphapose', dict(enumerate(person[:, None]))))
    assert found.layout == 'coco17'
    np.testing.assert_allclose(found.keypoints, person[:, :17, :2], rtol=1e-5)


def test_alphapose_begins_at_frame_0_though_nobody_is_there(rng, tmp_path):
    person = make_person(rng, 2, 17)
    found = read_detections(write(tmp_path, 'alphapose', {2: [person[0]], 3: [person[1]]}))
    assert found.frames.tolist() == [0, 1, 2, 3] and found.seen.tolist() == [False] * 2 + [True] * 2


def test_mediapipe_gives_shares_of_the_image(rng, tmp_path):
    person = make_person(rng, 3, 33)
    folder = write(tmp_path, 'mediapipe', dict(enumerate(person[:, None])))
    found = read_detections(folder)
    assert found.image_size == (1000., 500.) and found.fps == 25
    np.testing.assert_allclose(read_detections(folder, image_size=(2000, 1000)).keypoints,
                               2 * person[..., :2], rtol=1e-5)
    content = json.loads((folder / 'video.json').read_text())
    del content['image_size']
    (folder / 'video.json').write_text(json.dumps(content))
    with pytest.raises(DatasetError, match='shares of the image; give its size'):
        read_detections(folder)


def test_scores_of_heat_maps_are_cut_at_one(rng, tmp_path):
    person = make_person(rng, 2, 17)
    person[..., 2] = 4.
    assert (read_detections(write(tmp_path, 'mmpose', dict(enumerate(person[:, None]))))
            .scores == 1.).all()


def test_every_second_frame(rng, tmp_path):
    person = make_person(rng, 4, 17)
    found = read_detections(write(tmp_path, 'mmpose', {2 * n: [p] for n, p in enumerate(person)}))
    assert found.frames.tolist() == [0, 2, 4, 6] and found.seen.all()


def test_to_h36m17_by_names_and_the_least_score(rng, tmp_path):
    person = make_person(rng, 3, 17)
    coco, h36m = get_skeleton('coco17').index, get_skeleton('h36m17').index
    person[1, coco('left_hip'), 2] = 0
    person[2, coco('right_ear'), 2] = 0
    found = read_detections(write(tmp_path, 'mmpose', dict(enumerate(person[:, None]))))
    mapped = found.to_layout('h36m17')
    assert mapped.layout == 'h36m17' and mapped.keypoints.shape == (3, 17, 2)
    for joint in ('left_wrist', 'right_knee', 'nose', 'left_shoulder'):
        np.testing.assert_allclose(mapped.keypoints[0, h36m(joint)],
                                   person[0, coco(joint), :2], rtol=1e-5)
    for joint, parts in (('pelvis', ('left_hip', 'right_hip')),
                         ('spine_shoulder', ('left_shoulder', 'right_shoulder'))):
        parts = [coco(part) for part in parts]
        np.testing.assert_allclose(mapped.keypoints[0, h36m(joint)],
                                   person[0, parts, :2].mean(0), rtol=1e-5)
        assert mapped.scores[0, h36m(joint)] == pytest.approx(person[0, parts, 2].min())
    # A joint that is made of one that was not seen is not seen.
    assert mapped.scores[1, h36m('pelvis')] == mapped.scores[1, h36m('spine_mid')] == 0
    assert not mapped.keypoints[1, h36m('pelvis')].any()
    # From the side one ear is hidden; the other stands in for it, with half its score.
    assert mapped.scores[2, h36m('head_top')] == pytest.approx(
        min(.5 * person[2, coco('left_ear'), 2], *(person[2, coco(f'{side}_shoulder'), 2]
                                                   for side in ('left', 'right'))))


@pytest.mark.parametrize('layout', ['openpose25', 'mediapipe33', 'coco17'])
def test_all_layouts_can_be_had_as_h36m17(layout):
    joints = get_skeleton(layout).num_joints
    found = Detections(np.ones((2, joints, 2), np.float32), np.ones((2, joints), np.float32),
                       np.arange(2), layout)
    mapped = found.to_layout('h36m17')
    np.testing.assert_allclose(mapped.keypoints, 1., rtol=1e-6)
    assert (mapped.scores == 1.).all()
    h36m = Detections(mapped.keypoints, mapped.scores, np.arange(2), 'h36m17')
    with pytest.raises(ValueError, match='it has no'):
        h36m.to_layout('mediapipe33')


class TestCannotBeRead:

    def refuse(self, path, content, match, **options):
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        with pytest.raises(DatasetError, match=match):
            read_detections(path, **options)

    def test_unknown_format(self, tmp_path):
        for content in (dict(shapes=[]), [1, 2], [dict(boxes=[])], 'null'):
            self.refuse(tmp_path / 'x.json', content, 'x.json: not the output of a known detector')

    def test_unknown_name_of_a_format(self, tmp_path):
        with pytest.raises(ValueError, match="no format 'detectron'; there are mmpose"):
            read_detections(tmp_path, 'detectron')

    def test_nothing_there(self, tmp_path):
        with pytest.raises(DatasetError, match='no such file'):
            read_detections(tmp_path / 'nowhere')
        with pytest.raises(DatasetError, match='no .json file'):
            read_detections(tmp_path)
        self.refuse(tmp_path / 'x.json', [], 'x.json: no frames')

    def test_parts_that_are_missing_or_do_not_fit(self, rng, tmp_path):
        path = tmp_path / 'x.json'
        person = instance(make_person(rng, 1, 17)[0])
        good = dict(frame_id=0, instances=[person])
        lacks = dict(frame_id=4, instances=[dict(keypoints=person['keypoints'])])
        self.refuse(path, [good, lacks], "x.json: frame 4: 'keypoint_scores' is missing")
        short = dict(person, keypoint_scores=[.5])
        self.refuse(path, [good, dict(frame_id=4, instances=[short])], 'frame 4: .*do not fit')
        words = dict(person, keypoint_scores=['a'] * 17)
        self.refuse(path, [dict(frame_id=4, instances=[words])], 'frame 4: .*must be numbers')
        lifted = dict(person, keypoints=[[1., 2., 3.]] * 17)
        self.refuse(path, [dict(frame_id=4, instances=[lifted])], 'frame 4: .*3D')
        self.refuse(path, [good, good], 'frame 0: a frame comes twice')
        self.refuse(path, [dict(image_id='front.jpg', keypoints=[0.] * 51)],
                    "'front.jpg' has no frame number")
        self.refuse(path, dict(people=[dict(pose_keypoints_2d=[1., 2.])]), 'no frame number')
        self.refuse(path, dict(frames=[dict(frame=7, pose_landmarks=[[dict(x=1.)]])]),
                    "frame 7: a landmark must have numbers")
        for header in (dict(image_size=[640]), dict(image_size=['wide', 'high']), dict(fps='fast'),
                       dict(fps=-30)):
            self.refuse(path, dict(frames=[], **header), "x.json: 'image_size' must be .* 'fps' a")
        self.refuse(path, [good, dict(good, frame_id=20240131120000)],
                    'frame numbers from 0 to 20240131120000: these are not')

    def test_several_videos_in_one_folder(self, rng, tmp_path):
        for name in 'ab':
            content = [dict(frame_id=0, instances=[instance(make_person(rng, 1, 17)[0])])]
            (tmp_path / f'{name}.json').write_text(json.dumps(content))
        with pytest.raises(DatasetError, match='a.json: several files.*whole video'):
            read_detections(tmp_path)
        assert list(find_recordings(tmp_path)) == ['a', 'b']


def test_find_recordings(rng, tmp_path):
    frames = dict(enumerate(make_person(rng, 2, 25)[:, None]))
    for clip in ('jump', 'walk'):
        write(tmp_path / 'front' / clip, 'openpose', frames)
    front = tmp_path / 'front'
    assert find_recordings(front) == dict(jump=front / 'jump', walk=front / 'walk')
    assert find_recordings(front / 'jump') == {'': front / 'jump'}
    file = next((front / 'jump').iterdir())
    assert find_recordings(file) == {'': file}
    (tmp_path / 'empty').mkdir()
    for path, problem in ((tmp_path / 'empty', 'holds no .json'), (tmp_path / 'no', 'no such')):
        with pytest.raises(DatasetError, match=problem):
            find_recordings(path)


class TestMainPerson:

    def test_who_is_lost_for_a_while_is_joined_again(self, rng):
        main = make_person(rng, 90, 17)
        people = main[:, None].copy()
        people[20:70] = 0       # longer than the gap after which a new track begins
        found = follow_main_person(people[..., :2], people[..., 2])
        assert (found == np.where(people[:, 0, 0, 2] > 0, 0, -1)).all()

    def test_crossing_people_are_told_apart_by_where_they_were(self, rng):
        first = make_person(rng, 60, 17, place=(300., 300.))
        second = make_person(rng, 60, 17, place=(420., 330.))
        second[..., 0] = 2 * second[:1, :, 0] - second[..., 0]       # walks to the left
        second[..., 2] *= .5
        people = np.stack([first, second], 1)
        swap = rng.random(60) < .5
        people[swap] = people[swap, ::-1]
        found = follow_main_person(people[..., :2], people[..., 2])
        np.testing.assert_array_equal(found, swap.astype(int))

    def test_nobody(self):
        assert (follow_main_person(np.zeros((3, 2, 17, 2)), np.zeros((3, 2, 17))) == -1).all()


def test_guess_image_size():
    def seen(x, y):
        return Detections(np.full((2, 17, 2), (x, y), np.float32), np.ones((2, 17), np.float32),
                          np.arange(2), 'coco17')

    assert guess_image_size([seen(1800., 700.)]) == (1920., 1080.)
    assert guess_image_size([seen(600., 1200.)]) == (720., 1280.)
    assert guess_image_size([seen(100., 100.), seen(630., 470.)]) == (640., 480.)
    assert guess_image_size([seen(9000.5, 100.)]) == (9001., 100.)
